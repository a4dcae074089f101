/** HTTPRequest's status, made in one place: each way that a reconcile can end has one function here. */
import { pauseSinceMs } from "../../core/backoff.ts";
import type { HTTPRequestStatus } from "../../api/http-request.ts";
import { conditions, isStalledFor, ready, reconciling, stalled, type ConditionState } from "../../core/conditions.ts";
import type { PollStatus } from "../../api/poll.ts";
import type { RunStatus } from "../../api/schedule.ts";
import { stripSendState, unknownReasonText, isSameTry, runsBefore, type Attempt } from "../../core/delivery.ts";
import type { Refusal, Response } from "../../core/outcome.ts";
import type { Verdict } from "../../core/plan.ts";
import { reconcileAtAnnotation, reconcileAtOf } from "../../core/resource.ts";
import { retryAfterFieldMs, retryAfterMs, type RetryPolicy } from "../../core/retry.ts";
import { markedAt, type Timing } from "../../core/schedule.ts";
import { recorded, shownResponse, type Judgement, type Keeping } from "../request/recorded.ts";
import { sendDigest } from "../request/request.ts";
import type { HTTPRequest } from "../types.ts";

type Scheduled = Extract<Timing, { type: "scheduled" }>;

/** How often something outside the resource that is missing is looked for: after as long as it has been missing, within these. */
const missing = { initialMs: 2_000, maxMs: 60_000 };
/** A schedule follows the wall clock, which a timer does not see being set, nor a machine's sleep. */
const longestSleepMs = 300_000;

export interface Report {
  unchanged(reason: string): Verdict;
  /** What was attempted before still stands. `inputs`: with what values of its inputs it counts as done from now on. */
  rest(inputs?: string): Verdict;
  /** What is declared is for the schedule's next tick. `over`: an attempt at something else, that is given up. */
  awaitTick(over: Attempt | undefined): Verdict;
  suspended(): Verdict;
  waiting(delayMs: number): Verdict;
  refused(refusal: Refusal): Verdict;
  /** Not a verdict: the status to record before sending. */
  readonly inFlight: (attempt: Attempt) => HTTPRequestStatus;
  done(attempt: Attempt, judgement: Judgement): Verdict;
  retrying(attempt: Attempt, retry: RetryPolicy, judgement: Judgement): Verdict;
  /** The work that it began goes on. */
  polling(
    attempt: Attempt,
    poll: PollStatus,
    next: { readonly delayMs: number; readonly message: string; readonly response?: Response },
  ): Verdict;
  unknown(attempt: Attempt, why: string): Verdict;
  /** The same of an attempt of which nothing new is known. */
  stillUnknown(attempt: Attempt): Verdict;
}

/** `timing`: where there is a schedule. */
export function httpRequestReport(resource: HTTPRequest, now: Date, timing?: Scheduled): Report {
  const { spec, metadata } = resource;
  const before: HTTPRequestStatus = resource.status ?? {};
  const reconcileAt = reconcileAtOf(metadata);

  function status(states: readonly ConditionState[], change: Partial<HTTPRequestStatus> = {}): HTTPRequestStatus {
    const { nextRunAt: _, schedule: __, poll, response, items, history = [], ...kept } = before;
    const isPolling = (change.attempt ?? before.attempt)?.phase === "Polling";
    const isSameAttempt = !change.attempt || change.attempt.id === before.attempt?.id;
    const succeeded = states.some(({ type }) => type === "Succeeded") ? [] : lastRun();
    return {
      ...kept,
      ...(items && isSameAttempt && { items }),
      ...(timing && { schedule: timing.mark }),
      ...(poll && isPolling && { poll }),
      ...recent(history, spec.historyLimit),
      ...shownResponse(response, spec),
      observedGeneration: metadata.generation,
      conditions: [
        ...conditions(states, before.conditions ?? [], metadata.generation, now.toISOString()),
        ...conditions(succeeded, before.conditions ?? [], ranAt(change.attempt ?? before.attempt), now.toISOString()),
      ],
      ...change,
    };
  }
  /** The generation whose run has ended: the present one where what it declares has been attempted to its end. */
  function ranAt(attempt: Pick<Attempt, "phase" | "digest"> | undefined): number {
    if (attempt?.phase === "Done" && attempt.digest === sendDigest(spec)) return metadata.generation;
    return before.conditions?.find(({ type }) => type === "Succeeded")?.observedGeneration ?? metadata.generation;
  }
  /** The condition of the latest run that ended, as it stands. */
  function lastRun(): ConditionState[] {
    return (before.conditions ?? [])
      .filter(({ type }) => type === "Succeeded")
      .map(({ type, status, reason, message }) => ({ type, status, reason, message }));
  }
  /** An attempt that begins or ends is the answer to the annotation. */
  function attempted(attempt: Attempt): Partial<HTTPRequestStatus> {
    const completedRuns = runsBefore({ completedRuns: 0, ...before }, attempt) + (attempt.phase === "Done" ? 1 : 0);
    const schedule = timing && { schedule: markedAt(timing.mark, attempt.tick) };
    const kept = attempt.phase === "Done" ? stripSendState(attempt) : attempt;
    return {
      attempt: kept,
      completedRuns,
      ...schedule,
      ...(reconcileAt !== undefined && { lastHandledReconcileAt: reconcileAt }),
    };
  }

  /** When the next tick is, and when to look for it. */
  function untilTick(): { nextRunAt?: string; requeueAfterMs?: number; dueAt?: Date } {
    if (!timing) return {};
    const delayMs = timing.next.getTime() - now.getTime();
    return { nextRunAt: timing.next.toISOString(), requeueAfterMs: Math.min(delayMs, longestSleepMs), dueAt: timing.next };
  }
  /** A run that ended badly: with a schedule the next tick is another chance. */
  function over(reason: string, message: string): ConditionState[] {
    return timing ? [{ type: "Ready", status: "False", reason, message }] : stalled(reason, message);
  }
  function stuck(message: string, attempt: Attempt): Verdict {
    const reason = "OutcomeUnknown";
    const isTold = isStalledFor(reason, before.conditions) && isSameTry(before.attempt, attempt);
    return { status: status(stalled(reason, message), attempted(attempt)), result: isTold ? "unchanged" : "stalled", reason };
  }
  function rested(states: readonly ConditionState[], reason: string, change: Partial<HTTPRequestStatus> = {}): Verdict {
    const { nextRunAt, ...requeue } = untilTick();
    return {
      status: status(states, { ...change, ...(nextRunAt !== undefined && { nextRunAt }) }),
      ...requeue,
      result: "unchanged",
      reason,
    };
  }

  return {
    unchanged: (reason) => ({ status: before, result: "unchanged", reason }),

    rest(inputs) {
      const { inputs: _, ...attempt } = before.attempt ?? {};
      const change = before.attempt && { attempt: { ...(attempt as Attempt), ...(inputs !== undefined && { inputs }) } };
      const [run] = lastRun();
      if (!run && timing) return rested(awaiting, "Scheduled", change); // it was given up before it had ended
      const { reason, message } = run ?? { reason: "Unknown", message: "" };
      return rested(run?.status === "True" ? ready(reason, message) : over(reason, message), reason, change);
    },
    awaitTick(over) {
      const change = over && over.phase !== "Done" ? attempted({ ...over, phase: "Done" }) : {};
      return rested(awaiting, "Scheduled", change);
    },
    suspended() {
      const state: ConditionState = {
        type: "Ready",
        status: "False",
        reason: "Suspended",
        message: "spec.suspend is true: nothing is sent until it is false",
      };
      return { status: status([state]), result: "suspended", reason: "Suspended" };
    },
    waiting(delayMs) {
      const current = (before.conditions ?? []).find(({ type }) => type === "Ready");
      const states = reconciling(current?.reason ?? "Retrying", current?.message ?? "");
      return {
        status: status(states, before.nextRunAt === undefined ? {} : { nextRunAt: before.nextRunAt }),
        requeueAfterMs: delayMs,
        result: "waiting",
        reason: "Retrying",
      };
    },
    refused({ reason, message, heals, retryAfterMs }) {
      // The next tick sees another time, and perhaps other inputs.
      const { nextRunAt: _, ...atTick } = untilTick();
      if (!heals) return { status: status(stalled(reason, message)), ...atTick, result: "stalled", reason };
      const verdict = status(reconciling(reason, message));
      const since = verdict.conditions?.find(({ type }) => type === "Reconciling")?.lastTransitionTime;
      const missingMs = since === undefined ? 0 : now.getTime() - Date.parse(since);
      return {
        status: verdict,
        requeueAfterMs: retryAfterMs ?? pauseSinceMs(metadata.uid, missing, missingMs),
        result: "waiting",
        reason,
      };
    },
    inFlight: (attempt) => status(reconciling("Sending", `${spec.method} is on its way`), attempted(attempt)),

    done(attempt, judgement) {
      const { reason, succeeded } = judgement;
      const message = succeeded || attempt.tries <= 1 ? judgement.message : `${judgement.message}; tried ${attempt.tries} times`;
      const states = succeeded ? ready(reason, message) : over(reason, message);
      const run: ConditionState = { type: "Succeeded", status: succeeded ? "True" : "False", reason, message };
      const change = {
        ...attempted(attempt),
        ...outcome(judgement, spec),
        ...recent([ended(attempt, judgement, spec.record), ...(before.history ?? [])], spec.historyLimit),
      };
      return { ...rested([...states, run], reason, change), result: succeeded ? "succeeded" : "failed" };
    },
    retrying(attempt, retry, judgement) {
      const { reason, message, response } = judgement;
      const delayMs = Math.max(retryAfterMs(retry, attempt), retryAfterFieldMs(response, now));
      const nextRunAt = new Date(Date.parse(attempt.finishedAt ?? attempt.startedAt) + delayMs).toISOString();
      const most = retry.limit + 1;
      // What an item lacks is waited for without a limit.
      const text = `${message}; try ${attempt.tries}${attempt.tries <= most ? ` of ${most}` : ""}`;
      const change = { ...attempted(attempt), nextRunAt, ...outcome(judgement, spec) };
      return { status: status(reconciling(reason, text), change), requeueAfterMs: delayMs, result: "retrying", reason };
    },
    polling(attempt, poll, { delayMs, message, response }) {
      const change = { ...attempted(attempt), poll, ...recorded(response, spec) };
      return {
        status: status(reconciling("Polling", message), change),
        requeueAfterMs: delayMs,
        result: "waiting",
        reason: "Polling",
      };
    },
    unknown(attempt, why) {
      const meanwhile = timing ? "; until then the schedule sends nothing" : "";
      const message = `${why}: it may or may not have arrived. To send it again set spec.onUnknown: Resend, or change the annotation ${reconcileAtAnnotation}${meanwhile}`;
      return stuck(message, attempt);
    },
    stillUnknown(attempt) {
      const said = before.observedGeneration === metadata.generation ? before.conditions : [];
      const known = said?.find(({ type, reason }) => type === "Stalled" && reason === "OutcomeUnknown");
      return known ? stuck(known.message, attempt) : this.unknown(attempt, unknownReasonText(before.attempt?.phase));
    },
  };
}

const awaiting = ready("Scheduled", "what is declared is sent at the schedule's next tick");

/** A run, as the history tells it. */
function ended(
  { id, tick, startedAt, finishedAt, tries }: Attempt,
  { succeeded, reason, response }: Judgement,
  record: "None" | "Summary" | "Body",
): RunStatus {
  return {
    attemptId: id,
    ...(tick !== undefined && { tick }),
    startedAt,
    ...(finishedAt !== undefined && { finishedAt }),
    tries,
    succeeded,
    reason,
    ...(response && record !== "None" && { statusCode: response.statusCode }),
  };
}
function recent(history: readonly RunStatus[], limit: number): Pick<HTTPRequestStatus, "history"> {
  return limit === 0 || history.length === 0 ? {} : { history: history.slice(0, limit) };
}

function outcome({ response, items }: Judgement, keeping: Keeping): Partial<HTTPRequestStatus> {
  return items ? { items } : recorded(response, keeping);
}
