/** Resources on a Kubernetes API server. Invariant: it reads and writes what the port says, and decides nothing. */
import { setTimeout as sleep } from "node:timers/promises";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { ResourceStore, WatchEvent } from "../core/ports.ts";
import type { RightDenial, Resource, ResourceKey, ResourceType } from "../core/resource.ts";
import { isAllowed } from "./access.ts";
import type { ApiClient } from "./api-client.ts";
import { ApiError } from "./api-error.ts";
import { writeFinalizer } from "./finalizer-write.ts";
import { mergeWatches } from "./merge.ts";
import { toDataResource } from "./objects.ts";
import { createOutputStore } from "./outputs.ts";
import { isObjectName, objectPath } from "./paths.ts";
import type { WatchState } from "./readiness.ts";
import { createReflector, type Reflector, type ReflectorSettings } from "./reflector.ts";
import { createServiceAccountTokens } from "./service-account-token.ts";
import { actingAs, denialOf, grantOf } from "./impersonation.ts";
import { readLive, writeAttempt, writeUnchanged } from "./status-write.ts";

/** Three times the interval at which the API server sends bookmarks, which is a minute. */
const idleTimeoutMs = 180_000;
/** How often it is seen whether a right has been given. */
const deniedPauseMs = 60_000;

/** How soon a watch of Secrets or ConfigMaps that was not allowed is tried again: nobody waits for it alone. */
const refusedDelayMs = 5 * 60_000;

const always = (): boolean => true;

export interface KubernetesStoreSettings extends Partial<
  Pick<ReflectorSettings, "idleTimeoutMs" | "random" | "initialState" | "labelSelector">
> {
  readonly client: ApiClient;
  readonly emit: EmitTelemetry;
  /** The only ones that are looked at; all where there are none. */
  readonly namespaces?: readonly string[];
  /** Of the cluster; where single namespaces are watched, it goes on without those that it may not look at. */
  readonly optionalKinds?: readonly string[];
  /** What follows `kubectl create rolebinding --namespace=…`, to let this process read a namespace's Secrets. */
  readonly secretGrant?: string;
  /** Likewise, to let this process act as the namespace's ServiceAccounts. */
  readonly impersonationGrant?: string;
  /** The same to let it write the Secrets and ConfigMaps that requests declare as outputs. */
  readonly outputGrant?: string;
  /** The same, to let it make tokens of a namespace's ServiceAccounts. */
  readonly serviceAccountTokenGrant?: string;
}
export interface KubernetesStore extends ResourceStore {
  /** One for each watch that is under way. */
  readiness(): readonly WatchState[];
}

/** The client stays its owner's to dispose of. */
export function createKubernetesStore(settings: KubernetesStoreSettings): KubernetesStore {
  const { client, emit, namespaces = [], random = Math.random } = settings;
  const reflectors = new Set<Reflector>();
  const writer = { client, random };

  /**
   * Asked rather than tried, since a refusal looks like an attack in an audit log. Only a plain no counts: whatever else
   * goes wrong, the reflector deals with.
   */
  async function mayList({ group, plural }: ResourceType, signal: AbortSignal): Promise<boolean> {
    try {
      return await isAllowed(client, { verb: "list", group, resource: plural }, signal);
    } catch (error) {
      return !(error instanceof ApiError && error.status === 403);
    }
  }
  /** Where this process may not look at a kind of the cluster, there is nothing of it, until it may. */
  async function* watchNothing(type: ResourceType, signal: AbortSignal): AsyncGenerator<WatchEvent, void> {
    if (await mayList(type, signal)) return;
    settings.emit({ type: "note", level: "info", message: "not allowed to look at a kind", fields: { kind: type.kind } });
    yield { type: "listed", resources: [], resourceVersion: "0" };
    do {
      await sleep(deniedPauseMs, undefined, { signal }).catch(() => undefined); // told to stop: the call ends with it
    } while (!(await mayList(type, signal)));
  }

  async function* reflect(
    type: ResourceType,
    namespace: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent, void> {
    const within = namespace === undefined ? {} : { namespace, forbiddenIsEmpty: namespaces.length > 1 };
    const { labelSelector: _, ...unlabelled } = settings;
    // What belongs to the whole cluster is every shard's, whatever its labels.
    const chosen = type.scope === "Cluster" ? unlabelled : settings;
    const reflector = createReflector({ idleTimeoutMs, initialState: "watchList", random, ...chosen, ...within, type });
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
        if (namespaces.length > 0 && settings.optionalKinds?.includes(type.kind)) yield* watchNothing(type, ending);
        const watched = namespaces.length === 0 || type.scope === "Cluster" ? [undefined] : new Set(namespaces);
        yield* mergeWatches([...watched].map((namespace) => reflect(type, namespace, ending)));
      } finally {
        leaving.abort(); // left early: the watches that are waiting for an event end with it
      }
    },
    async *watchData(type, namespace, signal) {
      const quiet: EmitTelemetry = (occurrence) => {
        if (occurrence.type !== "watchEnded" || occurrence.delayMs < refusedDelayMs) emit(occurrence);
      };
      const reflector = createReflector({
        client,
        type,
        ...(namespace !== undefined && { namespace }),
        emit: quiet,
        random,
        idleTimeoutMs: settings.idleTimeoutMs ?? idleTimeoutMs,
        initialState: settings.initialState ?? "watchList",
        metadataOnly: true,
        refusedDelayMs,
      });
      for await (const event of reflector.events(signal)) yield withoutContent(event);
    },
    async mayWatchAllData({ group, plural }, signal) {
      if (namespaces.length > 0) return false;
      return isAllowed(client, { verb: "watch", group, resource: plural }, signal).catch(() => false);
    },
    read: readFrom(client, async ({ namespace }, type) =>
      type.kind === "Secret" ? grantOf(namespace, settings.secretGrant) : {},
    ),
    ...createOutputStore({ ...writer, denial: async ({ namespace }) => grantOf(namespace, settings.outputGrant) }),
    as(account) {
      const acting = actingAs(client, account);
      const denial = (signal: AbortSignal): Promise<RightDenial> =>
        denialOf(client, account, settings.impersonationGrant, signal);
      return {
        read: readFrom(acting, (_key, _type, signal) => denial(signal)),
        ...createOutputStore({ ...writer, client: acting, denial: (_key, signal) => denial(signal) }),
      };
    },
    serviceAccountToken: createServiceAccountTokens(client, settings.serviceAccountTokenGrant),
    readLive: (type, resource, signal) => readLive(writer, { type, resource }, signal),
    setFinalizer: (type, resource, finalizer, signal, mayWrite = always) =>
      writeFinalizer(writer, { type, resource, finalizer, mayWrite }, signal),
    writeStatus(type, resource, status, precondition, signal, mayWrite = always) {
      const write = { type, resource, status, mayWrite };
      return precondition.type === "attempt"
        ? writeAttempt(writer, write, precondition, signal)
        : writeUnchanged(writer, write, precondition, signal);
    },
    /** They count etcd's revisions, and only their server may be asked what they mean: this is its store. */
    isNewer: (a, b) => BigInt(a) > BigInt(b),
    readiness: () => [...reflectors].map((reflector) => reflector.readiness()),
  };
}

/** An annotation can hold a Secret's values (`kubectl apply` leaves them in one): nothing is kept but that it is there. */
function withoutContent(event: WatchEvent): WatchEvent {
  if (event.type === "listed") return { ...event, resources: event.resources.map(bare) };
  return { ...event, resource: bare(event.resource) };
}
function bare({ metadata: { namespace, name, uid, generation, resourceVersion } }: Resource): Resource {
  return { metadata: { namespace, name, uid, generation, resourceVersion }, spec: undefined };
}

/** A live read of a Secret or ConfigMap by the client's rights. */
function readFrom(
  client: ApiClient,
  denial: (key: ResourceKey, type: ResourceType, signal: AbortSignal) => Promise<RightDenial>,
): ResourceStore["read"] {
  return async ({ type, key }, signal) => {
    if (!isObjectName(key.name)) return { type: "absent" };
    try {
      const { body } = await client.call({ method: "GET", path: objectPath(type, key) }, signal);
      return { type: "found", resource: toDataResource(type.kind, body) };
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return { type: "absent" };
      if (error instanceof ApiError && error.status === 403) return { type: "forbidden", ...(await denial(key, type, signal)) };
      throw error;
    }
  };
}
