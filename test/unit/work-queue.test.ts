import { expect, test } from "@jest/globals";
import { createWorkQueue } from "../../src/engine/work-queue.ts";

const never = new AbortController().signal;

test("hands a key to one worker at a time, and again afterwards when it became due meanwhile", async () => {
  const queue = createWorkQueue();
  queue.add("a");
  expect(await queue.take(never)).toBe("a");
  queue.add("a");
  queue.add("b");
  expect(await queue.take(never)).toBe("b");
  queue.done("a");
  expect(await queue.take(never)).toBe("a");
});

test("holds a key once, however often it is added", async () => {
  const queue = createWorkQueue();
  for (let n = 0; n < 3; n += 1) queue.add("a");
  expect(queue.depth).toBe(1);
  await queue.take(never);
  expect(queue.depth).toBe(0);
});

test("lets the earlier due time win", async () => {
  const queue = createWorkQueue();
  queue.add("a", 60_000);
  queue.add("a", 1);
  queue.add("a", 60_000);
  expect(await queue.take(never)).toBe("a");
  expect(queue.delayed).toBe(0);
});

test("does not fire a delay of 30 days at once", async () => {
  const queue = createWorkQueue();
  queue.add("a", 30 * 24 * 3_600_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(queue.depth).toBe(0);
  expect(queue.delayed).toBe(1);
  queue.close();
});

test("stops waiting on abort, and loses no key by it", async () => {
  const queue = createWorkQueue();
  const stop = new AbortController();
  const taken = queue.take(stop.signal);
  stop.abort(new Error("stop"));
  await expect(taken).rejects.toThrow("stop");
  queue.add("a");
  expect(await queue.take(never)).toBe("a");
});
