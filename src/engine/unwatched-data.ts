/**
 * The Secrets and ConfigMaps of namespaces for which there is no room for a watch of their own: one watch of all namespaces tells of
 * them where that is allowed; where not, whoever uses them is looked at in intervals.
 *
 * Invariant: nothing that is referred to is looked at never.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { ResourceStore, WatchEvent } from "../core/ports.ts";
import type { ResourceType } from "../core/resource.ts";
import { createYieldIfLong } from "../core/tools/event-loop-yield.ts";

export interface UnwatchedData {
  add(type: ResourceType, namespace: string, signal: AbortSignal): void;
  /** It has a watch of its own by now, or is not referred to any more. */
  remove(type: ResourceType, namespace: string): void;
  /** The namespace that has had no watch of its own for longest, if there is one. */
  first(type: ResourceType): string | undefined;
  /** Whether it is looked at in intervals only. */
  isUncovered(type: ResourceType, namespace: string): boolean;
  /** The versions of a namespace, by name, as the watch of all namespaces told last; undefined: there is none. */
  told(type: ResourceType, namespace: string): ReadonlyMap<string, string> | undefined;
  /** Namespaces that are looked at in intervals only, each once for its Secrets and once for its ConfigMaps. */
  readonly uncovered: number;
  /** Resolves when what was begun has ended, after the signal aborted. */
  ended(): Promise<void>;
}
interface UnwatchedDataOptions {
  readonly store: Pick<ResourceStore, "watchData" | "mayWatchAllData">;
  readonly emit: EmitTelemetry;
  /** Told as the namespace's own watch would tell. `versions`: what was told before, by name. */
  readonly take: (type: ResourceType, namespace: string, event: WatchEvent, versions: Map<string, string> | undefined) => void;
  /** Makes due whoever uses something of the namespace. */
  readonly lookAgain: (type: ResourceType, namespace: string) => void;
  readonly intervalMs?: number;
}

const defaultIntervalMs = 300_000;

export function createUnwatchedData(options: UnwatchedDataOptions): UnwatchedData {
  const { store, emit, take, lookAgain, intervalMs = defaultIntervalMs } = options;
  /** By kind. */
  const namespaces = new Map<string, Set<string>>();
  const isCovered = new Set<string>();
  /** Kinds that are looked at in intervals. */
  const inIntervals = new Set<string>();
  const running = new Map<string, Promise<void>>();
  /** By kind, by namespace, by name. */
  const allTold = new Map<string, Map<string, Map<string, string>>>();
  const breathe = createYieldIfLong();

  async function watchAll(type: ResourceType, signal: AbortSignal): Promise<void> {
    const told = new Map<string, Map<string, string>>();
    allTold.set(type.kind, told);
    for await (const event of store.watchData?.(type, undefined, signal) ?? []) {
      if (event.type !== "listed") {
        const { namespace } = event.resource.metadata;
        if (namespaces.get(type.kind)?.has(namespace)) take(type, namespace, event, told.get(namespace));
        continue;
      }
      const listed = Map.groupBy(event.resources, ({ metadata }) => metadata.namespace);
      for (const namespace of namespaces.get(type.kind) ?? []) {
        const resources = listed.get(namespace) ?? [];
        take(type, namespace, { ...event, resources }, told.get(namespace));
        told.set(namespace, new Map(resources.map(({ metadata }) => [metadata.name, metadata.resourceVersion])));
        await breathe();
      }
    }
  }
  async function mayWatchAll(type: ResourceType, signal: AbortSignal): Promise<boolean> {
    return (await store.mayWatchAllData?.(type, signal)) === true;
  }
  /** Until all may be watched: the right may come, or could not be asked for. */
  async function lookInIntervals(type: ResourceType, signal: AbortSignal): Promise<void> {
    do {
      await sleep(intervalMs, undefined, { signal });
      for (const namespace of namespaces.get(type.kind) ?? []) {
        lookAgain(type, namespace);
        await breathe();
      }
    } while (!(await mayWatchAll(type, signal)));
  }
  async function cover(type: ResourceType, signal: AbortSignal): Promise<void> {
    const fields = { kind: type.kind, intervalMs };
    if (!(await mayWatchAll(type, signal))) {
      const message = "too many namespaces for a watch each, and all may not be watched: the others are looked at in intervals";
      emit({ type: "note", level: "warn", message, fields });
      inIntervals.add(type.kind);
      await lookInIntervals(type, signal);
      inIntervals.delete(type.kind);
    }
    emit({ type: "note", level: "info", message: "too many namespaces for a watch each: one tells of all", fields });
    isCovered.add(type.kind);
    return watchAll(type, signal);
  }

  return {
    add(type, namespace, signal) {
      const known = namespaces.get(type.kind) ?? new Set();
      namespaces.set(type.kind, known.add(namespace));
      if (running.has(type.kind)) return;
      const ended = cover(type, signal).catch((error: unknown) => {
        if (signal.aborted) return;
        isCovered.delete(type.kind);
        allTold.delete(type.kind);
        running.delete(type.kind); // the next namespace begins it anew
        emit({ type: "note", level: "error", message: "a watch of all Secrets or ConfigMaps ended", error });
      });
      running.set(type.kind, ended);
    },
    remove(type, namespace) {
      namespaces.get(type.kind)?.delete(namespace);
      allTold.get(type.kind)?.delete(namespace); // nothing is told of it from now on
    },
    first: ({ kind }) => namespaces.get(kind)?.values().next().value,
    isUncovered: ({ kind }, namespace) => inIntervals.has(kind) && namespaces.get(kind)?.has(namespace) === true,
    told: (type, namespace) => allTold.get(type.kind)?.get(namespace),
    get uncovered() {
      return [...namespaces].reduce((sum, [kind, known]) => sum + (isCovered.has(kind) ? 0 : known.size), 0);
    },
    ended: async () => void (await Promise.all(running.values())),
  };
}
