/**
 * From watch to queue to worker: keeps the caches, queues the keys that are due, and reconciles them.
 *
 * No worker starts before every cache is warm, and no key is worked on twice at once, or taken while another process leads.
 * Knows neither HTTP nor Kubernetes.
 */
import { sendingShare } from "../core/tools/deadline.ts";
import type { EmitTelemetry, RunInContext } from "../core/telemetry-event.ts";
import { isReconciled, type Kind, type WatchedKind } from "../core/plan.ts";
import type { Announce, OutcomeJournal, Requester, ResourceStore } from "../core/ports.ts";
import type { Resource, ResourceKey, ResourceType } from "../core/resource.ts";
import { createPostponed, type Postponed } from "./postponed.ts";
import { createProcessKey, type PlaceOf } from "./process-key.ts";
import { createCaches } from "./caches.ts";
import { createDataWatches } from "./data-watches.ts";
import { createDependents } from "./dependents.ts";
import { createWatchers } from "./watchers.ts";
import { createYieldIfLong } from "../core/tools/event-loop-yield.ts";
import { createDueReasons } from "./due-reasons.ts";
import { createEnqueue, type Enqueue } from "./enqueue.ts";
import { createHolders } from "./holders.ts";
import { keyParts, namespaceOf, queueKey } from "./key.ts";
import { createBackoff } from "./backoff.ts";
import { createKeptAnswers } from "./kept-answers.ts";
import { createKeptData } from "./kept-data.ts";
import { createLeadershipTerms } from "./leadership-terms.ts";
import { createSharedReads } from "./shared-reads.ts";
import { createTakenStatuses } from "./taken-statuses.ts";
import { createUnrecordedOutcomes, type UnrecordedOutcomes } from "./unrecorded.ts";
import { createWorkQueue, type WorkQueue, type WorkQueueOptions } from "./work-queue.ts";
import { createKindWatches } from "./watch-kinds.ts";
import { runWorkers } from "./workers.ts";

export interface ControllerOptions {
  readonly kinds: readonly (Kind | WatchedKind)[];
  readonly store: ResourceStore;
  readonly requester: Requester;
  readonly emit: EmitTelemetry;
  /** How many resources are reconciled at once. */
  readonly concurrency: number;
  /** Limit on one reconcile, milliseconds. */
  readonly reconcileTimeoutMs: number;
  /** This process, as what it sends records it: random, new at each start. */
  readonly instanceId: string;
  /**
   * The number of the term in which this process leads, and so may send and decide, at this instant; undefined: it does
   * not. A reconcile that began in one term sends nothing in another. Where not given, it always leads.
   */
  readonly term?: () => number | undefined;
  /**
   * Every earlier leader had stopped before this resourceVersion. So none of them can have acted on an object as it is at a later
   * one; where an object is at an earlier one, the cache may not have heard yet what they did. Not given: of any object.
   */
  readonly ledSinceVersion?: () => string | undefined;
  /** The first term since which nobody else has led. Where not given, others may have led before the present one. */
  readonly unbrokenSince?: (() => number) | undefined;
  readonly announce?: Announce;
  /** Nothing is sent for a resource that names no ServiceAccount. */
  readonly requireServiceAccount?: boolean;
  /** True: what is due in intervals goes on as before this process started, and is not all done at its start. */
  readonly resumes?: boolean;
  /** Told of every change at once, before anything is made of it. `after`: undefined where the object is gone. */
  readonly observe?: (kind: string, key: ResourceKey, after: Resource | undefined) => void;
  /** Where outcomes outlive this process; absent: nowhere. */
  readonly journal?: OutcomeJournal | undefined;
  /** Whether the objects of a namespace (`""`: of the cluster) are worked on here; others' may be known. Absent: all are. */
  readonly owns?: ((namespace: string) => boolean) | undefined;
  /** How many slots the work is divided into, of which this is one. Absent: it is not divided. */
  readonly slots?: number | undefined;
  /** Others look after a part of the cluster's objects, which this process does not know. */
  readonly isPartial?: boolean;
  /** The label selector of what the store tells of; absent: it tells of all. */
  readonly seesOnly?: string | undefined;
  /** Ids of remote objects are kept in an annotation, too. */
  readonly mirrorsIDs?: boolean;
  /**
   * The number of the turn in which something may be done about the resource at this instant; undefined: nothing may. What began in
   * one turn sends nothing in another. Where not given, there is one that does not end. `look` makes one due whose turn has come.
   */
  readonly turnOf?: ((kind: string, resource: Resource) => number | undefined) | undefined;
  /** Where a resource reads the Secret or ConfigMap that it names. Where not given, there. */
  readonly placeOf?: PlaceOf | undefined;
  /** Runs a reconcile so that its log lines carry its id. */
  readonly runInContext?: RunInContext;
  readonly now?: () => Date;
  /** A reconcile that waits longer than this for a status to be written gives its worker to others meanwhile. Milliseconds. */
  readonly slowWriteMs?: number;
  /** How long a reconcile that was told to stop may take to do so, before its worker goes on without it. Milliseconds. */
  readonly stoppingMs?: number;
  readonly queueObserver?: Pick<WorkQueueOptions, "onAdd" | "onTake">;
}

export interface Controller {
  /**
   * Works until `signal` aborts; then takes no more keys, and resolves when what is under way has ended, or has been
   * given up because `drain` aborted. The caches are kept from the start; keys are taken in terms of leadership only.
   */
  run(signal: AbortSignal, drain: AbortSignal): Promise<void>;
  /** Resolves when every kind has been listed: before that this process could do nothing with the leadership. */
  readonly warm: Promise<void>;
  /** A term of leadership has begun: whatever another leader, or nobody, did meanwhile, everything is looked at anew. */
  readonly queueAll: () => void;
  /** Makes a resource due, if there is one. */
  readonly look: (kind: string, key: ResourceKey) => void;
  /** What another write of this process answered: what is known of the resource is no older from now on. */
  learn(type: Pick<ResourceType, "kind">, resource: Resource): void;
  /** Every cached resource that is worked on here, for metrics and the admin page. */
  resources(): Iterable<{ kind: string; resource: Resource }>;
  /** How many resources of the kinds that are reconciled are cached. */
  cached(): number;
  /** Names of the kinds whose first listing has not arrived. */
  waitingFor(): readonly string[];
  readonly queue: Pick<WorkQueue, "depth" | "oldestSecs" | "delayed" | "working" | "aside">;
  /** Namespaces whose Secrets or ConfigMaps no watch tells of. */
  readonly unwatchedNamespaces: () => number;
  /** What came of requests, and cannot be written. */
  readonly unrecorded: Pick<UnrecordedOutcomes, "problem" | "failing">;
  /** Keys that wait for something else than a worker. */
  readonly postponed: Pick<Postponed, "counts">;
}

/** What the parts of a controller share, in memory. */
function createState({ kinds, store, emit, queueObserver, ...options }: ControllerOptions) {
  const { term = () => 1, ledSinceVersion = () => undefined, unbrokenSince, announce = () => {}, journal } = options;
  const { owns = () => true } = options;
  const isNewer = store.isNewer.bind(store);
  const dependents = createDependents();
  const reasons = createDueReasons();
  const queue = createWorkQueue({
    ...queueObserver,
    isOwn: (id) => owns(namespaceOf(id)),
    groupOf: namespaceOf,
    isOpen: () => term() !== undefined,
  });
  const dataWatches = createDataWatches({
    store,
    dependents,
    emit,
    queue(id, lane, about) {
      reasons.note(id, "dataChanged", { about });
      queue.add(id, { lane });
    },
  });
  return {
    dependents,
    holders: createHolders(kinds),
    watchers: createWatchers(),
    reasons,
    queue,
    caches: createCaches(kinds, isNewer),
    takenStatuses: createTakenStatuses(),
    dataWatches,
    sharedReads: createSharedReads({ told: (reference) => dataWatches.told(reference), isNewer }),
    terms: createLeadershipTerms({ term, ledSinceVersion, isNewer, unbrokenSince }),
    unrecorded: createUnrecordedOutcomes({ emit, announce, journal }),
    keptAnswers: createKeptAnswers(),
    keptData: createKeptData(),
    pauses: createBackoff(),
    postponed: createPostponed(),
  };
}
type State = ReturnType<typeof createState>;

function wireEnqueue(state: State, { instanceId, observe, emit }: ControllerOptions): Enqueue {
  return createEnqueue({
    ...state,
    instanceId,
    ...(observe && { observe }),
    noteChange: state.unrecorded.noteChange,
    onGone(id) {
      state.keptData.forget(id);
      state.pauses.forget(id);
      state.postponed.forget(id);
      state.terms.forget(id);
    },
    onMistake: ({ type: { kind } }, error) =>
      emit({ type: "note", level: "error", message: "a change could not be taken in as a whole", fields: { kind }, error }),
  });
}

/** All that is cached and has not been looked at in this term, with pauses. */
async function queueEach({ caches, queue, reasons, terms }: State, term: () => number | undefined): Promise<void> {
  const began = term();
  const breathe = createYieldIfLong();
  queue.begin();
  for (const { kind, resource } of caches.all()) {
    await breathe();
    if (term() !== began) return;
    const id = queueKey(kind.type.kind, resource.metadata);
    if (!isReconciled(kind) || terms.hasBegun(id)) continue;
    reasons.note(id, "leadershipBegan");
    queue.add(id, { lane: "listing" });
  }
}

/** Neither watches nor works before `run`. */
export function createController(options: ControllerOptions): Controller {
  const { emit, concurrency, reconcileTimeoutMs, slowWriteMs = 3_000, stoppingMs = 5_000, owns = () => true } = options;
  const state = createState(options);
  const { caches, queue, dataWatches } = state;
  const enqueue = wireEnqueue(state, options);
  const watches = createKindWatches({ ...options, caches, enqueue });
  function onWritten(kind: WatchedKind, resource: Resource): void {
    enqueue.changed(kind, caches.of(kind).learn(resource));
  }
  const processKey = createProcessKey({
    ...state,
    ...options,
    announce: options.announce ?? (() => {}),
    requireServiceAccount: options.requireServiceAccount ?? false,
    resumes: options.resumes ?? false,
    isPartial: options.isPartial ?? false,
    mirrorsIDs: options.mirrorsIDs ?? false,
    turnOf: options.turnOf ?? (() => 0),
    now: options.now ?? (() => new Date()),
    runInContext: options.runInContext ?? ((_context, work) => work()),
    sendingMs: reconcileTimeoutMs * sendingShare,
    onWritten,
    onGone: (kind, resource) => enqueue.changed(kind, caches.of(kind).forget(resource)),
  });
  function onStuck(id: string): void {
    const about = { type: "reconciled", ...keyParts(id), durationMs: reconcileTimeoutMs } as const;
    emit({ ...about, result: "error", reason: "Stuck", panicked: true });
  }

  return {
    async run(signal, drain) {
      // If a watch ends by a mistake of ours, the controller must not go on as if nothing happened to that kind.
      const broken = new AbortController();
      const until = AbortSignal.any([signal, broken.signal]);
      const watching = watches.run(until).catch((error: unknown) => {
        broken.abort(error);
        throw error;
      });
      const data = dataWatches.run(until);
      await Promise.race([watches.warm, watching]); // the watches end when told to stop
      const limits = { limitMs: reconcileTimeoutMs, slowWriteMs, stoppingMs };
      await runWorkers({ queue, concurrency, ...limits, processKey, onStuck }, until, drain);
      queue.close();
      await Promise.all([watching, data]);
    },
    warm: watches.warm,
    queueAll: () => void queueEach(state, options.term ?? (() => 1)),
    look: (kind, key) => queue.add(queueKey(kind, key)),
    learn({ kind: name }, resource) {
      const kind = options.kinds.find(({ type }) => type.kind === name);
      if (kind) onWritten(kind, resource);
    },
    *resources() {
      for (const { kind, resource } of caches.all())
        if (owns(resource.metadata.namespace)) yield { kind: kind.type.kind, resource };
    },
    cached: () => options.kinds.filter(isReconciled).reduce((sum, kind) => sum + caches.of(kind).size, 0),
    waitingFor: caches.waitingFor,
    queue,
    unwatchedNamespaces: () => dataWatches.uncovered,
    unrecorded: state.unrecorded,
    postponed: state.postponed,
  };
}
