/** What waits for something other than a worker is told of when it has waited for long, and not before. */
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { createPostponed, type Wait } from "../../src/engine/postponed.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function setUp(more: Partial<Wait> = {}) {
  const postponed = createPostponed(() => Date.now());
  const turn = Promise.withResolvers<void>();
  const [free, long] = [jest.fn(), jest.fn()];
  const wait: Wait = { reason: "RateLimited", kept: true, free: turn.promise, ...more };
  postponed.wait("HTTPRequest a/b", wait, { free, long });
  return { postponed, turn, free, long, wait };
}
const id = "HTTPRequest a/b";

test("is told of once after five to ten seconds, and again when that is asked for", async () => {
  const { postponed, long } = setUp();
  await jest.advanceTimersByTimeAsync(4_999);
  expect([long.mock.calls.length, postponed.takeLong(id)]).toEqual([0, undefined]);
  await jest.advanceTimersByTimeAsync(5_001);
  expect(long).toHaveBeenCalledTimes(1);
  expect(postponed.takeLong(id)).toMatchObject({ reason: "RateLimited" });
  expect(postponed.takeLong(id)).toBeUndefined();
  await jest.advanceTimersByTimeAsync(3_600_000);
  expect(long).toHaveBeenCalledTimes(1);
  postponed.tellAgain(id, 1_000);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(long).toHaveBeenCalledTimes(2);
});

test("is not told of when its turn comes before, or soon after", async () => {
  const early = setUp();
  await jest.advanceTimersByTimeAsync(4_000);
  early.turn.resolve();
  await jest.advanceTimersByTimeAsync(60_000);
  expect([early.free.mock.calls.length, early.long.mock.calls.length, early.postponed.counts().size]).toEqual([1, 0, 0]);
  const soon = setUp({ turnInMs: 9_000 });
  await jest.advanceTimersByTimeAsync(60_000);
  expect(soon.long).not.toHaveBeenCalled();
});

test("is told of later where it waits for a place at its server, which a whole fleet may do", async () => {
  const { long } = setUp({ reason: "OriginBusy" });
  await jest.advanceTimersByTimeAsync(59_999);
  expect(long).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(60_001);
  expect(long).toHaveBeenCalledTimes(1);
});

test("says how long is left of the time until its turn, while some is", async () => {
  const { postponed } = setUp({ turnInMs: 30_000 });
  await jest.advanceTimersByTimeAsync(10_000);
  expect(postponed.takeLong(id)?.turnInMs).toBe(20_000);
  postponed.tellAgain(id, 25_000);
  await jest.advanceTimersByTimeAsync(25_000);
  expect(postponed.takeLong(id)).not.toHaveProperty("turnInMs");
});

test("is not told of where no status can be written, nor once it is forgotten", async () => {
  const { long } = setUp({ reason: "StatusesUnwritable" });
  const forgotten = setUp();
  forgotten.postponed.forget(id);
  await jest.advanceTimersByTimeAsync(60_000);
  expect([long.mock.calls.length, forgotten.long.mock.calls.length]).toEqual([0, 0]);
});
