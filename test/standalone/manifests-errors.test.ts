import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadManifests, type LoadedManifests } from "../../src/standalone/manifests.ts";
import { head, request, named, secret } from "../support/manifest-texts.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/standalone-store.ts";

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => folder[Symbol.asyncDispose]());

/** The errors of one file, without the folder's name. */
async function errorsOf(text: string, name = "all.yaml"): Promise<readonly string[]> {
  const loaded = await loadManifests([await folder.write(name, text)]);
  return withoutFolder(loaded);
}
function withoutFolder(loaded: LoadedManifests): readonly string[] {
  return loaded.type === "loaded" ? [] : loaded.errors.map((error) => error.replaceAll(`${folder.path}/`, ""));
}

describe("what is wrong is told with file, line and field", () => {
  const spec = (...lines: readonly string[]): string => `${head}spec:\n${lines.map((line) => `  ${line}\n`).join("")}`;
  const url = "url: http://localhost/";

  test.each([
    ["an unknown field", spec(url, "metod: POST"), 7, "spec.metod: unknown field; the fields here are url, path, method"],
    [
      "an unknown field of an item",
      spec(url, "headers:", "- name: X", "  value: x", "  val: x"),
      10,
      "spec.headers[0].val: unknown field",
    ],
    ["an unknown field of the object", `${request}specs: {}\n`, 7, "specs: unknown field; the fields here are apiVersion, kind,"],
    ["an unknown field of metadata", request.replace("name: ada", "name: ada\n  label: {}"), 5, "metadata.label: unknown field"],
    [
      "text where a number must be",
      spec(url, "retry: {limit: '3'}"),
      7,
      "spec.retry.limit: Invalid value: must be of type integer, not string; write it without quotes",
    ],
    [
      "YAML's NO where text must be",
      spec(url, "query:", "- name: country", "  value: NO"),
      9,
      "spec.query[0].value: Invalid value: must be of type string, not boolean; write it in quotes",
    ],
    ["a list where an object must be", spec(url, "tls: []"), 7, "spec.tls: Invalid value: must be of type object, not array"],
    [
      "both url and endpointRef",
      spec(url, "endpointRef: {name: e}"),
      5,
      "spec: Invalid value: exactly one of url and endpointRef must be set",
    ],
    [
      "neither url nor endpointRef",
      spec("method: GET"),
      5,
      "spec: Invalid value: exactly one of url and endpointRef must be set",
    ],
    ["a bad duration", spec(url, "timeout: 3 days"), 7, 'spec.timeout: Invalid value "3 days": must match'],
    ["a duration of nothing", spec(url, "timeout: 0s"), 7, "spec.timeout: Invalid value: must be longer than zero"],
    [
      "an unknown method",
      spec(url, "method: fetch"),
      7,
      "spec.method: Invalid value: must be a method in capitals, GET or PURGE say",
    ],
    [
      "two bodies",
      spec(url, "body:", "  json: 1", "  text: x"),
      7,
      "spec.body: Too many: 2: must have at most 1 field (json, text, form, multipart, base64, secretKeyRef, configMapKeyRef)",
    ],
    [
      "a header that the client sets",
      spec(url, "headers:", "- name: Host", "  value: x"),
      8,
      "spec.headers[0].name: Invalid value:",
    ],
    ["a missing name of a header", spec(url, "headers:", "- value: x"), 8, "spec.headers[0].name: Required value"],
    ["no spec", head, 1, "spec: Required value"],
    ["no name", request.replace("name: ada", "namespace: x"), 3, "metadata.name: Required value"],
    ["a name in capitals", named("Ada"), 4, "metadata.name: Invalid value: must match"],
    [
      "a label that is no text",
      request.replace("name: ada", "name: ada\n  labels:\n    on-call: yes"),
      6,
      "metadata.labels.on-call: Invalid value: must be of type string, not boolean",
    ],
    [
      "annotations that are no map",
      request.replace("name: ada", "name: ada\n  annotations: [a]"),
      5,
      "metadata.annotations: Invalid value: must be of type object, not array",
    ],
    ["another version", request.replace("v1alpha1", "v2"), 1, "apiVersion: Unsupported value: must be holdfast.dev/v1alpha1"],
    [
      "another group",
      request.replace("holdfast.dev", "holdfast.io"),
      1,
      "apiVersion: Unsupported value: must be holdfast.dev/v1alpha1",
    ],
    [
      "a kind that there is not",
      request.replace("HTTPRequest", "HttpRequest"),
      2,
      "kind: Unsupported value: the kinds of holdfast.dev are HTTPRequest, HTTPResource, HTTPEndpoint, ClusterHTTPEndpoint, EgressPolicy",
    ],
    ["no kind", "apiVersion: v1\n", 1, "kind: Required value"],
    ["no apiVersion", "kind: Secret\n", 1, "apiVersion: Required value"],
    ["no object at all", "just text\n", 1, "must be an object with apiVersion and kind, not string"],
    ["a List without items", "apiVersion: v1\nkind: List\n", 1, "items: Required value: a list of objects"],
    [
      "a Secret's data that is no base64",
      `${secret}data:\n  token: in-a-secret\n`,
      6,
      "data.token: Invalid value: must be base64; plain text belongs in stringData",
    ],
    [
      "a Secret's text that is a number",
      `${secret}stringData:\n  port: 8080\n`,
      6,
      "stringData.port: Invalid value: must be of type string, not integer; write it in quotes",
    ],
    ["a Secret's key with a space", `${secret}stringData:\n  a b: x\n`, 5, "stringData: Invalid value: keys are made of letters"],
    [
      "a ConfigMap's key that is there twice",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: x}\nbinaryData: {a: eA==}\n",
      1,
      "Invalid value: a key may stand in data or in binaryData, not in both",
    ],
    [
      "an unknown field of a Secret",
      `${secret}stringdata: {}\n`,
      5,
      "stringdata: unknown field; the fields here are apiVersion, kind, metadata, type, immutable, data, stringData",
    ],
    [
      "a null byte in a field of a kind",
      spec(url, 'headers: [{name: X, value: "a\\0"}]'),
      7,
      "spec.headers[0].value: Invalid value",
    ],
  ])("%s", async (_, text, line, message) => {
    const [error, ...others] = await errorsOf(text);
    expect(error).toContain(`all.yaml:${line}: ${message}`);
    expect(others).toEqual([]);
  });

  test.each([
    ["a colon within a value", "a: b: c\n", "1:4", "a value that holds `: ` must be in quotes, or the indentation is wrong"],
    ["an open quote", `${request}  method: "GET\n`, "8:1", "a value that holds these must be in quotes"],
    ["an open bracket", "a: [1, 2\n", "2:1", "a closing bracket or quote is missing"],
    ["tabs as indentation", "a:\n\tb: 1\n", "2:1", "tabs may not be used as indentation"],
    ["an alias without an anchor", "a: 1\nb: *x\n", "2:4", "begins with `*` must be in quotes"],
    ["a key that is there twice", `${request}  url: http://other/\n`, "7:3", 'the key "url" is there already'],
    [
      "a number that JSON does not have",
      `${request}  body: {json: .inf}\n`,
      "7:16",
      "JSON has no such number: write it in quotes",
    ],
    ["a tag of one's own", "a: !mine 1\n", "1:10", "begins with `!` must be in quotes"],
    ["another YAML", "%YAML 1.2\n---\na: 1\n", "1:1", "kubectl reads YAML 1.1 only: remove the %YAML line"],
    ["JSON with a comma too many", '{"a": 1,,}', "1:9", ""],
    ["text after a quote", `a: "b" == c\n`, "1:8", "must be in quotes as a whole"],
  ])("broken YAML: %s", async (_, text, place, message) => {
    const [error, ...others] = await errorsOf(text);
    expect(error).toMatch(new RegExp(`^all\\.yaml:${place}: `));
    expect(error).toContain(message);
    expect(others).toEqual([]);
  });

  test("an object that is declared twice, in one file or two", async () => {
    const one = await folder.write("one.yaml", `${secret}---\n${request}`);
    const two = await folder.write(
      "two.yaml",
      `${request}---\n${secret}---\n${request.replace("name: ada", "name: ada\n  namespace: other")}`,
    );
    expect(withoutFolder(await loadManifests([one, two]))).toEqual([
      "two.yaml:4: metadata.name: HTTPRequest default/ada is declared already, at one.yaml:9",
      "two.yaml:11: metadata.name: Secret default/token is declared already, at one.yaml:4",
    ]);
  });

  test("everything that is wrong in all files, and what can be read besides broken YAML", async () => {
    await folder.write("a.yaml", `a: b: c\n---\n${spec("timeout: 3 days", "bogus: 1")}`);
    await folder.write("b.yaml", named("A"));
    expect(withoutFolder(await loadManifests([folder.path])).map((error) => error.split(": ").slice(0, 2).join(" "))).toEqual([
      "a.yaml:1:4 broken YAML",
      "a.yaml:7 spec",
      "a.yaml:8 spec.timeout",
      "a.yaml:9 spec.bogus",
      "b.yaml:4 metadata.name",
    ]);
  });

  test("in a List by the item", async () => {
    const text = `apiVersion: v1\nkind: List\nitems:\n- ${spec(url, "metod: POST").replaceAll("\n", "\n  ")}\n`;
    expect(await errorsOf(text)).toEqual([expect.stringContaining("all.yaml:10: items[0].spec.metod: unknown field")]);
  });

  test("a path that is missing, empty or no text", async () => {
    await mkdir(join(folder.path, "empty"));
    await writeFile(join(folder.path, "latin1.yaml"), Uint8Array.of(97, 58, 32, 228));
    const paths = ["none.yaml", "empty", "latin1.yaml"].map((name) => join(folder.path, name));
    expect(withoutFolder(await loadManifests(paths))).toEqual([
      "none.yaml: no such file or folder",
      "empty: holds no file that ends in .yaml, .yml or .json",
      "latin1.yaml: not UTF-8 text",
    ]);
  });

  test("never with a value of a Secret, a header, an input or a URL", async () => {
    const texts = [
      `${secret}data: {token: hunter2-hunter2}\n`,
      `${secret}stringData: {token: [hunter2-hunter2]}\n`,
      `${secret}stringData: hunter2-hunter2\n`,
      `${secret}stringData: {token: hunter2: hunter2}\n`,
      `${secret}stringData: {token: "hunter2\\q"}\n`,
      `${secret}stringData: {token: @hunter2}\n`,
      `${secret}stringData:\n  token: hunter2\n hunter2\n`,
      `${secret}stringData: {token: 'hunter2}\n`,
      `${secret}stringData: {token: *hunter2}\n`,
      spec("url: hunter2"),
      spec(url, 'headers: [{name: Authorization, value: "hunter2\\n"}]'),
      spec(url, "inputs: {token: {value: hunter2, secretKeyRef: {name: hunter2-, key: hunter2}}}"),
      spec(url, "body: {text: hunter2, json: hunter2}"),
      `apiVersion: holdfast.dev/v1alpha1\nkind: HTTPEndpoint\nmetadata: {name: e}\nspec: {baseURL: "http://user:hunter2@host/"}\n`,
    ];
    for (const text of texts) {
      const errors = await errorsOf(text);
      expect(errors).not.toEqual([]);
      expect(errors.join("\n")).not.toContain("hunter2");
    }
  });
});

describe("a text that is made to do harm", () => {
  test("cannot become large by its aliases", async () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const items = Array.from({ length: 9 }, () => (level === 0 ? "x" : `*a${level - 1}`));
      return `a${level}: &a${level} [${items.join(",")}]\n`;
    });
    expect(await errorsOf(levels.join(""))).toEqual([expect.stringContaining("its aliases stand for too much")]);
    expect(await errorsOf("a: &a [*a]\n")).toEqual(["all.yaml:1:7: nested too deeply"]);
  });

  test.each([
    ["brackets", "[".repeat(50_000)],
    ["closed brackets", `${"[".repeat(900)}${"]".repeat(900)}`],
    ["free-form values", `${request}  body: {json: ${"[".repeat(300)}${"]".repeat(300)}}\n`],
  ])("cannot exhaust the stack with %s", async (_, text) => {
    expect((await errorsOf(text)).join()).toContain("nested");
  });
});
