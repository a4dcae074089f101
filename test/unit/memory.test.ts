/** The arithmetic of memory, as docs/operations.md tells it. */
import { expect, test } from "@jest/globals";
import { assert, integer, property } from "fast-check";
import { heldForEachByte, memoryLimitBytes, partsOfMemory } from "../../src/cli/memory.ts";

const MiB = 1024 * 1024;

test("with the chart's limit it is what the page says", () => {
  expect(partsOfMemory(512 * MiB, MiB)).toEqual({
    jqBytes: 64 * MiB,
    shares: 6,
    maxResponseBytes: 3 * MiB,
    materialBytes: 4 * MiB,
  });
});

test("from 256 MiB on, what tenants and servers can fill is never more than five eighths of the limit", () => {
  assert(
    property(integer({ min: 256, max: 65_536 }), integer({ min: 1, max: 64 * MiB }), (limitMiB, longest) => {
      const limit = limitMiB * MiB;
      const { jqBytes, shares, maxResponseBytes, materialBytes } = partsOfMemory(limit, Math.min(longest, 1e9));
      if (longest > maxResponseBytes) return; // of which the log warns
      const filled = 2 * jqBytes + 16 * MiB + shares * heldForEachByte * longest + 5 * materialBytes;
      expect(filled).toBeLessThanOrEqual((limit * 5) / 8);
    }),
  );
});

test("the limit of this process is known, and is no more than there is", () => {
  expect(memoryLimitBytes()).toBeGreaterThan(64 * MiB);
  expect(Number.isFinite(memoryLimitBytes())).toBe(true);
});
