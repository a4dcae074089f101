/** What the engine needs from the outside. Each port has more than one implementation, or will. */
import type { TransitionEvent } from "./transition-event.ts";
import type { ServiceAccountTokenRequest, ServiceAccountTokenResult } from "./auth.ts";
import type { Evaluation } from "./evaluation.ts";
import type { Exchange } from "./exchange.ts";
import type { JSONDocument } from "./json-document.ts";
import type { Lane } from "./lane.ts";
import type { Outcome, Refusal, turnReasons } from "./outcome.ts";
import type { Finalizer, ReadResult, Reference, Resource, ResourceType } from "./resource.ts";
import type { EvaluatedOutputs, OutputEvaluation, OutputStore } from "./output.ts";
import type { Annotation, CheckResult, EvaluationResult, RemoveResult, Step } from "./plan.ts";
import type { Eventual } from "./tools/eventual.ts";

export type WatchEvent =
  /**
   * Everything there is. `resourceVersion` is the listing's own: what the cache has from after it, it keeps. `versions`: by namespace,
   * in its place, of parts that were listed at different times.
   */
  | {
      readonly type: "listed";
      readonly resources: readonly Resource[];
      readonly resourceVersion: string;
      readonly versions?: ReadonlyMap<string, string>;
    }
  | { readonly type: "applied"; readonly resource: Resource }
  | { readonly type: "deleted"; readonly resource: Resource };

/**
 * `unchanged`: the status is as it was in the resource that was read, whatever else about the object has changed; but for
 * its generation, where that is given.
 * `sameAttempt`: nobody has recorded another attempt, whatever else of the status has changed or is gone.
 * `attempt`: the object is the same one (UID) and still carries this attempt in flight by this sender.
 */
export type Precondition =
  | { readonly type: "unchanged"; readonly generation?: number }
  | { readonly type: "sameAttempt" }
  | { readonly type: "attempt"; readonly id: string; readonly sender: string };

/** `conflict`: the precondition does not hold, the object is gone, or this process may not write it any more; nothing was written. */
export type WriteResult = { readonly type: "written"; readonly resource: Resource } | { readonly type: "conflict" };

/** What came of an attempt that was declared, until it is recorded. */
export interface JournalEntry {
  readonly uid: string;
  readonly attemptId: string;
  readonly sender: string;
  /** The whole status as it should be. */
  readonly status: object;
}
/** Where outcomes outlive the process; by the keys of their objects. */
export interface OutcomeJournal {
  find(id: string): JournalEntry | undefined;
  /** Throws where it cannot be kept. */
  keep(id: string, entry: JournalEntry): void;
  forget(id: string): void;
}

/** The object has no room for this status: a smaller one may fit. */
export class StatusTooLargeError extends Error {
  override readonly name = "StatusTooLargeError";
}

/** A right, a policy or a webhook is against a finalizer of the object itself. Its message is for people, and quotes nobody. */
export class FinalizerRefusedError extends Error {
  override readonly name = "FinalizerRefusedError";
}

export interface ServiceAccountKey {
  readonly namespace: string;
  readonly name: string;
}
/** What is done in the name of somebody. */
export type ActingStore = Pick<ResourceStore, "read" | "checkOutput" | "writeOutput">;

export interface ResourceStore extends OutputStore {
  /** Starts with `listed`, then tells every change until `signal` aborts. Heals by itself; never ends otherwise. */
  watch(type: ResourceType, signal: AbortSignal): AsyncIterable<WatchEvent>;
  /** The object that `resource` was read from, as it is now; `undefined` where it is gone, or another has its name. */
  readLive(type: ResourceType, resource: Resource, signal: AbortSignal): Promise<Resource | undefined>;
  /**
   * The first object of all of a type, as they are now, that matches. Throws when the store cannot be reached. Absent: this
   * process sees all by `watch`.
   */
  find?(type: ResourceType, matches: (resource: Resource) => boolean, signal: AbortSignal): Promise<Resource | undefined>;
  /**
   * The Secrets or ConfigMaps of one namespace: only which there are, at which resourceVersion. Like `watch`, but where its
   * right is missing it tells nothing. Absent: they do not change. `namespace`: undefined for those of all, where that is allowed.
   */
  watchData?(type: ResourceType, namespace: string | undefined, signal: AbortSignal): AsyncIterable<WatchEvent>;
  /** Whether those of all namespaces may be watched at once. Never throws. */
  mayWatchAllData?(type: ResourceType, signal: AbortSignal): Promise<boolean>;
  /** A live read of a Secret or ConfigMap. Throws when the store cannot be reached. */
  read(reference: Reference, signal: AbortSignal): Promise<ReadResult>;
  /**
   * Replaces the status of the object that `resource` was read from, if the precondition holds.
   * Guarantees: it never lands on another UID; it never overwrites a status that somebody else wrote meanwhile.
   * `mayWrite` is asked before each try, since tries go on through an outage, and false is a conflict; absent: it always may.
   * Throws when the store cannot be reached or refuses the status itself, `StatusTooLargeError` where it does not fit.
   */
  writeStatus(
    type: ResourceType,
    resource: Resource,
    status: object,
    precondition: Precondition,
    signal: AbortSignal,
    mayWrite?: () => boolean,
  ): Promise<WriteResult>;
  /**
   * Puts a finalizer on the object that `resource` was read from, or takes it off; one that is so already is `written`.
   * Guarantees: it never lands on another UID, or beside a status that somebody else wrote meanwhile, and no other finalizer
   * is touched. `mayWrite` is as for `writeStatus`. Throws when the store cannot be reached, `FinalizerRefusedError` where it is against it.
   */
  setFinalizer(
    type: ResourceType,
    resource: Resource,
    finalizer: Finalizer,
    signal: AbortSignal,
    mayWrite?: () => boolean,
  ): Promise<WriteResult>;
  /** Puts a finalizer on as `setFinalizer` does. `forbidden`: this process has no right to. */
  hold(
    type: ResourceType,
    resource: Resource,
    finalizer: string,
    signal: AbortSignal,
    mayWrite?: () => boolean,
  ): Promise<WriteResult | { readonly type: "forbidden" }>;
  /**
   * Sets an annotation on the object that `resource` was read from, where it is as it was read there. `forbidden`: this process has no
   * right to.
   */
  annotate(
    type: ResourceType,
    resource: Resource,
    annotation: Annotation,
    signal: AbortSignal,
    mayWrite?: () => boolean,
  ): Promise<WriteResult | { readonly type: "forbidden" }>;
  /**
   * Deletes the object that `resource` was read from, and in the background what it owns, if nobody has changed anything of it
   * since. `left`: as it is then, where a finalizer keeps it; absent: it is gone. Throws when the store cannot be reached.
   */
  remove(
    type: ResourceType,
    resource: Resource,
    signal: AbortSignal,
    mayWrite?: () => boolean,
  ): Promise<(RemoveResult & { readonly left?: Resource }) | Extract<WriteResult, { type: "conflict" }>>;
  /** A short-lived token of a ServiceAccount. Throws when the store cannot be reached. */
  serviceAccountToken(request: ServiceAccountTokenRequest, signal: AbortSignal): Promise<ServiceAccountTokenResult>;
  /**
   * The same store as a ServiceAccount of the resource's namespace sees it, by its rights alone. Where there are no
   * accounts, it is the store itself.
   */
  as(account: ServiceAccountKey): ActingStore;
  /** Whether resourceVersion `a` is later than `b`. */
  isNewer(a: string, b: string): boolean;
}

/** Tells people of a transition, where there is a place for it. Returns at once, and what goes wrong with it is no error of the caller's. */
export type Announce = (type: ResourceType, resource: Resource, transition: TransitionEvent) => void;

/**
 * Reads what an exchange refers to; one answer for each reference and reconcile. `namespace`: only what an admin declared for
 * the cluster names one; absent, the resource's own.
 */
export type Read = (kind: "Secret" | "ConfigMap", name: string, namespace?: string) => Promise<ReadResult>;

/**
 * Waits for what may last. Whatever waits for longer than `patienceMs` gives its worker to others meanwhile; absent: as long as
 * a write usually takes.
 */
export type WaitFor = <T>(awaited: Promise<T>, patienceMs?: number) => Promise<T>;
/** Waits for what must not be given up since a request was sent: the limit on the reconcile does not count meanwhile. */
export type WaitForRecord = <T>(awaited: Promise<T>) => Promise<T>;

export interface Requester {
  /**
   * For one reconcile. `resource` names what is reconciled, the same each time: it keeps its place where it has to wait, in
   * `lane`. `mayStart` is asked as each request starts on its socket: false means not sent. `waitFor` is given what waits for a
   * turn, or for a place at an origin, once the reconcile has begun to send.
   */
  begin(resource: string, mayStart?: () => boolean, waitFor?: WaitFor, lane?: Lane): Requests;
  evaluate(evaluation: Evaluation, read: Read, signal: AbortSignal): Eventual<EvaluationResult>;
  /** What outputs are to hold; the values stay sealed. */
  evaluateOutputs(evaluation: OutputEvaluation, read: Read, signal: AbortSignal): Promise<EvaluatedOutputs>;
  /** Reads and checks what a connection needs. `busy`: a token is being asked for. */
  check(step: Extract<Step, { type: "check" }>, read: Read, signal: AbortSignal): Promise<CheckResult | Busy>;
}
/** The requests of one reconcile, which share a budget. To be disposed when it sends no more; the second time has no effect. */
export interface Requests extends Disposable {
  /**
   * Reads, renders and checks everything; whatever can be found wrong before a byte is sent is found here.
   * `busy` is only ever said before the first request, so that nothing is lost by ending the reconcile for now.
   */
  prepare(exchange: Exchange, read: Read, signal: AbortSignal): Promise<Prepared | Refusal | Busy>;
  /** Resolves when the reconcile may hold much in memory, until it is disposed. Rejects with the signal's reason. */
  readonly holdMuch: (signal: AbortSignal) => Promise<void>;
}
/** To be disposed when its answer has been judged: then another answer of the same reconcile may be read. */
export interface Prepared extends Disposable {
  readonly type: "prepared";
  /** Sends it, once. What the network does is an outcome and never an exception. */
  send(signal: AbortSignal): Promise<Outcome>;
}
/**
 * It has to wait, and no worker with it. `free` resolves when it is this one's turn; `kept`: what it waits for is kept for it
 * then, for a moment.
 */
export interface Busy {
  readonly type: "busy";
  readonly kept: boolean;
  readonly reason: (typeof turnReasons)[number] | "CircuitHalfOpen";
  readonly free: Promise<void>;
  /** Whose limit it is, for people: `HTTPEndpoint "name"`. */
  readonly about?: string;
  /** Milliseconds until its turn comes, if all goes on as it is; absent: it is not known. */
  readonly turnInMs?: number;
}

/** Evaluates jq. A document's expressions go in together; none sees another's. What needs no waiting is answered at once; it throws, or rejects, with the signal's reason. */
export interface Evaluator {
  /**
   * Each result is JSON text, numbers exactly as they were.
   * An expression that yields nothing yields `null`; of many outputs the first counts. Groups (namespaces) take turns.
   */
  evaluate(document: JSONDocument, expressions: readonly string[], signal: AbortSignal, group?: string): Eventual<Evaluated>;
  /** Compiles and runs nothing. `undefined`: all of them are jq programs. `timeout` speaks of the machine, hardly of a program. */
  compile(
    expressions: readonly string[],
    signal: AbortSignal,
    group?: string,
  ): Eventual<Exclude<Evaluated, { type: "values" | "outOfMemory" }> | undefined>;
}
/**
 * `index` is the expression at fault, where one is known. `message` of `invalid` is jq's own and speaks of the program's
 * text only; that of `failed` can quote the document. `timeout` is about processor time, and so about the expression;
 * `starved` about the machine, which left it none.
 */
export type Evaluated =
  | { readonly type: "values"; readonly json: readonly string[] }
  | { readonly type: "invalid" | "failed"; readonly index: number; readonly message: string }
  | { readonly type: "timeout" | "outOfMemory" | "starved"; readonly index?: number };
