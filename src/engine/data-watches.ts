/**
 * Watches the Secrets and ConfigMaps that resources refer to, so that a change of one makes due who uses it.
 *
 * Invariant: a namespace's Secrets are watched for as long as something in it refers to one, and its ConfigMaps likewise;
 * nothing of what they hold comes here, only that they changed. Without a watch, for example where its right is missing, whoever
 * waits for one looks again by itself. Where there are too many namespaces for a watch each, `unwatched-data.ts` sees to it.
 */
import { configMapType, secretType, type Reference, type ResourceType } from "../core/resource.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { Lane } from "../core/lane.ts";
import type { ResourceStore, WatchEvent } from "../core/ports.ts";
import { createUnwatchedData } from "./unwatched-data.ts";
import type { Dependents } from "./dependents.ts";
import { createSeenData, versionsOf, type SeenData } from "./seen-data.ts";

export interface DataWatches extends Pick<SeenData, "began" | "read" | "forget"> {
  /** Begins and ends watches as what is referred to in the namespace has changed. */
  adjust(namespace: string): void;
  /** Resolves when `signal` has aborted and every watch has ended. */
  run(signal: AbortSignal): Promise<void>;
  readonly size: number;
  /** The version that a watch told last, undefined for one that is not there. Nothing: no watch tells of its namespace. */
  told(reference: Reference): { readonly version: string | undefined } | undefined;
  /** Whether no watch tells of it, for lack of room and of the right to watch all. */
  isUncovered(reference: Reference): boolean;
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

interface Watch {
  readonly leaving: AbortController;
  /** What it told last, by name; undefined: nothing yet, or no more. */
  versions: Map<string, string> | undefined;
}

const types: readonly ResourceType[] = [secretType, configMapType];

/** Each is one stream to the API server; beyond these, one of all namespaces tells of the others. */
const defaultMaxWatches = 256;

export function createDataWatches(options: DataWatchesOptions): DataWatches {
  const { store, dependents, emit, queue, maxWatches = defaultMaxWatches } = options;
  const watches = new Map<string, Watch>();
  const running = new Set<Promise<void>>();
  let until: AbortSignal | undefined;

  const onMistake = (error: unknown): void =>
    emit({ type: "note", level: "error", message: "a change of Secrets or ConfigMaps could not be taken in as a whole", error });
  const seen = createSeenData({ dependents, isNewer: store.isNewer.bind(store), queue, onMistake });
  const unwatched = createUnwatchedData({ ...options, take: seen.take, lookAgain: seen.lookAgain });

  function beginWatch(type: ResourceType, namespace: string): void {
    if (watches.size >= maxWatches) {
      if (until) unwatched.add(type, namespace, until);
      return;
    }
    unwatched.remove(type, namespace);
    const own: Watch = { leaving: new AbortController(), versions: undefined };
    watches.set(watchKey(type, namespace), own);
    const ended = takeAll(own, store.watchData?.(type, namespace, own.leaving.signal) ?? [], (event) =>
      seen.take(type, namespace, event, own.versions),
    )
      .catch((error: unknown) => {
        emit({ type: "note", level: "error", message: "a watch of Secrets or ConfigMaps ended", fields: { namespace }, error });
      })
      .finally(() => {
        own.versions = undefined;
        running.delete(ended);
      });
    running.add(ended);
  }

  /** One has ended: what was not watched for lack of room takes its place. */
  function watchPostponed(): void {
    for (const type of types) {
      const namespace = unwatched.first(type);
      if (namespace !== undefined) return beginWatch(type, namespace);
    }
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
      present.leaving.abort();
      watchPostponed();
    }
  }

  return {
    adjust,
    began: seen.began,
    read: seen.read,
    forget: seen.forget,
    async run(signal) {
      until = signal;
      for (const namespace of dependents.namespaces()) adjust(namespace);
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      for (const { leaving } of watches.values()) leaving.abort();
      await Promise.all([...running, unwatched.ended().catch(() => undefined)]);
    },
    told({ type, key: { namespace, name } }) {
      const versions = watches.get(watchKey(type, namespace))?.versions ?? unwatched.told(type, namespace);
      return versions && { version: versions.get(name) };
    },
    isUncovered: ({ type, key }) => unwatched.isUncovered(type, key.namespace),
    get size() {
      return watches.size;
    },
    get uncovered() {
      return unwatched.uncovered;
    },
  };
}

async function takeAll(
  own: Watch,
  events: AsyncIterable<WatchEvent> | Iterable<WatchEvent>,
  take: (event: WatchEvent) => void,
): Promise<void> {
  for await (const event of events) {
    take(event);
    if (event.type === "listed") own.versions = versionsOf(event.resources);
  }
}

function watchKey({ kind }: ResourceType, namespace: string): string {
  return `${kind}/${namespace}`;
}
