/**
 * HTTPResource's status, made in one place: each way that a reconcile can end has one function. Here are those in which nothing
 * has been observed or sent; the others are beside it, by what has happened.
 */
import { conditions, reconciling, stalled, type ConditionState } from "../../core/conditions.ts";
import { pauseSinceMs } from "../../core/backoff.ts";
import type { Refusal } from "../../core/outcome.ts";
import type { Verdict } from "../../core/plan.ts";
import type { HTTPResourceStatus } from "../../api/http-resource.ts";
import { awaitedReason } from "./awaited.ts";
import { finalizer, type Context } from "./context.ts";
import { noImport, outside } from "./held-back.ts";
import { heldReport } from "./held-report.ts";
import { observedReport } from "./observed-report.ts";
import type { Report } from "./report.ts";
import { sentReport } from "./sent-report.ts";
import { draftStatus, type StatusDraft } from "./status-draft.ts";
import { unknownReport } from "./unknown-report.ts";
import { failingMs } from "./worth-writing.ts";

export function httpResourceReport(context: Context): Report {
  const draft = draftStatus(context);
  return {
    ...notAskedReport(context, draft),
    ...heldReport(context, draft),
    ...observedReport(context, draft),
    ...sentReport(context, draft),
    ...unknownReport(context, draft),
    withoutOutputs: (verdict, refusal) => withoutOutputs(context, verdict, refusal),
    released: (reason, detail) => ({
      status: context.status,
      finalizer: { name: finalizer, present: false, ...(reason === "Orphaned" && { leaves: true }) },
      result: "succeeded",
      reason,
      ...(detail !== undefined && { detail }),
    }),
  };
}

type NotAsked = Pick<
  Report,
  "unchanged" | "waiting" | "idle" | "suspended" | "refused" | "unknownObservation" | "importNotFound"
>;

/** No server has said anything of the object: nobody asked, or what was answered tells nothing. */
function notAskedReport(context: Context, { status, untaken, known, acknowledged, due, hint }: StatusDraft): NotAsked {
  const { resource, status: before, now, retry, intervalMs } = context;
  const { uid, generation } = resource.metadata;
  return {
    unchanged: (reason) => ({ status: before, result: "unchanged", reason }),
    waiting: (delayMs) => ({ status: before, requeueAfterMs: delayMs, result: "waiting", reason: "Retrying" }),
    idle: () => ({ status: before, ...due(), result: "unchanged", reason: "NotDue" }),

    suspended() {
      const message = `spec.suspend is true: nothing is sent until it is false${hint}`;
      const state: ConditionState = { type: "Ready", status: "False", reason: "Suspended", message };
      return { status: status([state], {}, untaken), result: "suspended", reason: "Suspended" };
    },
    refused({ reason, message, heals, retryAfterMs: knownMs }) {
      if (!heals) return { status: status(stalled(reason, `${message}${hint}`), {}, untaken), result: "stalled", reason };
      const made = status(reconciling(reason, `${message}${hint}`), {}, untaken);
      const requeueAfterMs = knownMs ?? pauseSinceMs(uid, outside, failingMs(made, "Reconciling", now));
      return { status: made, requeueAfterMs, result: "waiting", reason };
    },
    unknownObservation({ reason, message, retryAfterMs: askedMs, pageSeenAt }) {
      const awaited = awaitedReason(context, askedMs);
      const states: ConditionState[] = [
        { type: "Ready", status: "Unknown", reason, message: `${message}${hint}` },
        { type: "Reconciling", status: "True", reason: awaited ?? reason, message: "it is observed again after a pause" },
      ];
      const made = status(states, pageSeenAt === undefined ? {} : { pageSeenAt }, untaken);
      const pause = { initialMs: retry.initialMs, maxMs: Math.min(retry.maxMs, Math.max(intervalMs, retry.initialMs)) };
      const pauseMs = pauseSinceMs(uid, pause, failingMs(made, "Ready", now));
      return { status: made, requeueAfterMs: Math.max(pauseMs, askedMs), result: "retrying", reason };
    },
    importNotFound() {
      // What was known before stands: of an earlier id, and of a create whose outcome is not known.
      const states = [...stalled("ImportNotFound", noImport), ...known("Drifted")];
      const told = conditions(states, before.conditions ?? [], generation, now.toISOString());
      const looked = { ...before, ...acknowledged(), observedGeneration: generation, conditions: told };
      return { status: looked, ...due(), result: "stalled", reason: "ImportNotFound" };
    },
  };
}

/** What another end says, but for being ready. */
function withoutOutputs(
  { resource, status: before, now }: Context,
  { requeueAfterMs: dueInMs, ...verdict }: Verdict,
  { reason, message, heals }: Refusal,
): Verdict {
  const { uid, generation } = resource.metadata;
  const made: HTTPResourceStatus = verdict.status;
  const others = (made.conditions ?? []).filter(({ type }) => !["Ready", "Reconciling", "Stalled"].includes(type));
  const states = [...reconciling(reason, message), ...others];
  const changed = { ...made, conditions: conditions(states, before.conditions ?? [], generation, now.toISOString()) };
  const pauseMs = heals ? pauseSinceMs(uid, outside, failingMs(changed, "Reconciling", now)) : dueInMs;
  return {
    ...verdict,
    status: changed,
    ...(pauseMs !== undefined && { requeueAfterMs: pauseMs }),
    result: "waiting",
    reason,
  };
}
