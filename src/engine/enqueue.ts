/**
 * From a change to the keys that it makes due: its own, those of who refers to it, and those whom its kind wakes.
 *
 * Invariant: a change is never answered by a look at everything at once. Nobody is queued for a change that it cannot act on, nothing of a kind that is only watched ever is, and nothing is kept of a
 * resource that is gone.
 */
import { sameJSON } from "../core/tools/json.ts";
import { isReconciled, type Dependency, type WatchedKind } from "../core/plan.ts";
import type { Lane } from "../core/lane.ts";
import type { Resource, ResourceKey } from "../core/resource.ts";
import { createYieldIfLong } from "../core/tools/event-loop-yield.ts";
import type { Caches } from "./caches.ts";
import { hasNewStatus, isOutcomeOfAnother, needsReconcile, reasonOf, type Change } from "./changes.ts";
import type { DataWatches } from "./data-watches.ts";
import type { Dependents } from "./dependents.ts";
import type { DueReasons } from "./due-reasons.ts";
import { eachWithPauses } from "./each-with-pauses.ts";
import type { Holders } from "./holders.ts";
import { queueKey } from "./key.ts";
import { awaitingKeys } from "./referrers.ts";
import type { TakenStatuses } from "./taken-statuses.ts";
import { createWaking } from "./waking.ts";
import type { Watchers } from "./watchers.ts";
import type { WorkQueue } from "./work-queue.ts";

export interface Enqueue {
  changed(kind: WatchedKind, changes: readonly Change[]): void;
  /** What a listing brought, with pauses. What has changed again meanwhile counts as it is by then. */
  listed(kind: WatchedKind, changes: Iterable<Change>): Promise<void>;
}

interface EnqueueDeps {
  readonly caches: Caches;
  readonly queue: Pick<WorkQueue, "add" | "forget">;
  readonly reasons: Pick<DueReasons, "note" | "forget">;
  readonly takenStatuses: Pick<TakenStatuses, "note" | "forget">;
  readonly dependents: Dependents;
  readonly holders: Holders;
  readonly watchers: Watchers;
  readonly dataWatches: Pick<DataWatches, "adjust" | "forget">;
  /** This process. */
  readonly instanceId: string;
  /** Told of every change at once, before anything is made of it. `after`: undefined where the object is gone. */
  readonly observe?: (kind: string, key: ResourceKey, after: Resource | undefined) => void;
  /** The resource with this key has changed; `uid`: undefined where it is gone. */
  readonly noteChange: (id: string, uid: string | undefined) => void;
  /** The resource with this key is gone. */
  readonly onGone: (id: string) => void;
  /** Handling one change threw, which is a mistake in this program. The other changes are handled nevertheless. */
  readonly onMistake: (kind: WatchedKind, error: unknown) => void;
}

/** What of a status says that something has ended. */
const endReads = new Set(["status.completedRuns", "status.conditions", "status.history"]);

export function createEnqueue(deps: EnqueueDeps): Enqueue {
  const {
    caches,
    queue,
    reasons,
    dependents,
    holders,
    watchers,
    dataWatches,
    instanceId,
    observe,
    noteChange,
    onGone,
    onMistake,
  } = deps;
  const awaken = createWaking(deps);
  const breathe = createYieldIfLong();
  /** `lane`: "listing" where a listing brought the change. */
  function enqueue(kind: WatchedKind, change: Change, lane: Lane): void {
    try {
      enqueueAll(kind, change, lane);
    } catch (error) {
      onMistake(kind, error);
    }
  }
  function enqueueAll(kind: WatchedKind, change: Change, lane: Lane): void {
    const { before, after } = change;
    const key = (after ?? before)?.metadata as ResourceKey;
    observe?.(kind.type.kind, { namespace: key.namespace, name: key.name }, after);
    const due = isReconciled(kind) ? needsReconcile(change) : !sameJSON(before?.metadata.labels, after?.metadata.labels);
    // First, since who reads what it refers to may throw: its own reconcile tells of that.
    if (isReconciled(kind)) enqueueItself(kind, key, change, { due, lane });
    if (due || !sameJSON(before?.metadata.finalizers, after?.metadata.finalizers))
      holders.set(kind, queueKey(kind.type.kind, key), after);
    for (const id of awaitingKeys(deps, kind, change)) queue.add(id);
    const users = dependents.of({ type: kind.type, key });
    const tell = ([id, { onStatus, isTransitive }]: readonly [string, Dependency]): void => {
      if (!due && !(onStatus && hasNewStatus(change, onStatus))) return;
      reasons.note(id, due ? "referenceChanged" : "dependencyStatusChanged", { about: queueKey(kind.type.kind, key) });
      queue.add(id, { lane: isTransitive ? "listing" : "change" });
    };
    eachWithPauses(users, tell, { breathe, onMistake: (error) => onMistake(kind, error) });
    if (after && hasNewStatus(change, endReads))
      for (const id of watchers.of(kind.type.kind, after)) {
        reasons.note(id, "dependencyStatusChanged", { about: queueKey(kind.type.kind, key) });
        queue.add(id);
      }
    if (due) awaken(kind, queueKey(kind.type.kind, key));
  }
  function enqueueItself(kind: WatchedKind, key: ResourceKey, change: Change, { due, lane }: { due: boolean; lane: Lane }): void {
    const { after } = change;
    const id = queueKey(kind.type.kind, key);
    noteChange(id, after?.metadata.uid);
    const isTaken = deps.takenStatuses.note(id, change);
    if (!after) {
      queue.forget(id);
      reasons.forget(id);
      deps.takenStatuses.forget(id);
      dataWatches.forget(id);
      onGone(id);
    } else if (due || isTaken || isOutcomeOfAnother(change, instanceId)) {
      reasons.note(id, isTaken ? "statusTakenAway" : lane === "listing" && change.before ? "listed" : reasonOf(change));
      queue.add(id, { lane });
    }
    if (!due) return;
    if (isReconciled(kind)) watchers.set(id, after && kind.watches?.(after));
    for (const namespace of dependents.set(id, after ? kind.references(after) : [])) dataWatches.adjust(namespace);
  }
  return {
    changed(kind, changes) {
      for (const change of changes) enqueue(kind, change, "change");
    },
    async listed(kind, changes) {
      for (const { before, after } of changes) {
        const now = caches.of(kind).get((after ?? before)?.metadata as ResourceKey);
        if (before || now) enqueue(kind, { before, after: now }, "listing");
        await breathe();
      }
    },
  };
}
