/**
 * Watches the Secrets and ConfigMaps that resources refer to, so that a change of one makes due who uses it.
 *
 * Invariant: a namespace's Secrets are watched for as long as something in it refers to one, and its ConfigMaps likewise;
 * nothing of what they hold comes here, only that they changed. Without a watch, where its right is missing say, whoever
 * waits for one looks again by itself. Where there are too many namespaces for a watch each, `unwatched-data.ts` sees to it.
 */
import { type ReadResult, configMapType, secretType, type Reference, type ResourceType } from "../core/resource.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { Lane } from "../core/lane.ts";
import type { ResourceStore, WatchEvent } from "../core/ports.ts";
import { createUnwatchedData } from "./unwatched-data.ts";
import type { Dependents } from "./dependents.ts";
import { queueKey } from "./key.ts";

export interface DataWatches {
  /** Begins and ends watches as what is referred to in the namespace has changed. */
  adjust(namespace: string): void;
  /** A reconcile begins: what it reads from now on is what it has seen. */
  began(id: string): void;
  /** What a reconcile read; changes that are no newer are none to it. */
  read(id: string, reference: Reference, result: ReadResult): void;
  forget(id: string): void;
  /** Resolves when `signal` has aborted and every watch has ended. */
  run(signal: AbortSignal): Promise<void>;
  readonly size: number;
  /** Namespaces of which no watch tells, for lack of room and of the right to watch all: they are looked at in intervals. */
  readonly uncovered: number;
}
interface DataWatchesOptions {
  readonly store: Pick<ResourceStore, "watchData" | "mayWatchAllData" | "isNewer">;
  readonly dependents: Dependents;
  readonly emit: EmitTelemetry;
  readonly queue: (id: string, lane: Lane, about: string) => void;
  readonly maxWatches?: number;
  /** How often those are looked at that are not watched, milliseconds. */
  readonly intervalMs?: number;
}

const types: readonly ResourceType[] = [secretType, configMapType];

/** Each is one stream to the API server; beyond these, one of all namespaces tells of the others. */
const defaultMaxWatches = 256;

export function createDataWatches(options: DataWatchesOptions): DataWatches {
  const { store, dependents, emit, queue, maxWatches = defaultMaxWatches } = options;
  const watches = new Map<string, AbortController>();
  const running = new Set<Promise<void>>();
  /** By resource, then by what it read: the resourceVersion; null where there was no such object. */
  const seen = new Map<string, Map<string, string | null>>();
  let until: AbortSignal | undefined;
  /** Whether something has no watch of its own for lack of room. */
  let isFull = false;

  /** `version`: undefined where the object is gone. `isChange`: it is new since the watch last told. */
  function noteChange(reference: Reference, version: string | undefined, isChange: boolean): void {
    for (const [id, { isTransitive: lends }] of dependents.usersOf(reference)) {
      const read = seen.get(id)?.get(queueKey(reference.type.kind, reference.key));
      if (read === undefined ? isChange : isOther(read, version))
        queue(id, lends ? "listing" : "change", queueKey(reference.type.kind, reference.key));
    }
  }
  function isOther(read: string | null, version: string | undefined): boolean {
    if (read === null || version === undefined) return (read === null) !== (version === undefined);
    return store.isNewer(version, read);
  }

  function take(type: ResourceType, namespace: string, event: WatchEvent, versions: Map<string, string> | undefined): void {
    if (event.type !== "listed") {
      const { name, resourceVersion } = event.resource.metadata;
      if (event.type === "applied") versions?.set(name, resourceVersion);
      else versions?.delete(name);
      return noteChange({ type, key: { namespace, name } }, event.type === "applied" ? resourceVersion : undefined, true);
    }
    const listed = new Map(event.resources.map(({ metadata: { name, resourceVersion } }) => [name, resourceVersion]));
    for (const reference of dependents.referencesIn(type.kind, namespace)) {
      const { name } = reference.key;
      noteChange(reference, listed.get(name), versions !== undefined && versions.get(name) !== listed.get(name));
    }
  }

  function lookAgain(type: ResourceType, namespace: string): void {
    for (const reference of dependents.referencesIn(type.kind, namespace))
      for (const [id] of dependents.usersOf(reference)) queue(id, "listing", queueKey(reference.type.kind, reference.key));
  }
  const unwatched = createUnwatchedData({
    store,
    emit,
    take,
    lookAgain,
    ...(options.intervalMs !== undefined && { intervalMs: options.intervalMs }),
  });

  async function watch(type: ResourceType, namespace: string, signal: AbortSignal): Promise<void> {
    let versions: Map<string, string> | undefined;
    for await (const event of store.watchData?.(type, namespace, signal) ?? []) {
      take(type, namespace, event, versions);
      if (event.type === "listed")
        versions = new Map(event.resources.map(({ metadata: { name, resourceVersion } }) => [name, resourceVersion]));
    }
  }

  function beginWatch(type: ResourceType, namespace: string): void {
    if (watches.size >= maxWatches) {
      isFull = true;
      if (until) unwatched.add(type, namespace, until);
      return;
    }
    unwatched.remove(type, namespace);
    const leaving = new AbortController();
    watches.set(watchKey(type, namespace), leaving);
    const ended = watch(type, namespace, leaving.signal)
      .catch((error: unknown) => {
        emit({ type: "note", level: "error", message: "a watch of Secrets or ConfigMaps ended", fields: { namespace }, error });
      })
      .finally(() => running.delete(ended));
    running.add(ended);
  }

  /** What was not watched for lack of room is, as far as there is some now. */
  function watchPostponed(): void {
    if (!isFull) return;
    isFull = false;
    for (const namespace of dependents.namespaces()) adjust(namespace);
  }
  function adjust(namespace: string): void {
    if (!until || until.aborted || !store.watchData) return;
    for (const type of types) {
      const key = watchKey(type, namespace);
      const [isWanted, present] = [dependents.isReferredTo(type.kind, namespace), watches.get(key)];
      if (isWanted && !present) beginWatch(type, namespace);
      if (!isWanted) unwatched.remove(type, namespace);
      if (isWanted || !present) continue;
      watches.delete(key);
      present.abort();
      watchPostponed();
    }
  }

  return {
    adjust,
    began: (id) => void seen.set(id, new Map()),
    read(id, reference, result) {
      if (result.type !== "forbidden")
        // Nothing where it was deleted meanwhile.
        seen
          .get(id)
          ?.set(
            queueKey(reference.type.kind, reference.key),
            result.type === "found" ? result.resource.metadata.resourceVersion : null,
          );
    },
    forget: (id) => void seen.delete(id),
    async run(signal) {
      until = signal;
      for (const namespace of dependents.namespaces()) adjust(namespace);
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      for (const leaving of watches.values()) leaving.abort();
      await Promise.all([...running, unwatched.ended().catch(() => undefined)]);
    },
    get size() {
      return watches.size;
    },
    get uncovered() {
      return unwatched.uncovered;
    },
  };
}

function watchKey({ kind }: ResourceType, namespace: string): string {
  return `${kind}/${namespace}`;
}
