/**
 * From watch to queue to worker: keeps the caches, queues the keys that are due, and reconciles them.
 *
 * No worker starts before every cache is warm, and no key is worked on twice at once, or taken while another process leads.
 * Knows neither HTTP nor Kubernetes.
 */
import { cycleThrough } from "../core/cycle.ts";
import { sameJSON } from "../core/json.ts";
import type { Occurrence, RecordOccurrence } from "../core/occurrence.ts";
import type { Kind, Situation } from "../core/plan.ts";
import type { Announce, Requester, ResourceStore, WatchEvent } from "../core/ports.ts";
import { keyText, type Resource, type ResourceKey } from "../core/resource.ts";
import { createCache, type Cache, type Change } from "./cache.ts";
import { hasNewStatus, isDue, isOutcomeOfAnother } from "./changes.ts";
import { createDataWatches } from "./data-watches.ts";
import { createDependents } from "./dependents.ts";
import { PlanError, reconcile, type ReconcileDeps, type Reconciled } from "./reconcile.ts";
import { createWorkQueue, type Lane, type WorkQueue, type WorkQueueOptions } from "./work-queue.ts";
import { runWorkers, type WaitFor } from "./workers.ts";

export interface ControllerOptions {
  readonly kinds: readonly Kind[];
  readonly store: ResourceStore;
  readonly requester: Requester;
  readonly record: RecordOccurrence;
  /** How many resources are reconciled at once. */
  readonly concurrency: number;
  /** Limit on one reconcile, milliseconds. */
  readonly reconcileTimeoutMs: number;
  /** This process, as a sender: random, new at each start. */
  readonly sender: string;
  /**
   * The number of the term in which this process leads, and so may send and decide, at this instant; undefined: it does
   * not. A reconcile that began in one term sends nothing in another. Where not given, it always leads.
   */
  readonly term?: () => number | undefined;
  /**
   * A resourceVersion by which all that led before had stopped to. What an object is at a later one, none of them can have
   * acted on; of any other the cache may not have heard yet what they did. Where not given, nobody has led before.
   */
  readonly since?: () => string | undefined;
  readonly announce?: Announce;
  /** Nothing is sent for a resource that names no ServiceAccount. */
  readonly requireServiceAccount?: boolean;
  /** True: what is due in intervals goes on as before this process started, and is not all done at its start. */
  readonly resumes?: boolean;
  /** Told of every change at once, before anything is made of it. `after`: undefined where the object is gone. */
  readonly observe?: (kind: string, name: string, after: Resource | undefined) => void;
  readonly now?: () => Date;
  /** A reconcile that has waited this long for a status to be written needs no worker while it waits on. Milliseconds. */
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
  /** A term of leadership has begun: whatever another leader, or nobody, did meanwhile, everything is looked at anew. */
  readonly queueAll: () => void;
  /** Every cached resource, for metrics and the admin page. */
  resources(): Iterable<{ kind: string; resource: Resource }>;
  /** Names of the kinds whose first listing has not arrived. */
  waitingFor(): readonly string[];
  readonly queue: Pick<WorkQueue, "depth" | "delayed" | "working">;
}

/** Pauses after a reconcile that could not decide: doubling from the first to the last, milliseconds. */
const errorPauseMs = { first: 1_000, last: 60_000 };
/** After somebody else's write the watch soon brings the newer object, which makes the key due; this is the fallback. */
const conflictPauseMs = { first: 200, last: 10_000 };

export function createController(options: ControllerOptions): Controller {
  const {
    kinds,
    store,
    requester,
    record,
    concurrency,
    reconcileTimeoutMs,
    sender,
    term = () => 1,
    since = () => undefined,
    announce = () => {},
    requireServiceAccount = false,
    resumes = false,
    now = () => new Date(),
    slowWriteMs = 3_000,
    stoppingMs = 5_000,
  } = options;
  const caches = new Map<string, Cache>(kinds.map(({ type }) => [type.kind, createCache(store.isNewer.bind(store))]));
  const queue = createWorkQueue({
    ...options.queueObserver,
    groupOf: (id) => id.split("/")[1] ?? "",
    isOpen: () => term() !== undefined,
  });
  const dependents = createDependents();
  const dataWatches = createDataWatches({ store, dependents, record, queue: (id) => queue.add(id) });
  const failures = new Map<string, number>();
  /** The term in which this process has last looked at a key. */
  const seenIn = new Map<string, number>();
  /** The term in which what is cached for a key has last come from the store itself, and not from a watch that may lag. */
  const currentIn = new Map<string, number>();

  function cacheOf(kind: string): Cache {
    const cache = caches.get(kind);
    if (!cache) throw new Error(`no such kind: ${kind}`);
    return cache;
  }

  function apply(kind: Kind, event: WatchEvent): void {
    take(kind, cacheOf(kind.type.kind).apply(event), event.type === "listed" ? "listing" : "change");
  }
  function take(kind: Kind, changes: readonly Change[], lane: Lane): void {
    for (const change of changes) {
      const { before, after } = change;
      const key = (after ?? before)?.metadata as ResourceKey;
      const id = queueKey(kind, key);
      options.observe?.(kind.type.kind, key.name, after);
      if (kind.passive) {
        if (sameJSON(before?.metadata.labels, after?.metadata.labels)) continue;
        awaken(kind);
        for (const [dependent] of dependents.of({ type: kind.type, key })) queue.add(dependent);
        continue;
      }
      if (!after) {
        queue.forget(id);
        failures.delete(id);
        seenIn.delete(id);
        currentIn.delete(id);
        dataWatches.forget(id);
      } else if (isDue(change) || isOutcomeOfAnother(change, sender)) queue.add(id, { lane });
      if (isDue(change)) {
        dependents.set(id, after ? kind.references(after) : []);
        dataWatches.adjust((after ?? before)?.metadata.namespace ?? "");
      }
      queueDependents(kind, change);
      if (isDue(change)) awaken(kind);
    }
  }
  function awaken({ awakens }: { readonly awakens?: (resource: Resource) => boolean }): void {
    if (!awakens) return;
    for (const kind of kinds)
      for (const resource of cacheOf(kind.type.kind).all()) if (awakens(resource)) queue.add(queueKey(kind, resource.metadata));
  }
  function queueDependents({ type }: Kind, change: Change): void {
    const key = (change.after ?? change.before)?.metadata as ResourceKey;
    for (const [id, { onStatus }] of dependents.of({ type, key }))
      if (isDue(change) || (onStatus && hasNewStatus(change))) queue.add(id);
  }
  /** The circle of references in which a resource waits for itself. */
  function cycleOf(id: string): readonly string[] | undefined {
    const cycle = cycleThrough(id, (node) => {
      const { kind, resource } = find(node);
      const waitsFor = kind && resource ? kind.references(resource).filter(({ onStatus }) => onStatus) : [];
      return waitsFor.map(({ type, key }) => queueKey({ type }, key));
    });
    return cycle?.map((node) => node.replace(/\/.*\//, "/")); // all of one namespace
  }
  function find(id: string): { readonly kind?: Kind; readonly resource?: Resource } {
    const [kindName = "", namespace = "", name = ""] = id.split("/");
    const kind = kinds.find(({ type }) => type.kind === kindName);
    const resource = kind && cacheOf(kindName).get({ namespace, name });
    return { ...(kind && { kind }), ...(resource && { resource }) };
  }

  /** Whether an earlier leader may have acted on a version of the object that is not in the cache. */
  function mayLag(id: string, { metadata }: Resource, began: number | undefined): boolean {
    const stopped = since();
    return stopped !== undefined && !store.isNewer(metadata.resourceVersion, stopped) && currentIn.get(id) !== began;
  }

  async function watch(kind: Kind, signal: AbortSignal, warm: () => void): Promise<void> {
    for await (const event of store.watch(kind.type, signal)) {
      apply(kind, event);
      if (event.type === "listed") warm();
    }
  }

  /** Never rejects: what went wrong is recorded, and tried again. */
  async function attend(id: string, signal: AbortSignal, waitFor: WaitFor): Promise<void> {
    const startedMs = performance.now();
    const [kindName = "", namespace = "", name = ""] = id.split("/");
    const { kind, resource } = find(id);
    if (!kind || !resource) {
      failures.delete(id); // gone since it became due
      requester.begin(id)[Symbol.dispose](); // a place that was kept for it is the next one's
      return;
    }
    const began = term();
    const mayAct = (): boolean => began !== undefined && term() === began;
    const about = { type: "reconciled", kind: kindName, namespace, name } as const;
    try {
      const named = kind.references(resource);
      const references = named.map(({ type, key }) => caches.get(type.kind)?.get(key));
      const cycle = named.some(({ onStatus }) => onStatus) ? cycleOf(id) : undefined;
      const first = resumes && seenIn.get(id) !== began;
      const situation: Situation = { resource, references, now: now(), sender, first, ...(cycle && { cycle }) };
      if (began !== undefined) seenIn.set(id, began);
      const written = (reply: Resource): void => {
        if (began !== undefined) currentIn.set(id, began);
        apply(kind, { type: "applied", resource: reply });
      };
      const gone = (missing: Resource): void => take(kind, cacheOf(kindName).forget(missing), "change");
      const onRead: ReconcileDeps["onRead"] = (reference, result) => dataWatches.read(id, reference, result);
      dataWatches.began(id);
      const behind = mayLag(id, resource, began);
      const base = { store, requester, requireServiceAccount, announce, waitFor };
      const deps = { ...base, written, gone, mayAct, onRead, mayLag: behind };
      const reconciled = await reconcile(kind, situation, { deps, signal });
      settle(id, reconciled);
      const { result, reason } = summary(reconciled);
      record({ ...about, durationMs: performance.now() - startedMs, result, reason });
    } catch (error) {
      pause(id, errorPauseMs);
      const panicked = error instanceof PlanError;
      record({
        ...about,
        durationMs: performance.now() - startedMs,
        result: "error",
        reason: "Error",
        error,
        ...(panicked && { panicked }),
      });
    }
  }

  function onStuck(id: string): void {
    const [kind = "", namespace = "", name = ""] = id.split("/");
    const about = { kind, namespace, name, durationMs: reconcileTimeoutMs };
    record({ type: "reconciled", ...about, result: "error", reason: "Stuck", panicked: true });
  }

  function settle(id: string, reconciled: Reconciled): void {
    if (reconciled.type === "conflict") return pause(id, conflictPauseMs);
    if (reconciled.type === "postponed") return void reconciled.free.then(() => queue.add(id));
    failures.delete(id);
    const { requeueAfterMs } = reconciled.verdict;
    if (requeueAfterMs !== undefined) queue.add(id, { delayMs: requeueAfterMs });
  }
  function pause(id: string, { first, last }: { first: number; last: number }): void {
    const failed = failures.get(id) ?? 0;
    failures.set(id, failed + 1);
    queue.add(id, { delayMs: Math.min(last, first * 2 ** failed) * (0.75 + Math.random() / 4) });
  }

  return {
    async run(signal, drain) {
      const warm = kinds.map(() => Promise.withResolvers<void>());
      const watches = kinds.map((kind, index) => watch(kind, signal, () => warm[index]?.resolve()));
      const areWarm = Promise.all(warm.map(({ promise }) => promise));
      const data = dataWatches.run(signal);
      await Promise.race([areWarm, Promise.all(watches)]); // the watches end when told to stop
      await runWorkers(
        { queue, concurrency, limitMs: reconcileTimeoutMs, slowWriteMs, stoppingMs, attend, onStuck },
        signal,
        drain,
      );
      queue.close();
      await Promise.all([...watches, data]);
    },
    queueAll() {
      for (const kind of kinds)
        for (const { metadata } of cacheOf(kind.type.kind).all()) queue.add(queueKey(kind, metadata), { lane: "listing" });
    },
    *resources() {
      for (const { type } of kinds) for (const resource of cacheOf(type.kind).all()) yield { kind: type.kind, resource };
    },
    waitingFor: () => kinds.map(({ type }) => type.kind).filter((kind) => !cacheOf(kind).isWarm),
    queue,
  };
}

function summary(reconciled: Reconciled): Pick<Extract<Occurrence, { type: "reconciled" }>, "result" | "reason"> {
  switch (reconciled.type) {
    case "settled":
      return reconciled.verdict;
    case "conflict":
      return { result: "conflict", reason: "Conflict" };
    case "postponed":
      return { result: "postponed", reason: reconciled.reason };
  }
}

function queueKey({ type }: Pick<Kind, "type">, key: ResourceKey): string {
  return `${type.kind}/${keyText(key)}`;
}
