import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { writeFileSync } from "node:fs";
import { mkdir, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { marksOf } from "../../src/standalone/files.ts";
import { watchManifests } from "../../src/standalone/manifests.ts";
import { head, request, named, secret } from "../support/manifest-texts.ts";
import { mustLoad, temporaryFolder, type TemporaryFolder } from "../support/standalone-store.ts";

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => folder[Symbol.asyncDispose]());

const names = ({ objects }: { objects: readonly { key: { name: string } }[] }) => objects.map(({ key }) => key.name);

describe("what is loaded", () => {
  test("an object with its defaults, in the namespace default", async () => {
    const { objects } = await mustLoad([await folder.write("a.yaml", request)]);
    expect(objects).toMatchObject([
      {
        type: { group: "holdfast.dev", version: "v1alpha1", kind: "HTTPRequest", plural: "httprequests" },
        key: { namespace: "default", name: "ada" },
        spec: { url: "http://localhost/", method: "GET", expect: { status: ["2xx"] }, retry: { backoff: { max: "5m" } } },
      },
    ]);
  });

  test("namespace, labels and annotations; a status and what a server adds are of no effect", async () => {
    const metadata =
      "{name: a, namespace: team-a, labels: {x: y1}, annotations: {note: '1'}, uid: u, generation: 7, managedFields: []}";
    const text = `apiVersion: holdfast.dev/v1alpha1\nkind: HTTPEndpoint\nmetadata: ${metadata}\nspec: {baseURL: http://h}\nstatus: {x: 1}\n`;
    const [object] = (await mustLoad([await folder.write("a.yaml", text)])).objects;
    expect(object?.key).toEqual({ namespace: "team-a", name: "a" });
    expect({ ...object?.labels }).toEqual({ x: "y1" });
    expect({ ...object?.annotations }).toEqual({ note: "1" });
    expect(object).not.toHaveProperty("status");
  });

  test("all documents of a file, empty ones left out", async () => {
    const text = `---\n# nothing here\n---\n${request}---\n${named("grace")}...\n`;
    expect(names(await mustLoad([await folder.write("a.yaml", text)]))).toEqual(["ada", "grace"]);
  });

  test("the objects of a List, as kubectl prints one, in JSON too", async () => {
    const items = ["one", "two"].map((name) => ({
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "HTTPRequest",
      metadata: { name },
      spec: { url: "http://localhost/" },
    }));
    const text = JSON.stringify({ apiVersion: "v1", kind: "List", metadata: { resourceVersion: "" }, items }, undefined, "\t");
    expect(names(await mustLoad([await folder.write("a.json", text)]))).toEqual(["one", "two"]);
  });

  test("a folder with those below it, by name, and nothing but YAML and JSON; a file whatever its name", async () => {
    await mkdir(join(folder.path, "sub"));
    await folder.write("sub/b.yml", named("b"));
    await folder.write("c.json", JSON.stringify({ apiVersion: "v1", kind: "List", items: [] }));
    await folder.write("z.yaml", named("z"));
    await folder.write("a.yaml", named("a"));
    await folder.write("notes.txt", "not: [yaml");
    expect(names(await mustLoad([folder.path]))).toEqual(["a", "b", "z"]);
    expect(names(await mustLoad([await folder.write("manifest.tmpl", request)]))).toEqual(["ada"]);
  });

  test("files through links, as a mounted ConfigMap has them, once", async () => {
    await mkdir(join(folder.path, "mount/..2026"), { recursive: true });
    await folder.write("mount/..2026/a.txt", request);
    await symlink("..2026", join(folder.path, "mount/..data"));
    await symlink("..data/a.txt", join(folder.path, "mount/a.yaml"));
    expect(names(await mustLoad([join(folder.path, "mount")]))).toEqual(["ada"]);
  });

  test("Secrets: data decoded, stringData as it stands and over data", async () => {
    const text = `${secret}data: {bytes: AP8=, both: b2xk, lines: "aGVs\\nbG8="}\nstringData: {text: größer, both: new}\n`;
    const [data] = (await mustLoad([await folder.write("a.yaml", text)])).data;
    const bytes = Object.fromEntries(Object.entries(data?.data ?? {}).map(([key, value]) => [key, [...value]]));
    expect(bytes).toEqual({
      bytes: [0, 255],
      both: [...Buffer.from("new")],
      lines: [...Buffer.from("hello")],
      text: [...Buffer.from("größer")],
    });
  });

  test("ConfigMaps: data as it stands, binaryData decoded", async () => {
    const text =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {version: 1.4.2, __proto__: p}\nbinaryData: {bytes: AP8=}\n";
    const [data] = (await mustLoad([await folder.write("a.yaml", text)])).data;
    expect(Object.keys(data?.data ?? {}).toSorted()).toEqual(["__proto__", "bytes", "version"]);
    expect(Buffer.from(data?.data["version"] ?? []).toString()).toBe("1.4.2");
    expect([...(data?.data["bytes"] ?? [])]).toEqual([0, 255]);
  });

  test("integers exactly, whatever their size", async () => {
    const text = `${request}  method: POST\n  body: {json: [9007199254740993, 12345678901234567890, -9223372036854775808, 1.5]}\n`;
    const [object] = (await mustLoad([await folder.write("a.yaml", text)])).objects;
    expect(JSON.stringify(object?.spec)).toContain("[9007199254740993,12345678901234567890,-9223372036854775808,1.5]");
  });

  test("free-form values as kubectl reads them: YAML 1.1", async () => {
    const json =
      "{on: yes, country: NO, octal: 0777, date: 2026-01-02, time: 1:30, sha: 1e5, word: e5, quoted: 'yes', nothing: ~}";
    const [object] = (await mustLoad([await folder.write("a.yaml", `${request}  body: {json: ${json}}\n`)])).objects;
    expect(JSON.parse(JSON.stringify(object?.spec))).toMatchObject({
      body: {
        json: {
          true: true,
          country: false,
          octal: 511,
          date: "2026-01-02",
          time: "1:30",
          sha: 100000,
          word: "e5",
          quoted: "yes",
          nothing: null,
        },
      },
    });
  });

  test("anchors and merge keys", async () => {
    const text = `${head}spec:\n  url: http://localhost/\n  body:\n    json: {base: &b {x: 1, z: 2}, own: {<<: *b, z: 3}, same: *b}\n`;
    const [object] = (await mustLoad([await folder.write("a.yaml", text)])).objects;
    expect(JSON.parse(JSON.stringify(object?.spec))).toMatchObject({
      body: { json: { base: { x: 1, z: 2 }, own: { x: 1, z: 3 }, same: { x: 1, z: 2 } } },
    });
  });

  test("of a Namespace its labels, and not what is of other kinds: each is named", async () => {
    const text =
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: ada, labels: {team: a}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n";
    const { ignored, namespaces } = await mustLoad([await folder.write("a.yaml", text)]);
    expect(namespaces).toEqual([expect.objectContaining({ key: { namespace: "", name: "ada" }, labels: { team: "a" } })]);
    expect(ignored).toEqual([
      `${folder.path}/a.yaml:5: apps/v1 Deployment is ignored: it is neither of holdfast.dev, nor a Secret or ConfigMap`,
    ]);
  });
});

describe("watching the files", () => {
  test("tells what is there, and again when a file changes, comes or goes, and nothing in between", async () => {
    const abort = new AbortController();
    await folder.write("a.yaml", request);
    const told: string[] = [];
    for await (const loaded of watchManifests([folder.path], abort.signal, 5)) {
      told.push(loaded.type === "loaded" ? names(loaded.manifests).join() : loaded.type);
      if (told.length === 1) await folder.write("b.yaml", named("grace"));
      if (told.length === 2) await folder.write("b.yaml", "a: b: c");
      if (told.length === 3) await folder.write("b.yaml", "");
      if (told.length === 4) abort.abort();
    }
    expect(told).toEqual(["ada", "ada,grace", "invalid", "ada"]);
  });
  test("tells nothing of files that are just being written, which for a moment hold less than they will", async () => {
    const abort = new AbortController();
    const file = await folder.write("a.yaml", request);
    const told: string[] = [];
    let written = 0;
    let writing: NodeJS.Timeout | undefined;
    using _ = { [Symbol.dispose]: () => clearInterval(writing) };
    for await (const loaded of watchManifests([folder.path], abort.signal, 50)) {
      told.push(loaded.type === "loaded" ? names(loaded.manifests).join() : loaded.type);
      if (told.length === 2) abort.abort();
      // Between any two looks it is written at least once: of two timers the one that is due first comes first.
      writing ??= setInterval(() => {
        written += 1;
        writeFileSync(file, written < 400 ? `# ${written}` : named("grace"));
        if (written === 400) clearInterval(writing);
      }, 1);
    }
    expect(told).toEqual(["ada", "grace"]);
    expect(written).toBe(400);
  });
});

describe("marks of files, by which they need not be read again", () => {
  const later = () => Date.now() + 60_000;
  const changes: Record<string, (file: string) => Promise<unknown>> = {
    async "other content of the same length, with its time set back"(file) {
      const { atime, mtime, ctimeMs } = await stat(file);
      // A file system's clock has steps.
      while ((await stat(file)).ctimeMs === ctimeMs) {
        await writeFile(file, request.replace("ada", "eve"));
        await utimes(file, atime, mtime);
      }
    },
    async "another file in its place"(file) {
      await writeFile(join(folder.path, "new"), request);
      await rename(join(folder.path, "new"), file);
    },
    "a file more": () => folder.write("b.yaml", named("grace")),
    "one less": (file) => rm(file),
    async "what a link leads to"() {
      await folder.write("other", named("grace"));
      await symlink(join(folder.path, "other"), join(folder.path, "link.yaml"));
    },
  };

  test.each(Object.entries(changes))("tell of %s", async (_, change) => {
    const file = await folder.write("a.yaml", request);
    const before = await marksOf([folder.path], later());
    expect(before).toBeDefined();
    expect(await marksOf([folder.path], later())).toBe(before);
    await change(file);
    const after = await marksOf([folder.path], later());
    expect(after).toBeDefined();
    expect(after).not.toBe(before);
  });
  test("are none while something was written a moment ago, or a file cannot be looked at", async () => {
    const file = await folder.write("a.yaml", request);
    const { ctimeMs } = await stat(file);
    expect(await marksOf([file], ctimeMs + 1_000)).toBeUndefined();
    expect(await marksOf([file], ctimeMs - 60_000)).toBeUndefined(); // the clock was set back
    expect(await marksOf([file], ctimeMs + 10_000)).toBeDefined();
    await symlink(join(folder.path, "nowhere"), join(folder.path, "link.yaml"));
    expect(await marksOf([folder.path], later())).toBeUndefined();
  });
  test("are the same while what is named is not there", async () => {
    const missing = join(folder.path, "missing");
    const before = await marksOf([missing], later());
    expect(await marksOf([missing], later())).toBe(before);
    await mkdir(missing);
    expect(await marksOf([missing], later())).not.toBe(before);
  });
});
