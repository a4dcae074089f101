/** Workers whose work waits for nothing. */
import { expect, test } from "@jest/globals";
import { createWorkQueue } from "../../src/engine/work-queue.ts";
import { runWorkers } from "../../src/engine/workers.ts";

test("let everything else have its turn, however much is due that needs no waiting", async () => {
  const ending = new AbortController();
  const queue = createWorkQueue();
  const keys = Array.from({ length: 400 }, (_, index) => `n/${index}`);
  queue.addAll(keys, "listing");
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
  const attend = async (): Promise<void> => {
    const untilMs = performance.now() + 1;
    while (performance.now() < untilMs); // as a plan does that has nothing to do
    attended += 1;
  };
  await runWorkers({ queue, ...options, attend, onStuck: () => {} }, ending.signal, new AbortController().signal);
  expect(attended).toBe(keys.length);
  expect(turns.size).toBeGreaterThan(10);
});
