/** Every form of body, declared on a real API server and held against the bytes that the origin got. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parseJSON } from "../../src/core/tools/json.ts";
import { startController } from "../support/controller-process.ts";
import { declaredRequests, isReady, type DeclaredRequests } from "../support/declared-requests.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const everyByte = Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index));
const gif = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");
const canary = "b0dy-canary-0123456789";

describeWithControlPlane("bodies", (plane) => {
  let namespace: string;
  let origin: LoopbackServer;
  let requests: DeclaredRequests;
  const started = new AsyncDisposableStack();

  beforeAll(async () => {
    namespace = await plane.createNamespace("bodies");
    origin = started.use(await loopbackServer(({ bytes }, response) => response.end(bytes)));
    started.use(await startController(["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace]));
    requests = declaredRequests(plane, namespace);
    const secret = { metadata: { name: "kept" }, data: { bytes: everyByte.toString("base64") }, stringData: { token: canary } };
    const configMap = {
      metadata: { name: "kept" },
      data: { text: "käse\r\n" },
      binaryData: { bytes: gif.toString("base64") },
    };
    await plane.admin("POST", `/api/v1/namespaces/${namespace}/secrets`, secret);
    await plane.admin("POST", `/api/v1/namespaces/${namespace}/configmaps`, configMap);
  });
  afterAll(() => started.disposeAsync());

  const ref = (key: string): object => ({ name: "kept", key });
  const cases: readonly [string, object, Uint8Array, string][] = [
    ["json", { json: parseJSON('{"id": 9007199254740993}') }, Buffer.from('{"id":9007199254740993}'), "application/json"],
    ["json-list", { json: [1, "${ 2 }"] }, Buffer.from("[1,2]"), "application/json"],
    ["text", { text: "käse ${ 1 + 1 }" }, Buffer.from("käse 2"), "text/plain; charset=utf-8"],
    [
      "form",
      {
        form: [
          { name: "a b", value: "1&2" },
          { name: "c", value: "${ .metadata.name }" },
        ],
      },
      Buffer.from("a+b=1%262&c=form"),
      "application/x-www-form-urlencoded",
    ],
    ["base64", { base64: everyByte.toString("base64") }, everyByte, "application/octet-stream"],
    ["secret", { secretKeyRef: ref("bytes") }, everyByte, "application/octet-stream"],
    ["config-map", { configMapKeyRef: ref("text") }, Buffer.from("käse\r\n"), "application/octet-stream"],
    ["config-map-binary", { configMapKeyRef: ref("bytes") }, gif, "application/octet-stream"],
  ];

  test("wish 16: each form arrives byte by byte, with its type", async () => {
    for (const [name, body] of cases) await requests.create(name, { url: `${origin.url}/${name}`, method: "POST", body });
    await requests.until("all are ready", (all) => cases.every(([name]) => isReady(all.get(name))));
    for (const [name, , bytes, contentType] of cases) {
      const [received, more] = origin.requests.filter(({ url }) => url === `/${name}`);
      expect([name, received?.headers["content-type"], more]).toEqual([name, contentType, undefined]);
      expect(Uint8Array.from(received?.bytes ?? [])).toEqual(Uint8Array.from(bytes));
    }
  });

  test("wish 17: a multipart body arrives with its files, and what it has from a Secret is masked in the recorded answer", async () => {
    const multipart = [
      { name: "who", value: "${ .metadata.name }" },
      { name: "file", filename: "a.bin", contentType: "image/x-any", secretKeyRef: ref("bytes") },
      { name: "token", secretKeyRef: ref("token") },
    ];
    await requests.create("parts", { url: `${origin.url}/parts`, method: "POST", body: { multipart }, record: "Body" });
    const all = await requests.until("parts is ready", (seen) => isReady(seen.get("parts")));
    const received = origin.requests.find(({ url }) => url === "/parts");
    const headers = { "content-type": received?.headers["content-type"] ?? "" };
    const form = await new Response(received?.bytes, { headers }).formData();
    expect([form.get("who"), form.get("token")]).toEqual(["parts", canary]);
    const file = form.get("file");
    expect(file).toMatchObject({ name: "a.bin", type: "image/x-any" });
    expect(file instanceof Blob && Buffer.from(await file.arrayBuffer()).equals(everyByte)).toBe(true);
    expect(all.get("parts")?.status?.response?.body).toContain('name="token"\r\n\r\n***\r\n');
  });

  test("refuses at admission what is no body", async () => {
    const bad: readonly [object, string][] = [
      [{ text: "a", base64: "AA==" }, "spec.body"],
      [{ base64: "AAE" }, "spec.body.base64"],
      [{ form: [{ name: "a" }] }, "spec.body.form[0].value"],
      [{ multipart: [] }, "spec.body.multipart"],
      [{ multipart: [{ name: "a" }] }, "exactly one of value, base64"],
      [{ multipart: [{ name: "a", value: "b", base64: "AA==" }] }, "exactly one of value, base64"],
      [{ multipart: [{ name: 'a"; filename="b', value: "c" }] }, "spec.body.multipart[0].name"],
      [{ multipart: [{ name: "a", filename: "b\r\nX: y", value: "c" }] }, "spec.body.multipart[0].filename"],
      [{ multipart: [{ name: "a", contentType: "text/plain\r\nX: y", value: "c" }] }, "spec.body.multipart[0].contentType"],
    ];
    for (const [body, message] of bad) {
      await expect(requests.create("bad", { url: origin.url, method: "POST", body })).rejects.toThrow(message);
    }
  });
});
