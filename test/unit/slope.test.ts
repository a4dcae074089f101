/** The line by which a soak tells a leak from garbage that is not collected yet. */
import { expect, test } from "@jest/globals";
import { slopeOf } from "../support/slope.ts";

const minuteMs = 60_000;
/** Half an hour, a sample each two seconds: a saw's teeth of `toothMiB`, and more each hour. */
function samplesOf({ growthPerHour, toothMiB }: { readonly growthPerHour: number; readonly toothMiB: number }) {
  return Array.from({ length: 900 }, (_, nth) => {
    const atMs = nth * 2_000;
    return { atMs, value: 150 + (growthPerHour * atMs) / (60 * minuteMs) + ((nth * 37) % 101) * (toothMiB / 100) };
  });
}

test.each([0, 5, 40])("finds a leak of %d MiB an hour under garbage of 30 MiB, within three of its errors", (growthPerHour) => {
  const { perHour, errorPerHour } = slopeOf(samplesOf({ growthPerHour, toothMiB: 30 }), 2 * minuteMs);
  expect(Math.abs(perHour - growthPerHour)).toBeLessThan(3 * errorPerHour);
  expect(errorPerHour).toBeLessThan(2);
});

test("is exact where nothing scatters, and knows nothing by one stretch", () => {
  const level = slopeOf(samplesOf({ growthPerHour: 7, toothMiB: 0 }), 2 * minuteMs);
  expect(level.perHour).toBeCloseTo(7);
  expect(level.errorPerHour).toBeCloseTo(0);
  expect(slopeOf([{ atMs: 0, value: 1 }], minuteMs)).toEqual({ perHour: 0, errorPerHour: Infinity });
});
