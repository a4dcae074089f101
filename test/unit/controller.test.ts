/** The engine over a store in memory and a requester that is a script: order, concurrency, and what survives what. */
import { describe, expect, test } from "@jest/globals";
import type { TelemetryEvent } from "../../src/core/telemetry-event.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import type { Kind, Plan, Situation } from "../../src/core/plan.ts";
import type { OutcomeJournal, Requester, ResourceStore } from "../../src/core/ports.ts";
import type { Resource } from "../../src/core/resource.ts";
import { createController, type Controller } from "../../src/engine/controller.ts";
import { idle, letsGo, memoryStore, nothingHeld, requesterThat, thing, type, until } from "../support/memory-store.ts";

type Reconciled = Extract<TelemetryEvent, { type: "reconciled" }>;

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
    instanceId: "me",
    emit: (occurrence) => {
      if (occurrence.type === "reconciled") reconciled.push(occurrence);
      if (until(reconciled, controller)) stop.abort(new Error("enough"));
    },
  });
  await controller.run(stop.signal, stop.signal);
  return { reconciled, writes };
}

/** A controller with one worker, that works until the test ends. `drain`: gives up what is under way; as soon as it stops where not given. */
function started(
  store: ResourceStore,
  plan: (situation: Situation) => Plan,
  {
    requester = idle,
    drain,
    ...limits
  }: {
    requester?: Requester;
    drain?: AbortSignal;
    reconcileTimeoutMs?: number;
    slowWriteMs?: number;
    journal?: OutcomeJournal;
  } = {},
) {
  const stop = new AbortController();
  const controller = createController({
    kinds: [{ type, references: () => [], plan }],
    store,
    requester,
    emit: () => {},
    concurrency: 1,
    reconcileTimeoutMs: 60_000,
    instanceId: "me",
    ...limits,
  });
  const ended = controller.run(stop.signal, drain ?? stop.signal);
  const end = (): void => stop.abort(new Error("enough"));
  return {
    controller,
    end,
    ended,
    async [Symbol.asyncDispose]() {
      end();
      await ended;
    },
  };
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

  test("F20: counts a plan that throws, tries it again, and goes on with the others", async () => {
    function* plan({ resource }: Situation): Plan {
      if (resource.metadata.name === "bad") throw new Error("a mistake");
      return yield* settledAt({ done: true });
    }
    const { reconciled } = await run(plan, [thing("bad"), thing("good")], {
      until: (all) => all.filter(({ name }) => name === "bad").length === 2,
    });
    expect(reconciled.filter(({ name }) => name === "bad")).toMatchObject([
      { result: "error", panicked: true },
      { result: "error", panicked: true },
    ]);
    expect(reconciled.find(({ name }) => name === "good")).toMatchObject({ result: "succeeded" });
  });

  test("F20: counts an object whose references cannot be read, and hears of the others", async () => {
    const reconciled: Reconciled[] = [];
    const { store, change } = memoryStore([thing("good")]);
    function references({ metadata }: Resource): [] {
      if (metadata.name === "bad") throw new Error("a mistake");
      return [];
    }
    await using ending = new AsyncDisposableStack();
    const stop = new AbortController();
    const controller = createController({
      kinds: [{ type, references, plan: () => settledAt({ done: true }) }],
      store,
      requester: idle,
      emit: (occurrence) => void (occurrence.type === "reconciled" && reconciled.push(occurrence)),
      concurrency: 1,
      reconcileTimeoutMs: 60_000,
      instanceId: "me",
    });
    const ended = controller.run(stop.signal, stop.signal);
    ending.defer(async () => {
      stop.abort(new Error("enough"));
      await ended;
    });
    await until(() => reconciled.some(({ name }) => name === "good"));
    change(thing("bad"));
    await until(() => reconciled.some(({ name, result }) => name === "bad" && result === "error"));
    change(thing("late"));
    await until(() => reconciled.some(({ name, result }) => name === "late" && result === "succeeded"));
  });

  test("says that it broke when a watch does, and does not go on without it", async () => {
    const { store } = memoryStore([thing("a")]);
    const broken: ResourceStore = {
      ...store,
      async *watch(type, signal) {
        for await (const event of store.watch(type, signal)) {
          yield event;
          throw new Error("a mistake");
        }
      },
    };
    const stop = new AbortController();
    const tooLate = setTimeout(() => stop.abort(new Error("too late")), 5_000);
    const controller = createController({
      kinds: [{ type, references: () => [], plan: () => settledAt({ done: true }) }],
      store: broken,
      requester: idle,
      emit: () => {},
      concurrency: 1,
      reconcileTimeoutMs: 60_000,
      instanceId: "me",
    });
    await expect(controller.run(stop.signal, stop.signal)).rejects.toThrow("a mistake");
    clearTimeout(tooLate);
    expect(stop.signal.aborted).toBe(false);
  });

  test("F20: frees the worker of a reconcile that never ends, says so, and does not run its key beside it", async () => {
    const never = new Promise<never>(() => {});
    const requester = requesterThat(() => never);
    function* plan({ resource }: Situation): Plan {
      if (resource.metadata.name.startsWith("stuck")) yield { type: "evaluate", evaluation: {} as never };
      return { status: { done: true }, result: "succeeded", reason: "Done" };
    }
    const objects = [thing("stuck1"), thing("stuck2"), thing("good")];
    const until = (all: readonly Reconciled[]): boolean => all.some(({ name }) => name === "good") && all.length === 3;
    const { reconciled } = await run(plan, objects, { until, reconcileTimeoutMs: 500, stoppingMs: 50, requester });
    expect(reconciled.filter(({ panicked }) => panicked).map(({ name }) => name)).toEqual(["stuck1", "stuck2"]);
  });

  test("keeps nothing of an object that was deleted while its status was being written", async () => {
    const landing = Promise.withResolvers<void>();
    const { store, remove, writes } = memoryStore([thing("a")]);
    const slow: typeof store = { ...store, writeStatus: (...write) => landing.promise.then(() => store.writeStatus(...write)) };
    await using running = started(slow, () => settledAt({ done: true }));
    const { controller } = running;
    await until(() => controller.queue.working.size === 1);
    remove("a");
    await until(() => [...controller.resources()].length === 0);
    landing.resolve();
    await until(() => writes.length === 1 && controller.queue.working.size === 0);
    expect([...controller.resources()]).toEqual([]);
  });

  test("acts on what another write of this process answered, and not on what was known before", async () => {
    const seen: unknown[] = [];
    function* plan({ resource: { metadata } }: Situation): Plan {
      yield* [];
      seen.push(metadata.annotations?.["note"]);
      return { status: { done: true }, result: "succeeded", reason: "Done" };
    }
    const { store } = memoryStore([thing("a")]);
    await using running = started(store, plan);
    const { controller } = running;
    await until(() => seen.length === 1);
    const { metadata } = thing("a", 1, 1_000);
    controller.learn(type, { metadata: { ...metadata, annotations: { note: "new" } }, spec: {} });
    controller.look(type.kind, metadata); // what the watch has not told yet
    await until(() => seen.length === 2);
    controller.learn(type, thing("a", 1, 500)); // late
    controller.look(type.kind, metadata);
    await until(() => seen.length === 3);
    expect(seen).toEqual([undefined, "new", "new"]);
  });

  test("looks again when it is due, however long the reconcile before took", async () => {
    let looks = 0;
    function* plan({ resource, now }: Situation): Plan {
      if (resource.metadata.name === "") yield undefined as never;
      looks += 1;
      const dueAt = new Date(now.getTime() + 50);
      return { status: { looks }, requeueAfterMs: 60_000, dueAt, result: "waiting", reason: "Due" };
    }
    const { store } = memoryStore([thing("a")]);
    await using _running = started(store, plan);
    await until(() => looks === 2);
  });

  test("records that a request took longer than a reconcile may, before that is over", async () => {
    const late: Outcome = { type: "failure", reason: "Timeout", message: "", sent: true };
    const requester: Requester = {
      ...idle,
      begin: () => ({
        prepare: async () => ({
          type: "prepared",
          send: (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(late))),
          ...letsGo,
        }),
        ...nothingHeld,
      }),
    };
    function* plan(): Plan {
      const outcome = yield { type: "exchange", exchange: {} as never, beforeSend: { type: "nothing" } };
      return { status: { outcome }, result: "failed", reason: "Timeout" };
    }
    const { store, writes } = memoryStore([thing("a")]);
    const strict: typeof store = {
      ...store,
      async writeStatus(...write) {
        write[4].throwIfAborted();
        return store.writeStatus(...write);
      },
    };
    await using _running = started(strict, plan, { requester, reconcileTimeoutMs: 500 });
    await until(() => writes.length === 1);
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
    const slow: typeof store = {
      ...store,
      async writeStatus(...write) {
        if (write[1].metadata.name.startsWith("held")) await landing.promise;
        return store.writeStatus(...write);
      },
    };
    await using working = started(slow, plan, { slowWriteMs: 5, drain: new AbortController().signal });
    await until(() => writes.length === 2);
    change(thing("held1", 2, 1_000));
    await until(() => working.controller.queue.depth === 1);
    expect(asked).toEqual(names);
    working.end();
    landing.resolve();
    await working.ended;
    expect(writes.toSorted()).toEqual(names.toSorted()); // what it was waiting for is not given up
    expect(asked).toEqual(names);
  });

  test("gives the worker of a request that waits for a place at another origin to others", async () => {
    const place = Promise.withResolvers<void>();
    const answer = { type: "failure", reason: "Timeout", message: "", sent: true } as const;
    const requester: Requester = {
      ...idle,
      begin: (resource, _mayStart, waitFor = (awaited) => awaited) => ({
        prepare: () =>
          Promise.resolve({
            type: "prepared",
            send: async () => {
              if (resource.includes("led")) await waitFor(place.promise);
              return answer;
            },
            ...letsGo,
          }),
        ...nothingHeld,
      }),
    };
    function* plan(): Plan {
      yield { type: "exchange", exchange: {} as never, beforeSend: { type: "nothing" } };
      return { status: { done: true }, result: "succeeded", reason: "Done" };
    }
    const { store, writes } = memoryStore(["led1", "led2", "a", "b"].map((name) => thing(name)));
    await using working = started(store, plan, { requester, slowWriteMs: 5, drain: new AbortController().signal });
    await until(() => writes.length === 2);
    expect(writes).toEqual(["a", "b"]);
    working.end();
    place.resolve();
    await working.ended;
    expect(writes).toHaveLength(4);
  });

  test.each(["in the journal", "taken away from its object"])(
    "gives the worker of an outcome %s that cannot be written back to others, and decides nothing before it is",
    async (where) => {
      const landing = Promise.withResolvers<void>();
      const attempt = { id: "i", phase: "Done", sender: "me" };
      const done = { attempt, done: true };
      const isJournaled = where === "in the journal";
      const held = (status?: object): Resource => ({ ...thing("held", 1, status ? 1 : 1_000), ...(status && { status }) });
      const { store, change } = memoryStore([held(isJournaled ? { attempt: { ...attempt, phase: "InFlight" } } : done)]);
      let tries = 0;
      const slow: typeof store = {
        ...store,
        async writeStatus(...write) {
          if (write[1].metadata.name === "held") {
            tries += 1;
            await landing.promise;
          }
          return store.writeStatus(...write);
        },
      };
      const asked: string[] = [];
      const decided = (): number => asked.filter((name) => name === "held").length;
      function* plan({ resource }: Situation): Plan {
        if (Math.random() > 1) yield undefined as never;
        asked.push(resource.metadata.name);
        return { status: done, result: "succeeded", reason: "Done" };
      }
      const entry = { uid: "held", attemptId: "i", sender: "me", status: { attempt } };
      const journal = { find: (id: string) => (id === "Thing/n/held" ? entry : undefined), keep() {}, forget() {} };
      const options = { slowWriteMs: 5, drain: new AbortController().signal, ...(isJournaled && { journal }) };
      await using working = started(slow, plan, options);
      await using _landed = { [Symbol.asyncDispose]: async () => landing.resolve() };
      if (!isJournaled) {
        await until(() => decided() === 1 && working.controller.queue.working.size === 0);
        change(held());
      }
      await until(() => tries === 1);
      const before = decided();
      change(thing("a"));
      await until(() => asked.includes("a"));
      expect([tries, decided()]).toEqual([1, before]);
      landing.resolve();
      await until(() => decided() > before);
    },
  );
});
