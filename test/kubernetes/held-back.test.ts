/** What waits for its turn before its first request says so, once it has waited for some seconds, by one write. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { accepted } from "../support/accepted.ts";
import { isReady, stateOf, type DeclaredRequest } from "../support/declared-requests.ts";
import { faultWorld, never, until, type FaultWorld } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const api = "/apis/holdfast.dev/v1alpha1";

describeWithControlPlane("what is held back", (plane) => {
  let world: FaultWorld;
  const stack = new AsyncDisposableStack();

  beforeAll(async () => {
    world = stack.use(await faultWorld(plane, "held-back"));
    stack.use(await world.start());
  });
  afterAll(() => stack.disposeAsync());

  async function make(kind: "HTTPEndpoint" | "HTTPResource", name: string, spec: object): Promise<void> {
    const object = { apiVersion: "holdfast.dev/v1alpha1", kind, metadata: { name }, spec };
    await accepted(plane, "POST", `${api}/namespaces/${world.namespace}/${kind.toLowerCase()}s`, object);
  }
  /** Until the controller knows it: whoever is seen before its endpoint says that there is none, by a write and an event more. */
  async function endpoint(name: string, spec: object): Promise<void> {
    await make("HTTPEndpoint", name, { baseURL: `${world.origin.url}/${name}`, ...spec });
    const path = `${api}/namespaces/${world.namespace}/httpendpoints/${name}`;
    await until(`${name} is known`, async () => stateOf((await accepted(plane, "GET", path)) as DeclaredRequest) !== "");
  }
  /** How many writes of statuses of objects with such names the API server has seen. */
  async function statusWrites(prefix: string): Promise<number> {
    const writes = (await plane.auditEvents()).filter(
      ({ verb, subresource, namespace, name, code }) =>
        verb === "patch" && subresource === "status" && namespace === world.namespace && name.startsWith(prefix) && code === 200,
    );
    return writes.length;
  }
  async function eventsOf(prefix: string): Promise<readonly string[]> {
    const { body } = await plane.admin("GET", `/apis/events.k8s.io/v1/namespaces/${world.namespace}/events`);
    const { items } = body as { items: { type: string; reason: string; regarding: { name: string } }[] };
    return items.filter(({ regarding }) => regarding.name.startsWith(prefix)).map(({ type, reason }) => `${type} ${reason}`);
  }
  const sent = (path: string): number => world.origin.requests.filter((one) => one.path.startsWith(path)).length;
  const readyOf = (one: DeclaredRequest | undefined) => one?.status?.conditions?.find(({ type }) => type === "Ready");

  test("a turn under a rate limit: a request and a resource say whose limit it is and when, keep their places, and are sent once", async () => {
    await endpoint("slow", { rateLimit: { requests: 1, per: "10m" } });
    const to = { endpointRef: { name: "slow" }, path: "/" };
    await world.requests.create("slow-first", { ...to, method: "POST" });
    await world.requests.until("the first has gone", (all) => isReady(all.get("slow-first")));
    const names = ["slow-1", "slow-2", "slow-3"];
    for (const name of names) await world.requests.create(name, { ...to, method: "POST" });
    await make("HTTPResource", "slow-object", {
      endpointRef: { name: "slow" },
      observe: { path: "/o" },
      create: { path: "/", body: { json: {} } },
    });
    const isTold = (one: DeclaredRequest | undefined): boolean => stateOf(one) === "NotReady/RateLimited";
    const all = await world.requests.until("they say so", (seen) => names.every((name) => isTold(seen.get(name))));
    for (const name of names) {
      const { status } = all.get(name) ?? {};
      expect(readyOf(all.get(name))?.message).toBe(
        'its turn under spec.rateLimit of HTTPEndpoint "slow" has not come yet; it is sent when it does',
      );
      const minutes = (Date.parse(status?.nextRunAt ?? "") - Date.now()) / 60_000;
      expect(minutes).toBeGreaterThan(5);
      expect(minutes).toBeLessThan(45);
    }
    const path = `${api}/namespaces/${world.namespace}/httpresources/slow-object`;
    await until(
      "the resource says so",
      async () => stateOf((await accepted(plane, "GET", path)) as DeclaredRequest) === "NotReady/RateLimited",
    );
    const writes = await statusWrites("slow-");
    expect(writes).toBe(2 + names.length + 1);
    await sleep(6_000); // as long again: nothing more is written
    expect([await statusWrites("slow-"), sent("/slow")]).toEqual([writes, 1]);
    await until("each is told of", async () => (await eventsOf("slow-")).length === 4);
    expect(new Set(await eventsOf("slow-"))).toEqual(new Set(["Normal RateLimited"]));
    await plane.adminPatch(`${api}/namespaces/${world.namespace}/httpendpoints/slow`, {
      spec: { rateLimit: { requests: 1000, per: "1s" } },
    });
    await world.requests.until("they are sent", (seen) => names.every((name) => isReady(seen.get(name))));
    for (const one of (await world.requests.all()).values()) expect(one.status?.nextRunAt).toBeUndefined();
    expect(
      world.origin.requests.filter(({ path: at, method }) => at === "/slow/" && method === "POST").length,
    ).toBeGreaterThanOrEqual(4);
  });

  test("a place at an endpoint", async () => {
    world.origin.reply = () => never();
    await endpoint("full", { maxInFlight: 1 });
    const to = { endpointRef: { name: "full" }, path: "/", timeout: "10m" };
    await world.requests.create("full-1", { ...to, method: "POST" });
    await until("it is on its way", () => sent("/full") === 1);
    await world.requests.create("full-2", { ...to, method: "POST" });
    const all = await world.requests.until("it says so", (seen) => stateOf(seen.get("full-2")) === "NotReady/EndpointBusy");
    expect(readyOf(all.get("full-2"))?.message).toContain('HTTPEndpoint "full"');
    expect(all.get("full-2")?.status?.nextRunAt).toBeDefined();
  });

  test("what passes within seconds is written as often as if it had not waited", async () => {
    world.origin.reply = () => ({ type: "answer", status: 200 });
    await endpoint("quick", { rateLimit: { requests: 40, per: "1s" } });
    const names = Array.from({ length: 80 }, (_, index) => `quick-${index}`);
    await Promise.all(
      names.map((name) => world.requests.create(name, { endpointRef: { name: "quick" }, path: "/", method: "POST" })),
    );
    await world.requests.until("all are ready", (all) => names.every((name) => isReady(all.get(name))), 60_000);
    expect(await statusWrites("quick-")).toBe(2 * names.length); // the intent, and the outcome
    expect(await eventsOf("quick-")).toEqual([]);
  });
});
