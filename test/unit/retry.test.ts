/** What failed is tried again, later. */
import { describe, expect, test } from "@jest/globals";
import { assert, integer, property, string } from "fast-check";
import { retryAfterFieldMs, retryAfterMs } from "../../src/core/retry.ts";
import { createBackoff } from "../../src/engine/backoff.ts";

describe("retry", () => {
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
});

// Pauses of what could not be decided, for whatever limits.
describe("backoff", () => {
  const limits = { initialMs: 1_000, maxMs: 60_000 };

  test("double from the first to the last, each less up to a quarter, and begin anew after a success", () => {
    const pauses = createBackoff();
    const full = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
    for (const fullMs of full) {
      const pauseMs = pauses.next("a", limits);
      expect(pauseMs).toBeGreaterThanOrEqual(0.75 * fullMs);
      expect(pauseMs).toBeLessThanOrEqual(fullMs);
    }
    expect(pauses.next("b", limits)).toBeLessThanOrEqual(1_000);
    pauses.forget("a");
    expect(pauses.next("a", limits)).toBeLessThanOrEqual(1_000);
  });

  test("are not the same for many that failed at once, nor too long to be a number after a thousand failures", () => {
    const pauses = createBackoff();
    const first = Array.from({ length: 20 }, (_, n) => pauses.next(String(n), limits));
    expect(new Set(first).size).toBeGreaterThan(1);
    for (let failures = 0; failures < 2_000; failures += 1) expect(pauses.next("a", limits)).toBeLessThanOrEqual(limits.maxMs);
  });
});
