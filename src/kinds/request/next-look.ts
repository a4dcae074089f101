/**
 * What neither is ready nor needs a person says in its status when it is looked at next. Pure.
 *
 * Invariant: however often it is looked at, that is written anew only each time that it has waited for about three times as long,
 * and each five minutes at most.
 */
import { fractionOf, shortenedMs } from "../../core/backoff.ts";
import { findCondition, isReady, type Condition } from "../../core/conditions.ts";
import { isLook, lookTime } from "../../core/next-look.ts";
import type { Plan, Situation, Verdict } from "../../core/plan.ts";

interface Told {
  readonly nextRunAt?: string;
  readonly conditions?: readonly Condition[];
}
type Looked = Pick<Situation, "resource" | "now">;

/** How far ahead the time is that is told: three times as long as it has waited, within these. It may be looked at before. */
const horizon = { factor: 3, shortestMs: 8_000, polledMs: 60_000, longestMs: 300_000 };

/** The plan's verdict, with the time of its next look, at the latest, where it waits for one. */
export function* tellNextLook(plan: Plan, looked: Looked): Plan {
  return withNextLook(yield* plan, looked);
}

export function withNextLook(verdict: Verdict, { resource, now }: Looked): Verdict {
  const { uid } = resource.metadata;
  const before: Told | undefined = resource.status;
  const status: Told = verdict.status;
  const dueMs = verdict.requeueAfterMs ?? Infinity;
  if (!isWaiting(status) || status.nextRunAt !== undefined || dueMs <= 0 || dueMs === Infinity) return verdict;
  const known = isSameWait(before, status) ? before?.nextRunAt : undefined;
  const leftMs = known === undefined ? 0 : Date.parse(known) - now.getTime();
  // Where far more is left the clock was set back.
  if (known !== undefined && leftMs >= dueMs && leftMs <= horizon.longestMs + dueMs)
    return { ...verdict, status: withTime(status, known) };
  const waitedMs = now.getTime() - Date.parse(waitsSince(status) ?? now.toISOString());
  const shortestMs = horizon[findCondition(status, "Ready")?.reason === "Polling" ? "polledMs" : "shortestMs"];
  const fullMs = Math.min(Math.max(horizon.factor * waitedMs, shortestMs), horizon.longestMs);
  const nextMs = now.getTime() + Math.max(dueMs, shortenedMs(fullMs, fractionOf(`${uid}/look`)));
  return { ...verdict, status: withTime(status, lookTime(nextMs)) };
}

/** It is not as it should be, and nobody has to do anything. */
function isWaiting(status: Told): boolean {
  return status.conditions !== undefined && !isReady(status.conditions) && findCondition(status, "Stalled") === undefined;
}
function isSameWait(before: Told | undefined, status: Told): boolean {
  if (before?.nextRunAt === undefined || !isLook(before.nextRunAt)) return false;
  return findCondition(before, "Ready")?.reason === findCondition(status, "Ready")?.reason;
}
function waitsSince(status: Told): string | undefined {
  return (findCondition(status, "Reconciling") ?? findCondition(status, "Ready"))?.lastTransitionTime;
}

/** A circuit's message has the time, too: that is all that changes of it from one try to the next. */
function withTime(status: Told, nextRunAt: string): Told {
  const conditions = (status.conditions ?? []).map((one) =>
    one.reason === "CircuitOpen" ? { ...one, message: `${one.message}; tried again by ${nextRunAt}` } : one,
  );
  return { ...status, conditions, nextRunAt };
}
