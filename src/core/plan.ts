/**
 * A plan: what a kind wants done about one resource, as a pure generator.
 *
 * It yields steps, is handed the answer to each, and returns the verdict. It has no clock, no randomness and no IO, so a
 * test drives it with scripted outcomes.
 */
import type { Difference } from "./difference.ts";
import type { Connection } from "./connection.ts";
import type { Evaluation } from "./evaluation.ts";
import type { Reads } from "./expression-reads.ts";
import type { Exchange } from "./exchange.ts";
import type { Outcome, Refusal } from "./outcome.ts";
import type { Redacted } from "./redacted.ts";
import type { Output, OutputEvaluation } from "./output.ts";
import type { Finalizer, Reference, Resource, ResourceType } from "./resource.ts";

export type Step =
  /** Sent only after `beforeSend`, and not at all where that fails. What keeps things is done before that. */
  | ({ readonly type: "exchange"; readonly exchange: Exchange; readonly beforeSend: BeforeSend } & Keeps)
  /** All or none, in parallel as far as the reconcile's budget goes, after `beforeSend`. */
  | {
      readonly type: "exchanges";
      readonly exchanges: readonly Exchange[];
      readonly beforeSend: BeforeSend;
      /** Run for each as its outcome comes. Of an answer only what this returns is kept. */
      readonly judge: (outcome: Outcome, position: number) => Steps<unknown>;
    }
  | { readonly type: "evaluate"; readonly evaluation: Evaluation }
  /** Whether a connection can be made with what is referred to; `asks`: a token is asked for where none is known. */
  | { readonly type: "check"; readonly connection: Connection; readonly asks: boolean }
  /** Whether the outputs could be written as things are. */
  | { readonly type: "checkOutputs"; readonly outputs: readonly Output[] }
  /**
   * Evaluates and writes them, in their order; what a right, a policy or a quota is against is tried again, as long as the object's
   * spec stays as it is.
   */
  | ({ readonly type: "writeOutputs"; readonly evaluation: OutputEvaluation } & Patience)
  /** Looks live among all of a type, whoever looks after them. For what is seldom asked. */
  | { readonly type: "find"; readonly among: ResourceType; readonly matches: (resource: Resource) => boolean }
  /** Deletes the object itself, as the plan sees it: nothing of it is written any more. */
  | { readonly type: "remove" };

/** For how long an answer is kept whose outputs are not taken. */
export interface Patience {
  readonly patienceMs: number;
  /** The annotation by which another run is asked for, which ends it, too; absent: there is none. */
  readonly endsBy?: string;
}

/** What is needed to undo what is about to be done stays there until it is undone. */
export interface Keeps {
  /** Put on the object itself, after `holds`. */
  readonly finalizer?: string;
  /** Others that it needs, none of which is being deleted. */
  readonly holds?: readonly Hold[];
  /** Others that it needs, which are to be there still, and not being deleted, once `finalizer` is on. */
  readonly stays?: readonly Pick<Hold, "type" | "resource">[];
}
/** A finalizer on another object, or on itself for the others that need it. Where it may not be put on, all goes on without. */
export interface Hold {
  readonly type: ResourceType;
  readonly resource: Resource;
  readonly finalizer: string;
}

export interface Annotation {
  readonly name: string;
  readonly value: string;
}

/** What was made of each, in the order of the exchanges; or why none was sent. */
export type Judged<J = unknown> = { readonly type: "judged"; readonly judgements: readonly J[] } | Refusal;

/**
 * What has to happen before the first byte leaves.
 * `nothing`: it may be sent as often as it takes. `recordIntent`: a status is recorded; not recorded means not sent.
 */
export type BeforeSend = { readonly type: "nothing"; readonly attemptId?: string } | ({ readonly type: "recordIntent" } & Intent);

/** The status that says that a request may be on its way, and the attempt by which its outcome finds the object again. */
export interface Intent {
  readonly status: object;
  readonly attemptId: string;
  readonly sender: string;
}

/** What may be shown of an answer; `secret`: it may not; `uncertain`: that cannot be told now, since not all its secrets are known. */
export type Fact =
  { readonly type: "value"; readonly value: unknown } | { readonly type: "failed" | "secret" | "uncertain" | "tooLong" };

/** Results in the order of the expressions, each the JSON value that jq yielded; or why there are none. */
export type EvaluationResult =
  | {
      readonly type: "values";
      readonly values: readonly unknown[];
      /** Of what was to be compared: where the response does not have what is wanted. */
      readonly differences?: readonly Difference[];
      /** Something of it was not compared: a secret's value, or what cannot be held against such an answer. */
      readonly isPartial?: true;
      /** Of a merge patch: where it says something, if a status has room for that. */
      readonly places?: readonly string[];
      /** What `published.facts` yield, in their order. */
      readonly published?: readonly Fact[];
      /** What `foretold` yields. */
      readonly foretold?: unknown;
      /** Of a list: its items as JSON text, closed because they can hold secrets. */
      readonly items?: readonly Redacted<string>[];
      /** Of each item, where no Secret had a part in the list: by these they are known again in a list that has changed. */
      readonly digests?: readonly string[];
    }
  | Refusal;

/** What came of a step about outputs. `unwritten`: as in `EvaluatedOutputs`. */
export type OutputsResult = { readonly type: "ready"; readonly unwritten?: readonly string[] } | Refusal;
/** `suspicion`: what is hardly meant so, for people. */
export type CheckResult = { readonly type: "usable"; readonly suspicion?: string } | Refusal;
/** `resource`: the first that matches; absent: none does. */
export type FindResult = { readonly type: "looked"; readonly resource?: Resource };
/** `forbidden`: this process has no right to; `unsupported`: objects are not this process's to delete. */
export type RemoveResult = { readonly type: "removed" | "forbidden" | "unsupported" };

export interface Verdict {
  /** The whole status as it should be. Written only where it differs from what is there. */
  readonly status: object;
  /** Milliseconds until it is worth looking again; absent: when something changes. */
  readonly requeueAfterMs?: number;
  /** By when at the latest, however long the reconcile takes: what is left of `requeueAfterMs` is reckoned from its end. */
  readonly dueAt?: Date;
  /** For the log line and the metrics: how the run ended. */
  readonly result: "unchanged" | "succeeded" | "failed" | "retrying" | "waiting" | "stalled" | "suspended";
  readonly reason: string;
  /** For the log line, of an end of which the status has nothing to say: it is not written any more. */
  readonly detail?: string;
  /** Put on the object before the status is written; or taken off, which ends an object that is being deleted, in place of that. */
  readonly finalizer?: Finalizer;
  /** Set on the object before the status is written, where it has another value. `otherwise`: fields of the status where it cannot be set. */
  readonly annotation?: Annotation & { readonly otherwise: Readonly<Record<string, unknown>> };
  /** Put on before that. */
  readonly holds?: readonly Hold[];
}

/** What each step is answered by: an answer of another step does not compile. */
export interface StepAnswers {
  readonly exchange: Outcome;
  readonly exchanges: Judged;
  readonly evaluate: EvaluationResult;
  readonly check: CheckResult;
  readonly checkOutputs: OutputsResult;
  readonly writeOutputs: OutputsResult;
  readonly find: FindResult;
  readonly remove: RemoveResult;
}
export type StepOf<T extends Step["type"]> = Extract<Step, { readonly type: T }>;
export type StepAnswer = StepAnswers[Step["type"]];

/** A part of a plan that yields steps and returns `R`; for `yield*` in a plan. */
export type Steps<R> = Generator<Step, R, StepAnswer>;
export type Plan = Steps<Verdict>;

/** The only place where an answer gets its step's type: whoever drives a plan answers each step with `StepAnswers[type]`. */
export function* ask<T extends Step["type"]>(step: StepOf<T>): Steps<StepAnswers[T]> {
  return (yield step) as StepAnswers[T];
}
export function sendExchange(exchange: Exchange, beforeSend: BeforeSend, keeps: Keeps = {}): Steps<Outcome> {
  return ask<"exchange">({ type: "exchange", exchange, beforeSend, ...keeps });
}
/** Whoever drives the plan answers with what `judge` returned. */
export function* sendExchanges<J>(
  exchanges: readonly Exchange[],
  beforeSend: BeforeSend,
  judge: (outcome: Outcome, position: number) => Steps<J>,
): Steps<Judged<J>> {
  return (yield* ask<"exchanges">({ type: "exchanges", exchanges, beforeSend, judge })) as Judged<J>;
}
export function evaluate(evaluation: Evaluation): Steps<EvaluationResult> {
  return ask<"evaluate">({ type: "evaluate", evaluation });
}
export function checkConnection(connection: Connection, asks: boolean): Steps<CheckResult> {
  return ask<"check">({ type: "check", connection, asks });
}

export function findLive(among: ResourceType, matches: (resource: Resource) => boolean): Steps<FindResult> {
  return ask<"find">({ type: "find", among, matches });
}

/** Another watched resource whose change makes one due. */
export interface Dependency extends Reference {
  /**
   * So does a change of its status, in that it is Ready or in what is read of it. It is waited for, so that a circle of such is an
   * error.
   */
  readonly onStatus?: Reads;
  /**
   * What it refers to is used here, too, as an endpoint's credential is: a change of that makes this one due as well. It may be
   * shared by many, who go behind what has changed itself.
   */
  readonly isTransitive?: true;
}

/** Others of its namespace that are watched by what they are like, and not by name. */
export interface Watched {
  readonly kind: string;
  readonly matches: (resource: Resource) => boolean;
}

export interface Situation<R extends Resource = Resource> {
  readonly resource: R;
  /** What `references(resource)` named, in that order; `undefined` where there is no such object. */
  readonly references: readonly (Resource | undefined)[];
  readonly now: Date;
  /** True: this process has not looked at the resource before, so nothing says that anything has changed. */
  readonly first?: boolean;
  /** True: an endpoint, policy, Secret or ConfigMap that it uses has changed since it was last looked at, which may have mended what failed. */
  readonly mayBeMended?: boolean;
  /** No watch tells of a Secret or ConfigMap that it refers to, which is looked at in intervals only. */
  readonly isUnwatched?: boolean;
  /** The circle in which the resource waits for itself, as `Kind/name` from itself to itself; absent: it does not. */
  readonly cycle?: readonly string[];
  /** Those that refer to it as one that they wait for, or connect by, and have something to end (`holding`), first those that have now. Absent: the kind does not ask. */
  readonly referrers?: () => Iterable<{ readonly kind: string; readonly resource: Resource }>;
  /** Others look after a part of the cluster's objects, which this process does not know, beside what other slots have. */
  readonly isPartial?: boolean;
  /** The label selector of what is seen at all; absent: whatever its labels. */
  readonly seesOnly?: string;
  /** How many slots the work is divided into, each with its part of what an endpoint of the cluster allows; absent: it is not divided. */
  readonly slots?: number;
  /** What `watches(resource)` matches; absent: it watches none, or is one of too many that do. */
  readonly watched?: () => Iterable<Resource>;
  /** Ids of remote objects are kept in an annotation, too. */
  readonly mirrorsIDs?: boolean;
  /** This process, as a sender of requests: random, new at each start. */
  readonly instanceId: string;
}

export type Holding = "now" | "soon";

/** A kind of which what there is is known to the others: namespaces, for their labels. Nothing is done about one itself. */
export interface WatchedKind<R extends Resource = Resource> {
  readonly type: ResourceType;
  references(resource: R): readonly Dependency[];
  /**
   * Whether it needs what it refers to for its end: as it is now, or once it has done what it is about to do. Absent, or undefined:
   * nobody who waits for those that refer to it waits for it.
   */
  holding?(resource: R): Holding | undefined;
  /** Any change of one of these makes due what this holds for, of whatever kind. */
  readonly wakesOthers?: (resource: Resource) => boolean;
}

/** A kind whose resources are reconciled. */
export interface Kind<R extends Resource = Resource> extends WatchedKind<R> {
  /**
   * When one is being deleted it waits for those that refer to it: it is due when one of them is gone, or lets go. `always`: also
   * when it is not being deleted, and has a finalizer for them.
   */
  readonly waitsForReferrers?: "whenDeleted" | "always";
  /**
   * The Secrets and ConfigMaps that its end needs, which may go before it: as they were when they were last read for it, they are
   * kept for that. `referenced`: what is there of `references(resource)`, in that order.
   */
  neededAtEnd?(resource: R, referenced: readonly (Resource | undefined)[]): readonly Reference[];
  /** What a change of status of makes it due, beside what it refers to; undefined: nothing. */
  watches?(resource: R): Watched | undefined;
  /** The ServiceAccount of its namespace in whose name references are read and outputs written; undefined: Holdfast's own. */
  actsAs?(resource: R): string | undefined;
  plan(situation: Situation<R>): Plan;
  /**
   * What the status says while it waits for its turn to send what its plan has asked for, or cannot do it. Absent, or undefined:
   * nothing.
   */
  heldBack?(situation: Situation<R>, why: Refusal): Verdict | undefined;
}
export function isReconciled(kind: WatchedKind): kind is Kind {
  return "plan" in kind;
}
