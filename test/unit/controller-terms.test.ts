/** The engine in terms of leadership: what it sends and writes in which, and when it looks twice before it does. */
import { describe, expect, test } from "@jest/globals";
import { sameJSON } from "../../src/core/tools/json.ts";
import type { Plan, Situation, WatchedKind } from "../../src/core/plan.ts";
import type { Requester } from "../../src/core/ports.ts";
import { createController } from "../../src/engine/controller.ts";
import { idle, letsGo, memoryStore, nothingHeld, thing, type, until } from "../support/memory-store.ts";

/** Every request is refused, after its resource's name was noted. */
function requesterThatSends(sent: string[]): Requester {
  return {
    ...idle,
    begin: (id) => ({
      prepare: async () => ({
        type: "prepared",
        async send() {
          sent.push(id.split("/")[2] ?? "");
          return { type: "failure", reason: "ConnectionRefused", message: "", sent: false };
        },
        ...letsGo,
      }),
      ...nothingHeld,
    }),
  };
}
/** Sends once for each generation. */
function* sendOnce({ resource: { metadata, status } }: Situation): Plan {
  const done = { at: metadata.generation };
  if (!sameJSON(status, done)) yield { type: "exchange", exchange: {} as never, beforeSend: { type: "nothing" } };
  return { status: done, result: "succeeded", reason: "Done" };
}

/** Sends once, as its status says. */
function* sendUnlessAttempted({ resource: { status = {} } }: Situation): Plan {
  if ("attempt" in status) return { status, result: "unchanged", reason: "Done" };
  yield { type: "exchange", exchange: {} as never, beforeSend: { type: "nothing" } };
  return { status: { done: true }, result: "succeeded", reason: "Done" };
}

describe("the controller", () => {
  test.concurrent(
    "takes no key while another leads, and every key anew when it leads again, but none that is still being worked on",
    async () => {
      const ending = Promise.withResolvers<void>();
      const asked: string[] = [];
      const mayStart: (() => boolean)[] = [];
      const requester: Requester = {
        ...idle,
        begin(_resource, mayStillStart = () => true) {
          mayStart.push(mayStillStart);
          return { prepare: () => Promise.reject(new Error("nothing is sent here")), ...nothingHeld };
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
      const passive: WatchedKind = { type: { ...type, kind: "Passive" }, references: () => [] };
      const controller = createController({
        kinds: [{ type, references: () => [], plan }, passive],
        store,
        requester,
        emit: () => {},
        concurrency: 2,
        reconcileTimeoutMs: 60_000,
        instanceId: "me",
        term: () => term,
      });
      const running = controller.run(stop.signal, stop.signal);
      await until(() => writes.length === 2);
      expect(asked).toEqual(["slow", "a", "b"]);
      controller.queueAll(); // told of the term only now: what has been looked at in it is not looked at again
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
    },
  );

  test.concurrent(
    "reads live, once in a term, what may be older than the take-over before it sends anything for it, and nothing else",
    async () => {
      const sent: string[] = [];
      const first: string[] = [];
      const live: string[] = [];
      const requester = requesterThatSends(sent);
      function* plan({ resource, first: isFirst }: Situation): Plan {
        if (isFirst) first.push(resource.metadata.name);
        for (let nth = 0; nth < 2; nth += 1) yield { type: "exchange", exchange: {} as never, beforeSend: { type: "nothing" } };
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
        emit: () => {},
        concurrency: 1,
        reconcileTimeoutMs: 60_000,
        instanceId: "me",
        resumes: true,
        term: () => term,
        ledSinceVersion: () => since,
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
    },
  );

  test.concurrent("keeps what came of a request until its write is answered, and sends nothing again meanwhile", async () => {
    const sent: string[] = [];
    const { store, writes } = memoryStore([thing("a", 1, 50)]);
    const stop = new AbortController();
    let tries = 0;
    const controller = createController({
      kinds: [{ type, references: () => [], plan: sendOnce }],
      store: {
        ...store,
        async writeStatus(...write) {
          tries += 1;
          if (tries === 1) throw new Error("no reply");
          return store.writeStatus(...write);
        },
      },
      requester: requesterThatSends(sent),
      emit: () => {},
      concurrency: 1,
      reconcileTimeoutMs: 100, // which waiting for a write does not count in
      instanceId: "me",
      ledSinceVersion: () => "10",
    });
    const running = controller.run(stop.signal, stop.signal);
    await until(() => controller.unrecorded.failing().count === 1);
    await until(() => writes.length === 1);
    expect(controller.unrecorded.failing().count).toBe(0);
    expect([tries, sent]).toEqual([2, ["a"]]);
    stop.abort(new Error("enough"));
    await running;
  });

  test.concurrent("records what it sent in a term that is over, where nobody else has led since", async () => {
    const sent: string[] = [];
    const { store, writes } = memoryStore([thing("a", 1, 50)]);
    const stop = new AbortController();
    let term: number | undefined = 1;
    const controller = createController({
      kinds: [{ type, references: () => [], plan: sendOnce }],
      store: {
        ...store,
        async writeStatus(...write) {
          if (sent.length === 1 && term === 1) term = undefined; // the API server was away, and the lease was lost
          return store.writeStatus(...write);
        },
      },
      requester: requesterThatSends(sent),
      emit: () => {},
      concurrency: 1,
      reconcileTimeoutMs: 60_000,
      instanceId: "me",
      term: () => term,
      unbrokenSince: () => 1,
      ledSinceVersion: () => "10",
    });
    const running = controller.run(stop.signal, stop.signal);
    await until(() => term === undefined);
    expect(writes).toEqual([]);
    term = 2;
    await until(() => writes.length === 1);
    expect(sent).toEqual(["a"]);

    stop.abort(new Error("enough"));
    await running;
  });

  test.concurrent("writes no status that it could not write while it led", async () => {
    const { store, writes } = memoryStore([thing("a"), thing("b")]);
    const stop = new AbortController();
    let term: number | undefined = 1;
    let tries = 0;
    const controller = createController({
      kinds: [{ type, references: () => [], plan: sendOnce }],
      store: {
        ...store,
        async writeStatus(...write) {
          tries += 1;
          if (write[1].metadata.name === "b") term = undefined; // an outage, in which another comes to lead
          return store.writeStatus(...write);
        },
      },
      requester: requesterThatSends([]),
      emit: () => {},
      concurrency: 1,
      reconcileTimeoutMs: 60_000,
      instanceId: "me",
      term: () => term,
    });
    const running = controller.run(stop.signal, stop.signal);
    await until(() => tries === 2);
    stop.abort(new Error("enough"));
    await running;
    expect(writes).toEqual(["a"]);
  });

  test.concurrent("gives a status back that somebody took away, and sends nothing for it", async () => {
    const sent: string[] = [];
    const { store, change, writes, quietly } = memoryStore([thing("a", 1, 50)]);
    const tolerant: typeof store = {
      ...store,
      // It tells of an attempt, by which it is known what was sent.
      writeStatus: (type, resource, status, ...rest) =>
        store.writeStatus(type, resource, { ...status, attempt: { id: "i" } }, ...rest),
    };
    const stop = new AbortController();
    const controller = createController({
      kinds: [{ type, references: () => [], plan: sendUnlessAttempted }],
      store: tolerant,
      requester: requesterThatSends(sent),
      emit: () => {},
      concurrency: 1,
      reconcileTimeoutMs: 60_000,
      instanceId: "me",
    });
    const running = controller.run(stop.signal, stop.signal);
    await until(() => writes.length === 1);
    const bare = thing("a", 1, 1_000);
    quietly(bare);
    change(bare);
    await until(() => writes.length === 2);
    const other = { ...thing("a", 1, 2_000), metadata: { ...thing("a", 1, 2_000).metadata, uid: "another" } };
    expect(sent).toEqual(["a"]);
    quietly(other);
    change(other); // that has never had one
    await until(() => writes.length === 3);
    expect(sent).toEqual(["a", "a"]);
    stop.abort(new Error("enough"));
    await running;
  });
});
