/** A standalone store on real files: what a test applies is written as a manifest, loaded and given to the store. */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadManifests, type Manifests } from "../../src/standalone/manifests.ts";
import { createStandaloneStore } from "../../src/standalone/store.ts";
import type { StoreUnderTest } from "./store-contract.ts";

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
  /** Writes a file into it and returns its path. */
  write(name: string, text: string): Promise<string>;
}
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-"));
  return {
    path,
    // At once: whoever watches the folder would see an empty file in between.
    async write(name, text) {
      const file = join(path, name);
      await writeFile(`${file}.part`, text);
      await rename(`${file}.part`, file);
      return file;
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

export async function mustLoad(paths: readonly string[]): Promise<Manifests> {
  const loaded = await loadManifests(paths);
  if (loaded.type === "invalid") throw new Error(loaded.errors.join("\n"));
  return loaded.manifests;
}

export async function standaloneStoreUnderTest(): Promise<StoreUnderTest> {
  const folder = await temporaryFolder();
  const file = await folder.write("all.json", list([]));
  const store = createStandaloneStore({ manifests: await mustLoad([file]), dataFile: join(folder.path, "state") });
  const objects = new Map<string, object>();
  const namespace = "contract";

  async function change(kind: string, name: string, object: object | undefined): Promise<void> {
    if (object) objects.set(`${kind} ${name}`, object);
    else objects.delete(`${kind} ${name}`);
    await folder.write("all.json", list([...objects.values()]));
    store.reload(await mustLoad([file]));
  }
  return {
    store,
    namespace,
    applyRequest: (name, spec, annotations = {}) =>
      change("HTTPRequest", name, {
        apiVersion: "holdfast.dev/v1alpha1",
        kind: "HTTPRequest",
        metadata: { name, namespace, annotations },
        spec,
      }),
    deleteRequest: (name) => change("HTTPRequest", name, undefined),
    applyData(kind, name, data) {
      const encoded = Object.entries(data).map(([key, bytes]) => [key, Buffer.from(bytes).toString("base64")]);
      const field = kind === "Secret" ? "data" : "binaryData";
      return change(kind, name, { apiVersion: "v1", kind, metadata: { name, namespace }, [field]: Object.fromEntries(encoded) });
    },
    deleteData: (kind, name) => change(kind, name, undefined),
    async [Symbol.asyncDispose]() {
      store[Symbol.dispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function list(items: readonly object[]): string {
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}
