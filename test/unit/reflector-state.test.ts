import { expect, test } from "@jest/globals";
import { afterEnd, backoffMs, start, type End, type Watching } from "../../src/kubernetes/reflector-state.ts";

const idleMs = 180_000;
const watching: Watching = { type: "watching", resourceVersion: "10", isFresh: false, failures: 3 };
const end = (rest: Partial<End>): End => ({ reason: "network", sessionMs: 0, resourceVersion: "10", ...rest });

test("pauses from one second, doubling to thirty, between half and all of it", () => {
  const almostOne = 1 - Number.EPSILON;
  expect([0, 1, 2, 3, 4, 5, 6, 1000].map((failures) => backoffMs(failures, almostOne))).toEqual([
    1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
  ]);
  expect([0, 5].map((failures) => backoffMs(failures, 0))).toEqual([500, 15_000]);
});

test("resumes from the last resourceVersion, with a longer pause after each early end", () => {
  const first = afterEnd(watching, end({ resourceVersion: "12", sessionMs: idleMs - 1 }), idleMs, 0);
  expect(first).toEqual({
    type: "backingOff",
    delayMs: 4_000,
    next: { type: "watching", resourceVersion: "12", isFresh: false, failures: 4 },
  });
});

test("pauses one second again after a session that outlived the idle timeout", () => {
  const { delayMs, next } = afterEnd(watching, end({ reason: "silent", sessionMs: idleMs }), idleMs, 0);
  expect(delayMs).toBe(500);
  expect(next.failures).toBe(1);
});

test("lists again, soon, when the resourceVersion has expired while the server was away", () => {
  const { delayMs, next } = afterEnd(watching, end({ reason: "expired", status: 410 }), idleMs, 0);
  expect(delayMs).toBe(500);
  expect(next).toMatchObject({ type: "listing", reason: "expired" });
});

test("pauses longer and longer when what was only just listed has expired already", () => {
  const fresh = { ...watching, isFresh: true };
  expect(afterEnd(fresh, end({ reason: "expired", status: 410 }), idleMs, 0).delayMs).toBe(4_000);
});

test("lists again when the server no longer has the type", () => {
  const { next } = afterEnd(watching, end({ reason: "refused", status: 404 }), idleMs, 0);
  expect(next).toMatchObject({ type: "listing", reason: "expired" });
});

test("keeps the resourceVersion when it may not watch for a while", () => {
  const { next } = afterEnd(watching, end({ reason: "refused", status: 403 }), idleMs, 0);
  expect(next).toMatchObject({ type: "watching", resourceVersion: "10" });
});

test("waits as long as the server asks, but not for ever", () => {
  expect(afterEnd(watching, end({ reason: "throttled", retryAfterMs: 60_000 }), idleMs, 0).delayMs).toBe(60_000);
  expect(afterEnd(watching, end({ reason: "throttled", retryAfterMs: 1_000 }), idleMs, 0).delayMs).toBe(4_000);
  expect(afterEnd(watching, end({ reason: "throttled", retryAfterMs: 2 ** 40 }), idleMs, 0).delayMs).toBe(600_000);
});

test("a listing that failed is tried again for the reason that it had", () => {
  const failed: End = { reason: "listFailed", sessionMs: 0 };
  const { delayMs, next } = afterEnd(start, failed, idleMs, 0);
  expect(delayMs).toBe(500);
  expect(next).toEqual({ type: "listing", reason: "start", failures: 1 });
});
