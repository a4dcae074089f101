/** When something that is looked at in intervals is due, without anything being recorded of it. */
import { fnv1aFraction } from "./tools/fnv.ts";

/**
 * Milliseconds until the next look. A fleet's looks are spread over the interval by UID, and a restart finds the same
 * times. At least a tenth of the interval from now, so that a timer that is a little early does not look twice.
 */
export function untilDueMs(uid: string, intervalMs: number, now: Date): number {
  const phaseMs = fnv1aFraction(uid) * intervalMs;
  const earliestMs = now.getTime() + intervalMs / 10;
  const ticks = Math.ceil((earliestMs - phaseMs) / intervalMs);
  return Math.ceil(phaseMs + ticks * intervalMs - now.getTime());
}
