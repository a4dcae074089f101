import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import type { Precondition, ResourceStore } from "../../src/core/ports.ts";
import { redact } from "../../src/core/redacted.ts";
import { secretType, type Reference, type Resource, type ResourceType } from "../../src/core/resource.ts";
import type { Manifests } from "../../src/standalone/manifests.ts";
import { createStandaloneStore, type StandaloneStore } from "../../src/standalone/store.ts";
import { mustLoad, standaloneStoreUnderTest, temporaryFolder, type TemporaryFolder } from "../support/standalone-store.ts";
import { storeContract } from "../support/store-contract.ts";
import { watching } from "../support/watching.ts";

storeContract("standalone", standaloneStoreUnderTest, { recreated: "sameObject" });

const requests: ResourceType = { group: "holdfast.dev", version: "v1alpha1", kind: "HTTPRequest", plural: "httprequests" };
const { signal } = new AbortController();
const inFlight = {
  attempt: { id: "one", digest: "d", phase: "InFlight", sender: "me", startedAt: "2026-01-02T03:04:05Z", tries: 1 },
};
const manifest = (spec = "url: http://localhost/", name = "ada"): string =>
  `apiVersion: holdfast.dev/v1alpha1\nkind: HTTPRequest\nmetadata: {name: ${name}}\nspec:\n  ${spec}\n`;

async function listed(store: ResourceStore): Promise<readonly Resource[]> {
  await using watched = watching((signal) => store.watch(requests, signal));
  return watched.listed();
}
async function only(store: ResourceStore): Promise<Resource> {
  const [resource, ...others] = await listed(store);
  if (!resource || others.length > 0) throw new Error("there must be one object");
  return resource;
}
function write(store: ResourceStore, resource: Resource, status: object, precondition: Precondition = { type: "unchanged" }) {
  return store.writeStatus(requests, resource, status, precondition, signal);
}

describe("the state of standalone", () => {
  let resources = new AsyncDisposableStack();
  let folder: TemporaryFolder;
  beforeEach(async () => {
    resources = new AsyncDisposableStack();
    folder = resources.use(await temporaryFolder());
  });
  afterEach(async () => resources.disposeAsync());

  const dataFile = (): string => join(folder.path, "state");
  async function open(text: string): Promise<StandaloneStore> {
    return createStandaloneStore({ manifests: await mustLoad([await folder.write("all.yaml", text)]), dataFile: dataFile() });
  }

  test("deletes no object: each is there as long as its manifest is", async () => {
    using store = await open(manifest());
    expect(await store.remove(requests, await only(store), signal)).toEqual({ type: "unsupported" });
    expect((await only(store)).metadata.name).toBe("ada");
  });

  test("keeps an object with a finalizer after its manifest is gone, until that is taken off", async () => {
    using store = await open(manifest());
    await using watched = watching((signal) => store.watch(requests, signal));
    const finalizer = { name: "holdfast.dev/release", present: true };
    await store.setFinalizer(requests, await only(store), finalizer, signal);
    await write(store, await only(store), { completedRuns: 1 });
    expect((await only(store)).metadata.finalizers).toEqual(["holdfast.dev/release"]);
    store.reload({ objects: [], data: [], namespaces: [] });
    store.reload({ objects: [], data: [], namespaces: [] });
    const leaving = await only(store);
    expect(leaving.metadata.deletionTimestamp).toBeDefined();
    await write(store, leaving, { completedRuns: 2 });
    expect((await only(store)).metadata.deletionTimestamp).toBe(leaving.metadata.deletionTimestamp);
    const answer = await store.setFinalizer(requests, await only(store), { ...finalizer, present: false }, signal);
    expect(answer.type).toBe("written");
    expect(await listed(store)).toEqual([]);
    await watched.until((event) => event.type === "deleted");
  });
  test("refuses a finalizer for another object of the same name", async () => {
    using store = await open(manifest());
    const { metadata, ...rest } = await only(store);
    const other = { ...rest, metadata: { ...metadata, uid: "another" } };
    const answer = await store.setFinalizer(requests, other, { name: "holdfast.dev/release", present: true }, signal);
    expect(answer).toEqual({ type: "conflict" });
  });

  test("remembers uid, generation and status from one process to the next", async () => {
    let before: Resource;
    {
      using store = await open(manifest());
      await write(store, await only(store), { completedRuns: 1 });
      before = await only(store);
    }
    using store = await open(manifest());
    const { resourceVersion, creationTimestamp: _, ...metadata } = before.metadata;
    expect(await only(store)).toMatchObject({ metadata, status: { completedRuns: 1 } });
    expect(store.isNewer(resourceVersion, (await only(store)).metadata.resourceVersion)).toBe(false);
  });

  test("counts a generation for a spec that changed between two processes, and none for its order or its defaults", async () => {
    (await open(manifest("{method: POST, url: http://localhost/}")))[Symbol.dispose]();
    {
      using same = await open(manifest("{url: http://localhost/, method: POST, suspend: false}"));
      expect((await only(same)).metadata.generation).toBe(1);
    }
    using changed = await open(manifest("{url: http://localhost/, method: PUT}"));
    expect((await only(changed)).metadata.generation).toBe(2);
  });

  test("knows an object again whose manifest was away", async () => {
    {
      using store = await open(manifest());
      await write(store, await only(store), { completedRuns: 1 });
    }
    {
      using store = await open("");
      expect(await listed(store)).toEqual([]);
    }
    using store = await open(manifest());
    expect((await only(store)).status).toEqual({ completedRuns: 1 });
  });

  test("remembers what came of an attempt whose manifest went away meanwhile", async () => {
    using store = await open(manifest());
    const declared = await write(store, await only(store), inFlight);
    if (declared.type === "conflict") throw new Error("the intent must land");
    store.reload({ objects: [], data: [], namespaces: [] });
    const outcome = await write(store, declared.resource, { completedRuns: 1 }, { type: "attempt", id: "one", sender: "me" });
    expect(outcome).toEqual({ type: "conflict" });
    store.reload(await mustLoad([join(folder.path, "all.yaml")]));
    expect((await only(store)).status).toEqual({ completedRuns: 1 });
  });

  test("does not write a status, other than an outcome, of an object whose manifest is away", async () => {
    using store = await open(manifest());
    const resource = await only(store);
    store.reload({ objects: [], data: [], namespaces: [] });
    expect(await write(store, resource, inFlight)).toEqual({ type: "conflict" });
    store.reload(await mustLoad([join(folder.path, "all.yaml")]));
    expect((await only(store)).status).toBeUndefined();
  });

  test("tells nothing when the same manifests are loaded again", async () => {
    using store = await open(manifest());
    await using watched = watching((signal) => store.watch(requests, signal));
    await watched.listed();
    store.reload(await mustLoad([join(folder.path, "all.yaml")]));
    store.reload(await mustLoad([await folder.write("other.yaml", manifest("url: http://localhost/", "grace"))]));
    await watched.until((event) => event.type === "applied" && event.resource.metadata.name === "grace");
    expect(watched.seen.map((event) => event.type).toSorted()).toEqual(["applied", "deleted", "listed"]);
  });

  test("keeps the object's version when a status is written that is there already", async () => {
    using store = await open(manifest());
    const first = await write(store, await only(store), { completedRuns: 1 });
    if (first.type === "conflict") throw new Error("the first write must land");
    expect(await write(store, first.resource, { completedRuns: 1 })).toEqual(first);
  });

  test("throws for a status that the kind's schema does not have, and keeps the old one", async () => {
    using store = await open(manifest());
    const resource = await only(store);
    await expect(write(store, resource, { completedRuns: "one" })).rejects.toThrow(
      "HTTPRequest: status.completedRuns: Invalid value: must be of type integer, not string",
    );
    await expect(write(store, resource, { runs: 1 })).rejects.toThrow("status.runs: unknown field");
    expect((await only(store)).status).toBeUndefined();
  });

  test("holds neither a spec nor a Secret in its file", async () => {
    const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: token}\nstringData: {token: in-a-secret-41}\n";
    const store = await open(`${manifest("url: http://in-a-spec-42/")}---\n${secret}`);
    const files = async () =>
      Promise.all(
        (await readdir(folder.path))
          .filter((name) => name !== "all.yaml")
          .map((name) => readFile(join(folder.path, name), "latin1")),
      );
    const open42 = (await files()).join("");
    store[Symbol.dispose]();
    const all = open42 + (await files()).join("");
    expect(all).toContain("ada");
    expect(all).not.toMatch(/in-a-(secret|spec)-4/);
  });

  test("lets nobody but its owner read the file", async () => {
    using _ = await open(manifest());
    for (const name of (await readdir(folder.path)).filter((name) => name.startsWith("state")))
      expect([name, (await stat(join(folder.path, name))).mode & 0o077]).toEqual([name, 0]);
  });

  test("finds what a request made, and that there is no such Secret, without a look at all objects", async () => {
    using store = await open(manifest());
    const owner = { type: requests, metadata: (await only(store)).metadata };
    const object = {
      field: "spec.outputs[0]",
      type: secretType,
      name: "made",
      secretType: "Opaque",
      labels: {},
      annotations: {},
    };
    await store.writeOutput(owner, object, redact({ a: "1" }), signal);
    const read = (name: string) => store.read({ type: secretType, key: { namespace: "default", name } }, signal);
    const looks = jest.spyOn(Map.prototype, "values");
    try {
      const found = await Promise.all(["made", "missing"].map(read));
      expect(found.map(({ type }) => type)).toEqual(["found", "absent"]);
      expect(looks).not.toHaveBeenCalled();
    } finally {
      looks.mockRestore();
    }
    store.reload({ objects: [], data: [], namespaces: [] });
    expect((await read("made")).type).toBe("absent");
  });

  test("tells of changed Secrets also where what it keeps of held objects cannot be written, and keeps it when it can", async () => {
    const withSecret = async (value: string, url: string): Promise<Manifests> => {
      const secret = `apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: "${value}"}\n`;
      return mustLoad([await folder.write("all.yaml", `${manifest(`url: ${url}`)}---\n${secret}`)]);
    };
    let isFull = false;
    const neededAtEnd = (): readonly Reference[] => {
      if (isFull) throw new Error("the disk is full");
      return [{ type: secretType, key: { namespace: "default", name: "s" } }];
    };
    using store = createStandaloneStore({ manifests: await withSecret("1", "http://a/"), dataFile: dataFile(), neededAtEnd });
    await store.setFinalizer(requests, await only(store), { name: "holdfast.dev/release", present: true }, signal);
    await using watched = watching((signal) => store.watchData?.(secretType, "default", signal) ?? store.watch(requests, signal));
    const [before] = await watched.listed();
    isFull = true;
    const next = await withSecret("2", "http://b/");
    expect(() => store.reload(next)).toThrow("the disk is full");
    await watched.until(
      (event) => event.type === "applied" && event.resource.metadata.resourceVersion !== before?.metadata.resourceVersion,
    );
    isFull = false;
    store.reload(next);
    using reader = new DatabaseSync(dataFile(), { readOnly: true });
    const { content } = reader.prepare("SELECT content FROM held").get() as { readonly content: string };
    const value = Buffer.from("2").toString("base64");
    expect(JSON.parse(content)).toMatchObject({ spec: { url: "http://b/" }, data: { "Secret default/s": { a: value } } });
  });

  test("works without a file", async () => {
    using store = createStandaloneStore({ manifests: await mustLoad([await folder.write("all.yaml", manifest())]) });
    expect(await write(store, await only(store), { completedRuns: 1 })).toMatchObject({ type: "written" });
  });

  describe("of a file that cannot be used says what to do", () => {
    test.each([
      ["no database", "this is text, and long enough to have a header of its own, surely", "not a database; choose another file"],
      ["its folder missing", undefined, "its folder does not exist"],
    ])("%s", async (_, content, message) => {
      if (content !== undefined) await folder.write("state", content);
      const file = content === undefined ? join(folder.path, "none", "state") : dataFile();
      expect(() => createStandaloneStore({ manifests: { objects: [], data: [], namespaces: [] }, dataFile: file })).toThrow(
        `${file}: ${message}`,
      );
    });

    test("one that is in use, even when it is not being written", async () => {
      using _ = await open(manifest());
      await expect(open(manifest())).rejects.toThrow("in use by another process: end that one, or choose another file");
    });

    test("a database of another program", async () => {
      const database = new DatabaseSync(dataFile());
      database.exec("CREATE TABLE theirs (x)");
      database.close();
      await expect(open("")).rejects.toThrow("a database of another program; choose another file");
    });

    test("tables of another version", async () => {
      (await open(""))[Symbol.dispose]();
      const database = new DatabaseSync(dataFile());
      database.exec("PRAGMA user_version = 99");
      database.close();
      await expect(open("")).rejects.toThrow("written by another version of Holdfast");
    });
  });

  describe("beside another process", () => {
    async function writer(): Promise<Writer> {
      const file = await folder.write("all.yaml", manifest());
      return resources.use(await startWriter(dataFile(), file));
    }

    test("refuses a file that is in use, and takes it as soon as the other one was killed", async () => {
      const other = await writer();
      await expect(open(manifest())).rejects.toThrow("in use by another process: end that one, or choose another file");
      await other.kill();
      using store = await open(manifest());
      expect(await listed(store)).toHaveLength(1);
    });

    test.each([50, 200, 500])("has every status that was acknowledged before kill -9 (after %d)", async (count) => {
      const other = await writer();
      await other.acknowledged(count);
      const last = await other.kill();
      using store = await open(manifest());
      const { completedRuns } = (await only(store)).status as { completedRuns: number };
      // One more may have been committed, and not yet been told.
      expect([last, last + 1]).toContain(completedRuns);
    });
  });
});

interface Writer extends AsyncDisposable {
  acknowledged(count: number): Promise<void>;
  /** kill -9; returns how many it had acknowledged. */
  kill(): Promise<number>;
}
async function startWriter(dataFile: string, manifest: string): Promise<Writer> {
  const script = fileURLToPath(new URL("../support/status-writer.ts", import.meta.url));
  const child = spawn(process.execPath, [script, dataFile, manifest], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  let last = 0;
  createInterface(child.stdout).on("line", (line) => {
    last = Number(line);
    child.emit("acknowledged");
  });
  const writer: Writer = {
    async acknowledged(count) {
      if (last >= count) return;
      await Promise.race([once(child, "acknowledged"), ended.then(() => Promise.reject(new Error("the writer has ended")))]);
      await writer.acknowledged(count);
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
      return last;
    },
    async [Symbol.asyncDispose]() {
      await writer.kill();
    },
  };
  await writer.acknowledged(1);
  return writer;
}
