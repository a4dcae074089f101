/** What may still come to pass by itself, and only a look can tell whether it has. Pure. */
import { sinceMs } from "../../core/attempt-times.ts";
import { findCondition } from "../../core/conditions.ts";
import { leftToArriveMs, settlingMs } from "./arrival.ts";
import type { Context } from "./context.ts";
import { deletionMs, sinceAttemptMs } from "./held-back.ts";

/** Whether its deletion was accepted, and only a look can tell what came of it. A person can have it sent again. */
export function isAwaited({ attempt, asked, spec }: Context): boolean {
  const isAccepted = attempt?.verb === "Delete" && attempt.phase === "Unknown" && attempt.succeeded === true;
  return isAccepted && asked === undefined && spec.delete?.poll === undefined;
}

/** For what a look that says nothing goes on waiting; undefined: for nothing, or it has waited long enough, or would for too long. */
export function awaitedReason(context: Context, pauseMs: number): "Deleting" | "OutcomeUnknown" | "Retrying" | undefined {
  if (isAwaited(context)) return pauseMs < deletionMs - sinceAttemptMs(context) ? "Deleting" : undefined;
  if (context.attempt?.phase === "Retrying") return pauseMs < settlingMs - silentMs(context) ? "Retrying" : undefined;
  return pauseMs < leftToArriveMs(context) ? "OutcomeUnknown" : undefined;
}
/** Milliseconds since looks have said nothing. */
function silentMs({ status, now }: Context): number {
  const ready = findCondition(status, "Ready");
  return ready?.status === "Unknown" ? sinceMs(ready.lastTransitionTime, now) : 0;
}
