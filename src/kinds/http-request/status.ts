/**
 * How an HTTPRequest's status is made: what every way of ending shares. `report.ts` has those ways.
 *
 * Invariant: nothing is lost by a change: what it does not speak of stays as it was recorded.
 */
import { suspicious } from "../request/suspicions.ts";
import type { HTTPRequestStatus } from "../../api/http-request.ts";
import type { RunStatus } from "../../api/schedule.ts";
import type { TriggerStatus } from "../../api/trigger.ts";
import { conditions, stalled, type ConditionState } from "../../core/conditions.ts";
import { runsBefore, stripSendState, type Attempt } from "../../core/delivery.ts";
import type { Verdict } from "../../core/plan.ts";
import { reconcileAtAnnotation, reconcileAtOf } from "../../core/resource.ts";
import { advanceMark, type Timing } from "../../core/schedule.ts";
import { keepRecorded } from "../request/recorded.ts";
import { sendDigest } from "../request/request.ts";
import type { HTTPRequest } from "../types.ts";

export type Scheduled = Extract<Timing, { type: "scheduled" }>;

/** Nothing but a person has a request sent again whose attempt is over. */
const wayOn = `To send it again change the annotation ${reconcileAtAnnotation}`;

/** A schedule follows the wall clock, which a timer does not see being set, nor a machine's sleep. */
const longestSleepMs = 300_000;

/** What a report is made from. */
export interface Reported {
  readonly resource: HTTPRequest;
  readonly now: Date;
  /** Where there is a schedule. */
  readonly timing?: Scheduled | undefined;
  /** Where there is a trigger: what a status that tells of an attempt is to say of it. */
  readonly trigger?: ((attempt: Attempt | undefined) => TriggerStatus) | undefined;
}

export interface StatusMaker {
  /** The status with these conditions and `change`. */
  readonly status: (states: readonly ConditionState[], change?: Partial<HTTPRequestStatus>) => HTTPRequestStatus;
  /** The condition of the latest run that ended, as it stands. */
  readonly lastRun: () => ConditionState[];
  /** What the history says of the runs before an attempt. */
  readonly pastRuns: (attempt: Attempt) => readonly RunStatus[];
  /** What an attempt that begins or ends changes: it is the answer to the annotation, too. */
  readonly attempted: (attempt: Attempt) => Partial<HTTPRequestStatus>;
  /** When the next tick is, and when to look for it. */
  readonly untilTick: () => UntilTick;
  /** Of a run that ended badly: with a schedule the next tick is another chance. */
  readonly over: (reason: string, message: string) => ConditionState[];
  /** The verdict of a resource for which there is nothing to do before the next tick. */
  readonly rested: (states: readonly ConditionState[], reason: string, change?: Partial<HTTPRequestStatus>) => Verdict;
}

interface UntilTick {
  readonly nextRunAt?: string;
  readonly requeueAfterMs?: number;
  readonly dueAt?: Date;
}

export function createStatusMaker({ resource, now, timing, trigger }: Reported): StatusMaker {
  const { spec, metadata } = resource;
  const before: HTTPRequestStatus = resource.status ?? {};
  const reconcileAt = reconcileAtOf(metadata);

  function status(states: readonly ConditionState[], change: Partial<HTTPRequestStatus> = {}): HTTPRequestStatus {
    const { nextRunAt: _, schedule: __, trigger: ___, poll, response, items, history = [], ...kept } = before;
    const isPolling = (change.attempt ?? before.attempt)?.phase === "Polling";
    const isSameAttempt = !change.attempt || change.attempt.id === before.attempt?.id;
    const succeeded = states.some(({ type }) => type === "Succeeded") ? [] : lastRun();
    return {
      ...kept,
      ...(items && isSameAttempt && { items }),
      ...(timing && { schedule: timing.mark }),
      ...(trigger && { trigger: trigger(change.attempt) }),
      ...(poll && isPolling && { poll }),
      ...recent(change.attempt ? pastRuns(change.attempt) : history, spec.historyLimit),
      ...keepRecorded(response, spec),
      observedGeneration: metadata.generation,
      conditions: [
        ...conditions([...states, ...suspicious(spec)], before.conditions ?? [], metadata.generation, now.toISOString()),
        ...conditions(succeeded, before.conditions ?? [], ranAt(change.attempt ?? before.attempt), now.toISOString()),
      ],
      ...change,
    };
  }
  /** Those that ended before the attempt, and the one of which nobody knows what came, that it leaves behind. */
  function pastRuns({ id, event }: Pick<Attempt, "id" | "event">): readonly RunStatus[] {
    const { attempt, history = [] } = before;
    if (event === undefined || attempt?.phase !== "Unknown" || attempt.id === id) return history;
    const { id: attemptId, startedAt, finishedAt, tries } = attempt;
    const ended = finishedAt === undefined ? {} : { finishedAt };
    return [{ attemptId, startedAt, ...ended, tries, succeeded: false, reason: "OutcomeUnknown" }, ...history];
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
    const schedule = timing && { schedule: advanceMark(timing.mark, attempt.tick) };
    const kept = attempt.phase === "Done" ? stripSendState(attempt) : attempt;
    return {
      attempt: kept,
      completedRuns,
      ...schedule,
      ...(reconcileAt !== undefined && { lastHandledReconcileAt: reconcileAt }),
    };
  }

  /** When the next tick is, and when to look for it. */
  function untilTick(): UntilTick {
    if (!timing?.next) return {};
    const delayMs = timing.next.getTime() - now.getTime();
    return { nextRunAt: timing.next.toISOString(), requeueAfterMs: Math.min(delayMs, longestSleepMs), dueAt: timing.next };
  }
  /** A run that ended badly: with a schedule the next tick is another chance. */
  function over(reason: string, message: string): ConditionState[] {
    if (timing?.isStopped) return tooManyFailures(message);
    if (timing?.next) return [{ type: "Ready", status: "False", reason, message }];
    return stalled(reason, `${message}. ${wayOn}`);
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
  return { status, pastRuns, lastRun, attempted, untilTick, over, rested };
}

/** `message`: how the latest run ended. */
export function tooManyFailures(message: string): ConditionState[] {
  return stalled(
    "TooManyFailures",
    `the schedule has ended, after as many failed runs as spec.schedule.stopAfter says: ${message}`,
  );
}

/** The latest runs, as many as `historyLimit` keeps. */
export function recent(history: readonly RunStatus[], limit: number): Pick<HTTPRequestStatus, "history"> {
  return limit === 0 || history.length === 0 ? {} : { history: history.slice(0, limit) };
}
