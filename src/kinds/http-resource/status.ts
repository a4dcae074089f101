/** HTTPResource's status, made in one place: each way that a reconcile can end has one function here. */
import type { HTTPResourceStatus } from "../../api/http-resource.ts";
import { conditions, isStalledFor, ready, reconciling, stalled, type ConditionState } from "../../core/conditions.ts";
import { stripSendState, unknownReasonText, isSameTry, runsBefore } from "../../core/delivery.ts";
import { pauseSinceMs } from "../../core/backoff.ts";
import { untilDueMs } from "../../core/due.ts";
import type { Verdict } from "../../core/plan.ts";
import { orphanAnnotation } from "../../core/resource.ts";
import { retryAfterFieldMs, retryAfterMs } from "../../core/retry.ts";
import { recordResponse, keepRecorded } from "../request/recorded.ts";
import { finalizer, type Context, type VerbAttempt } from "./context.ts";
import { corrected, drifted, notDrifted, notHeld } from "./conditions.ts";
import { isContested } from "./contested.ts";
import { bodyOf, failingMs, isWorthWriting } from "./worth-writing.ts";
import { isBlind } from "./delivery-record.ts";
import { isRepeatable } from "./delivered.ts";
import { firstLook, isLookedUp, isNameless, mayHaveArrived, noImport, outside } from "./held-back.ts";
import { heldReport } from "./held-report.ts";
import type { Report } from "./report.ts";
import { valuesField } from "./values.ts";
import { toStatusFields, remoteOf } from "./identity.ts";

type Status = HTTPResourceStatus;
type Taken = Pick<Context, "externalID" | "attempt" | "imported">;

const orphanHint = `to let this object go and leave the remote one, set the annotation ${orphanAnnotation}: "true"`;

export function httpResourceReport(context: Context): Report {
  const { resource, spec, status: before, now, retry, intervalMs } = context;
  const { uid, generation } = resource.metadata;
  const isDeleting = resource.metadata.deletionTimestamp !== undefined;
  const hint = isDeleting ? `; ${orphanHint}` : "";
  const mayRepeatCreate = spec.create !== undefined && isRepeatable(context, spec.create);
  const canLook = spec.observe !== undefined || spec.lookup !== undefined;

  /** While no server has said that there is an object with the id that a person gave, what was known before stands. */
  const untaken: Taken = context.imported === undefined ? context : before;
  function status(states: readonly ConditionState[], change: Partial<Status> = {}, taken: Taken = context): Status {
    const { nextRunAt: _, response, attempt: __, poll, ...rest } = before;
    const { externalID: ___, formerExternalID: ____, seen: _____, replacing: ______, values: _______, ...kept } = rest;
    const { attempt, imported } = taken;
    const remote = taken === context ? context.remote : remoteOf({ spec, status: before, ...taken });
    const isPolling = (change.attempt ?? attempt)?.phase === "Polling";
    const found = context.drift ? [drifted(context.drift, spec)] : known("Drifted");
    const drift = states.some(({ type }) => type === "Drifted") ? [] : found;
    return {
      ...kept,
      ...keepRecorded(response, spec),
      ...toStatusFields(remote, before),
      ...valuesField({ ...context, remote }),
      ...(imported !== undefined && { lastHandledExternalID: imported }),
      ...(attempt && { attempt }),
      ...(context.taken && { inputs: context.taken }),
      ...(poll && isPolling && { poll }),
      observedGeneration: generation,
      conditions: conditions([...states, ...drift], before.conditions ?? [], generation, now.toISOString()),
      ...change,
    };
  }
  /** A condition as it stands, where it speaks of the spec as it is. */
  function known(name: string): ConditionState[] {
    if (before.observedGeneration !== generation) return [];
    return (before.conditions ?? [])
      .filter(({ type }) => type === name)
      .map(({ type, status, reason, message }) => ({ type, status, reason, message }));
  }
  const acknowledged = (): Partial<Status> => (context.asked === undefined ? {} : { lastHandledReconcileAt: context.asked });

  function attempted(attempt: VerbAttempt): Partial<Status> {
    const completedRuns = runsBefore({ completedRuns: 0, ...before }, attempt) + (attempt.phase === "Done" ? 1 : 0);
    return { attempt: attempt.phase === "Done" ? stripSendState(attempt) : attempt, completedRuns, ...acknowledged() };
  }
  /** What was observed is the end of an attempt of which that was not known. */
  function settled(): Partial<Status> {
    const { attempt } = context;
    if (!attempt) return {};
    const { sender: _, repeats, ...rest } = attempt;
    // One look that finds it in step is the end of a row of corrections that did not hold.
    if (attempt.phase === "Done") return repeats === undefined ? {} : { attempt: rest };
    return attempted({ ...rest, phase: "Done", succeeded: true });
  }
  const delivering = (): Partial<Status> => (context.delivering ? { delivered: context.delivering } : {});
  /** What has not been seen yet is looked at at once: a wrong URL shows in seconds, and so do values that update has changed. */
  const soon = (): { requeueAfterMs?: number } => {
    const { requeueAfterMs } = due();
    const isKnown = context.remote.seen && context.remote.former === undefined && spec.values === undefined;
    if (requeueAfterMs === undefined || isKnown) return due();
    return { requeueAfterMs: Math.min(requeueAfterMs, pauseSinceMs(uid, firstLook, 0)) };
  };
  const due = (): { requeueAfterMs?: number } => (canLook ? { requeueAfterMs: untilDueMs(uid, intervalMs, now) } : {});
  const kept = (): Pick<Verdict, "finalizer"> =>
    context.missingFinalizer === undefined ? {} : { finalizer: { name: context.missingFinalizer, present: true } };
  function asDeclared(reason: string, message: string): ConditionState[] {
    const [wasReady] = known("Ready");
    return wasReady?.status === "True" ? [wasReady] : ready(reason, message);
  }
  /** What is known of an id is of no use where the object that it is of is being created. */
  function withID(made: Status, id: string | undefined): Status {
    const { externalID: _, formerExternalID: __, ...rest } = made;
    return id === undefined ? rest : { ...rest, externalID: id };
  }
  function stuck(reason: string, message: string, attempt: VerbAttempt, looksInMs?: number): Verdict {
    const nextRunAt = looksInMs === undefined ? undefined : new Date(now.getTime() + looksInMs).toISOString();
    const isTold = isStalledFor(reason, before.conditions) && isSameTry(before.attempt, attempt);
    return {
      status: status(stalled(reason, `${message}${hint}`), {
        ...attempted(attempt),
        ...(nextRunAt !== undefined && { nextRunAt }),
      }),
      result: isTold ? "unchanged" : "stalled", // it counts once, however often it is looked at
      reason,
      ...(looksInMs === undefined ? due() : { requeueAfterMs: looksInMs }),
    };
  }

  /** The list may have it a little later. */
  function awaitingLookup(message: string, attempt: VerbAttempt): Verdict {
    const states = reconciling("ExternalIDUnknown", message);
    const made = status(states, attempted(attempt));
    const pause = { initialMs: retry.initialMs, maxMs: Math.max(intervalMs, retry.initialMs) };
    const requeueAfterMs = pauseSinceMs(uid, pause, failingMs(made, "Reconciling", now));
    return { status: made, requeueAfterMs, result: "waiting", reason: "ExternalIDUnknown" };
  }

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
      const verdict = status(reconciling(reason, `${message}${hint}`), {}, untaken);
      const requeueAfterMs = knownMs ?? pauseSinceMs(uid, outside, failingMs(verdict, "Reconciling", now));
      return { status: verdict, requeueAfterMs, result: "waiting", reason };
    },
    unknownObservation({ reason, message, retryAfterMs: askedMs }) {
      const states: ConditionState[] = [
        { type: "Ready", status: "Unknown", reason, message: `${message}${hint}` },
        { type: "Reconciling", status: "True", reason, message: "it is observed again after a pause" },
      ];
      const verdict = status(states, {}, untaken);
      const pause = { initialMs: retry.initialMs, maxMs: Math.min(retry.maxMs, Math.max(intervalMs, retry.initialMs)) };
      const pauseMs = pauseSinceMs(uid, pause, failingMs(verdict, "Ready", now));
      return { status: verdict, requeueAfterMs: Math.max(pauseMs, askedMs), result: "retrying", reason };
    },
    ...heldReport(context, { status, attempted, acknowledged, known, due, hint }),
    importNotFound() {
      // What was known before stands: of an earlier id, and of a create whose outcome is not known.
      const states = [...stalled("ImportNotFound", noImport), ...known("Drifted")];
      const told = conditions(states, before.conditions ?? [], generation, now.toISOString());
      const looked = { ...before, ...acknowledged(), observedGeneration: generation, conditions: told };
      return { status: looked, ...due(), result: "stalled", reason: "ImportNotFound" };
    },
    inStep(seen) {
      const isNew = before.attempt === undefined && before.externalID === undefined;
      const states = isNew
        ? asDeclared("Adopted", "the remote object was there already")
        : asDeclared("AsDeclared", "the remote object is as declared");
      const change = { ...settled(), ...acknowledged(), ...bodyOf(context, seen), ...(isBlind(context) ? {} : delivering()) };
      const drift = seen.upToDate === undefined ? [] : notDrifted(known("Drifted"));
      const made = status([...states, ...drift], change);
      const verdict = { ...due(), ...kept(), result: "unchanged", reason: "AsDeclared" } as const;
      return { status: isWorthWriting(made, before, mayRepeatCreate && spec.delete === undefined) ? made : before, ...verdict };
    },
    drifted(seen) {
      const why = spec.drift === "Report" ? "spec.drift is Report" : "there is no spec.update";
      const states: ConditionState[] = [
        {
          type: "Ready",
          status: "False",
          reason: "Drifted",
          message: `the remote object is not as declared, and nothing is sent: ${why}`,
        },
      ];
      const change = { ...settled(), ...acknowledged(), ...bodyOf(context, seen) };
      return { status: status(states, change), ...due(), ...kept(), result: "waiting", reason: "Drifted" };
    },
    notDelivered(seen) {
      const message = "what is declared has not been delivered, and nothing is sent: spec.drift is Report";
      const state: ConditionState = { type: "Ready", status: "False", reason: "NotDelivered", message };
      const change = { ...settled(), ...acknowledged(), ...bodyOf(context, seen) };
      return { status: status([state], change), ...due(), ...kept(), result: "waiting", reason: "NotDelivered" };
    },
    contested(repeats, pauseMs) {
      const states = notHeld(context.drift ?? [], spec, repeats);
      const change = { ...acknowledged() };
      return {
        status: status(states, change),
        requeueAfterMs: Math.min(Math.max(pauseMs, 1_000), due().requeueAfterMs ?? Infinity),
        result: "waiting",
        reason: "NotHeld",
      };
    },
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
    created(attempt, { message, response }) {
      const states = [...ready("Created", message), ...(spec.observe ? notDrifted(known("Drifted")) : [])];
      const made = status(states, { ...attempted(attempt), ...recordResponse(response, spec), ...delivering() });
      return { status: made, ...soon(), result: "succeeded", reason: "Created" };
    },
    updated(attempt, { message, response }) {
      const was = context.drift ? drifted(context.drift, spec) : (before.conditions ?? []).find(({ type }) => type === "Drifted");
      const after = context.drift || was?.status === "True" ? [corrected(was)] : notDrifted(known("Drifted"));
      const isHeld = !isContested({ repeats: attempt.repeats ?? 0 });
      const states = isHeld
        ? [...ready("Updated", message), ...(spec.observe ? after : [])]
        : notHeld(context.drift ?? [], spec, attempt.repeats ?? 0);
      const change = { ...attempted(attempt), ...recordResponse(response, spec), ...delivering() };
      return { status: status(states, change), ...soon(), result: "succeeded", reason: "Updated" };
    },
    retrying(attempt, { reason, message, response }) {
      const delayMs = Math.max(retryAfterMs(retry, attempt), retryAfterFieldMs(response, now));
      const nextRunAt = new Date(Date.parse(attempt.finishedAt ?? attempt.startedAt) + delayMs).toISOString();
      const change = { ...attempted(attempt), nextRunAt, ...recordResponse(response, spec) };
      const states = reconciling(reason, `${message}; try ${attempt.tries}${hint}`);
      return { status: status(states, change), requeueAfterMs: delayMs, result: "retrying", reason };
    },
    failed(attempt, { reason, message, response }) {
      const change = { ...attempted(attempt), ...recordResponse(response, spec) };
      const states = reconciling(reason, `${message}; it is tried again at the next interval, or when the spec changes`);
      const requeueAfterMs = untilDueMs(uid, intervalMs, now);
      const made = status(states, change);
      // Whether an id is one of something that is there, only an observation can say.
      const isNone = attempt.verb === "Create" && !spec.observe;
      return { status: isNone ? withID(made, undefined) : made, requeueAfterMs, result: "failed", reason };
    },
    outcomeUnknown(attempt, why, looksInMs) {
      return stuck("OutcomeUnknown", mayHaveArrived(why, attempt, isDeleting), attempt, looksInMs);
    },
    stillUnknown(attempt) {
      const [was] = known("Stalled");
      if (was?.reason === "OutcomeUnknown" || was?.reason === "ExternalIDUnknown") return stuck(was.reason, was.message, attempt);
      const [lost_] = known("Ready");
      if (lost_?.reason === "ExternalIDUnknown" && spec.lookup) return awaitingLookup(lost_.message, attempt);
      const isLost = attempt.succeeded === true;
      const message = "it was answered as expected";
      return isLost ? this.lost(attempt, { message }) : this.outcomeUnknown(attempt, unknownReasonText(before.attempt?.phase));
    },
    lost(attempt, { message }, looksInMs) {
      const { status: made, ...verdict } = spec.lookup
        ? awaitingLookup(`${message}, ${isLookedUp}`, attempt)
        : stuck("ExternalIDUnknown", `${message}, ${isNameless}`, attempt, looksInMs);
      return { ...verdict, status: withID(made, undefined) };
    },
    withoutOutputs({ requeueAfterMs: dueInMs, ...verdict }, { reason, message, heals }) {
      const made: Status = verdict.status;
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
    },
    released: (reason) => ({ status: before, finalizer: { name: finalizer, present: false }, result: "succeeded", reason }),
  };
}
