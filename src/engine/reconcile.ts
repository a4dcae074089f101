/**
 * One reconcile of one resource: perform what its kind's plan asks for, and write its status once.
 *
 * Level-based: it is told which resource, never what changed. Everything it decides is decided by the plan, which is
 * pure; everything here is IO and order. Running it again at any point, even after a crash, is safe.
 */
import type { DeliveryRecord } from "../core/delivery.ts";
import { deriveTransitionEvent } from "../core/transition-event.ts";
import type { Exchange } from "../core/exchange.ts";
import type { Lane } from "../core/lane.ts";
import type { Outcome, Refusal } from "../core/outcome.ts";
import type { Owner } from "../core/output.ts";
import type { ReadResult, Reference, Resource } from "../core/resource.ts";
import { sameJSON } from "../core/tools/json.ts";
import type { CheckResult, Kind, Judged, BeforeSend, Situation, Step, StepOf, Steps, Verdict } from "../core/plan.ts";
import type {
  Announce,
  Finalizer,
  Precondition,
  Prepared,
  Requester,
  ResourceStore,
  WaitFor,
  WaitForRecord,
  WriteResult,
} from "../core/ports.ts";
import { followPlan } from "./follow-plan.ts";
import { queueKey } from "./key.ts";
import { checkOutputs, writeOutputs } from "./outputs.ts";
import { findTooLarge } from "../core/object-size.ts";
import { perform, type Performers } from "./performers.ts";
import type { Wait } from "./postponed.ts";
import { readOnce } from "./read-once.ts";
import type { MayRecord, SentOutcome, UnrecordedOutcomes } from "./unrecorded.ts";

export interface ReconcileDeps {
  readonly store: ResourceStore;
  readonly requester: Requester;
  /** What a write answered: it goes into the cache before anything else is decided. */
  readonly written: (resource: Resource) => void;
  /** What a live read did not find: it goes out of the cache. */
  readonly gone: (resource: Resource) => void;
  /** Nothing is read or sent for a resource that names no ServiceAccount. */
  readonly requireServiceAccount: boolean;
  /** Whether this process may send and decide: it still holds the lease, with margin, in the term in which the reconcile began. */
  readonly mayAct: () => boolean;
  /** Whether this process may record what it sent. */
  readonly mayRecord: () => MayRecord;
  readonly unrecorded: Pick<UnrecordedOutcomes, "record" | "untilRoom" | "notePlainWrite">;
  /** Somebody may have acted on the object since it was as it is seen: nothing is sent before it has been read live. */
  readonly mayLag: boolean;
  readonly announce: Announce;
  /** Aborts before the reconcile's own signal, so that what came of a request that took too long can still be recorded. */
  readonly sending?: AbortSignal;
  /** A Secret or ConfigMap has been read. */
  readonly onRead: (reference: Reference, result: ReadResult) => void;
  /** Waits for a status write before a request, for a turn, and for a place at a further origin. */
  readonly waitFor: WaitFor;
  readonly waitForRecord: WaitForRecord;
  readonly waitWithoutLimit: WaitForRecord;
  /** It is known which attempt is being made, or was. */
  readonly onAttempt: (id: string) => void;
  /** In which what it sends waits, where that has to wait. */
  readonly lane: Lane;
}

/** `conflict`: somebody else wrote meanwhile; nothing of this reconcile was recorded, and it is to be run again. */
export type Reconciled =
  | { readonly type: "settled"; readonly verdict: Verdict }
  | { readonly type: "conflict" }
  /** Nothing has been sent or written: it has to wait for others. */
  | { readonly type: "postponed"; readonly wait: Wait };

/**
 * An HTTP failure is not an error here: the plan receives it as an outcome and the status reports it. What throws is
 * what prevents a verdict: the store cannot be reached, `signal` aborted, or a mistake in a plan (`PlanError`).
 */
export async function reconcile(
  kind: Kind,
  situation: Situation,
  { deps, signal }: { deps: ReconcileDeps; signal: AbortSignal },
): Promise<Reconciled> {
  const { store, requester, written, gone, mayAct, mayRecord, unrecorded, announce, waitFor, waitForRecord } = deps;
  const { sending = signal } = deps;
  let current = situation.resource;
  let { mayLag } = deps;
  /** A request may have left: what comes of it is not to be forgotten. */
  let hasSent = false;
  let precondition: Precondition = { type: "unchanged" };
  const { namespace, name } = situation.resource.metadata;
  const account = kind.actsAs?.(situation.resource);
  const lacksAccount = deps.requireServiceAccount && kind.actsAs !== undefined && account === undefined;
  const acting = account === undefined ? store : store.as({ namespace, name: account });
  using requests = requester.begin(queueKey(kind.type.kind, { namespace, name }), mayAct, waitFor, deps.lane);
  const read = readOnce({ ...deps, acting, holdMuch: requests.holdMuch }, namespace, signal);

  /** It came from the store itself, so that what follows in this reconcile lags no more. */
  function learn(live: Resource): void {
    mayLag = false;
    written(live);
  }
  /** False: a conflict. */
  function took(result: WriteResult): boolean {
    if (result.type === "conflict") return false;
    if (result.resource !== current) learn(result.resource); // else there was nothing to write, and nobody was asked
    current = result.resource;
    return true;
  }
  /** What belongs to no request that was sent; it is lost where it cannot be written, and decided on again. */
  async function write(status: object): Promise<boolean> {
    try {
      const result = await waitFor(store.writeStatus(kind.type, current, status, precondition, signal, mayAct));
      unrecorded.notePlainWrite();
      return took(result);
    } catch (error) {
      if (!signal.aborted) unrecorded.notePlainWrite(error);
      throw error;
    }
  }
  /**
   * What came of a request. That of an attempt that was declared may be recorded by whoever sent it; all else is the leader's to
   * write, as long as nobody else has led since.
   */
  async function recordOutcome({ status, finalizer }: Pick<Verdict, "status" | "finalizer">): Promise<boolean> {
    const until: Precondition = precondition.type === "attempt" ? precondition : { type: "sameAttempt" };
    async function writeAll(whole: object, limit: AbortSignal, mayWrite: () => boolean): Promise<WriteResult> {
      const { type } = kind;
      if (finalizer && !took(await store.setFinalizer(type, current, finalizer, limit, mayWrite))) return { type: "conflict" };
      const isOver = finalizer?.present === false || sameJSON(whole, current.status ?? {});
      return isOver ? { type: "written", resource: current } : store.writeStatus(type, current, whole, until, limit, mayWrite);
    }
    const outcome: SentOutcome = {
      type: kind.type,
      resource: current,
      status,
      ...(finalizer && { finalizer }),
      write: writeAll,
      isGone: async (limit) => (await store.readLive(kind.type, current, limit)) === undefined,
      ...(until.type === "attempt" && { attempt: until }),
      mayRecord: until.type === "attempt" && !finalizer ? () => "yes" : mayRecord,
    };
    return took(await waitForRecord(unrecorded.record(outcome, signal)));
  }
  async function readLive(): Promise<Resource | undefined> {
    const live = await store.readLive(kind.type, current, signal);
    if (live) learn(live);
    else gone(current);
    return live;
  }
  /** The cache was behind. What there is goes into it at once: before the watch tells, the next run would do the same again. */
  async function conflict(): Promise<Conflict> {
    await readLive();
    return { type: "conflict" };
  }
  /** Whether it is as the plan saw it. */
  async function confirm(): Promise<Conflict | undefined> {
    const live = await readLive();
    const { generation } = situation.resource.metadata;
    const isSame = live?.metadata.generation === generation && sameJSON(live.status ?? {}, current.status ?? {});
    return isSame ? undefined : { type: "conflict" };
  }
  /** Undefined: it may be sent. */
  async function takePrecaution(precaution: BeforeSend): Promise<Conflict | undefined> {
    if (precaution.attemptId !== undefined) deps.onAttempt(precaution.attemptId);
    switch (precaution.type) {
      case "none":
        return mayLag ? confirm() : undefined;
      case "intent":
        // What is declared otherwise by now, or suspended, is not to be sent any more as it was.
        precondition = { type: "unchanged", generation: situation.resource.metadata.generation };
        if (!(await write(precaution.status))) return conflict();
        precondition = { type: "attempt", id: precaution.attemptId, sender: precaution.sender };
        return undefined;
    }
  }
  async function setFinalizer(finalizer: Finalizer): Promise<boolean> {
    return took(await waitFor(store.setFinalizer(kind.type, current, finalizer, signal, mayAct)));
  }
  async function prepare(exchange: Exchange): Promise<Prepared | Refusal | Extract<Reconciled, { type: "postponed" }>> {
    const room = hasSent ? undefined : unrecorded.untilRoom(namespace); // what has begun goes on to its outcome
    if (room) return { type: "postponed", wait: { reason: "StatusesUnwritable", kept: false, free: room } };
    const tooLarge = findTooLarge(situation.resource);
    if (tooLarge) return tooLarge;
    const prepared = await requests.prepare(exchange, read, signal);
    return prepared.type === "busy" ? { type: "postponed", wait: prepared } : prepared;
  }
  async function send({
    exchange,
    beforeSend: before,
    finalizer,
  }: Extract<Step, { type: "exchange" }>): Promise<Outcome | Exclude<Reconciled, { type: "settled" }>> {
    const prepared = await prepare(exchange);
    if (prepared.type === "refusal" || prepared.type === "postponed") return prepared;
    if (finalizer !== undefined && !(await setFinalizer({ name: finalizer, present: true }))) return conflict();
    const unsafe = await takePrecaution(before);
    if (unsafe) return unsafe;
    hasSent = true;
    try {
      return await prepared.send(sending);
    } finally {
      prepared.letGo();
    }
  }

  /** Whatever can be found wrong with one of them is found before any is sent. */
  async function sendAll({ exchanges, beforeSend: before, judge }: StepOf<"exchanges">): Promise<Judged | Interruption> {
    const all: Prepared[] = [];
    for (const exchange of exchanges) {
      const prepared = await prepare(exchange);
      if (prepared.type === "refusal") return { ...prepared, message: `item ${exchange.scope.item?.index}: ${prepared.message}` };
      if (prepared.type === "postponed") return prepared;
      all.push(prepared);
    }
    const unsafe = await takePrecaution(before);
    if (unsafe) return unsafe;
    hasSent = true;
    const ended = await Promise.all(
      all.map(async (prepared, position) => {
        const outcome = await prepared.send(sending);
        try {
          return await follow(judge(outcome, position));
        } finally {
          prepared.letGo();
        }
      }),
    );
    const judgements: unknown[] = [];
    for (const one of ended) {
      if (one.type !== "ended") return one;
      judgements.push(one.value);
    }
    return { type: "judged", judgements };
  }
  async function check(step: Extract<Step, { type: "check" }>): Promise<CheckResult | Postponed> {
    // It names no account by whose rights what it refers to could be read: each request that uses it does so by its own's.
    if (deps.requireServiceAccount && namespace !== "") return { type: "usable" };
    const result = await requester.check(step, read, signal);
    return result.type === "busy" ? { type: "postponed", wait: result } : result;
  }
  const owner = (): Owner => ({ type: kind.type, metadata: current.metadata });
  const performers: Performers = {
    exchange: send,
    exchanges: sendAll,
    evaluate: (step) => requester.evaluate(step.evaluation, read, signal),
    check,
    checkOutputs: (step) => checkOutputs(step.outputs, owner(), { store: acting }, signal),
    writeOutputs: (step) =>
      deps.waitWithoutLimit(writeOutputs(step.evaluation, owner(), { store: acting, requester, mayRecord, read }, signal)),
  };

  /** What is only read can be told from what is then said, bit by bit: so without an account nothing is performed. */
  const follow = <R>(steps: Steps<R>): Promise<{ readonly type: "ended"; readonly value: R } | Interruption> =>
    followPlan(steps, async (step) => (lacksAccount ? accountRequired : perform(performers, step.type, step)), signal);

  const followed = await follow(kind.plan(situation));
  if (followed.type !== "ended") return followed;
  const verdict = followed.value;
  requests[Symbol.dispose](); // its place at the origin is not needed for writing
  const { finalizer } = verdict;
  const { attempt }: Partial<DeliveryRecord> = verdict.status;
  if (attempt) deps.onAttempt(attempt.id);
  const isNew = finalizer?.present !== false && !sameJSON(verdict.status, current.status ?? {});
  if (hasSent && (isNew || finalizer)) {
    if (!(await recordOutcome(verdict))) return conflict();
  } else {
    if (finalizer && !(await setFinalizer(finalizer))) return conflict();
    if (isNew && !(await write(verdict.status))) return conflict();
  }
  if (!isNew) return { type: "settled", verdict };
  const told = deriveTransitionEvent(situation.resource.status, verdict.status);
  if (told) announce(kind.type, current, told);
  return { type: "settled", verdict };
}

type Conflict = Extract<Reconciled, { type: "conflict" }>;
type Postponed = Extract<Reconciled, { type: "postponed" }>;
/** What ends a reconcile before its plan has ended. */
export type Interruption = Exclude<Reconciled, { type: "settled" }>;

const accountRequired: Refusal = {
  type: "refusal",
  reason: "ServiceAccountRequired",
  message:
    "spec.serviceAccountName: must name a ServiceAccount of this namespace, since Holdfast runs with --require-service-account",
  heals: false,
};
