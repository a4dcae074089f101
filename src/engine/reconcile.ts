/**
 * One reconcile of one resource: perform what its kind's plan asks for, and write its status once.
 *
 * Level-based: it is told which resource, never what changed. Everything it decides is decided by the plan, which is
 * pure; everything here is IO and order. Running it again at any point, even after a crash, is safe.
 */
import type { DeliveryRecord } from "../core/delivery.ts";
import { deriveRemoteChanges } from "../core/remote-changes.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { deriveTransitionEvent } from "../core/transition-event.ts";
import type { Lane } from "../core/lane.ts";
import type { Refusal } from "../core/outcome.ts";
import type { Owner } from "../core/output.ts";
import type { ReadResult, Reference } from "../core/resource.ts";
import { after } from "../core/tools/eventual.ts";
import { sameJSON } from "../core/tools/json.ts";
import type { CheckResult, Kind, Situation, StepOf, Steps, Verdict } from "../core/plan.ts";
import {
  FinalizerRefusedError,
  type ActingStore,
  type Announce,
  type Read,
  type Requester,
  type ResourceStore,
  type WaitForRecord,
} from "../core/ports.ts";
import type { YieldIfLong } from "../core/tools/event-loop-yield.ts";
import { followPlan, type Ended } from "./follow-plan.ts";
import { createHolds, type HoldDeps, type Holds } from "./holds.ts";
import { queueKey } from "./key.ts";
import { tellKept, writeUntilTaken, type KeptAnswers } from "./kept-answers.ts";
import { checkOutputs, createOutputsWriter, sizeOfAnswers } from "./outputs.ts";
import { createOwnObject, type OwnObject, type OwnObjectDeps } from "./own-object.ts";
import { perform, type Performers } from "./performers.ts";
import { readOnce } from "./read-once.ts";
import type { Conflict, Interruption, Postponed, Reconciled } from "./reconciled.ts";
import { createSending, type SendingDeps } from "./sending.ts";
import { tellHeldBack } from "./tell-wait.ts";
import type { UnrecordedOutcomes } from "./unrecorded.ts";

export interface ReconcileDeps extends Omit<OwnObjectDeps, "unrecorded">, Omit<SendingDeps, "unrecorded">, HoldDeps {
  readonly store: ResourceStore;
  readonly requester: Requester;
  /** Nothing is read or sent for a resource that names no ServiceAccount. */
  readonly requireServiceAccount: boolean;
  readonly unrecorded: OwnObjectDeps["unrecorded"] & SendingDeps["unrecorded"] & Pick<UnrecordedOutcomes, "noteSettled">;
  readonly announce: Announce;
  readonly emit: EmitTelemetry;
  /** Aborts before the reconcile's own signal, so that the outcome of a request that took too long can still be recorded. */
  readonly sending?: AbortSignal;
  /** A Secret or ConfigMap has been read. */
  readonly onRead: (reference: Reference, result: ReadResult) => void;
  /** Reads once for many, where that gives the same. `by`: in whose name. */
  readonly shareReads: (by: string, reader: Pick<ActingStore, "read">) => Pick<ActingStore, "read">;
  readonly waitWithoutLimit: WaitForRecord;
  /** Where answers are kept whose outputs are refused. */
  readonly keptAnswers: KeptAnswers;
  /** Whether the object is there, declared as it was when the reconcile began, and with the same value of the annotation, if one is given. */
  readonly isAsDeclared: (annotation: string | undefined) => boolean;
  readonly isStopping: () => boolean;
  readonly breathe: YieldIfLong;
  readonly now: () => Date;
  /** In which what it sends waits, where that has to wait. */
  readonly lane: Lane;
}

interface Running {
  readonly deps: ReconcileDeps;
  readonly signal: AbortSignal;
}

/**
 * An HTTP failure is not an error here: the plan receives it as an outcome and the status reports it. What throws is
 * what prevents a verdict: the store cannot be reached, `signal` aborted, or a mistake in a plan (`PlanError`).
 */
export async function reconcile(kind: Kind, situation: Situation, running: Running): Promise<Reconciled> {
  try {
    return await decideAndRecord(kind, situation, running);
  } catch (error) {
    if (error instanceof FinalizerRefusedError) {
      const why = { type: "refusal", reason: "FinalizerRefused", message: error.message, heals: true } as const;
      await tellHeldBack(kind, situation, why, running).catch(() => undefined); // it is thrown all the same
    }
    throw error;
  }
}
async function decideAndRecord(kind: Kind, situation: Situation, { deps, signal }: Running): Promise<Reconciled> {
  const { resource } = situation;
  const object = createOwnObject(kind, resource, deps, signal);
  const ended = await carryOut(kind, situation, object, { deps, signal });
  if (ended.type !== "ended") return ended;

  const { verdict: planned, hasSent, holds } = ended.value;
  const { attempt }: Partial<DeliveryRecord> = planned.status;
  if (attempt) deps.onAttempt(attempt.id);
  const annotated: Annotated = planned.annotation ? await annotate(object, planned, signal) : { verdict: planned };
  const { verdict, overtaken } = annotated;
  if (overtaken && !hasSent) return overtaken; // else what was sent is recorded first, where nobody has sent anything since
  const isNew = verdict.finalizer?.present !== false && !sameJSON(verdict.status, object.current().status ?? {});
  const isToWrite = isNew || verdict.finalizer !== undefined;
  const conflict =
    (isToWrite ? await write(object, verdict, { isNew, hasSent }) : undefined) ??
    (verdict.holds && (await holds.put(verdict.holds)));
  if (conflict) return conflict;
  const reading = hasSent ? holds.readAhead() : undefined;
  if (reading) await reading;
  const told = isNew ? deriveTransitionEvent(resource.status, verdict.status) : undefined;
  if (told) deps.announce(kind.type, object.current(), told);
  for (const change of isNew ? deriveRemoteChanges(resource.status, verdict.status) : []) deps.emit(change);
  if ("error" in annotated) throw annotated.error;
  if (overtaken) return overtaken;
  deps.unrecorded.noteSettled(queueKey(kind.type.kind, resource.metadata));
  return { type: "settled", verdict };
}

interface CarriedOut {
  readonly verdict: Verdict;
  /** A request may have left. */
  readonly hasSent: boolean;
  readonly holds: Holds;
}

/** Holds its place at an origin until the plan has ended: writing needs none. */
async function carryOut(
  kind: Kind,
  situation: Situation,
  object: OwnObject,
  { deps, signal }: Running,
): Promise<Ended<CarriedOut> | Interruption> {
  const { store, requester } = deps;
  const { resource } = situation;
  const { namespace } = resource.metadata;
  const account = kind.actsAs?.(resource);
  const acting = account === undefined ? store : store.as({ namespace, name: account });
  using requests = requester.begin(queueKey(kind.type.kind, resource.metadata), deps.mayAct, deps.waitFor, deps.lane);
  const reading = {
    store: deps.shareReads("", store),
    acting: deps.shareReads(account === undefined ? "" : `${namespace}/${account}`, acting),
    onRead: deps.onRead,
    kept: deps.kept,
    holdMuch: requests.holdMuch,
  };
  const read = readOnce(reading, namespace, signal);
  const holds = createHolds(deps, { acting, current: object.current, signal });
  const sinceMs = (): number => Math.max(0, deps.now().getTime() - situation.now.getTime()); // 0: the clock was set back
  const sending = createSending({
    unrecorded: deps.unrecorded,
    onAttempt: deps.onAttempt,
    object,
    holds,
    requests,
    read,
    resource,
    signal,
    sinceMs,
    sending: deps.sending ?? signal,
  });
  const owner = (): Owner => ({ type: kind.type, metadata: object.current().metadata });
  const performers: Performers = {
    exchange: (step) => sending.send(step),
    exchanges: (step) => sending.sendAll(step, follow),
    evaluate: (step) => requester.evaluate(step.evaluation, read, signal),
    check: (step) => check(step, namespace, { deps, read, signal }),
    checkOutputs: (step) => checkOutputs(step.outputs, owner(), { store: acting }, signal),
    async find({ among, matches }) {
      const found = await deps.waitFor(store.find?.(among, matches, signal) ?? Promise.resolve(undefined));
      return { type: "looked", ...(found && { resource: found }) };
    },
    remove: () => object.remove(),
    async writeOutputs({ evaluation, patienceMs, endsBy }) {
      using kept = deps.keptAnswers.keep(namespace, sizeOfAnswers(evaluation));
      const { mayRecord, emit } = deps;
      const write = createOutputsWriter(evaluation, owner, { store: acting, requester, mayRecord, emit, read, kept }, signal);
      const wanting = {
        kept,
        patienceMs,
        isWanted: () => !deps.isStopping() && deps.isAsDeclared(endsBy),
        mayRecord,
        letGo: () => kept.hasRoom && requests[Symbol.dispose](), // nothing is sent after this
        tell: (refusal: Refusal) => tellKept(object, refusal, { ...deps, type: kind.type }, signal),
        wait: kept.hasRoom ? deps.waitForRecord : deps.waitWithoutLimit,
      };
      return await writeUntilTaken(write, wanting, signal);
    },
  };
  // What is only read can be told from what is then said, bit by bit: so without an account nothing is performed but the object's end.
  const lacksAccount = deps.requireServiceAccount && kind.actsAs !== undefined && account === undefined;
  const follow = <R>(steps: Steps<R>): Promise<Ended<R> | Interruption> =>
    followPlan(
      steps,
      (step) =>
        after(deps.breathe(), () =>
          lacksAccount && step.type !== "remove" ? accountRequired : perform(performers, step.type, step),
        ),
      signal,
    );

  const ended = await follow(kind.plan(situation));
  return ended.type === "ended" ? { type: "ended", value: { verdict: ended.value, hasSent: sending.hasSent(), holds } } : ended;
}

async function check(
  step: StepOf<"check">,
  namespace: string,
  { deps, read, signal }: Running & { readonly read: Read },
): Promise<CheckResult | Postponed> {
  // It names no account by whose rights what it refers to could be read: each request that uses it does so by its own's.
  if (deps.requireServiceAccount && namespace !== "") return { type: "usable" };
  const result = await deps.requester.check(step, read, signal);
  return result.type === "busy" ? { type: "postponed", wait: result } : result;
}

interface Annotated {
  readonly verdict: Verdict;
  readonly overtaken?: Conflict;
  readonly error?: unknown;
}
/**
 * The annotation goes first: a status that says that it is set, beside another one, would say that a person has set that. Where it cannot
 * be set, what came of a request is recorded all the same, without saying so.
 */
async function annotate(object: OwnObject, { annotation, ...verdict }: Verdict, signal: AbortSignal): Promise<Annotated> {
  if (!annotation) return { verdict };
  const { otherwise } = annotation;
  const without = { verdict: { ...verdict, status: { ...verdict.status, ...otherwise } } };
  try {
    const result = await object.annotate(annotation);
    if (result?.type === "conflict") return { ...without, overtaken: result };
    return result ? without : { verdict: { ...verdict, annotation } };
  } catch (error) {
    signal.throwIfAborted();
    return { ...without, error };
  }
}

/** `isNew`: the status is to be written. */
async function write(
  object: OwnObject,
  { status, finalizer }: Verdict,
  { isNew, hasSent }: { readonly isNew: boolean; readonly hasSent: boolean },
): Promise<Conflict | undefined> {
  if (hasSent && finalizer?.present === false) return object.recordOutcome({ status, finalizer });
  // One that is put on here is that of an object that has only been observed, which can be done again.
  const conflict = finalizer && (await object.setFinalizer(finalizer));
  if (conflict || !isNew) return conflict;
  return hasSent ? object.recordOutcome({ status }) : object.writeStatus(status);
}

const accountRequired: Refusal = {
  type: "refusal",
  reason: "ServiceAccountRequired",
  message:
    "spec.serviceAccountName: must name a ServiceAccount of this namespace, since Holdfast runs with --require-service-account",
  heals: false,
};
