/** Pauses of what could not be decided, for whatever limits. */
import { expect, test } from "@jest/globals";
import { createBackoff } from "../../src/engine/backoff.ts";

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
