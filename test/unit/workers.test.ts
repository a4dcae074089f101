/** Workers over a queue: what they leave to others. */
import { expect, test } from "@jest/globals";
import { createWorkQueue } from "../../src/engine/work-queue.ts";
import { runWorkers } from "../../src/engine/workers.ts";
import { until } from "../support/memory-store.ts";

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
