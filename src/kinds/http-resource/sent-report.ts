/** The ends of a reconcile that has sent a request, and knows its outcome. */
import { endedMs } from "../../core/attempt-times.ts";
import { pauseSinceMs } from "../../core/backoff.ts";
import { ready, reconciling } from "../../core/conditions.ts";
import { untilDueMs } from "../../core/due.ts";
import type { HTTPResourceStatus } from "../../api/http-resource.ts";
import type { Verdict } from "../../core/plan.ts";
import { retryAfterFieldMs, retryAfterMs } from "../../core/retry.ts";
import { recordResponse } from "../request/recorded.ts";
import { corrected, drifted, notDrifted, notHeld } from "./conditions.ts";
import type { Context } from "./context.ts";
import { isContested } from "./contested.ts";
import { firstLook, whatNext } from "./held-back.ts";
import type { Report } from "./report.ts";
import { delivering, withID, type StatusDraft } from "./status-draft.ts";

type Ends = Pick<Report, "inFlight" | "polling" | "created" | "updated" | "retrying" | "failed">;

export function sentReport(context: Context, { status, known, attempted, due, hint }: StatusDraft): Ends {
  const { resource, spec, status: before, now, retry, intervalMs } = context;
  const { uid } = resource.metadata;

  /** What has not been seen yet is looked at at once: a wrong URL shows in seconds, and so do values that update has changed. */
  function soon(): { requeueAfterMs?: number } {
    const { requeueAfterMs } = due();
    const isKnown = context.remote.seen && context.remote.former === undefined && spec.values === undefined;
    if (requeueAfterMs === undefined || isKnown) return due();
    return { requeueAfterMs: Math.min(requeueAfterMs, pauseSinceMs(uid, firstLook, 0)) };
  }
  /** What was sent is done, and is not what is declared by now: that is sent next. */
  function past(message: string, made: Partial<HTTPResourceStatus>): Verdict {
    const states = reconciling("NotDelivered", `${message}; what is declared has changed since it was sent, and is sent next`);
    return { status: status(states, made), requeueAfterMs: 0, result: "waiting", reason: "NotDelivered" };
  }
  return {
    inFlight(attempt) {
      const sending = status(reconciling("Sending", `spec.${attempt.verb.toLowerCase()} is on its way`), attempted(attempt));
      return attempt.verb === "Create" ? withID(sending, undefined) : sending;
    },
    polling({ attempt, poll, delayMs, message, response, externalID }) {
      const change = { ...attempted(attempt), poll, ...recordResponse(response, spec) };
      const made = status(reconciling("Polling", `${message}${hint}`), change);
      return {
        status: attempt.verb === "Create" ? withID(made, externalID) : made,
        requeueAfterMs: delayMs,
        result: "waiting",
        reason: "Polling",
      };
    },
    created(attempt, { message, response }, isPast) {
      const change = { ...attempted(attempt), ...recordResponse(response, spec), ...delivering(context) };
      if (isPast) return past(message, change);
      const states = [...ready("Created", message), ...(spec.observe ? notDrifted(known("Drifted")) : [])];
      return { status: status(states, change), ...soon(), result: "succeeded", reason: "Created" };
    },
    updated(attempt, { message, response }, isPast) {
      const change = { ...attempted(attempt), ...recordResponse(response, spec), ...delivering(context) };
      if (isPast) return past(message, change);
      const was = context.drift ? drifted(context.drift, spec) : (before.conditions ?? []).find(({ type }) => type === "Drifted");
      const after = context.drift || was?.status === "True" ? [corrected(was)] : notDrifted(known("Drifted"));
      const isHeld = !isContested({ repeats: attempt.repeats ?? 0 });
      const states = isHeld
        ? [...ready("Updated", message), ...(spec.observe ? after : [])]
        : notHeld(context.drift ?? [], spec, attempt.repeats ?? 0);
      return { status: status(states, change), ...soon(), result: "succeeded", reason: "Updated" };
    },
    retrying(attempt, { reason, message, response, pageSeenAt }) {
      const delayMs = Math.max(retryAfterMs(retry, attempt), retryAfterFieldMs(response, now));
      const nextRunAt = new Date(endedMs(attempt) + delayMs).toISOString();
      const looked = pageSeenAt === undefined ? {} : { pageSeenAt };
      const change = { ...attempted(attempt), ...looked, nextRunAt, ...recordResponse(response, spec) };
      const states = reconciling(reason, `${message}; try ${attempt.tries}${hint}`);
      return { status: status(states, change), requeueAfterMs: delayMs, result: "retrying", reason };
    },
    failed(attempt, { reason, message, response }) {
      const change = { ...attempted(attempt), ...recordResponse(response, spec) };
      // Given up for another, which its server does not take for this one.
      const isAnew = attempt.phase === "Done" && context.attempt?.refused === true && context.attempt.id === attempt.id;
      const states = reconciling(reason, `${message}${whatNext(attempt, isAnew)}`);
      const requeueAfterMs = isAnew ? 0 : untilDueMs(uid, intervalMs, now);
      const made = status(states, change);
      // Only an observation can say whether there is an object with the id.
      const isNone = attempt.verb === "Create" && !spec.observe;
      return { status: isNone ? withID(made, undefined) : made, requeueAfterMs, result: "failed", reason };
    },
  };
}
