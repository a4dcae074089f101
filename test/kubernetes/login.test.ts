/** Logins on a real API server: one session for all requests, another for another password, and none left behind. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { accepted } from "../support/accepted.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { declaredRequests, isReady, stateOf, type DeclaredRequests } from "../support/declared-requests.ts";
import { until } from "../support/fault-world.ts";
import { password, startTokenLogin, type LoginServer } from "../support/login-server.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const api = "/apis/holdfast.dev/v1alpha1";

describeWithControlPlane("logins", (plane) => {
  let server: LoginServer;
  let controller: HoldfastProcess;
  let namespace: string;
  let requests: DeclaredRequests;
  const stack = new AsyncDisposableStack();

  beforeAll(async () => {
    server = stack.use(await startTokenLogin());
    namespace = await plane.createNamespace("logins");
    requests = declaredRequests(plane, namespace);
    controller = stack.use(await startController(["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace]));
    await must("POST", `/api/v1/namespaces/${namespace}/secrets`, { metadata: { name: "ada" }, stringData: { password } });
  });
  afterAll(() => stack.disposeAsync());

  const must = (...call: [method: "POST" | "GET" | "DELETE", path: string, body?: object]): Promise<unknown> =>
    accepted(plane, ...call);
  const endpoints = (): string => `${api}/namespaces/${namespace}/httpendpoints`;
  async function endpoint(name: string, changes: object = {}): Promise<void> {
    const login = {
      inputs: { pass: { secretKeyRef: { name: "ada", key: "password" } } },
      requests: [{ path: "/login", body: { json: { user: "ada", password: "${ .inputs.pass }" } } }],
      send: [{ header: "Authorization", value: "Bearer ${ .responses[0].body.token }" }],
      expires: ".responses[0].body.expires_in",
      logout: { path: "/logout" },
      ...changes,
    };
    const spec = { baseURL: server.url, auth: { login } };
    await must("POST", endpoints(), { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPEndpoint", metadata: { name }, spec });
  }
  async function readyOf(name: string): Promise<string> {
    const { status } = (await must("GET", `${endpoints()}/${name}`)) as {
      status?: { conditions?: { type: string; reason: string; message: string }[] };
    };
    const ready = status?.conditions?.find(({ type }) => type === "Ready");
    return `${ready?.reason}: ${ready?.message}`;
  }
  const by = (name: string): object => ({ endpointRef: { name }, method: "POST", path: "/orders", record: "Body" });

  test("wish 25: ten requests of an endpoint log in once, and the session is in no status, event or log", async () => {
    await endpoint("portal");
    const names = Array.from({ length: 10 }, (_, index) => `order-${index}`);
    for (const name of names) await requests.create(name, by("portal"));
    await requests.until("all are ready", (all) => names.every((name) => isReady(all.get(name))));
    expect([server.logins, server.requests.filter(({ url }) => url === "/orders").length]).toEqual([1, 10]);
    const { body: events } = await plane.admin("GET", `/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
    const shown = JSON.stringify([[...(await requests.all()).values()], controller.log, events]);
    for (const secret of [...server.sessions, password]) expect(shown).not.toContain(secret);
  });

  test("a session that its server has ended is renewed, and the POST is sent again", async () => {
    server.revokeAll();
    await requests.create("after", by("portal"));
    await requests.until("it is ready", (all) => isReady(all.get("after")));
    expect(server.logins).toBe(2);
  });

  test("a wrong password is told where it is written, tried once, and healed by another Secret", async () => {
    const inputs = { pass: { secretKeyRef: { name: "grace", key: "password" } } };
    await must("POST", `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: "grace" },
      stringData: { password: "a wrong password" },
    });
    const before = server.tries;
    await endpoint("wrong", { inputs });
    await requests.create("refused", by("wrong"));
    const message = 'HTTPEndpoint "wrong": spec.auth.login.requests[0]: answered 403, where expect.status has 2xx';
    await until("it is told", async () => (await readyOf("wrong")) === `CredentialRefused: ${message}`);
    await requests.until("its request is told", (all) => stateOf(all.get("refused")).includes("CredentialRefused"));
    expect(server.tries).toBe(before + 1);
    const patched = await plane.adminPatch(`/api/v1/namespaces/${namespace}/secrets/grace`, { stringData: { password } });
    expect(patched.status).toBe(200);
    await requests.until("it is ready", (all) => isReady(all.get("refused")));
    expect(server.tries).toBe(before + 2);
  });

  test("wish 2: of an HTTPResource's requests one goes without the endpoint's credential, and sets its own", async () => {
    const own = [{ name: "Authorization", value: "Bearer of-my-own" }];
    const spec = {
      endpointRef: { name: "portal" },
      observe: { path: "/refused/thing", auth: "None", headers: own, expect: { status: ["401"] }, object: "null" },
      create: { path: "/things", body: { json: {} } },
      delete: { path: "/things/1", auth: "None" },
      externalID: '"1"',
    };
    const object = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata: { name: "thing" }, spec };
    await must("POST", `${api}/namespaces/${namespace}/httpresources`, object);
    const seen = (url: string): string | undefined =>
      server.requests.find((request) => request.url === url)?.headers.authorization;
    await until("it is created", () => Promise.resolve(server.requests.some(({ url }) => url === "/things")));
    expect(seen("/refused/thing")).toBe("Bearer of-my-own");
    expect(seen("/things")).toMatch(/^Bearer session-/);
    await must("DELETE", `${api}/namespaces/${namespace}/httpresources/thing`);
    await until("it is deleted", () => Promise.resolve(server.requests.some(({ url }) => url === "/things/1")));
    expect(seen("/things/1")).toBeUndefined();
    await plane.adminPatch(`${api}/namespaces/${namespace}/httpresources/thing`, { metadata: { finalizers: null } });
    const without = { ...object, metadata: { name: "no" }, spec: { observe: { url: server.url, auth: "None" } } };
    const { status, body } = await plane.admin("POST", `${api}/namespaces/${namespace}/httpresources`, without);
    expect([status, JSON.stringify(body)]).toEqual([422, expect.stringContaining("observe.auth goes with endpointRef")]);
  });

  test("a session ends with its endpoint, and those that are left with the process", async () => {
    expect(server.sessions.size).toBe(2);
    await must("DELETE", `${endpoints()}/wrong`);
    await until("its session has been ended", () => Promise.resolve(server.sessions.size === 1));
    controller.kill("SIGTERM");
    expect(await controller.exited).toBe(0);
    expect(server.sessions.size).toBe(0);
  });
});
