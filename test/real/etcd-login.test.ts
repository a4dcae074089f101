/** etcd with users: its gateway wants the token of a login with each request, and forgets it when the user's password is set. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { declare, endpoint, request, resource, secret, until, type Declared, type Manifest } from "./declared.ts";
import { startEtcd } from "./etcd-server.ts";
import type { RealServer } from "./server.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const password = "a password of ada's";

let server: RealServer;
let declared: Declared;
let rootToken = "";
const started = new AsyncDisposableStack();

interface Answer {
  readonly token?: string;
  readonly kvs?: readonly { readonly value: string; readonly version: string }[];
}
async function ask(path: string, body: object): Promise<Answer> {
  const headers = rootToken === "" ? {} : { authorization: rootToken };
  const response = await fetch(`${server.url}/v3/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${text}`);
  return JSON.parse(text) as Answer;
}
async function stored(key: string): Promise<readonly [string, number] | undefined> {
  const [found] = (await ask("kv/range", { key: base64(key) })).kvs ?? [];
  return found && [Buffer.from(found.value, "base64").toString(), Number(found.version)];
}
/** Logins and ranges that ended so, as etcd counts them: `Authenticate`, `OK`. */
async function counted(method: string, code: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const name = `grpc_server_handled_total{grpc_code="${code}",grpc_method="${method}"`;
  return Number(
    text
      .split("\n")
      .find((line) => line.startsWith(name))
      ?.split(" ")
      .at(-1) ?? 0,
  );
}

const endpointOf = (name: string, key: string): Manifest =>
  endpoint(name, {
    baseURL: `${server.url}/v3`,
    auth: {
      login: {
        inputs: { password: { secretKeyRef: { name: "ada", key } } },
        requests: [{ path: "/auth/authenticate", body: { json: { name: "ada", password: "${ .inputs.password }" } } }],
        send: [{ header: "Authorization", value: "${ .responses[0].body.token }" }],
      },
    },
  });
function kept(name: string, value: string): Manifest {
  const key = "${ .parameters.key | @base64 }";
  const put = { method: "POST", path: "/kv/put", body: { json: { key, value: "${ .parameters.value | @base64 }" } } };
  return resource(name, {
    endpointRef: { name: "etcd" },
    parameters: { key: `/settings/${name}`, value },
    observe: { method: "POST", path: "/kv/range", body: { json: { key } } },
    exists: ".response.body.kvs != null",
    upToDate: "(.response.body.kvs[0].value | @base64d) == .parameters.value",
    create: put,
    update: put,
    interval: "1s",
  });
}
const manifests = (): readonly Manifest[] => [
  secret("ada", { password, wrong: "no password of hers" }),
  endpointOf("etcd", "password"),
  kept("colour", "green"),
  kept("size", "large"),
];

beforeAll(async () => {
  server = started.use(await startEtcd());
  for (const user of [
    { name: "root", password: "root's own" },
    { name: "ada", password },
  ]) {
    await ask("auth/user/add", user);
    await ask("auth/role/add", { name: user.name });
    await ask("auth/user/grant", { user: user.name, role: user.name });
  }
  const below = { key: base64("/settings/"), range_end: base64("/settings0"), permType: "READWRITE" };
  await ask("auth/role/grant", { name: "ada", perm: below });
  await ask("auth/enable", {});
  rootToken = (await ask("auth/authenticate", { name: "root", password: "root's own" })).token ?? "";
  declared = started.use(await declare(manifests()));
  await declared.ready("colour", "size");
});
afterAll(() => started.disposeAsync());

test("keys are put by who logged in, once for all of them", async () => {
  const before = await counted("Range", "OK");
  await until(
    async () => (await counted("Range", "OK")) >= before + 4,
    () => declared.state("colour"),
  );
  expect([await stored("/settings/colour"), await stored("/settings/size")]).toEqual([
    ["green", 1],
    ["large", 1],
  ]);
  expect(await counted("Authenticate", "OK")).toBe(2); // the test's own, and that one
});
test("a token that etcd has forgotten is renewed, and a value that was put by hand meanwhile is put right", async () => {
  await ask("auth/user/changepw", { name: "ada", password });
  await ask("kv/put", { key: base64("/settings/colour"), value: base64("pink") });
  await until(
    async () => (await stored("/settings/colour"))?.[0] === "green",
    () => declared.state("colour"),
  );
  await declared.ready("colour", "size");
  expect(await counted("Authenticate", "OK")).toBe(3);
});
test("a wrong password is told, and no status has any of it", async () => {
  const path = "/kv/range";
  const body = { json: { key: base64("/settings/colour") } };
  const asked = request("asked", { endpointRef: { name: "stranger" }, method: "POST", path, body });
  await declared.change([...manifests(), endpointOf("stranger", "wrong"), asked]);
  await until(
    () => declared.state("asked").includes("/CredentialRefused "),
    () => declared.state("asked"),
  );
  expect(declared.state("asked")).toContain("spec.auth.login.requests[0]: answered 400, where expect.status has 2xx");
  const statuses = ["asked", "colour", "size", "etcd", "stranger"].map((name) => JSON.stringify(declared.object(name)?.status));
  expect(statuses.join()).not.toMatch(/password of hers|password of ada/);
});
