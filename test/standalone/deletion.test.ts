/** `holdfast run` and what is taken out of the files: it is deleted at its server, in whatever order, through a restart. */
import { expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { until } from "../support/fault-world.ts";
import { ending, holdfast, start } from "../support/holdfast.ts";
import { temporaryFolder } from "../support/standalone-store.ts";
import { startUsersOrigin, type UsersOrigin } from "../support/users-origin.ts";

const apiVersion = "holdfast.dev/v1alpha1";
const waitMs = 60_000;
const manifests = (...objects: readonly object[]): string => objects.map((one) => stringify(one)).join("---\n");
const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "all" }, stringData: { token: "sesame" } };
const endpoint = ({ url }: UsersOrigin): object => ({
  apiVersion,
  kind: "HTTPEndpoint",
  metadata: { name: "all" },
  spec: { baseURL: url, auth: { bearer: { token: { secretKeyRef: { name: "all", key: "token" } } } } },
});
function user(name: string, more: object = {}): object {
  const spec = {
    endpointRef: { name: "all" },
    externalID: ".response.body.id",
    observe: { path: "/users/${ .externalID }" },
    create: { path: "/users", body: { json: { name } } },
    delete: { path: "/users/${ .externalID }" },
    retry: { backoff: { initial: "200ms", max: "1s" } },
    ...more,
  };
  return { apiVersion, kind: "HTTPResource", metadata: { name }, spec };
}
const parent = { objectRef: { kind: "HTTPResource", name: "parent", expression: ".status.externalID" } };
const child = user("child", {
  inputs: { parent },
  create: { path: "/users", body: { json: { name: "child", parent: "${ .inputs.parent }" } } },
});
const other = manifests({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "other" }, data: { a: "b" } });
const deletions = ({ requests }: UsersOrigin) =>
  requests.filter(({ method }) => method === "DELETE").map(({ headers }) => headers["authorization"]);

test("wish 7: all that belongs together is taken out at once: the child is deleted first, with the credential that has gone", async () => {
  await using folder = await temporaryFolder();
  await using origin = await startUsersOrigin();
  await folder.write("other.yaml", other);
  await folder.write("all.yaml", manifests(secret, endpoint(origin), user("parent"), child));
  await using running = ending(start(["run", "-f", folder.path]));
  await until("both are there", () => origin.users.size === 2, waitMs);
  await folder.write("all.yaml", "");
  await until("both are gone", () => origin.users.size === 0, waitMs);
  expect(deletions(origin)).toEqual(["Bearer sesame", "Bearer sesame"]);
  running.kill("SIGTERM");
  const { code, stdout } = await running.ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/default\/child {2}gone\n[^]*default\/parent {2}gone\n/);
});

test("a deletion that has begun goes on after a restart, without anything that it needs in the files", async () => {
  await using folder = await temporaryFolder();
  await using origin = await startUsersOrigin();
  await folder.write("other.yaml", other);
  await folder.write("all.yaml", manifests(secret, endpoint(origin), user("parent"), child));
  const args = ["run", "-f", folder.path, "--data", `${folder.path}/state.db`];
  origin.misbehave = ({ method }) => (method === "DELETE" ? { type: "answer", status: 503, body: {} } : undefined);
  const before = ending(start(args));
  await until("both are there", () => origin.users.size === 2, waitMs);
  await folder.write("all.yaml", "");
  await until("it is tried", () => deletions(origin).length > 1, waitMs);
  before.kill("SIGKILL");
  await before.ended;
  origin.misbehave = () => undefined;
  const tried = deletions(origin).length;
  await using after = ending(start(args));
  await until("the parent's is sent, too", () => deletions(origin).length > tried + 1, waitMs);
  expect(new Set(deletions(origin))).toEqual(new Set(["Bearer sesame"]));
  after.kill("SIGTERM");
  expect((await after.ended).stdout).toMatch(/default\/child {2}gone\n[^]*default\/parent {2}gone\n/);
  const again = await holdfast([...args, "--once"]);
  expect([again.code, deletions(origin).length]).toEqual([0, tried + 2]);
});

test("what is taken out while nothing runs is deleted by the next run of the same files, and by no other", async () => {
  await using folder = await temporaryFolder();
  await using elsewhere = await temporaryFolder();
  await using origin = await startUsersOrigin();
  const rest = await elsewhere.write("rest.yaml", other);
  await folder.write("other.yaml", other.replaceAll("other", "another"));
  await folder.write("all.yaml", manifests(secret, endpoint(origin), user("parent"), child));
  const data = ["--data", `${elsewhere.path}/state.db`, "--once"];
  const run = (path: string): ReturnType<typeof holdfast> => holdfast(["run", "-f", path, ...data]);
  expect((await run(folder.path)).code).toBe(0);
  expect(origin.users.size).toBe(2);
  await folder.write("all.yaml", "");
  expect((await run(rest)).code).toBe(0);
  expect(origin.users.size).toBe(2);
  const { code, stdout } = await run(folder.path);
  expect([code, origin.users.size]).toEqual([0, 0]);
  expect(stdout).toMatch(/default\/child {2}gone\n[^]*default\/parent {2}gone\n/);
  expect(deletions(origin)).toEqual(["Bearer sesame", "Bearer sesame"]);
  await folder.write("all.yaml", manifests(secret, endpoint(origin), user("parent")));
  expect((await run(folder.path)).code).toBe(0);
  expect(origin.users.size).toBe(1);
});

test("a manifest that comes back ends a deletion that was pending, and nothing is deleted or made anew", async () => {
  await using folder = await temporaryFolder();
  await using origin = await startUsersOrigin();
  await folder.write("other.yaml", other);
  const all = manifests(secret, endpoint(origin), user("parent", { delete: { path: "/users/nobody" } }));
  await folder.write("all.yaml", all);
  const args = ["run", "-f", folder.path, "--data", `${folder.path}/state.db`, "--once"];
  expect((await holdfast(args)).code).toBe(0);
  await folder.write("all.yaml", "");
  const pending = await holdfast(args);
  expect([pending.code, deletions(origin).length]).toEqual([1, 1]);
  expect(pending.stdout).toContain("NotDeleted");
  await folder.write("all.yaml", all);
  expect((await holdfast(args)).code).toBe(0);
  expect([deletions(origin).length, origin.sent('"parent"')]).toEqual([1, ["POST /users"]]);
});

test("what is let go since its Secret has gone, too, is taken up again when both come back, and not made anew", async () => {
  await using folder = await temporaryFolder();
  await using elsewhere = await temporaryFolder();
  await using origin = await startUsersOrigin();
  await folder.write("other.yaml", other);
  const remove = { path: "/users/${ .externalID }", headers: [{ name: "X-Key", value: "${ .inputs.key }" }] };
  const inputs = { key: { secretKeyRef: { name: "key", key: "key" } } };
  const key = { apiVersion: "v1", kind: "Secret", metadata: { name: "key" }, stringData: { key: "of-delete-alone" } };
  const declared = user("left", { delete: remove, inputs, deletionPolicy: "DeleteOrOrphan" });
  const all = (...more: object[]): Promise<string> => folder.write("all.yaml", manifests(secret, endpoint(origin), ...more));
  const run = (): ReturnType<typeof holdfast> =>
    holdfast(["run", "-f", folder.path, "--data", `${elsewhere.path}/state.db`, "--once"]);
  // Its Secret was never there, so that nobody can know it when the object goes.
  await all(declared);
  expect((await run()).code).toBe(0);
  expect(origin.users.size).toBe(1);
  await all();
  expect((await run()).code).toBe(0);
  expect([origin.users.size, deletions(origin)]).toEqual([1, []]);
  await all(declared, key);
  expect((await run()).code).toBe(0);
  expect([origin.users.size, origin.sent('"left"')]).toEqual([1, ["POST /users"]]);
});
