/** Serving, put together: watches of the peer's kinds, a queue of its objects, and who may serve. */
import type { ControllerSettings } from "../../config.ts";
import { configOf } from "../../convert/documents.ts";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";
import type { Evaluator } from "../../core/ports.ts";
import { keyText, type Resource, type ResourceKey, type ResourceType } from "../../core/resource.ts";
import { createBackoff } from "../../engine/backoff.ts";
import type { Controller } from "../../engine/controller.ts";
import { createWorkQueue } from "../../engine/work-queue.ts";
import { runWorkers } from "../../engine/workers.ts";
import type { ApiClient } from "../../kubernetes/api-client.ts";
import type { KubernetesStore } from "../../kubernetes/store.ts";
import { configTypes, managedTypes } from "../../serve/kinds.ts";
import { isShadow, type Registry } from "../../serve/registry.ts";
import { readConfig, type ServedObject } from "../../serve/served-object.ts";
import { servedAsAnnotation, type ServeSettings } from "../../serve/shadow.ts";
import type { ServeMode } from "../../serve/serving.ts";
import { createPeerCaches, servedId, servedParts, type PeerCaches } from "./peer-caches.ts";
import { tellMissing } from "./missing.ts";
import { createServeObject } from "./serve-object.ts";
import { ChangedError, createWrites } from "./writes.ts";

interface ServingParts {
  readonly settings: ControllerSettings & { readonly serve: ServeSettings & { readonly mode: ServeMode } };
  readonly client: ApiClient;
  readonly store: KubernetesStore;
  readonly registry: Registry;
  readonly emit: EmitTelemetry;
  /** Whether this process may serve at this instant. */
  readonly mayServe: () => boolean;
}
export interface Works {
  readonly controller: Pick<Controller, "warm" | "look">;
  readonly evaluator: Evaluator;
}
export interface Serving {
  /** Told of each change of our own objects. */
  readonly observe: (kind: string, key: ResourceKey, after: Resource | undefined) => void;
  /** Until `stop` aborts; what is under way then ends, or is given up when `drain` does. */
  run(works: Works, stop: AbortSignal, drain: AbortSignal): Promise<void>;
  /** This process has come to serve: everything is looked at. */
  readonly queueAll: () => void;
}

const errorPauseMs = { initialMs: 500, maxMs: 60_000 };
/** Somebody else's write soon makes it due again; this is the fallback. */
const changedPauseMs = { initialMs: 200, maxMs: 10_000 };
/** How soon it is looked whether a kind has been listed: its CRD may be missing for long. */
const coldPauseMs = 5_000;
/** Of one look: it sends nothing but calls of the API server. */
const limitMs = 120_000;

export function createServing({ settings, client, store, registry, emit, mayServe }: ServingParts): Serving {
  const shadows = new Map<string, Resource>();
  const queue = createWorkQueue({ isOpen: mayServe, groupOf: (id) => id.split("/")[1] ?? "" });
  const pauses = createBackoff();
  const { namespace: watched } = settings;
  // Those of the cluster are served where what stands for them is watched.
  const hasCluster = watched.length === 0 || watched.includes(settings.serve.namespace);
  const managed = managedTypes.filter(({ scope }) => hasCluster || scope !== "Cluster");
  const configs = configTypes.filter(({ scope, kind }) => hasCluster || scope !== "Cluster" || kind === "ClusterProviderConfig");
  const types = [...managed, ...configs];
  const caches = createPeerCaches(types, store, (type, key) => {
    if (managed.includes(type)) queue.add(servedId(type, key));
    else for (const id of usersOf(type, key, managed, caches)) queue.add(id, { lane: "listing" });
  });
  const writes = createWrites(client, mayServe);
  const shadowId = (kind: string, key: ResourceKey): string => `${kind}/${keyText(key)}`;

  function queueAll(): void {
    queue.begin();
    for (const type of managed)
      for (const { metadata } of caches.all(type)) queue.add(servedId(type, metadata), { lane: "listing" });
    for (const { metadata } of shadows.values()) {
      const servedAs = metadata.annotations?.[servedAsAnnotation];
      if (servedAs !== undefined) queue.add(servedAs, { lane: "listing" }); // its object may be gone
    }
  }

  return {
    queueAll,
    observe(kind, key, after) {
      const id = shadowId(kind, key);
      const known = after ?? shadows.get(id);
      if (!known || !isShadow(known)) return;
      if (after) shadows.set(id, after);
      else shadows.delete(id);
      const servedAs = known.metadata.annotations?.[servedAsAnnotation];
      if (servedAs !== undefined) queue.add(servedAs);
    },
    async run({ controller, evaluator }, stop, drain) {
      const serveObject = createServeObject({
        settings: settings.serve,
        evaluator,
        registry,
        writes,
        find: (type, key) => caches.get(type, key),
        shadowAt: (kind, key) => shadows.get(shadowId(kind, key)),
        configOf: (object) => configFor(object, configs, caches),
        learn: (type, resource) => caches.learn(type, resource),
        look: controller.look,
        now: () => new Date(),
      });
      async function processKey(id: string, signal: AbortSignal): Promise<void> {
        const parts = servedParts(id, managed);
        if (!parts) return;
        // What is not there is known to be so only once all has been listed.
        if (!caches.isWarm(parts.type)) return queue.add(id, { delayMs: coldPauseMs, lane: "listing" });
        const { type, key } = parts;
        try {
          await serveObject(type, key, signal);
          pauses.forget(id);
        } catch (error) {
          const isChanged = error instanceof ChangedError;
          queue.add(id, { delayMs: pauses.next(id, isChanged ? changedPauseMs : errorPauseMs) });
          if (isChanged || signal.aborted) return;
          const fields = { kind: type.kind, group: type.group, namespace: key.namespace, name: key.name };
          emit({ type: "note", level: "warn", message: "an object could not be served, and is looked at again", fields, error });
        }
      }
      function onStuck(id: string): void {
        emit({ type: "note", level: "error", message: "serving an object does not end", fields: { id } });
      }
      const watching = Promise.all([caches.run(stop), tellMissing(store, emit, stop)]);
      await Promise.race([controller.warm, watching]);
      const limits = { limitMs, slowWriteMs: 3_000, stoppingMs: 5_000 };
      await runWorkers({ queue, concurrency: settings.concurrency, ...limits, processKey, onStuck }, stop, drain);
      queue.close();
      await watching;
    },
  };
}

/** Those that may take their credential from the config. */
function* usersOf(
  config: ResourceType,
  { name, namespace }: ResourceKey,
  managed: readonly ResourceType[],
  caches: PeerCaches,
): Generator<string> {
  for (const type of managed)
    if (type.group === config.group)
      for (const { metadata, spec } of caches.all(type)) {
        const { providerConfigRef } = (spec ?? {}) as { readonly providerConfigRef?: { readonly name?: string } };
        const isNamed = (providerConfigRef?.name ?? "default") === name;
        if (isNamed && (namespace === "" || namespace === metadata.namespace)) yield servedId(type, metadata);
      }
}
function configFor(
  { peer, type, resource }: ServedObject,
  configs: readonly ResourceType[],
  caches: PeerCaches,
): ReturnType<typeof configOf> {
  const name = peer.spec.providerConfigRef?.name ?? "default";
  const given = configs
    .filter(({ group }) => group === type.group)
    .flatMap((one) => {
      const namespace = one.scope === "Cluster" ? "" : resource.metadata.namespace;
      const found = caches.get(one, { namespace, name });
      return found ? (readConfig(one, found) ?? []) : [];
    });
  return configOf(peer, given);
}
