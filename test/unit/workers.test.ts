/** What workers take, and leave to others. */
import { describe, expect, test } from "@jest/globals";
import { createWorkQueue } from "../../src/engine/work-queue.ts";
import { runWorkers, type Waits } from "../../src/engine/workers.ts";
import { until } from "../support/memory-store.ts";
import { array, assert, constantFrom, property, tuple } from "fast-check";
import { lanes, type Lane } from "../../src/core/lane.ts";
import { createLanes } from "../../src/core/tools/round-robin.ts";

// Workers over a queue: what they leave to others.
describe("workers", () => {
  test("let everything else have its turn, however much is due that needs no waiting", async () => {
    const ending = new AbortController();
    const queue = createWorkQueue();
    const keys = Array.from({ length: 400 }, (_, index) => `n/${index}`);
    for (const key of keys) queue.add(key, { lane: "listing" });
    let attended = 0;
    /** How much had been attended to when the event loop came round. */
    const turns = new Set<number>();
    const look = (): void => {
      turns.add(attended);
      if (attended < keys.length) setImmediate(look);
      else ending.abort();
    };
    setImmediate(look);
    const options = { concurrency: 40, limitMs: 60_000, slowWriteMs: 3_000, stoppingMs: 5_000 };
    const processKey = async (): Promise<void> => {
      const untilMs = performance.now() + 1;
      while (performance.now() < untilMs); // as a plan does that has nothing to do
      attended += 1;
    };
    await runWorkers({ queue, ...options, processKey, onStuck: () => {} }, ending.signal, new AbortController().signal);
    expect(attended).toBe(keys.length);
    expect(turns.size).toBeGreaterThan(10);
  });

  test("have room for more that wait, however many wait for nothing but to be recorded by now", async () => {
    const queue = createWorkQueue();
    const stop = new AbortController();
    const gone = Promise.withResolvers<void>();
    const recording = new Set<string>();
    const waiting = new Set<string>();
    let [isDone, wasStopping] = [false, false];
    async function processKey(key: string, _signal: AbortSignal, waits: Waits): Promise<void> {
      if (key === "quick") return void (isDone = true);
      await waits.waitFor(new Promise((resolve) => setTimeout(resolve, 50)), 0);
      if (key.startsWith("kept")) {
        recording.add(key);
        await waits.waitForRecord(gone.promise);
        wasStopping ||= waits.isStopping();
        return;
      }
      waiting.add(key);
      await waits.waitFor(gone.promise, 0);
    }
    const limits = { concurrency: 1, limitMs: 60_000, slowWriteMs: 1, stoppingMs: 60_000 };
    const ended = runWorkers({ queue, ...limits, processKey, onStuck: () => {} }, stop.signal, new AbortController().signal);
    for (let n = 0; n < 4; n += 1) {
      queue.add(`kept-${n}`); // as many as may wait for something else
      await until(() => recording.size === n + 1);
    }
    for (let n = 0; n < 4; n += 1) {
      queue.add(`waits-${n}`);
      await until(() => waiting.size === n + 1);
    }
    queue.add("quick");
    await until(() => isDone);
    stop.abort(new Error("enough"));
    gone.resolve();
    await ended;
    expect(wasStopping).toBe(true);
    queue.close();
  });

  test("keep one for other namespaces, though one's objects become due again while they are worked on", async () => {
    const queue = createWorkQueue({ groupOf: (key) => key.split("/")[0] ?? "" });
    const stop = new AbortController();
    const working = new Map<string, () => void>();
    async function processKey(key: string): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      working.set(key, resolve);
      await promise;
    }
    function end(key: string): void {
      const resolve = working.get(key);
      working.delete(key);
      resolve?.();
    }
    const limits = { concurrency: 4, limitMs: 60_000, slowWriteMs: 60_000, stoppingMs: 60_000 };
    const ended = runWorkers({ queue, ...limits, processKey, onStuck: () => {} }, stop.signal, stop.signal);
    for (const n of [1, 2, 3]) queue.add(`slow/${n}`, { lane: "listing" });
    await until(() => working.size === 3);
    queue.add("slow/1"); // it has changed meanwhile
    end("slow/1");
    await until(() => working.has("slow/1"));
    await new Promise((resolve) => setTimeout(resolve, 20)); // its first worker is idle by now
    queue.add("slow/4");
    queue.add("quick/1");
    await until(() => working.has("quick/1"));
    expect([...working.keys()].toSorted()).toEqual(["quick/1", "slow/1", "slow/2", "slow/3"]);
    stop.abort(new Error("enough"));
    for (const key of working.keys()) end(key);
    await ended;
    queue.close();
  });
});

// Whose turn it is, where somebody always has more waiting than anybody works through.
describe("round robin", () => {
  type Waiting = ReturnType<typeof createLanes<string, Lane>>;
  /** Two more in each lane, of a group that is no other's: more than are served. */
  function fill(waiting: Waiting, full: readonly Lane[]): void {
    for (const lane of full) for (const n of [1, 2]) waiting.add(lane, "busy", `${lane} ${n}`);
  }

  test("three turns in four are the first lane's, and the fourth is one of the others' by turns", () => {
    const waiting = createLanes<string, Lane>(lanes);
    const served = Array.from({ length: 16 }, () => {
      fill(waiting, lanes);
      return waiting.shift()?.split(" ")[0];
    });
    const [first, others] = [
      ["change", "change", "change"],
      ["due", "listing"],
    ];
    expect(served).toEqual([0, 1, 0, 1].flatMap((other) => [...first, others[other]]));
  });

  test("a later lane's turn goes to whoever waits, where nobody does there", () => {
    const waiting = createLanes<string, Lane>(lanes);
    for (let n = 0; n < 8; n += 1) {
      fill(waiting, ["change"]);
      expect(waiting.shift()).toMatch("change");
    }
    fill(waiting, ["listing"]);
    expect(waiting.shift()).toMatch("change");
  });

  test("a turn that nobody takes is still there for who comes next", () => {
    const waiting = createLanes<string, Lane>(lanes);
    for (let n = 0; n < 3; n += 1) {
      fill(waiting, ["change"]);
      waiting.shift();
    }
    for (let n = 0; n < 5; n += 1) expect(waiting.shift((group) => group === "nobody")).toBeUndefined();
    waiting.add("due", "quiet", "one");
    expect(waiting.shift()).toBe("one");
  });

  test("whoever waits comes within eight turns for each group of its lane, whatever the others add", () => {
    const others = array(tuple(constantFrom(...lanes), constantFrom("a", "b", "c")), { minLength: 1, maxLength: 6 });
    assert(
      property(constantFrom(...lanes), array(others, { minLength: 64, maxLength: 64 }), (lane, turns) => {
        const waiting = createLanes<string, Lane>(lanes);
        waiting.add(lane, "quiet", "quiet");
        let n = 0;
        const served = turns.map((added) => {
          fill(waiting, lanes);
          for (const [itsLane, group] of added) waiting.add(itsLane, group, `${group} ${(n += 1)}`);
          return waiting.shift();
        });
        expect(served.slice(0, 8 * 5)).toContain("quiet"); // a, b, c, busy and quiet
      }),
    );
  });
});
