import { expect, test } from "@jest/globals";
import { assert, date, double, integer, nat, property, uuid } from "fast-check";
import { pauseSinceMs } from "../../src/core/backoff.ts";
import { untilDueMs } from "../../src/core/due.ts";

const instant = date({ min: new Date("2000-01-01"), max: new Date("2100-01-01"), noInvalidDate: true });
const intervalMs = integer({ min: 1_000, max: 86_400_000 });

test("wish 4: what is due in intervals is due at the same times after a restart", () => {
  assert(
    property(uuid(), intervalMs, instant, double({ min: 0, max: 0.89, noNaN: true }), (uid, interval, now, part) => {
      const waitMs = untilDueMs(uid, interval, now);
      const later = new Date(now.getTime() + Math.floor(Math.max(0, waitMs - interval / 10) * part));
      return (
        waitMs > 0 &&
        waitMs <= interval * 1.1 + 1 &&
        Math.abs(later.getTime() + untilDueMs(uid, interval, later) - (now.getTime() + waitMs)) <= 1
      );
    }),
  );
});
test("wish 4: a fleet's looks are spread over the interval", () => {
  const now = new Date("2026-01-01T00:00:00Z");
  const waits = Array.from({ length: 1_000 }, (_, index) => untilDueMs(`uid-${index}`, 60_000, now));
  const tenths = Array.from(
    { length: 10 },
    (_, tenth) => waits.filter((wait) => Math.floor((wait - 6_000) / 6_000) === tenth).length,
  );
  expect(Math.min(...tenths)).toBeGreaterThan(50);
  expect(Math.max(...tenths)).toBeLessThan(150);
});
test("wish 3: a pause after failing never exceeds its cap", () => {
  assert(
    property(uuid(), nat(100_000), nat(1_000_000), nat(10_000_000), (uid, initialMs, more, failingMs) => {
      const pauseMs = pauseSinceMs(uid, { initialMs, maxMs: initialMs + more }, failingMs);
      return pauseMs <= initialMs + more && pauseMs >= Math.floor(initialMs * 0.75);
    }),
  );
});
