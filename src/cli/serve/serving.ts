/** Serving, put together: watches of the peer's kinds, a queue of its objects, and who may serve. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControllerSettings } from "../../config.ts";
import { configOf } from "../../convert/documents.ts";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";
import type { Evaluator } from "../../core/ports.ts";
import { keyText, type Resource, type ResourceKey, type ResourceType } from "../../core/resource.ts";
import { createYieldIfLong } from "../../core/tools/event-loop-yield.ts";
import { createBackoff } from "../../engine/backoff.ts";
import type { Controller } from "../../engine/controller.ts";
import type { UnrecordedOutcomes } from "../../engine/unrecorded.ts";
import { createWorkQueue, type WorkQueue } from "../../engine/work-queue.ts";
import { runWorkers, type WorkersOptions } from "../../engine/workers.ts";
import type { ApiClient } from "../../kubernetes/api-client.ts";
import type { KubernetesStore } from "../../kubernetes/store.ts";
import { configTypes, managedTypes } from "../../serve/kinds.ts";
import type { ShownAnswers } from "../../serve/shown-answers.ts";
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
  readonly answers: Pick<ShownAnswers, "find" | "forget">;
  readonly emit: EmitTelemetry;
  /** Whether this process may serve at this instant. */
  readonly mayServe: () => boolean;
}
export interface Works {
  readonly controller: Pick<Controller, "warm" | "look" | "learn"> & {
    readonly queue: Pick<WorkQueue, "working" | "aside">;
    readonly unrecorded: Pick<UnrecordedOutcomes, "failing">;
  };
  readonly evaluator: Evaluator;
}
export interface ServingSignals {
  /** What is new is let be; what has been done is told still. */
  readonly stop: AbortSignal;
  /** Shadows do nothing more: once that is told, serving ends. Aborts after `stop`. */
  readonly acted: AbortSignal;
  /** What is under way is given up. */
  readonly drain: AbortSignal;
}
export interface Serving {
  /** Told of each change of our own objects. */
  readonly observe: (kind: string, key: ResourceKey, after: Resource | undefined) => void;
  run(works: Works, signals: ServingSignals): Promise<void>;
  /** This process has come to serve: everything is looked at. */
  readonly queueAll: () => void;
  /** Makes an object due: `plural.group/namespace/name`. */
  readonly look: (servedAs: string) => void;
}

const errorPauseMs = { initialMs: 500, maxMs: 60_000 };
/** Somebody else's write soon makes it due again; this is the fallback. */
const changedPauseMs = { initialMs: 200, maxMs: 10_000 };
/** How soon it is looked whether a kind has been listed: its CRD may be missing for long. */
const coldPauseMs = 5_000;
/** Of one look: it sends nothing but calls of the API server. */
const limitMs = 120_000;
/** How often it is looked whether all is told. */
const tellingPauseMs = 20;

export function createServing({ settings, client, store, registry, answers, emit, mayServe }: ServingParts): Serving {
  const shadows = new Map<string, Resource>();
  const queue = createWorkQueue({ isOpen: mayServe, groupOf: (id) => id.split("/")[1] ?? "" });
  const pauses = createBackoff();
  const { namespace: watched } = settings;
  // Those of the cluster are served where what stands for them is watched.
  const hasCluster = watched.length === 0 || watched.includes(settings.serve.namespace);
  const managed = managedTypes.filter(({ scope }) => hasCluster || scope !== "Cluster");
  const configs = configTypes.filter(({ scope, kind }) => hasCluster || scope !== "Cluster" || kind === "ClusterProviderConfig");
  const caches = createQueueingCaches({ managed, configs, store, queue });
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
    look: (servedAs) => queue.add(servedAs),
    observe(kind, key, after) {
      const id = shadowId(kind, key);
      const known = after ?? shadows.get(id);
      if (!known || !isShadow(known)) return;
      if (after) shadows.set(id, after);
      else {
        shadows.delete(id);
        answers.forget(kind, key);
      }
      const servedAs = known.metadata.annotations?.[servedAsAnnotation];
      if (servedAs !== undefined) queue.add(servedAs);
    },
    async run({ controller, evaluator }, { stop, acted, drain }) {
      const serveObject = createServeObject({
        settings: settings.serve,
        evaluator,
        registry,
        writes,
        find: (type, key) => caches.get(type, key),
        shadowAt: (kind, key) => shadows.get(shadowId(kind, key)),
        configOf: (object) => configFor(object, configs, caches),
        knowsConfigs: (object) => configsFor(object, configs).every((type) => caches.isWarm(type)),
        learn: (type, resource) => (managed.includes(type) ? caches : controller).learn(type, resource),
        look: controller.look,
        shownOf: answers.find,
        now: () => new Date(),
      });
      async function processKey(id: string, signal: AbortSignal): Promise<void> {
        const parts = servedParts(id, managed);
        if (!parts) return;
        if (stop.aborted && queue.laneOf(id) === "listing") return; // whoever leads next looks at all
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
      const workers = { queue, concurrency: settings.concurrency, processKey, onStuck };
      await workUntilTold(workers, { acted, drain }, mayServe);
      queue.close();
      await watching;
    },
  };
}

interface QueueingParts {
  readonly managed: readonly ResourceType[];
  readonly configs: readonly ResourceType[];
  readonly store: KubernetesStore;
  readonly queue: Pick<WorkQueue, "add">;
}
/** Caches of which each change makes due what it is a change of, or what may use that. */
function createQueueingCaches({ managed, configs, store, queue }: QueueingParts): PeerCaches {
  const breathe = createYieldIfLong();
  const caches = createPeerCaches([...managed, ...configs], store, async (type, key) => {
    if (managed.includes(type)) return queue.add(servedId(type, key));
    for (const { id, isUser } of usersOf(type, key, managed, caches)) {
      if (isUser) queue.add(id, { lane: "listing" });
      await breathe();
    }
  });
  return caches;
}
/** Until shadows do nothing more, and that is told, or cannot be any more. */
async function workUntilTold(
  { queue, ...options }: Pick<WorkersOptions, "concurrency" | "processKey" | "onStuck"> & { readonly queue: WorkQueue },
  { acted, drain }: Pick<ServingSignals, "acted" | "drain">,
  mayServe: () => boolean,
): Promise<void> {
  const told = new AbortController();
  const limits = { limitMs, slowWriteMs: 3_000, stoppingMs: 5_000 };
  const working = runWorkers({ queue, ...limits, ...options }, told.signal, drain);
  if (!acted.aborted) await Promise.race([once(acted, "abort"), working]);
  while (!drain.aborted && mayServe() && queue.depth + queue.working.size + queue.aside > 0) await sleep(tellingPauseMs);
  told.abort();
  await working;
}
/** Each that could name the config, and whether it does: that it may take its credential from there. */
function* usersOf(
  config: ResourceType,
  { name, namespace }: ResourceKey,
  managed: readonly ResourceType[],
  caches: PeerCaches,
): Generator<{ readonly id: string; readonly isUser: boolean }> {
  for (const type of managed)
    if (type.group === config.group)
      for (const { metadata, spec } of namespace === "" ? caches.all(type) : caches.inNamespace(type, namespace)) {
        const { providerConfigRef } = (spec ?? {}) as { readonly providerConfigRef?: { readonly name?: string } };
        yield { id: servedId(type, metadata), isUser: (providerConfigRef?.name ?? "default") === name };
      }
}
/** The kinds among which the object may name its config. */
function configsFor({ type, peer }: ServedObject, configs: readonly ResourceType[]): readonly ResourceType[] {
  const kind = type.scope === "Cluster" ? undefined : peer.spec.providerConfigRef?.kind;
  return configs.filter((one) => one.group === type.group && (kind === undefined || one.kind === kind));
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
