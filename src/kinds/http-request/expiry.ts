/**
 * When an HTTPRequest that has finished is deleted. Pure.
 *
 * Invariant: it has finished when its run has ended, as a Job has when it is Complete or Failed. What was refused before it was
 * sent has no run, and one of which nobody knows what came has not ended.
 */
import { endedMs } from "../../core/attempt-times.ts";
import type { HTTPRequestStatus } from "../../api/http-request.ts";
import { findCondition } from "../../core/conditions.ts";
import { ask, type Situation, type Steps, type Verdict } from "../../core/plan.ts";
import type { HTTPRequest } from "../types.ts";

/** The wall clock is looked at so often at least, since a timer does not see that it was set. */
const longestSleepMs = 3_600_000;
/** A right that is missing is tried for again after so long. */
const deniedPauseMs = 600_000;

/** When it is to be deleted; undefined: it is not, or its run has not ended. `status`: as the verdict has it. */
export function goesAt({ spec }: HTTPRequest, { attempt, ...status }: HTTPRequestStatus): Date | undefined {
  const { ttlSecondsAfterFinished: seconds, schedule, trigger, rerunOn } = spec;
  if (seconds === undefined || schedule || trigger || rerunOn || attempt?.phase !== "Done") return undefined;
  // What a person says of a run ends it, too, later than its latest try.
  const toldAt = findCondition(status, "Succeeded")?.lastTransitionTime ?? attempt.startedAt;
  const finishedMs = Math.max(endedMs(attempt), Date.parse(toldAt));
  return new Date(finishedMs + seconds * 1000);
}

/** The verdict on a run that has just ended: it is looked at again when it is to go. */
export function dueToGo(resource: HTTPRequest, verdict: Verdict, now: Date): Verdict {
  const dueAt = verdict.result === "succeeded" || verdict.result === "failed" ? goesAt(resource, verdict.status) : undefined;
  return dueAt ? sleep(verdict, dueAt, now) : verdict;
}
function sleep(verdict: Verdict, dueAt: Date, now: Date): Verdict {
  return { ...verdict, dueAt, requeueAfterMs: Math.min(Math.max(0, dueAt.getTime() - now.getTime()), longestSleepMs) };
}

/** `rested`: the verdict on one for which there is nothing to do. `kept`: the same, where `why` it is not deleted is to be told. */
export function* expire(
  { resource, now }: Pick<Situation<HTTPRequest>, "resource" | "now">,
  rested: Verdict,
  kept: (why: string) => Verdict,
): Steps<Verdict> {
  const dueAt = goesAt(resource, rested.status);
  if (!dueAt) return rested;
  if (dueAt > now) return sleep(rested, dueAt, now);
  const { type } = yield* ask<"remove">({ type: "remove" });
  switch (type) {
    case "removed":
      return { status: resource.status ?? {}, result: "succeeded", reason: "Expired" };
    case "forbidden":
      return { ...kept(mayNot), requeueAfterMs: deniedPauseMs };
    case "unsupported":
      return kept(noEffect);
  }
}
const late = "its time by spec.ttlSecondsAfterFinished is over, but";
const mayNot = `${late} the API server forbids Holdfast to delete HTTPRequests`;
const noEffect = `${late} without a cluster that has no effect: take it out of its manifest`;
