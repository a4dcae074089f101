/**
 * Whether a create that may have arrived has not, as far as a lookup can say. Pure.
 *
 * Invariant: one look that does not show it proves nothing: a server may be at it still, or answer from a copy that is behind. Two
 * do, with a long pause between them.
 */
import { sinceEndMs, sinceMs } from "../../core/attempt-times.ts";
import { durationMs } from "../../core/tools/duration.ts";
import type { Context, VerbAttempt } from "./context.ts";
import { endpointFor } from "./endpoints.ts";
import { isUnresolvedCreate } from "./identity.ts";

/** A server that answers from copies of what it has may not know for so long what it has made, milliseconds. */
export const settlingMs = 30_000;

export interface Arrival {
  /** With the time of the first look that did not show it. */
  readonly attempt: VerbAttempt;
  /** Milliseconds since then, and until a look settles it. */
  readonly sinceMs: number;
  readonly leftMs: number;
}

/** To be asked when a look has not shown it; undefined: that settles it, or there is nothing to settle. */
export function awaitedArrival(context: Context): Arrival | undefined {
  const { attempt, now, asked } = context;
  if (!attempt || !isUnresolvedCreate(context) || asked !== undefined) return undefined;
  const absentAt = attempt.absentAt ?? now.toISOString();
  const pastMs = sinceMs(absentAt, now);
  const leftMs = pauseMs(context) - pastMs;
  return leftMs <= 0 ? undefined : { attempt: { ...attempt, phase: "Unknown", absentAt }, sinceMs: pastMs, leftMs };
}

/** Milliseconds for which a look that says nothing leaves a create in doubt; 0 or less: that is over, or it is in no doubt. */
export function leftToArriveMs(context: Context): number {
  const { attempt, now, asked } = context;
  if (attempt?.phase !== "Unknown" || !isUnresolvedCreate(context) || asked !== undefined) return 0;
  const { absentAt } = attempt;
  return pauseMs(context) - (absentAt === undefined ? sinceEndMs(attempt, now) : sinceMs(absentAt, now));
}

/** As long as its sender would have waited for an answer, too. */
function pauseMs(context: Context): number {
  const { create, timeout: own } = context.spec;
  const timeout = own ?? (create && endpointFor(context, create)?.spec.timeout);
  return Math.max(settlingMs, timeout === undefined ? 0 : durationMs(timeout));
}
