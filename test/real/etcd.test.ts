/** Keys of etcd by its JSON gateway, where every request is a POST and every value is base64. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startEtcd } from "./etcd-server.ts";
import type { RealServer } from "./server.ts";
import { declare, endpoint, resource, until, type Declared, type Manifest } from "./declared.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

let server: RealServer;
let declared: Declared;
const started = new AsyncDisposableStack();

interface Range {
  readonly kvs?: readonly { readonly value: string; readonly version: string }[];
}
async function ask(path: string, body: object): Promise<Range> {
  const response = await fetch(`${server.url}/v3/kv/${path}`, { method: "POST", body: JSON.stringify(body) });
  return (await response.json()) as Range;
}
/** The value, and how often it was written. */
async function stored(key: string): Promise<readonly [string, number] | undefined> {
  const [found] = (await ask("range", { key: base64(key) })).kvs ?? [];
  return found && [Buffer.from(found.value, "base64").toString(), Number(found.version)];
}

function manifests(colour: string): readonly Manifest[] {
  const key = "${ .parameters.key | @base64 }";
  const put = { method: "POST", path: "/put", body: { json: { key, value: "${ .parameters.value | @base64 }" } } };
  return [
    endpoint("etcd", { baseURL: `${server.url}/v3/kv` }),
    resource("colour", {
      endpointRef: { name: "etcd" },
      parameters: { key: "/settings/colour", value: colour },
      observe: { method: "POST", path: "/range", body: { json: { key } } },
      exists: ".response.body.kvs != null",
      upToDate: "(.response.body.kvs[0].value | @base64d) == .parameters.value",
      create: put,
      update: put,
      delete: { method: "POST", path: "/deleterange", body: { json: { key } } },
      interval: "1s",
    }),
  ];
}

beforeAll(async () => {
  server = started.use(await startEtcd());
  declared = started.use(await declare(manifests("green")));
  await declared.ready("colour");
});
afterAll(() => started.disposeAsync());

test("a key is put once, and only asked for afterwards", async () => {
  await until(
    () => declared.state("colour").startsWith("True/"),
    () => declared.state("colour"),
  );
  expect(await stored("/settings/colour")).toEqual(["green", 1]);
});
test("a value that somebody put by hand is put right, once", async () => {
  await ask("put", { key: base64("/settings/colour"), value: base64("pink") });
  await until(
    async () => (await stored("/settings/colour"))?.[0] === "green",
    () => declared.state("colour"),
  );
  expect(await stored("/settings/colour")).toEqual(["green", 3]);
});
test("a key that somebody deleted is put again", async () => {
  await ask("deleterange", { key: base64("/settings/colour") });
  await until(
    async () => (await stored("/settings/colour")) !== undefined,
    () => declared.state("colour"),
  );
  expect(await stored("/settings/colour")).toEqual(["green", 1]);
});
test("another value is put once it is declared", async () => {
  await declared.change(manifests("blue"));
  await until(
    async () => (await stored("/settings/colour"))?.[0] === "blue",
    () => declared.state("colour"),
  );
});
test("it goes when it is declared no more", async () => {
  await declared.change(manifests("blue").slice(0, 1));
  await until(
    async () => (await stored("/settings/colour")) === undefined,
    () => "it is still there",
  );
});
