/**
 * The protocol of sending: what is an attempt, when may it be sent, and what does an answer, or none, make of it.
 *
 * Invariant: a request that is not repeatable is sent again only if it provably never left, the server said that it did
 * not act on it, or the user asked. Everything here is a pure function of what is recorded; docs/delivery.md tells it.
 */
import { hasEnd, isOverdue, untilDueMs, untilMendedMs } from "./attempt-times.ts";
import { attemptUUID } from "./tools/digest.ts";
import { sameJSON } from "./tools/json.ts";
import type { RetryPolicy } from "./retry.ts";

export interface Attempt {
  readonly id: string;
  /** Of what is sent, unexpanded. */
  readonly digest: string;
  /** `Polling`: it was answered, and is not sent again; the work that it began goes on. */
  readonly phase: "InFlight" | "Retrying" | "Polling" | "Done" | "Unknown";
  /** The process that sends it, or sent it: while the outcome is not known. By it that process can still record the outcome. */
  readonly sender?: string;
  /** A digest of the values of its inputs, where another value makes a new run. */
  readonly inputs?: string;
  /** As `Desired.sentAs`, when it was last sent, or of the try in doubt; absent: by an idempotent method. */
  readonly sentAs?: string;
  /** True: a try of it may have arrived, so it is safe to send again only as it was sent. */
  readonly inDoubt?: boolean;
  /**
   * True: a try after one that may have arrived was refused, so that it is not sent again by itself. Of a list it speaks of items
   * that are not sent while others are, whatever the phase.
   */
  readonly refused?: boolean;
  /** RFC 3339. */
  readonly startedAt: string;
  /** RFC 3339: the tick of a schedule that it is for. */
  readonly tick?: string;
  /** By which the end of another object's run is known that it is sent for. */
  readonly event?: string;
  readonly finishedAt?: string;
  readonly tries: number;
  /** How many of the tries the server provably did not act on. */
  readonly unsent?: number;
}

/** What is recorded of earlier attempts. */
export interface DeliveryRecord {
  readonly attempt?: Attempt;
  /** Attempts that ended, well or not, or were given up for another. */
  readonly completedRuns: number;
  readonly lastHandledReconcileAt?: string;
  /** RFC 3339: when the next try of an attempt that is Retrying is due. */
  readonly nextRunAt?: string;
}

/** Whether nobody has recorded another attempt since `read`: it is as it was then, or was taken away with the status. */
export function carriesSameAttempt(stored: Partial<DeliveryRecord> = {}, read: Partial<DeliveryRecord> = {}): boolean {
  return stored.attempt === undefined || sameJSON(stored.attempt, read.attempt);
}

/** Whether it is the attempt that was declared so, or was taken away with the status: nobody else has recorded anything since. */
export function carriesAttempt(stored: Partial<DeliveryRecord> = {}, { id, sender }: { id: string; sender: string }): boolean {
  return isRecorded(stored) ? stored.attempt?.id === id && stored.attempt.sender === sender : true;
}

/**
 * Whether the status is one that was recorded: it tells of an attempt or, where a request was refused after its intent, of the
 * generation that was looked at.
 */
export function isRecorded({
  attempt,
  observedGeneration,
}: Partial<DeliveryRecord> & { observedGeneration?: unknown } = {}): boolean {
  return attempt !== undefined || observedGeneration !== undefined;
}

/** What the spec wants delivered. */
export interface Desired {
  readonly uid: string;
  readonly digest: string;
  /** As `Attempt.inputs`; absent: other values make no new run, or they are not known now. */
  readonly inputs?: string;
  /** The annotation's value, where there is one. */
  readonly reconcileAt?: string;
  /** The id of the attempt of which somebody says that it has arrived. */
  readonly arrived?: string;
  /** An idempotent method (RFC 9110, section 9.2.2), or an idempotency key that the server honours. */
  readonly repeatable: boolean;
  /** Of a method that is not idempotent: by what its server knows it again, the method and the key's header. */
  readonly sentAs?: string;
  readonly onUnknown: "Stall" | "Resend";
  /** A restored object without a status whose declaration counts as done. */
  readonly assumeDone: boolean;
  readonly retry: RetryPolicy;
  /** As `Situation.mayBeMended`: the pause before the next try is over. */
  readonly mayBeMended?: boolean;
  /** Absent: what is declared is sent once. `atOnce`: without waiting for a tick. `due`: the tick that has come. `next`: the one after that. */
  readonly schedule?: { readonly atOnce: boolean; readonly due?: string; readonly next?: Date };
  /** It is sent for what happens to others, and for nothing else. `due`: that it is to be sent for now. */
  readonly trigger?: { readonly due?: string; readonly last?: string };
}

export type Decision =
  /** Nothing to do: what is declared has been attempted to its end. */
  | { readonly type: "rest" }
  /** What is declared has not been attempted, and the schedule's next tick is the first to do so. `over`: what was attempted before. */
  | { readonly type: "awaitTick"; readonly over?: Attempt }
  /** Take the declaration as done, without sending. */
  | { readonly type: "assumeDone"; readonly attempt: Attempt }
  | { readonly type: "wait"; readonly delayMs: number }
  /** Send this attempt now; it counts the try that is about to be made. */
  | { readonly type: "send"; readonly attempt: Attempt }
  /** Sent and answered; what it began is to be looked at. */
  | { readonly type: "poll"; readonly attempt: Attempt }
  /** May or may not have arrived, and only a person can find out. */
  | { readonly type: "unknown"; readonly attempt: Attempt }
  /** It has arrived, as somebody says who could look; nobody knows with what answer. */
  | { readonly type: "arrived"; readonly attempt: Attempt }
  /** It has not succeeded, and is not tried again. */
  | { readonly type: "over"; readonly attempt: Attempt; readonly why: "Superseded" | "TooLate" };

/** Whether a person asks for it, and has had no answer yet. */
export function isAsked(
  { lastHandledReconcileAt }: Pick<DeliveryRecord, "lastHandledReconcileAt">,
  { reconcileAt }: Pick<Desired, "reconcileAt">,
): boolean {
  return reconcileAt !== undefined && reconcileAt !== lastHandledReconcileAt;
}
/** Whether it is sent again though its server may not know it again: somebody takes what may come of that. */
export function isTaken(record: Pick<DeliveryRecord, "lastHandledReconcileAt">, desired: Desired): boolean {
  return desired.onUnknown === "Resend" || isAsked(record, desired);
}

/**
 * What is to be done now, from what is recorded and what is declared; the rows of docs/delivery.md. Of `send`, the attempt is
 * what to record before sending or with the outcome; a decision is good for one try.
 */
export function decide(record: DeliveryRecord, desired: Desired, now: Date): Decision {
  const { attempt } = record;
  const { schedule, trigger } = desired;
  if (!attempt && desired.assumeDone)
    return { type: "assumeDone", attempt: { ...newAttempt(record, desired, now), phase: "Done" } };
  const asked = isAsked(record, desired);
  const run = (): Decision => ({ type: "send", attempt: next(newAttempt(record, desired, now), desired) });
  if (trigger && (!attempt || attempt.phase === "Done" || attempt.phase === "Unknown")) {
    if (trigger.due !== undefined || (asked && trigger.last !== undefined && attempt?.phase !== "Unknown")) return run();
    if (!attempt || (attempt.phase === "Done" && !isOf(attempt, desired))) return { type: "awaitTick" };
  }
  if (!attempt || !isOf(attempt, desired)) {
    if (trigger && attempt) return { type: "send", attempt: next(newAttempt(record, resume(desired, attempt), now), desired) };
    if (!schedule || schedule.atOnce || schedule.due !== undefined || asked) return run();
    return { type: "awaitTick", ...(attempt && { over: attempt }) };
  }
  if (attempt.id === desired.arrived && isInDoubt(attempt)) return { type: "arrived", attempt: { ...attempt, phase: "Done" } };
  const mayRepeat = isKnownAgain(attempt, desired);
  const taken = isTaken(record, desired);
  const isWanted = (mayRepeat && (attempt.phase === "InFlight" || !attempt.refused)) || taken;
  // Who asks takes what may come of the tries before. What is declared can be taken back, so that their doubt stays.
  const again = (isDoubtful: boolean): Decision => {
    const inDoubt = isDoubtful && (mayRepeat || !asked);
    return { type: "send", attempt: next({ ...attempt, inDoubt, refused: attempt.refused === true && !taken }, desired) };
  };
  const unknown: Decision = { type: "unknown", attempt: { ...attempt, phase: "Unknown" } };
  const isTooLate = !asked && isOverdue(attempt, desired.retry, now);
  const over = (why: "Superseded" | "TooLate"): Decision => ({ type: "over", why, attempt: { ...attempt, phase: "Done" } });
  switch (attempt.phase) {
    case "Done":
      return (asked && !trigger) || schedule?.due !== undefined ? run() : { type: "rest" };
    case "Polling":
      return { type: "poll", attempt };
    case "Retrying": {
      if (attempt.inDoubt && !mayRepeat && !taken) return unknown;
      // One of its items was refused so, while others are tried again.
      if (isTooLate) return attempt.refused ? unknown : over("TooLate");
      // What would be tried without end must not hold up the tick, which is another chance.
      if (schedule?.due !== undefined && !asked && !hasEnd(desired.retry)) return attempt.refused ? unknown : over("Superseded");
      const delayMs = Math.min(untilDueMs(record.nextRunAt, attempt, now), untilMendedMs(attempt, desired, now));
      return delayMs > 0 && !asked ? { type: "wait", delayMs } : again(attempt.inDoubt === true);
    }
    // This process works on a key once at a time: an attempt that is InFlight now was left so by a crash or a lost write.
    case "InFlight":
    case "Unknown":
      if (isTooLate && mayRepeat) return attempt.refused && !taken ? unknown : over("TooLate");
      return isWanted ? again(true) : unknown;
  }
}

/** What was sent without a key, or under another header, a server does not know again by the one that is declared now. */
export function isKnownAgain(attempt: Pick<Attempt, "sentAs">, { repeatable, sentAs }: SentHow): boolean {
  return repeatable && (attempt.sentAs ?? sentAs) === sentAs;
}
type SentHow = Pick<Desired, "repeatable" | "sentAs">;

/** Whether it may have arrived, and whoever knows can say so: what is InFlight as it is decided on was left so by a crash. */
function isInDoubt({ phase, inDoubt }: Attempt): boolean {
  return phase === "Unknown" || phase === "InFlight" || (phase === "Retrying" && inDoubt === true);
}

/** Why the outcome of an attempt is not known, for people, where no answer says so. `phase`: as it was found. */
export function unknownReasonText(phase: Attempt["phase"] | undefined): string {
  if (phase === "InFlight") return "the process that was sending it ended before the outcome was known";
  return phase === "Retrying" ? "a try of it was not answered, and it is declared otherwise by now" : "its outcome is not known";
}

type SentContent = Pick<Desired, "digest" | "inputs">;

/** Whether the attempt is one at what is to be sent. Values that were not recorded, or are not known, are taken for the same. */
function isOf(attempt: SentContent, { digest, inputs }: SentContent): boolean {
  return attempt.digest === digest && (inputs ?? attempt.inputs) === (attempt.inputs ?? inputs);
}

/** Runs that have ended before an attempt at `sent`: one at something else that has not ended is given up for it. */
export function runsBefore({ attempt, completedRuns }: DeliveryRecord, sent: SentContent): number {
  return attempt && attempt.phase !== "Done" && !isOf(attempt, sent) ? completedRuns + 1 : completedRuns;
}

/** The same after a restart, and through retries and resends: nothing in it is of this process or this moment. */
export function newAttempt(
  record: DeliveryRecord,
  desired: Pick<Desired, "uid" | "digest" | "inputs" | "schedule" | "trigger">,
  now: Date,
): Attempt {
  const { uid, digest, inputs, schedule: { due: tick } = {}, trigger } = desired;
  const event = trigger?.due ?? trigger?.last;
  const occasion = tick ?? event;
  const id = attemptUUID([uid, String(runsBefore(record, desired)), digest, ...(occasion === undefined ? [] : [occasion])]);
  const sent = { digest, ...(inputs !== undefined && { inputs }), ...(event !== undefined && { event }) };
  return { id, ...sent, phase: "InFlight", ...(tick !== undefined && { tick }), startedAt: now.toISOString(), tries: 0 };
}
/** What is declared otherwise by now is still to be sent for what the attempt was. */
function resume(desired: Desired, { event }: Attempt): Desired {
  return { ...desired, trigger: { ...(event !== undefined && { due: event }) } };
}
function next(attempt: Attempt, desired: Desired): Attempt {
  const { id, digest, tick, event, startedAt, tries, unsent, inDoubt, refused } = attempt;
  const sentAs = (inDoubt ? attempt.sentAs : undefined) ?? desired.sentAs;
  const inputs = desired.inputs ?? attempt.inputs;
  const sent = {
    digest,
    ...(inputs !== undefined && { inputs }),
    ...(event !== undefined && { event }),
    ...(sentAs !== undefined && { sentAs, ...(inDoubt && { inDoubt }) }),
    ...(refused && { refused }),
  };
  return {
    id,
    ...sent,
    phase: "InFlight",
    ...(tick !== undefined && { tick }),
    startedAt,
    tries: tries + 1,
    ...(unsent && { unsent }),
  };
}

/** Whether both are the same sending of the same attempt, of which nothing more is known. */
export function isSameTry(a: Pick<Attempt, "id" | "tries"> | undefined, b: Pick<Attempt, "id" | "tries">): boolean {
  return a?.id === b.id && a.tries === b.tries;
}
/** The attempt, once it is over: nothing of how it was sent matters any more. */
export function stripSendState<A extends Attempt>(attempt: A): Omit<A, "sentAs" | "inDoubt" | "unsent" | "refused"> {
  const { sentAs: _, inDoubt: __, unsent: ___, refused: ____, ...rest } = attempt;
  return rest;
}
