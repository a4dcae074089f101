/** Each way that a reconcile of an HTTPRequest can end, as its status and when to look again. */
import { endedMs } from "../../core/attempt-times.ts";
import type { HTTPRequestStatus } from "../../api/http-request.ts";
import type { PollStatus } from "../../api/poll.ts";
import type { RunStatus } from "../../api/schedule.ts";
import { pauseSinceMs } from "../../core/backoff.ts";
import { isStalledFor, ready, reconciling, stalled, type ConditionState } from "../../core/conditions.ts";
import { isSameTry, unknownReasonText, type Attempt, type Desired } from "../../core/delivery.ts";
import { lookTime } from "../../core/next-look.ts";
import type { Refusal, Response } from "../../core/outcome.ts";
import type { Verdict } from "../../core/plan.ts";
import { arrivedAnnotation, reconcileAtAnnotation } from "../../core/resource.ts";
import { advanceMark, countFailures } from "../../core/schedule.ts";
import { retryAfterFieldMs, retryAfterMs, type RetryPolicy } from "../../core/retry.ts";
import { recordResponse, type Judgement, type Keeping } from "../request/recorded.ts";
import type { HTTPRequest } from "../types.ts";
import { acknowledge, itemsSoFar } from "./sent-item.ts";
import { createStatusMaker, recent, tooManyFailures, type Reported, type Scheduled } from "./status.ts";

/** How often something outside the resource that is missing is looked for: after as long as it has been missing, within these. */
const missing = { initialMs: 2_000, maxMs: 60_000 };
export interface Report {
  unchanged(reason: string): Verdict;
  /** What was attempted before still stands. `inputs`: with what values of its inputs it counts as done from now on. `note`: what else is to be told. */
  rest(inputs?: string, note?: string): Verdict;
  /** What is declared is for the schedule's next tick. `over`: an attempt at something else, that is given up. */
  awaitTick(over: Attempt | undefined): Verdict;
  suspended(): Verdict;
  waiting(delayMs: number): Verdict;
  refused(refusal: Refusal): Verdict;
  /** Not a verdict: the status to record before sending. */
  readonly inFlight: (attempt: Attempt) => HTTPRequestStatus;
  done(attempt: Attempt, judgement: Judgement): Verdict;
  retrying(attempt: Attempt, desired: Pick<Desired, "retry" | "repeatable">, judgement: Judgement): Verdict;
  /** Of an attempt whose outcome was not known somebody says that it has arrived. */
  arrived(attempt: Attempt): Verdict;
  /** It ends without having succeeded: a tick has come, or it has been tried for as long as it may be. */
  givenUp(attempt: Attempt, why: "Superseded" | "TooLate"): Verdict;
  /** The work that it began goes on. */
  polling(
    attempt: Attempt,
    poll: PollStatus,
    next: { readonly delayMs: number; readonly message: string; readonly response?: Response },
  ): Verdict;
  unknown(attempt: Attempt, why: Pick<Judgement, "message" | "items">): Verdict;
  /** The same of an attempt of which nothing new is known. */
  stillUnknown(attempt: Attempt): Verdict;
}

/** `timing`: where there is a schedule; `trigger`: what it is to say of one. */
export function httpRequestReport(resource: HTTPRequest, now: Date, timing?: Scheduled, trigger?: Reported["trigger"]): Report {
  const reported: Reported = { resource, now, timing, trigger };
  return { ...reportRest(reported), ...reportWait(reported), ...reportEnd(reported), ...reportUnknown(reported) };
}

/** How the latest run ended, where its condition was taken away: what the history still says of it. */
function pastRun({ attempt, history = [] }: HTTPRequestStatus): Pick<ConditionState, "status" | "reason" | "message"> {
  const past = history.find(({ attemptId }) => attemptId === attempt?.id);
  const told = "the condition that told of this run was taken away from the status";
  if (!past) return { status: "False", reason: "Unknown", message: `${told}, and its history does not have it` };
  return { status: past.succeeded ? "True" : "False", reason: past.reason, message: `${told}; its history has this` };
}

/** Nothing is to be sent now. */
function reportRest(reported: Reported): Pick<Report, "unchanged" | "rest" | "awaitTick" | "suspended"> {
  const { status, lastRun, attempted, over, rested } = createStatusMaker(reported);
  const { timing } = reported;
  const before: HTTPRequestStatus = reported.resource.status ?? {};
  const awaiting = reported.resource.spec.trigger ? awaitingTrigger : awaitingTick;
  return {
    unchanged: (reason) => ({ status: before, result: "unchanged", reason }),

    rest(inputs, note) {
      const { inputs: _, ...attempt } = before.attempt ?? {};
      const change = before.attempt && { attempt: { ...(attempt as Attempt), ...(inputs !== undefined && { inputs }) } };
      const [run] = lastRun();
      if (!run && timing) return rested(awaitingTick, "Scheduled", change); // it was given up before it had ended
      const { status: ended, reason, ...told } = run ?? pastRun(before);
      const message = note === undefined ? told.message : `${told.message}; ${note}`;
      return rested(ended === "True" ? ready(reason, message) : over(reason, message), reason, change);
    },
    awaitTick(over) {
      const change = over && over.phase !== "Done" ? attempted({ ...over, phase: "Done" }) : {};
      const states = timing && !timing.next ? describeEnd(timing) : awaiting;
      const reason = states[0]?.reason ?? "";
      const verdict = rested(states, reason, change);
      const isNews = states !== awaiting && !isStalledFor(reason, before.conditions);
      return isNews ? { ...verdict, result: "stalled" } : verdict;
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
  };
}

/** Something is on its way, or waited for. */
function reportWait(reported: Reported): Pick<Report, "waiting" | "refused" | "inFlight" | "polling"> {
  const { status, attempted, untilTick } = createStatusMaker(reported);
  const { now } = reported;
  const { spec, metadata } = reported.resource;
  const before: HTTPRequestStatus = reported.resource.status ?? {};
  return {
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
      const { nextRunAt, ...atTick } = untilTick();
      const change = nextRunAt === undefined ? {} : { nextRunAt: lookTime(Date.parse(nextRunAt)) };
      if (!heals) return { status: status(stalled(reason, message), change), ...atTick, result: "stalled", reason };
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

    polling(attempt, poll, { delayMs, message, response }) {
      const change = { ...attempted(attempt), poll, ...recordResponse(response, spec) };
      return {
        status: status(reconciling("Polling", message), change),
        requeueAfterMs: delayMs,
        result: "waiting",
        reason: "Polling",
      };
    },
  };
}

/** An attempt has ended, for good or until it is tried again. */
function reportEnd(reported: Reported): Pick<Report, "done" | "arrived" | "givenUp" | "retrying"> {
  const { status, attempted, pastRuns, over, rested } = createStatusMaker(reported);
  const { now, timing } = reported;
  const { spec } = reported.resource;
  const before: HTTPRequestStatus = reported.resource.status ?? {};
  const [ready_] = (before.conditions ?? []).filter(({ type }) => type === "Ready");
  function done(attempt: Attempt, judgement: Judgement): Verdict {
    const { reason, succeeded } = judgement;
    const message = succeeded || attempt.tries <= 1 ? judgement.message : `${judgement.message}; tried ${attempt.tries} times`;
    const { schedule } = spec;
    const mark = timing && schedule && countFailures(advanceMark(timing.mark, attempt.tick), { schedule, succeeded, now });
    const isLast = (mark?.failures ?? 0) >= (schedule?.stopAfter?.failures ?? Infinity);
    const states = succeeded ? ready(reason, message) : isLast ? tooManyFailures(message) : over(reason, message);
    const run: ConditionState = { type: "Succeeded", status: succeeded ? "True" : "False", reason, message };
    const change = {
      ...attempted(attempt),
      ...(mark && { schedule: mark }),
      ...outcome(judgement, spec),
      ...recent([summarizeRun(attempt, judgement, spec.record), ...pastRuns(attempt)], spec.historyLimit),
    };
    const verdict = rested([...states, run], reason, change);
    const result = succeeded ? "succeeded" : "failed";
    if (!isLast) return { ...verdict, ...(timing?.isStopped && { requeueAfterMs: 0 }), result };
    const { nextRunAt: _, ...last }: HTTPRequestStatus = verdict.status;
    return { status: last, result, reason };
  }
  return {
    done,
    arrived(attempt) {
      const told = `the annotation ${arrivedAnnotation} says that it has arrived; its answer is not known`;
      const soFar = itemsSoFar(before);
      const items = soFar && acknowledge(soFar);
      const failed = items?.find(({ phase }) => phase === "Failed");
      if (items && failed) {
        const message = `${told}; item ${failed.index} had failed: ${failed.reason}`;
        return done(attempt, { succeeded: false, reason: "ItemsFailed", message, items });
      }
      // Those who wait for this need what is made of its answer.
      const isNeeded = spec.outputs?.some(({ whenMissing }) => whenMissing === "Fail") === true;
      return isNeeded
        ? done(attempt, { succeeded: false, reason: "OutputMissing", message: `${told}, and spec.outputs are made of it` })
        : done(attempt, { succeeded: true, reason: "AcknowledgedAsDelivered", message: told, ...(items && { items }) });
    },
    givenUp(attempt, why) {
      const reason = why === "Superseded" ? why : (ready_?.reason ?? "Unknown");
      const told = ready_ ? beforeTries(ready_.message) : "what came of its last try is not known";
      const message =
        why === "Superseded" ? `the schedule's next tick has come; before: ${told}` : `retry.maxDuration is over: ${told}`;
      const items = before.items?.map((item) => (item.phase === "Retrying" ? { ...item, phase: "Failed" as const } : item));
      const verdict = done(attempt, { succeeded: false, reason, message, ...(items && { items }) });
      return why === "Superseded" ? { ...verdict, requeueAfterMs: 0 } : verdict;
    },
    retrying(attempt, { retry, repeatable }, judgement) {
      const { reason, message, response } = judgement;
      const ended = endedMs(attempt);
      const askedMs = Math.max(retryAfterMs(retry, attempt), retryAfterFieldMs(response, now));
      // At its end it is looked at, and not sent again.
      const leftMs = Date.parse(attempt.startedAt) + (retry.maxDurationMs ?? Infinity) - ended;
      const delayMs = Math.max(0, Math.min(askedMs, leftMs));
      const nextRunAt = new Date(ended + delayMs).toISOString();
      const isSafe = repeatable || (attempt.unsent ?? 0) > (before.attempt?.id === attempt.id ? (before.attempt.unsent ?? 0) : 0);
      const text = `${message}${tryText}${attempt.tries}${untilWhen(attempt, retry, isSafe)}`;
      const change = { ...attempted(attempt), nextRunAt, ...outcome(judgement, spec) };
      return { status: status(reconciling(reason, text), change), requeueAfterMs: delayMs, result: "retrying", reason };
    },
  };
}

const tryText = "; try ";
/** What came of the latest try, without the rest of what was told of it. */
function beforeTries(message: string): string {
  const end = message.lastIndexOf(tryText);
  return end === -1 ? message : message.slice(0, end);
}
/** How long it goes on. What an item lacks is waited for without a limit. */
function untilWhen({ tries, startedAt }: Attempt, { limit, maxDurationMs }: RetryPolicy, isSafe: boolean): string {
  const byTime = maxDurationMs === undefined ? "" : `until ${new Date(Date.parse(startedAt) + maxDurationMs).toISOString()}`;
  if (limit !== undefined) return `${tries <= limit + 1 ? ` of ${limit + 1}` : ""}${byTime && `, ${byTime} at most`}`;
  return isSafe ? `, and again ${byTime || "until it succeeds"}` : "";
}

/** The outcome of an attempt is not known, and only a person can find it out. */
function reportUnknown(reported: Reported): Pick<Report, "unknown" | "stillUnknown"> {
  const { status, attempted } = createStatusMaker(reported);
  const { timing } = reported;
  const { metadata } = reported.resource;
  const before: HTTPRequestStatus = reported.resource.status ?? {};
  function stuck(message: string, attempt: Attempt, items?: Judgement["items"]): Verdict {
    const reason = "OutcomeUnknown";
    const isTold = isStalledFor(reason, before.conditions) && isSameTry(before.attempt, attempt);
    return {
      status: status(stalled(reason, message), { ...attempted(attempt), ...(items && { items }) }),
      result: isTold ? "unchanged" : "stalled",
      reason,
    };
  }
  function unknown(attempt: Attempt, { message: why, items }: Pick<Judgement, "message" | "items">): Verdict {
    const meanwhile = timing ? "; until then the schedule sends nothing" : "";
    const ways = `If it has, set the annotation ${arrivedAnnotation}: ${attempt.id}; to send it again change the annotation ${reconcileAtAnnotation}, or set spec.onUnknown: Resend`;
    const asked = attempt.refused ? ", which says nothing of a try before it that was not answered" : "";
    const message = `${why}${asked}: it may or may not have arrived. ${ways}${meanwhile}`;
    return stuck(message, attempt, items);
  }
  return {
    unknown,
    stillUnknown(attempt) {
      const items = itemsSoFar(before);
      const soFar = items && { items };
      const said = before.observedGeneration === metadata.generation ? before.conditions : [];
      const known = said?.find(({ type, reason }) => type === "Stalled" && reason === "OutcomeUnknown");
      return known
        ? stuck(known.message, attempt)
        : unknown(attempt, {
            message: attempt.refused ? "a try of it was refused" : unknownReasonText(before.attempt?.phase),
            ...soFar,
          });
    },
  };
}

/** What is declared has not been sent, and there is no tick any more. */
function describeEnd({ isStopped }: Scheduled): ConditionState[] {
  if (isStopped) return tooManyFailures("what is declared now has not been sent");
  const message = `the time that spec.schedule.at names was over before what is declared could be sent; nothing is sent. Declare another time, or change the annotation ${reconcileAtAnnotation} to have it sent now`;
  return stalled("ScheduledTimePassed", message);
}
const awaitingTrigger = ready("AwaitingTrigger", "it is sent when a run that spec.trigger watches has ended so");
const awaitingTick = ready("Scheduled", "what is declared is sent at the schedule's next tick");

/** A run, as the history tells it. */
function summarizeRun(
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
function outcome({ response, items }: Judgement, keeping: Keeping): Partial<HTTPRequestStatus> {
  return items ? { items } : recordResponse(response, keeping);
}
