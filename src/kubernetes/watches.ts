/**
 * The watches of a store: of the kinds, in all namespaces or in each of some, and of the names and versions of Secrets and
 * ConfigMaps.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { slotOf } from "../core/slots.ts";
import type { ResourceStore, WatchEvent } from "../core/ports.ts";
import type { Resource, ResourceType } from "../core/resource.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { isAllowed } from "./access.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError } from "./api-error.ts";
import { mergeWatches } from "./merge.ts";
import type { WatchState } from "./readiness.ts";
import { createReflector, type Reflector } from "./reflector.ts";
import type { ReflectorSettings } from "./reflector-settings.ts";

/** Three times the interval at which the API server sends bookmarks, which is a minute. */
const idleTimeoutMs = 180_000;
/** How often it is seen whether a right has been given. */
const deniedPauseMs = 60_000;
/** How soon a watch of Secrets or ConfigMaps that was not allowed is tried again: nobody waits for it alone. */
const refusedDelayMs = 5 * 60_000;

export interface WatchesSettings extends Partial<
  Pick<ReflectorSettings, "idleTimeoutMs" | "random" | "initialState" | "labelSelector" | "slot">
> {
  readonly client: ApiClient;
  readonly emit: EmitTelemetry;
  /** The only ones that are looked at; all where there are none. */
  readonly namespaces?: readonly string[];
  /** Of the cluster; where single namespaces are watched, it goes on without those that it may not look at. */
  readonly optionalKinds?: readonly string[];
}
export interface Watches extends Required<Pick<ResourceStore, "watch" | "watchData" | "mayWatchAllData">> {
  /** One for each watch of a kind that is under way. */
  readiness(): readonly WatchState[];
}

export function createWatches(settings: WatchesSettings): Watches {
  const { client, namespaces = [], optionalKinds = [], slot } = settings;
  const reflectors = new Set<Reflector>();

  async function* reflect(
    type: ResourceType,
    namespace: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent, void> {
    const within = namespace === undefined ? {} : { namespace, forbiddenIsEmpty: namespaces.length > 1 };
    const { labelSelector: _, slot: _slot, ...whole } = settings;
    // What belongs to the whole cluster is every shard's and every slot's, whatever its labels.
    const chosen = type.scope === "Cluster" ? whole : settings;
    const reflector = createReflector({ ...defaults, ...chosen, ...within, type });
    reflectors.add(reflector);
    try {
      yield* reflector.events(signal);
    } finally {
      reflectors.delete(reflector);
    }
  }

  return {
    async *watch(type, signal) {
      const leaving = new AbortController();
      const ending = AbortSignal.any([signal, leaving.signal]);
      try {
        if (namespaces.length > 0 && optionalKinds.includes(type.kind)) yield* watchNothing(type, settings, ending);
        const isWhole = namespaces.length === 0 || type.scope === "Cluster";
        const own = [...new Set(namespaces)].filter((one) => !slot || slotOf(one, slot.count) === slot.index);
        if (isWhole) return yield* reflect(type, undefined, ending);
        if (own.length === 0) return yield* tellNothing(ending);
        yield* mergeWatches(new Map(own.map((namespace) => [namespace, reflect(type, namespace, ending)])));
      } finally {
        leaving.abort(); // left early: the watches that are waiting for an event end with it
      }
    },
    watchData: (type, namespace, signal) => watchData(type, namespace, settings, signal),
    async mayWatchAllData({ group, plural }, signal) {
      if (namespaces.length > 0) return false;
      return isAllowed(client, { verb: "watch", group, resource: plural }, signal).catch(() => false);
    },
    readiness: () => [...reflectors].map((reflector) => reflector.readiness()),
  };
}

/** There is nothing to watch. */
async function* tellNothing(signal: AbortSignal): AsyncGenerator<WatchEvent, void> {
  yield { type: "listed", resources: [], resourceVersion: "0" };
  if (!signal.aborted) await once(signal, "abort");
}

const defaults = { idleTimeoutMs, initialState: "watchList", random: Math.random } as const;

/** Where this process may not look at a kind of the cluster, there is nothing of it, until it may. */
async function* watchNothing(
  type: ResourceType,
  { client, emit }: Pick<WatchesSettings, "client" | "emit">,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void> {
  if (await mayList(client, type, signal)) return;
  emit({ type: "note", level: "info", message: "not allowed to look at a kind", fields: { kind: type.kind } });
  yield { type: "listed", resources: [], resourceVersion: "0" };
  do {
    await sleep(deniedPauseMs, undefined, { signal }).catch(() => undefined); // told to stop: the call ends with it
  } while (!(await mayList(client, type, signal)));
}

/**
 * Asked rather than tried, since a refusal looks like an attack in an audit log. Only a plain no counts: whatever else
 * goes wrong, the reflector deals with.
 */
async function mayList(client: ApiClient, { group, plural }: ResourceType, signal: AbortSignal): Promise<boolean> {
  try {
    return await isAllowed(client, { verb: "list", group, resource: plural }, signal);
  } catch (error) {
    return !(error instanceof ApiError && error.status === 403);
  }
}

async function* watchData(
  type: ResourceType,
  namespace: string | undefined,
  settings: WatchesSettings,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void> {
  // Of all namespaces: an endpoint of the cluster names those of one that may be another slot's.
  const { labelSelector: _, slot: _slot, emit, ...whole } = settings;
  const quiet: EmitTelemetry = (event) => {
    if (event.type !== "watchEnded" || event.delayMs < refusedDelayMs) emit(event);
  };
  const own = { type, ...(namespace !== undefined && { namespace }), emit: quiet, metadataOnly: true, refusedDelayMs };
  const reflector = createReflector({ ...defaults, ...whole, ...own });
  for await (const event of reflector.events(signal)) yield withoutContent(event);
}

/** An annotation can hold a Secret's values (`kubectl apply` leaves them in one): nothing is kept but that it is there. */
function withoutContent(event: WatchEvent): WatchEvent {
  if (event.type === "listed") return { ...event, resources: event.resources.map(bare) };
  return { ...event, resource: bare(event.resource) };
}
function bare({ metadata: { namespace, name, uid, generation, resourceVersion } }: Resource): Resource {
  return { metadata: { namespace, name, uid, generation, resourceVersion }, spec: undefined };
}
