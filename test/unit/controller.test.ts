/** The engine over a store in memory and a requester that is a script: order, concurrency, and what survives what. */
import { describe, expect, test } from "@jest/globals";
import { createWatchers } from "../../src/standalone/watchers.ts";
import type { Occurrence } from "../../src/core/occurrence.ts";
import type { Kind, Plan, Situation } from "../../src/core/plan.ts";
import type { Requester, Requests, ResourceStore } from "../../src/core/ports.ts";
import type { Resource, ResourceType } from "../../src/core/resource.ts";
import { createController, type Controller } from "../../src/engine/controller.ts";

const type: ResourceType = { group: "g", version: "v1", kind: "Thing", plural: "things" };
type Reconciled = Extract<Occurrence, { type: "reconciled" }>;

const noOutputs = { evaluateOutputs: () => Promise.reject(new Error("there are no outputs here")) };

/** Sends nothing; `evaluate` is the test's. */
function requesterThat(evaluate: Requester["evaluate"]): Requester {
  const requests: Requests = { prepare: () => Promise.reject(new Error("nothing is sent here")), [Symbol.dispose]() {} };
  return { begin: () => requests, evaluate, check: () => Promise.resolve({ type: "usable" }), ...noOutputs };
}
const idle = requesterThat(() => Promise.reject(new Error("nothing is evaluated here")));

function thing(name: string, generation = 1, resourceVersion = 1): Resource {
  return { metadata: { namespace: "n", name, uid: name, generation, resourceVersion: String(resourceVersion) }, spec: {} };
}

/** A store that holds objects and takes every status. */
function memoryStore(objects: readonly Resource[]) {
  const held = new Map(objects.map((object) => [object.metadata.name, object]));
  const watchers = createWatchers();
  let version = 100;
  const writes: string[] = [];
  const store: ResourceStore = {
    watch: (_type, signal) =>
      watchers.watch(
        "things",
        () => ({ type: "listed", resources: [...held.values()], resourceVersion: String(version) }),
        signal,
      ),
    read: async () => ({ type: "absent" }),
    as: () => store,
    checkOutput: async () => undefined,
    writeOutput: async () => ({ type: "unchanged" }),
    readLive: async (_type, { metadata }) => held.get(metadata.name),
    setFinalizer: async (_type, resource) => ({ type: "written", resource }),
    async writeStatus(_type, { metadata }, status) {
      writes.push(metadata.name);
      const written = {
        ...(held.get(metadata.name) as Resource),
        status,
        metadata: { ...metadata, resourceVersion: String((version += 1)) },
      };
      held.set(metadata.name, written);
      watchers.tell("things", { type: "applied", resource: written });
      return { type: "written", resource: written };
    },
    serviceAccountToken: async () => ({ type: "unsupported" }),
    isNewer: (a, b) => Number(a) > Number(b),
  };
  return { store, writes, change: (resource: Resource) => watchers.tell("things", { type: "applied", resource }) };
}

async function run(
  plan: (situation: Situation) => Plan,
  objects: readonly Resource[],
  {
    until,
    reconcileTimeoutMs = 60_000,
    stoppingMs = 60_000,
    requester = idle,
  }: {
    until: (reconciled: readonly Reconciled[], controller: Controller) => boolean;
    reconcileTimeoutMs?: number;
    stoppingMs?: number;
    requester?: Requester;
  },
) {
  const kind: Kind = { type, references: () => [], plan };
  const { store, writes } = memoryStore(objects);
  const reconciled: Reconciled[] = [];
  const stop = new AbortController();
  const controller: Controller = createController({
    kinds: [kind],
    store,
    requester,
    concurrency: 2,
    reconcileTimeoutMs,
    stoppingMs,
    sender: "me",
    record: (occurrence) => {
      if (occurrence.type === "reconciled") reconciled.push(occurrence);
      if (until(reconciled, controller)) stop.abort(new Error("enough"));
    },
  });
  await controller.run(stop.signal, stop.signal);
  return { reconciled, writes };
}

function* settledAt(status: object): Plan {
  if (Math.random() > 1) yield undefined as never;
  return { status, result: "succeeded", reason: "Done" };
}

describe("the controller", () => {
  test("reconciles everything that is listed, once, and writes each status once", async () => {
    const objects = Array.from({ length: 50 }, (_, n) => thing(`t${n}`));
    const { reconciled, writes } = await run(() => settledAt({ done: true }), objects, { until: ({ length }) => length === 50 });
    expect(new Set(reconciled.map(({ name }) => name)).size).toBe(50);
    expect(writes).toHaveLength(50);
  });

  test("writes nothing where nothing changed", async () => {
    const { writes } = await run(() => settledAt({ done: true }), [{ ...thing("a"), status: { done: true } }], {
      until: ({ length }) => length === 1,
    });
    expect(writes).toEqual([]);
  });

  test("counts a plan that throws, tries it again, and goes on with the others", async () => {
    const plan = ({ resource }: Situation): Plan => {
      if (resource.metadata.name === "bad") throw new Error("a mistake");
      return settledAt({ done: true });
    };
    const { reconciled } = await run(plan, [thing("bad"), thing("good")], {
      until: (all) => all.filter(({ name }) => name === "bad").length === 2,
    });
    expect(reconciled.filter(({ name }) => name === "bad")).toMatchObject([{ result: "error" }, { result: "error" }]);
    expect(reconciled.find(({ name }) => name === "good")).toMatchObject({ result: "succeeded" });
  });

  test("frees the worker of a reconcile that never ends, says so, and does not run its key beside it", async () => {
    const never = new Promise<never>(() => {});
    const requester = requesterThat(() => never);
    function* plan({ resource }: Situation): Plan {
      if (resource.metadata.name.startsWith("stuck")) yield { type: "evaluate", evaluation: {} as never };
      return { status: { done: true }, result: "succeeded", reason: "Done" };
    }
    const objects = [thing("stuck1"), thing("stuck2"), thing("good")];
    const until = (all: readonly Reconciled[]): boolean => all.some(({ name }) => name === "good") && all.length === 3;
    const { reconciled } = await run(plan, objects, { until, reconcileTimeoutMs: 50, stoppingMs: 50, requester });
    expect(reconciled.filter(({ panicked }) => panicked).map(({ name }) => name)).toEqual(["stuck1", "stuck2"]);
  });

  test("takes no key while another leads, and every key anew when it leads again, but none that is still being worked on", async () => {
    const ending = Promise.withResolvers<void>();
    const asked: string[] = [];
    const mayStart: (() => boolean)[] = [];
    const requester: Requester = {
      ...noOutputs,
      begin(_resource, mayStillStart = () => true) {
        mayStart.push(mayStillStart);
        return { prepare: () => Promise.reject(new Error("nothing is sent here")), [Symbol.dispose]() {} };
      },
      async evaluate() {
        await ending.promise;
        return { type: "values", values: [] };
      },
      check: async () => ({ type: "usable" }),
    };
    function* plan({ resource }: Situation): Plan {
      asked.push(resource.metadata.name);
      if (resource.metadata.name === "slow") yield { type: "evaluate", evaluation: {} as never };
      return { status: { done: true }, result: "succeeded", reason: "Done" };
    }
    const { store, change, writes } = memoryStore([thing("slow"), thing("a"), thing("b")]);
    const stop = new AbortController();
    let term: number | undefined = 1;
    const passive: Kind = { type: { ...type, kind: "Passive" }, references: () => [], plan, passive: true };
    const controller = createController({
      kinds: [{ type, references: () => [], plan }, passive],
      store,
      requester,
      record: () => {},
      concurrency: 2,
      reconcileTimeoutMs: 60_000,
      sender: "me",
      term: () => term,
    });
    const running = controller.run(stop.signal, stop.signal);
    await until(() => writes.length === 2);
    expect(asked).toEqual(["slow", "a", "b"]);
    expect(mayStart[0]?.()).toBe(true);

    term = undefined;
    change(thing("a", 2, 1_000));
    await until(() => controller.queue.depth === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(asked).toHaveLength(3);

    term = 2;
    controller.queueAll();
    await until(() => asked.length === 5);
    expect(asked.slice(3).toSorted()).toEqual(["a", "b"]);
    expect(mayStart[0]?.()).toBe(false); // what began in an earlier term sends nothing in this one
    ending.resolve();
    await until(() => asked.length === 6);
    expect(asked.at(-1)).toBe("slow");
    stop.abort(new Error("enough"));
    await running;
  });

  test("reads live, once in a term, what may be older than the take-over before it sends anything for it, and nothing else", async () => {
    const sent: string[] = [];
    const first: string[] = [];
    const live: string[] = [];
    const requester: Requester = {
      ...idle,
      begin: (id) => ({
        prepare: async () => ({
          type: "prepared",
          async send() {
            sent.push(id.split("/")[2] ?? "");
            return { type: "failure", reason: "ConnectionRefused", message: "", sent: false };
          },
        }),
        [Symbol.dispose]() {},
      }),
    };
    function* plan({ resource, first: isFirst }: Situation): Plan {
      if (isFirst) first.push(resource.metadata.name);
      for (let nth = 0; nth < 2; nth += 1) yield { type: "exchange", exchange: {} as never, before: { type: "none" } };
      return { status: { at: resource.metadata.generation }, result: "succeeded", reason: "Done" };
    }
    // The cache has not heard yet that "sent" is done.
    const done = { ...thing("sent", 1, 9), status: { at: 1 } };
    const { store, change } = memoryStore([thing("old", 1, 8), done, thing("new", 1, 11)]);
    const stop = new AbortController();
    let [term, since] = [1, "10"];
    const controller = createController({
      kinds: [{ type, references: () => [], plan }],
      store: {
        ...store,
        async *watch(...args) {
          for await (const event of store.watch(...args))
            yield event.type === "listed"
              ? { ...event, resources: event.resources.map((one) => (one === done ? thing("sent", 1, 7) : one)) }
              : event;
        },
        async readLive(...args) {
          live.push(args[1].metadata.name);
          return store.readLive(...args);
        },
      },
      requester,
      record: () => {},
      concurrency: 1,
      reconcileTimeoutMs: 60_000,
      sender: "me",
      resumes: true,
      term: () => term,
      since: () => since,
    });
    const running = controller.run(stop.signal, stop.signal);
    await until(() => sent.length === 6);
    expect(live).toEqual(["old", "sent"]);
    expect(sent).toEqual(["old", "old", "new", "new", "sent", "sent"]); // what it found out about "sent" came first
    expect(first).toEqual(["old", "sent", "new"]);
    for (const name of ["old", "new"]) change(thing(name, 2, 1_000));
    await until(() => sent.length === 10);
    expect(live).toHaveLength(2);
    expect(first).toHaveLength(3);

    [term, since] = [2, "2000"];
    controller.queueAll();
    await until(() => sent.length === 16);
    expect(live.slice(2).toSorted()).toEqual(["new", "old", "sent"]);
    expect(first.slice(3).toSorted()).toEqual(["new", "old", "sent"]);
    stop.abort(new Error("enough"));
    await running;
  });

  test("gives the worker of a status that cannot be written to others, and does not run its key beside it", async () => {
    const landing = Promise.withResolvers<void>();
    const asked: string[] = [];
    function* plan({ resource }: Situation): Plan {
      if (Math.random() > 1) yield undefined as never;
      asked.push(resource.metadata.name);
      return { status: { done: true }, result: "succeeded", reason: "Done" };
    }
    const names = ["held1", "held2", "held3", "a", "b"];
    const { store, change, writes } = memoryStore(names.map((name) => thing(name)));
    const stop = new AbortController();
    const controller = createController({
      kinds: [{ type, references: () => [], plan }],
      store: {
        ...store,
        async writeStatus(...write) {
          if (write[1].metadata.name.startsWith("held")) await landing.promise;
          return store.writeStatus(...write);
        },
      },
      requester: idle,
      record: () => {},
      concurrency: 1,
      reconcileTimeoutMs: 60_000,
      slowWriteMs: 5,
      sender: "me",
    });
    const running = controller.run(stop.signal, new AbortController().signal);
    await until(() => writes.length === 2);
    change(thing("held1", 2, 1_000));
    await until(() => controller.queue.depth === 1);
    expect(asked).toEqual(names);
    stop.abort(new Error("enough"));
    landing.resolve();
    await running;
    expect(writes.toSorted()).toEqual(names.toSorted()); // what it was waiting for is not given up
    expect(asked).toEqual(names);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 5_000; !isSo();) {
    if (performance.now() > endMs) throw new Error("not so within 5 s");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
