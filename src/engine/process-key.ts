/**
 * The work for one key: reconcile what is cached for it, record the outcome, and decide when to look again.
 *
 * Invariant: it never rejects, and what could not be decided is tried again after a pause.
 */
import { randomUUID } from "node:crypto";
import { deadline, longestTimerMs } from "../core/tools/deadline.ts";
import { isRecord } from "../core/tools/json.ts";
import type { ActingStore, OutcomeJournal } from "../core/ports.ts";
import type { EmitTelemetry, ReconcileContext, RunInContext } from "../core/telemetry-event.ts";
import { isReconciled, type Kind, type Situation, type WatchedKind } from "../core/plan.ts";
import type { Reference, Resource } from "../core/resource.ts";
import type { Caches } from "./caches.ts";
import type { DueReasons } from "./due-reasons.ts";
import type { DataWatches } from "./data-watches.ts";
import type { Dependents } from "./dependents.ts";
import { PlanError } from "./follow-plan.ts";
import type { Holders } from "./holders.ts";
import { recordJournaled } from "./journaled.ts";
import type { KeptAnswers } from "./kept-answers.ts";
import type { KeptData } from "./kept-data.ts";
import { keyParts, queueKey } from "./key.ts";
import { referrersOf } from "./referrers.ts";
import type { Backoff } from "./backoff.ts";
import type { LongWait, Postponed } from "./postponed.ts";
import { reconcile, type ReconcileDeps } from "./reconcile.ts";
import { summary, type Reconciliation } from "./reconciled.ts";
import type { SharedReads } from "./shared-reads.ts";
import type { LeadershipTerms, KeyRun } from "./leadership-terms.ts";
import { conflictPauseMs, createRequeue, waitIsLong } from "./requeue.ts";
import { tellWait } from "./tell-wait.ts";
import type { Watchers } from "./watchers.ts";
import type { WorkQueue } from "./work-queue.ts";
import { giveBack, type TakenStatuses } from "./taken-statuses.ts";
import type { UnrecordedOutcomes } from "./unrecorded.ts";
import type { Waits, WorkersOptions } from "./workers.ts";

export type PlaceOf = (kind: string, reader: Resource, named: Reference) => Reference;

interface ProcessKeyDeps extends Pick<ReconcileDeps, "store" | "requester" | "requireServiceAccount" | "announce"> {
  readonly caches: Caches;
  readonly dependents: Pick<Dependents, "cycleOf">;
  readonly holders: Pick<Holders, "of">;
  readonly watchers: Pick<Watchers, "set">;
  readonly queue: Pick<WorkQueue, "add" | "laneOf">;
  readonly postponed: Pick<Postponed, "wait" | "forget" | "takeLong" | "tellAgain">;
  readonly dataWatches: Pick<DataWatches, "began" | "read" | "isUncovered">;
  readonly keptData: KeptData;
  readonly sharedReads: SharedReads;
  readonly terms: LeadershipTerms;
  readonly unrecorded: UnrecordedOutcomes;
  readonly keptAnswers: KeptAnswers;
  readonly reasons: DueReasons;
  readonly journal?: OutcomeJournal | undefined;
  readonly takenStatuses: Pick<TakenStatuses, "of">;
  readonly runInContext: RunInContext;
  readonly pauses: Backoff;
  readonly emit: EmitTelemetry;
  /** What a write answered, which is cached before the watch tells it. */
  readonly onWritten: (kind: WatchedKind, resource: Resource) => void;
  /** What a live read did not find. */
  readonly onGone: (kind: Kind, resource: Resource) => void;
  /** How long requests of one reconcile may take, milliseconds. */
  readonly sendingMs: number;
  readonly instanceId: string;
  readonly resumes: boolean;
  readonly isPartial: boolean;
  readonly slots?: number | undefined;
  readonly seesOnly?: string | undefined;
  readonly mirrorsIDs: boolean;
  readonly turnOf: (kind: string, resource: Resource) => number | undefined;
  readonly placeOf?: PlaceOf | undefined;
  readonly now: () => Date;
}

/** After a reconcile that could not decide, milliseconds. */
const errorPauseMs = { initialMs: 1_000, maxMs: 60_000 };
export function createProcessKey(deps: ProcessKeyDeps): WorkersOptions["processKey"] {
  const { caches, dataWatches, terms, pauses, emit, requester, reasons, runInContext } = deps;
  const { settle, addLater } = createRequeue(deps);

  async function reconcileKey(id: string, signal: AbortSignal, how: { waits: Waits; context: ReconcileContext }): Promise<void> {
    const startedMs = performance.now();
    const { context } = how;
    // Where it is due for something else, too, all is looked at anew.
    const long = context.why === waitIsLong ? deps.postponed.takeLong(id) : undefined;
    if (!long) deps.postponed.forget(id);
    const found = caches.find(id);
    const turn = found && deps.turnOf(found.kind.type.kind, found.resource);
    if (!found || !isReconciled(found.kind) || turn === undefined) {
      pauses.forget(id); // gone since it became due, or not to be touched
      reasons.takeMended(id);
      deps.unrecorded.noteSettled(id);
      requester.begin(id)[Symbol.dispose](); // a place that was kept for it is the next one's
      return;
    }
    const { kind } = found;
    let { resource } = found;
    const ended = (end: Pick<Reconciliation, "result" | "reason" | "detail" | "error" | "panicked">): void =>
      emit({ type: "reconciled", ...context, durationMs: performance.now() - startedMs, ...end });
    const begun = terms.begin(id, resource);
    const run = { ...begun, mayAct: () => begun.mayAct() && deps.turnOf(kind.type.kind, found.resource) === turn };
    if (long) return ended(await sayItWaits({ id, kind, resource, run, long }, signal, how));
    const mayBeMended = reasons.takeMended(id);
    const changedMs = reasons.changedMs(id);
    try {
      if (deps.journal?.find(id) || deps.takenStatuses.of(id, resource))
        resource = await how.waits.waitFor(completeStatus(deps, { id, kind, resource, mayAct: run.mayAct }, signal));
      const situation = situationOf(deps, { id, kind, resource, isFirst: run.isFirst, mayBeMended });
      dataWatches.began(id);
      using limit = deadline(signal, deps.sendingMs);
      const own = { ...reconcileDeps(deps, { id, kind, changedMs }, run, { ...how, situation }), sending: limit.signal };
      const reconciled = await reconcile(kind, situation, { deps: own, signal });
      // Who only waits has not tried what may have been mended.
      const hasTried = reconciled.type === "settled" && reconciled.verdict.result !== "waiting";
      if (mayBeMended && !hasTried) reasons.keepMended(id);
      if (reconciled.type === "settled") reasons.settleChange(id, changedMs);
      settle(id, reconciled);
      ended(summary(reconciled));
    } catch (error) {
      run.markUncertain();
      if (mayBeMended) reasons.keepMended(id);
      addLater(id, Math.max(pauses.next(id, errorPauseMs), askedPauseMs(error)), "error");
      ended({ result: "error", reason: "Error", error, ...(error instanceof PlanError && { panicked: true }) });
    }
  }

  /** Never rejects: it is told of another time. */
  async function sayItWaits(
    { id, kind, resource, run, long }: Told,
    signal: AbortSignal,
    how: { waits: Waits; context: ReconcileContext },
  ): Promise<Pick<Reconciliation, "result" | "reason" | "detail" | "error">> {
    const situation = situationOf(deps, { id, kind, resource, isFirst: run.isFirst, mayBeMended: false });
    let againMs = conflictPauseMs.maxMs;
    try {
      const told = await tellWait(kind, situation, long, {
        deps: reconcileDeps(deps, { id, kind, changedMs: reasons.changedMs(id) }, run, { ...how, situation }),
        signal,
      });
      if (told && "type" in told) return { result: "conflict", reason: "Conflict" };
      againMs = told ? Math.max(againMs, nextLookMs(told.status, situation.now)) : longestTimerMs;
      return { ...(told ? summary({ type: "settled", verdict: told }) : { result: "postponed", reason: long.reason }) };
    } catch (error) {
      run.markUncertain();
      return { result: "error", reason: "Error", error };
    } finally {
      deps.postponed.tellAgain(id, againMs);
    }
  }

  return (id, signal, waits) => {
    const why = reasons.take(id).join(", ");
    const context: ReconcileContext = { reconcileId: randomUUID().slice(0, 13), ...keyParts(id), why };
    return runInContext(context, () => reconcileKey(id, signal, { waits, context }));
  };
}

interface Told {
  readonly id: string;
  readonly kind: Kind;
  readonly resource: Resource;
  readonly run: KeyRun;
  readonly long: LongWait;
}
function nextLookMs({ nextRunAt }: { readonly nextRunAt?: string }, now: Date): number {
  return nextRunAt === undefined ? 0 : Date.parse(nextRunAt) - now.getTime();
}

/** What one reconcile of the key is given. */
function reconcileDeps(
  deps: ProcessKeyDeps,
  { id, kind, changedMs }: { readonly id: string; readonly kind: Kind; readonly changedMs: number },
  { mayAct, mayRecord, mayLag, markFresh }: KeyRun,
  { waits, context, situation }: { readonly waits: Waits; readonly context: ReconcileContext; readonly situation: Situation },
): ReconcileDeps {
  const { requester, requireServiceAccount, announce, caches, dataWatches } = deps;
  /** Of this process's own reads: whom it acts as reads what that one may. Before they are shared, so that no other gets what is read. */
  function inPlace<R extends Pick<ActingStore, "read">>(reader: R): R {
    const { placeOf } = deps;
    if (!placeOf) return reader;
    return { ...reader, read: (named, signal) => reader.read(placeOf(kind.type.kind, situation.resource, named), signal) };
  }
  return {
    kept: deps.keptData.of(id, kind, situation),
    shareReads(by, reader) {
      const shared = deps.sharedReads.through({ by, sinceMs: changedMs }, reader);
      return by === "" ? inPlace(shared) : shared;
    },
    store: inPlace(deps.store),
    requester,
    requireServiceAccount,
    announce,
    emit: deps.emit,
    now: deps.now,
    waitFor: waits.waitFor,
    waitForRecord: waits.waitForRecord,
    waitWithoutLimit: waits.waitWithoutLimit,
    isStopping: waits.isStopping,
    breathe: waits.breathe,
    unrecorded: deps.unrecorded,
    keptAnswers: deps.keptAnswers,
    isAsDeclared(annotation) {
      const { metadata } = situation.resource;
      const { uid, generation, annotations } = caches.find(id)?.resource.metadata ?? {};
      const isSame = annotation === undefined || annotations?.[annotation] === metadata.annotations?.[annotation];
      return uid === metadata.uid && generation === metadata.generation && isSame;
    },
    lane: deps.queue.laneOf(id),
    mayAct,
    mayRecord,
    mayLag,
    written(reply) {
      markFresh();
      deps.onWritten(kind, reply);
    },
    held({ kind: name }, reply) {
      const other = caches.find(queueKey(name, reply.metadata));
      if (other) deps.onWritten(other.kind, reply);
    },
    gone: (missing) => deps.onGone(kind, missing),
    onAttempt: (attemptId) => (context.attemptId = attemptId),
    onRead: (reference, result) => dataWatches.read(id, reference, result),
  };
}

/** Absent for one of too many of its namespace. */
function watchedBy(
  { caches, watchers }: Pick<ProcessKeyDeps, "caches" | "watchers">,
  { id, kind, resource }: { readonly id: string; readonly kind: Kind; readonly resource: Resource },
): Pick<Situation, "watched"> {
  const watched = kind.watches?.(resource);
  // One that has gone meanwhile takes no place any more.
  if (!watched || !caches.find(id) || !watchers.set(id, watched)) return {};
  const all = (): Iterable<Resource> => caches.inNamespace(watched.kind, resource.metadata.namespace);
  return { watched: () => Iterator.from(all()).filter(watched.matches) };
}

interface Looked {
  readonly id: string;
  readonly kind: Kind;
  readonly resource: Resource;
  readonly isFirst: boolean;
  readonly mayBeMended: boolean;
}
function situationOf(deps: ProcessKeyDeps, { id, kind, resource, isFirst, mayBeMended }: Looked): Situation {
  const { caches, dependents, dataWatches } = deps;
  const named = kind.references(resource);
  const cycle = named.some(({ onStatus }) => onStatus) ? dependents.cycleOf(id) : undefined;
  return {
    resource,
    references: named.map(caches.get),
    now: deps.now(),
    instanceId: deps.instanceId,
    first: deps.resumes && isFirst,
    isPartial: deps.isPartial,
    ...(deps.slots !== undefined && { slots: deps.slots }),
    ...(deps.seesOnly !== undefined && { seesOnly: deps.seesOnly }),
    mirrorsIDs: deps.mirrorsIDs,
    ...(mayBeMended && { mayBeMended }),
    ...(cycle && { cycle }),
    ...(named.some((one) => dataWatches.isUncovered(one)) && { isUnwatched: true }),
    ...watchedBy(deps, { id, kind, resource }),
    ...(kind.waitsForReferrers && { referrers: () => referrersOf(deps, kind, resource) }),
  };
}

/** The object, once its status has what is known of it elsewhere: in the journal, or from before it was taken away. */
async function completeStatus(
  deps: ProcessKeyDeps,
  about: { readonly id: string; readonly kind: Kind; readonly resource: Resource; readonly mayAct: () => boolean },
  signal: AbortSignal,
): Promise<Resource> {
  const { id, kind, mayAct } = about;
  const resource = await recordJournaled(deps, about, signal);
  const status = deps.takenStatuses.of(id, resource);
  return status ? giveBack(deps, { kind, resource, status, mayAct }, signal) : resource;
}

/** Milliseconds that the store asked to be left alone for; 0 where it did not. */
function askedPauseMs(error: unknown): number {
  return isRecord(error) && typeof error["retryAfterMs"] === "number" ? error["retryAfterMs"] : 0;
}
