/** When something that is looked at in intervals is due, without anything being recorded of it. */
import { createHash } from "node:crypto";

/**
 * Milliseconds until the next look. A fleet's looks are spread over the interval by UID, and a restart finds the same
 * times. At least a tenth of the interval from now, so that a timer that is a little early does not look twice.
 */
export function untilDueMs(uid: string, intervalMs: number, now: Date): number {
  const phaseMs = (createHash("sha256").update(uid).digest().readUInt32BE() / 2 ** 32) * intervalMs;
  const earliestMs = now.getTime() + intervalMs / 10;
  const ticks = Math.ceil((earliestMs - phaseMs) / intervalMs);
  return Math.ceil(phaseMs + ticks * intervalMs - now.getTime());
}

/**
 * Milliseconds until something that failed is tried again, when nothing is recorded but since when it fails: it doubles the time
 * that it has been failing, between `initialMs` and `maxMs`, less up to a quarter that derives from `uid`.
 */
export function pauseSinceMs(
  uid: string,
  { initialMs, maxMs }: { readonly initialMs: number; readonly maxMs: number },
  failingMs: number,
): number {
  const fullMs = Math.min(Math.max(failingMs, initialMs), Math.max(initialMs, maxMs));
  const fraction = createHash("sha256").update(`${uid}/pause`).digest().readUInt32BE() / 2 ** 32;
  return Math.round(fullMs * (1 - fraction / 4));
}
