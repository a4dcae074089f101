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

test("hands out first whose turn came while it was being worked on", async () => {
  const queue = createWorkQueue();
  queue.add("a");
  expect(await queue.take(never)).toBe("a");
  queue.add("a", { lane: "listing", kept: true });
  queue.add("a", { lane: "listing" });
  queue.add("b");
  queue.done("a");
  expect(await queue.take(never)).toBe("a");
});

test("counts what was due while no key was handed out from when they are", async () => {
  const waitedSecs: number[] = [];
  let isOpen = false;
  const queue = createWorkQueue({ isOpen: () => isOpen, onTake: (secs) => waitedSecs.push(secs) });
  queue.add("a", { lane: "listing" });
  await new Promise((resolve) => setTimeout(resolve, 50)); // it stands by
  const openedMs = performance.now();
  isOpen = true;
  queue.begin();
  expect(await queue.take(never)).toBe("a");
  expect(waitedSecs).toHaveLength(1);
  expect(waitedSecs[0]).toBeLessThanOrEqual((performance.now() - openedMs) / 1000);
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
  queue.add("a", { delayMs: 60_000 });
  queue.add("a", { delayMs: 1 });
  queue.add("a", { delayMs: 60_000 });
  expect(await queue.take(never)).toBe("a");
  expect(queue.delayed).toBe(0);
});

const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;

test("keys that are due at about the same time share a timer, and become due together, each once", async () => {
  const queue = createWorkQueue();
  const before = timers();
  for (let n = 0; n < 5_000; n += 1) queue.add(`a/${n}`, { delayMs: 60_000 + (n % 50) });
  expect(timers() - before).toBeLessThanOrEqual(100); // so few, however slow the loop is
  queue.close();

  const soon = createWorkQueue();
  const dueMs = performance.now() + 1_100;
  for (let n = 0; n < 2_000; n += 1) soon.add(`a/${n}`, { delayMs: 1_100 });
  const taken = new Set<string>();
  for (let n = 0; n < 2_000; n += 1) {
    const key = await soon.take(never);
    taken.add(key);
    soon.done(key);
    if (n === 0) expect(performance.now()).toBeGreaterThanOrEqual(dueMs - 2); // a timer may be a little early
  }
  expect(taken.size).toBe(2_000);
  expect([soon.depth, soon.delayed]).toEqual([0, 0]);
});

test("a key that is forgotten takes its timer along once it was the last", () => {
  const queue = createWorkQueue();
  const before = timers();
  for (let n = 0; n < 100; n += 1) queue.add(`a/${n}`, { delayMs: 60_000 });
  for (let n = 0; n < 100; n += 1) queue.forget(`a/${n}`);
  expect([queue.delayed, timers() - before]).toEqual([0, 0]);
});

test("F17: does not fire a delay of 30 days at once", async () => {
  const queue = createWorkQueue();
  queue.add("a", { delayMs: 30 * 24 * 3_600_000 });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(queue.depth).toBe(0);
  expect(queue.delayed).toBe(1);
  queue.close();
});

test("keeps no timer once it is closed, though work that was given up ends after that", async () => {
  const queue = createWorkQueue();
  queue.add("a");
  await queue.take(never);
  queue.close();
  queue.add("a", { delayMs: 60_000 });
  const { delayed } = queue;
  queue.close();
  expect(delayed).toBe(0);
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

test("lets namespaces take turns, however much one of them has waiting", async () => {
  const queue = createWorkQueue({ groupOf: (key) => key.split("/")[0] ?? "" });
  for (let n = 0; n < 100; n += 1) queue.add(`noisy/${n}`);
  queue.add("quiet/1");
  const first = [await queue.take(never), await queue.take(never)];
  expect(first).toContain("quiet/1");
});

test("keeps workers for others, however many one namespace has under way; alone it has three quarters of them", async () => {
  const queue = createWorkQueue({ groupOf: (key) => key.split("/")[0] ?? "" });
  const taken: string[] = [];
  const worker = async (): Promise<void> => void taken.push(await queue.take(never));
  for (let n = 0; n < 100; n += 1) queue.add(`slow/${n}`);
  const workers = Promise.all(Array.from({ length: 20 }, worker));
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await settled();
  expect([taken.length, queue.depth]).toEqual([15, 85]);
  for (const namespace of ["a", "b", "c"]) queue.add(`${namespace}/1`);
  await settled();
  expect(taken.slice(15)).toEqual(["a/1", "b/1", "c/1"]);
  for (const key of taken.splice(0)) queue.done(key);
  for (let n = 0; n < 18; n += 1) void worker();
  await settled();
  expect(taken).toHaveLength(15); // none is lost, and none is left out for good
  queue.leave("slow/15"); // what waits without a worker does not count
  void worker();
  await settled();
  expect(taken).toHaveLength(16);
  for (let n = 0; n < 4; n += 1) queue.add(`other-${n}/1`);
  await workers;
});

test("lets a change go before what a listing brought, and takes a listed key that changed along", async () => {
  const queue = createWorkQueue();
  for (const key of ["a", "b", "c"]) queue.add(key, { lane: "listing" });
  queue.add("new");
  queue.add("c");
  expect([await queue.take(never), await queue.take(never), await queue.take(never)]).toEqual(["new", "c", "a"]);
});

test.each(["due", "listing"] as const)("hands out what waits as %s, though changes never end", async (lane) => {
  const queue = createWorkQueue({ groupOf: (key) => key.split("/")[0] ?? "" });
  queue.add("quiet/1", { lane });
  const taken: string[] = [];
  for (let n = 0; n < 8; n += 1) {
    for (const key of ["noisy/1", "noisy/2"]) queue.add(key);
    const key = await queue.take(never);
    taken.push(key);
    queue.done(key);
  }
  expect(taken.slice(0, 3)).not.toContain("quiet/1"); // who changed something comes first all the same
  expect(taken).toContain("quiet/1");
});

test("F21: hands out an object's own change next, though 20,000 of a listing wait, of its namespace and of others", async () => {
  const queue = createWorkQueue({ groupOf: (key) => key.split("/")[0] ?? "" });
  for (let n = 0; n < 20_000; n += 1) queue.add(`${n % 2 === 0 ? "team" : `other-${n % 100}`}/${n}`, { lane: "listing" });
  await queue.take(never);
  queue.add("team/mine");
  const next = [await queue.take(never), await queue.take(never)];
  expect(next).toContain("team/mine");
});

test("lets what changed while it was worked on go before what a listing brought, though a listing brought it as well", async () => {
  const queue = createWorkQueue();
  queue.add("a");
  await queue.take(never);
  queue.add("listed", { lane: "listing" });
  queue.add("a");
  queue.add("a", { lane: "listing" });
  queue.done("a");
  expect(await queue.take(never)).toBe("a");
});

test("keeps the time at which a key is due while the key is worked on", async () => {
  const queue = createWorkQueue();
  queue.add("a");
  await queue.take(never);
  queue.add("a", { delayMs: 5 });
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(queue.depth).toBe(1);
  queue.done("a");
  expect(await queue.take(never)).toBe("a");
});

test("works through ten thousand keys of a thousand namespaces, each once", async () => {
  const queue = createWorkQueue({ groupOf: (key) => key.split("/")[0] ?? "" });
  for (let n = 0; n < 10_000; n += 1) queue.add(`${n % 1000}/${n}`, { lane: n % 3 === 0 ? "change" : "listing" });
  const seen = new Set<string>();
  while (queue.depth > 0) {
    const key = await queue.take(never);
    seen.add(key);
    queue.done(key);
  }
  expect(seen.size).toBe(10_000);
});
