/** When a failed attempt is tried again. */
import { createHash } from "node:crypto";

export interface RetryPolicy {
  /** Tries after the first. */
  readonly limit: number;
  readonly initialMs: number;
  readonly maxMs: number;
}

/**
 * Milliseconds between the end of the latest try and the next: doubling from `initialMs` up to `maxMs`, less up to a
 * quarter. What is taken off derives from the attempt, so that a restart finds the same time, and a fleet does not come in step.
 */
export function retryAfterMs(
  { initialMs, maxMs }: Pick<RetryPolicy, "initialMs" | "maxMs">,
  attempt: { readonly id: string; readonly tries: number },
): number {
  const full = Math.min(maxMs, initialMs * 2 ** Math.max(0, attempt.tries - 1));
  const fraction = createHash("sha256").update(`${attempt.id}/${attempt.tries}`).digest().readUInt32BE() / 2 ** 32;
  return Math.round(full * (1 - fraction / 4));
}
