/** HTTPResource without a cluster: `holdfast run` against a users API that counts. */
import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { until } from "../support/fault-world.ts";
import { ending, holdfast, start } from "../support/holdfast.ts";
import { temporaryFolder } from "../support/standalone-store.ts";
import { startUsersOrigin, type UsersOrigin } from "../support/users-origin.ts";

function user(origin: UsersOrigin): string {
  const one = `${origin.url}/users/\${ .externalID }`;
  return stringify({
    apiVersion: "holdfast.dev/v1alpha1",
    kind: "HTTPResource",
    metadata: { name: "ada" },
    spec: {
      parameters: { name: "ada", age: 36 },
      externalID: ".response.body.id",
      observe: { url: one },
      create: { url: `${origin.url}/users`, body: { json: "${ .parameters }" } },
      update: { url: one, body: { json: "${ .parameters }" } },
      delete: { url: one },
    },
  });
}

test("run --once creates an object once, and corrects it when it is run again", async () => {
  await using folder = await temporaryFolder();
  await using origin = await startUsersOrigin();
  const file = await folder.write("user.yaml", user(origin));
  const run = ["run", "--once", "-f", file, "--data", `${folder.path}/state`];
  expect(await holdfast(run)).toMatchObject({ code: 0, stderr: "" });
  origin.users.set("1001", { id: "1001", name: "ada", age: 99 });
  expect(await holdfast(run)).toMatchObject({ code: 0, stderr: "" });
  expect(await holdfast(run)).toMatchObject({ code: 0, stderr: "" });
  const sent = ["POST /users", "GET /users/1001", "PUT /users/1001", "GET /users/1001"];
  expect(origin.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(sent);
});

test("run --once exits 1 when nobody can say whether the object is there, and changes nothing", async () => {
  await using folder = await temporaryFolder();
  await using origin = await startUsersOrigin();
  const file = await folder.write("user.yaml", user(origin));
  const run = ["run", "--once", "-f", file, "--data", `${folder.path}/state`];
  await holdfast(run);
  origin.misbehave = () => ({ type: "answer", status: 503 });
  const { code, stdout } = await holdfast(run);
  expect([code, stdout]).toEqual([1, expect.stringContaining("UnexpectedStatus  spec.observe: answered 503")]);
  expect(origin.requests.map(({ method }) => method)).toEqual(["POST", "GET"]);
});

test("wish 7: an object whose manifest goes away is deleted, once", async () => {
  await using folder = await temporaryFolder();
  await using origin = await startUsersOrigin();
  const file = await folder.write("user.yaml", user(origin));
  // A folder without any manifest would be a mistake, and what was declared before would stand.
  await folder.write("other.yaml", stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "other" } }));
  await using running = ending(start(["run", "-f", folder.path]));
  await until("it is created", () => origin.users.has("1001"));
  await rm(file);
  await until("it is deleted", () => !origin.users.has("1001"));
  running.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
  expect(origin.requests.map(({ method }) => method)).toEqual(["POST", "GET", "DELETE"]); // nobody has seen it before
});

test("an object whose manifest comes back after it was deleted is created again, and one that was left is not", async () => {
  await using folder = await temporaryFolder();
  await using origin = await startUsersOrigin();
  const unobserved = (metadata: object): string => {
    const create = { url: `${origin.url}/users`, body: { json: { name: "ada" } } };
    const spec = { externalID: ".response.body.id", create, delete: { url: `${origin.url}/users/\${ .externalID }` } };
    return stringify({ apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata, spec });
  };
  const file = await folder.write("user.yaml", unobserved({ name: "ada" }));
  await folder.write("other.yaml", stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "other" } }));
  const sent = (): unknown => origin.requests.map(({ method, path }) => `${method} ${path}`);
  const run = ["run", "-f", folder.path, "--data", `${folder.path}/state`];
  await using running = ending(start(run));
  await until("it is created", () => origin.users.has("1001"));
  await rm(file);
  await until("it is deleted", () => !origin.users.has("1001"));
  const isGone = async (): Promise<boolean> =>
    (await holdfast(["get", "hres", "ada", "--data", `${folder.path}/state`])).stderr.includes('no object "ada"');
  await until("it is known to be gone", isGone);
  await folder.write("user.yaml", unobserved({ name: "ada", annotations: { "holdfast.dev/orphan": "true" } }));
  await until("it is created again", () => origin.users.has("1002"));
  await sleep(3_000);
  await rm(file);
  await sleep(3_000);
  await folder.write("user.yaml", unobserved({ name: "ada" }));
  await sleep(3_000);
  running.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
  expect(sent()).toEqual(["POST /users", "DELETE /users/1001", "POST /users"]);
});
