/** F19 on a real API server: from one spec to another by an update, and back; explained by kubectl, and held to strictly. */
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { HTTPRequestStatus } from "../../src/api/http-request.ts";
import { startController } from "../support/controller-process.ts";
import { until } from "../support/fault-world.ts";
import type { ControlPlaneClient } from "../support/control-plane-client.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { startUsersOrigin, type UsersOrigin } from "../support/users-origin.ts";

interface Declared {
  readonly metadata: { readonly name: string; readonly generation: number };
  readonly status?: HTTPRequestStatus;
}
type Spec = (name: string) => object;

const to = (path: string, more: object = {}): object => ({ endpointRef: { name: "users-api" }, path, ...more });
const requests: Readonly<Record<string, Spec>> = {
  get: () => to("/users"),
  post: (name) => to("/users", { method: "POST", body: { json: { made: name } } }),
  notThere: () => to("/users/nobody"),
  notAsExpected: () => to("/users", { query: [{ name: "page", value: "2" }], expect: { that: "false" }, retry: { limit: 0 } }),
  noSecret: () => to("/users", { inputs: { a: { secretKeyRef: { name: "none", key: "a" } } } }),
  noJq: () => to("/users", { headers: [{ name: "A", value: "${ .a[ }" }] }),
  each: () => to("/users", { query: [{ name: "page", value: "${ .item }" }], forEach: { items: ["1", "2"] } }),
  nightly: () => to("/users", { query: [{ name: "at", value: "night" }], schedule: { cron: "0 3 29 2 *" } }),
  suspended: () => to("/users", { query: [{ name: "a", value: "b" }], suspend: true }),
};

const user = (name: string, age: number, more: object = {}): object => ({
  endpointRef: { name: "users-api" },
  parameters: { name, age },
  externalID: ".response.body.id",
  observe: { path: "/users/${ .externalID }" },
  create: { path: "/users", body: { json: "${ .parameters }" } },
  update: { path: "/users/${ .externalID }", body: { json: "${ .parameters }" } },
  ...more,
});
const lookup = { path: "/users", items: ".response.body.items", match: ".item.name == .parameters.name" };
const resources: Readonly<Record<string, Spec>> = {
  plain: (name) => user(name, 36),
  older: (name) => user(name, 37, { interval: "1h", delete: { path: "/users/${ .externalID }" } }),
  lookedUp: (name) => user(name, 38, { lookup, deletionPolicy: "Orphan" }),
  patched: (name) =>
    user(name, 39, { update: { path: "/users/${ .externalID }", body: { mergePatch: { age: "${ .parameters.age }" } } } }),
  judged: (name) => user(name, 40, { upToDate: ".response.body.age == .parameters.age", record: "Body" }),
  suspended: (name) => user(name, 41, { suspend: true }),
  wrong: (name) => user(name, 42, { observe: { path: "/users/${ .a[ }" } }),
};

describeWithControlPlane("F19: a walk from spec to spec", (plane) => {
  let origin: UsersOrigin;
  let namespace: string;
  const stack = new AsyncDisposableStack();

  beforeAll(async () => {
    origin = stack.use(await startUsersOrigin());
    namespace = await plane.createNamespace("walks");
    const endpoint = { apiVersion, kind: "HTTPEndpoint", metadata: { name: "users-api" }, spec: { baseURL: origin.url } };
    await must("POST", "httpendpoints", endpoint);
    // Walks are about ends, and not about how busy the machine is meanwhile.
    const args = ["--namespace", namespace, "--expression-timeout", "20s"];
    stack.use(await startController(["--kubeconfig", plane.kubeconfigs.holdfast, ...args]));
  });
  afterAll(async () => stack.disposeAsync());

  const apiVersion = "holdfast.dev/v1alpha1";
  const call = (method: "GET" | "POST" | "PUT", at: string, body?: object): ReturnType<ControlPlaneClient["admin"]> =>
    plane.admin(method, `/apis/${apiVersion}/namespaces/${namespace}/${at}`, body);
  async function must(method: "GET" | "POST", at: string, body?: object): Promise<unknown> {
    const reply = await call(method, at, body);
    if (reply.status > 299) throw new Error(`${method} ${at} was answered ${reply.status}: ${JSON.stringify(reply.body)}`);
    return reply.body;
  }
  /** Replaces the whole spec, as a user's apply does; makes the object where there is none. Returns its settled status. */
  async function apply(plural: string, kind: string, name: string, spec: object): Promise<HTTPRequestStatus> {
    const { status } = await call("POST", plural, { apiVersion, kind, metadata: { name }, spec });
    if (status === 201) return settled(plural, name);
    await until(`${name} is changed`, async () => {
      const { metadata } = (await must("GET", `${plural}/${name}`)) as Declared;
      const reply = await call("PUT", `${plural}/${name}`, { apiVersion, kind, metadata, spec });
      if (reply.status !== 409 && reply.status !== 200) throw new Error(JSON.stringify(reply.body));
      return reply.status === 200; // 409: a status was written meanwhile
    });
    return settled(plural, name);
  }
  async function settled(plural: string, name: string): Promise<HTTPRequestStatus> {
    let seen: Declared | undefined;
    await until(`${name} is settled`, async () => {
      seen = (await must("GET", `${plural}/${name}`)) as Declared;
      const { observedGeneration, conditions, attempt } = seen.status ?? {};
      const isOver = attempt?.phase !== "InFlight" && attempt?.phase !== "Retrying";
      return observedGeneration === seen.metadata.generation && conditions !== undefined && isOver;
    });
    return seen?.status ?? {};
  }
  const readiness = ({ conditions = [] }: HTTPRequestStatus, withReason: boolean): unknown =>
    conditions
      .filter(({ type }) => ["Ready", "Reconciling", "Stalled"].includes(type))
      .map(({ type, status, reason, message }) => (withReason ? { type, status, reason, message } : { type, status }));

  test("from each HTTPRequest to the next and back ends where a fresh apply does", async () => {
    const names = Object.keys(requests);
    const walks = names.flatMap((a, index) => [1, 4].map((step) => ({ a, b: names[(index + step) % names.length] ?? a })));
    const spec = (which: string, name: string): object => (requests[which] as Spec)(name);
    await Promise.all(
      walks.map(async ({ a, b }) => {
        const name = `${a}-${b}`.toLowerCase();
        const declare = (at: string, which: string): Promise<HTTPRequestStatus> =>
          apply("httprequests", "HTTPRequest", at, spec(which, name));
        const first = await declare(name, a);
        const second = await declare(name, b);
        expect([a, b, readiness(second, true)]).toEqual([a, b, readiness(await declare(`fresh-${name}`, b), true)]);
        expect([b, a, readiness(await declare(name, a), true)]).toEqual([b, a, readiness(first, true)]);
      }),
    );
  });

  test("from each HTTPResource to the next and back ends where a fresh apply does, with one remote object", async () => {
    const names = Object.keys(resources);
    const remote = (name: string): readonly unknown[] =>
      [...origin.users.values()].filter((one) => one["name"] === name).map(({ age }) => age);
    await Promise.all(
      names.map(async (a, index) => {
        const b = names[(index + 1) % names.length] ?? a;
        const name = `${a}-${b}`.toLowerCase();
        const declare = (at: string, which: string): Promise<HTTPRequestStatus> =>
          apply("httpresources", "HTTPResource", at, (resources[which] as Spec)(at));
        await declare(name, a);
        for (const which of [b, a, b]) {
          const end = await declare(name, which);
          const anew = await declare(`fresh-${which}-${name}`.toLowerCase(), which);
          expect([name, which, readiness(end, false)]).toEqual([name, which, readiness(anew, false)]);
          if (["suspended", "wrong"].includes(which)) continue;
          expect([name, which, remote(name)]).toEqual([name, which, remote(`fresh-${which}-${name}`.toLowerCase())]);
        }
      }),
    );
  });

  test("kubectl explains a nested field in our words, and strict validation refuses a field that there is not", async () => {
    let explained = "";
    await until("the API server tells of its newest schemas", async () => {
      explained = (await plane.kubectl("explain", "hres.spec.lookup.next")).stdout.replaceAll(/\s+/g, " ");
      return explained !== ""; // an API server that has just started makes its OpenAPI document a little later
    });
    expect(explained).toContain("jq that yields where the next page is: a URL of the same origin");
    const tree = await plane.kubectl("explain", "hres.spec.lookup", "--recursive");
    expect(tree.stdout).toMatch(/match\s+<string> -required-/);
    await using folder = await mkdtempDisposable(join(tmpdir(), "holdfast-strict-"));
    const file = join(folder.path, "a.json");
    const spec = { url: "http://h/", meethod: "GET" };
    await writeFile(file, JSON.stringify({ apiVersion, kind: "HTTPRequest", metadata: { name: "a", namespace }, spec }));
    const refused = await plane.kubectl("apply", "--validate=strict", "-f", file);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('unknown field "spec.meethod"')]);
  });
});
