import { expect, test } from "@jest/globals";
import { assert, integer, property, string } from "fast-check";
import { retryAfterFieldMs, retryAfterMs } from "../../src/core/retry.ts";

test("never pauses longer than its maximum, nor less than three quarters of what is due", () => {
  assert(
    property(
      integer({ min: 1, max: 1e6 }),
      integer({ min: 1, max: 1e9 }),
      integer({ min: 1, max: 1000 }),
      string(),
      (initialMs, maxMs, tries, id) => {
        const pauseMs = retryAfterMs({ initialMs, maxMs }, { id, tries });
        const dueMs = Math.min(maxMs, initialMs * 2 ** (tries - 1));
        return pauseMs <= maxMs && pauseMs >= Math.floor(dueMs * 0.75);
      },
    ),
  );
});

test("finds the same pause after a restart, and another for another attempt", () => {
  const policy = { initialMs: 1000, maxMs: 60_000 };
  expect(retryAfterMs(policy, { id: "a", tries: 3 })).toBe(retryAfterMs(policy, { id: "a", tries: 3 }));
  expect(retryAfterMs(policy, { id: "a", tries: 3 })).not.toBe(retryAfterMs(policy, { id: "b", tries: 3 }));
});

test.each([
  ["120", 120_000],
  ["0", 0],
  ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
  ["Thu, 01 Jan 2025 00:00:30 GMT", 0],
  ["999999999", 3_600_000],
  ["-5", 0],
  ["1.5", 0],
  ["soon", 0],
  [undefined, 0],
])("reads Retry-After: %s", (value, ms) => {
  const headers = value === undefined ? {} : { "retry-after": value };
  expect(retryAfterFieldMs({ headers }, new Date("2026-01-01T00:00:00Z"))).toBe(ms);
});
