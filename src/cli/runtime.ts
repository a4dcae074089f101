/** What `controller` and `run` share: the client Map, jq, the requester, the engine and its metrics, put together over a store. */
import { randomUUID } from "node:crypto";
import type { SendSettings } from "../send-settings.ts";
import type { Condition } from "../core/conditions.ts";
import type { EgressDefault, EgressFloor } from "../core/egress.ts";
import type { Reference, Resource, ResourceType } from "../core/resource.ts";
import type { Kind } from "../core/plan.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { createController, type Controller, type ControllerOptions } from "../engine/controller.ts";
import { createLiveness, type Liveness } from "../engine/liveness.ts";
import { createEvaluator } from "../expressions/evaluator.ts";
import type { Client } from "../http/connect/client-map.ts";
import { createClientPool, type ClientPool, type ClientPoolOptions } from "../http/connect/client-pool.ts";
import { environmentProxies } from "../http/connect/environment-proxies.ts";
import { createEgress } from "../http/connect/egress.ts";
import { createRequester } from "../http/requester.ts";
import type { SecretRegistry } from "../telemetry/secret-registry.ts";
import { createSockets, type Sockets } from "../http/connect/sockets.ts";
import { createEgressPolicies } from "../kinds/egress/policies.ts";
import { egressPolicyKind } from "../kinds/egress/policy.ts";
import { clusterHTTPEndpointKind, httpEndpointKind } from "../kinds/http-endpoint.ts";
import { httpRequestKind } from "../kinds/http-request/plan.ts";
import { httpResourceKind } from "../kinds/http-resource/plan.ts";
import { namespaceKind } from "../kinds/namespace.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { noteSecrets } from "./note-secrets.ts";
import { createSecondLeaderAlarm } from "./second-leader.ts";
import { memoryLimitBytes, partsOfMemory } from "./memory.ts";
import { version } from "./version.ts";

/** A plan is only ever given resources of its own kind. */
const ownKinds = [httpRequestKind, httpResourceKind, httpEndpointKind, clusterHTTPEndpointKind] as unknown as readonly Kind[];
const endpointKinds: readonly string[] = [httpEndpointKind, clusterHTTPEndpointKind].map(({ type }) => type.kind);
const clusterKinds = [egressPolicyKind] as unknown as readonly Kind[];
export const kindNames: readonly string[] = [...ownKinds, ...clusterKinds].map(({ type }) => type.kind);

/** What the end of an object of ours needs of Secrets and ConfigMaps. */
export function neededAtEnd(
  { kind }: ResourceType,
  object: Resource,
  find: (reference: Reference) => Resource | undefined,
): readonly Reference[] {
  const own = ownKinds.find(({ type }) => type.kind === kind);
  return own?.neededAtEnd?.(object, own.references(object).map(find)) ?? [];
}

export interface Runtime extends AsyncDisposable {
  readonly controller: Controller;
  readonly clients: ClientPool;
  readonly sockets: Pick<Sockets, "counts">;
  readonly liveness: Liveness;
}
interface RuntimeParts extends Pick<
  ControllerOptions,
  | "store"
  | "emit"
  | "term"
  | "ledSinceVersion"
  | "unbrokenSince"
  | "announce"
  | "requireServiceAccount"
  | "resumes"
  | "isPartial"
  | "mirrorsIDs"
  | "runInContext"
  | "journal"
> {
  readonly metrics: Metrics;
  /** Since when this process leads, Unix milliseconds; undefined, or not given: it does not, or nobody else can. */
  readonly ledSinceMs?: () => number | undefined;
  /** Takes each value of a Secret that is used. */
  readonly secrets: SecretRegistry;
  readonly egress: EgressSettings;
  /** Without it no digests of Secrets are kept. */
  readonly digestKey?: (() => Promise<Uint8Array | undefined>) | undefined;
}
/** Where requests may go, apart from what policies say. */
export interface EgressSettings {
  readonly default: EgressDefault;
  readonly floor: EgressFloor;
  readonly clusterDomain: string;
  /** Whether policies and Namespaces are watched; where not, there are no policies, and no labels are known. */
  readonly watches: boolean;
}

/** Beyond the limit on a reconcile, before its worker counts as stuck. */
const graceMs = 60_000;

/** The Map of the whole process: whatever is put together here shares its sockets. */
const clientMap = new Map<string, Client>();

/**
 * All that stands between a store and the network, put together; disposing it ends all of it. Its clients are in the Map of the
 * process.
 */
export function createRuntime(settings: SendSettings, { metrics, secrets, egress, digestKey, ...given }: RuntimeParts): Runtime {
  const { store, emit, term = () => 1 } = given;
  const resources = new AsyncDisposableStack();
  const leads = (): boolean => term() !== undefined;
  const memory = ownMemory(settings, emit);
  const engine = settings.nativeExpressions ? "native" : "jq";
  const evaluator = resources.use(
    createEvaluator({ engine, deadlineMs: settings.expressionTimeout, maxMemoryBytes: memory.jqBytes }),
  );
  const kinds = [...ownKinds, ...(egress.watches ? [...clusterKinds, namespaceKind] : [])];
  const policies = createEgressPolicies(egress);
  const sockets = resources.use(createSockets(emit));
  const clients = resources.use(
    openClients(settings, { sockets, emit, floor: egress.floor, maxMaterialBytes: memory.materialBytes }),
  );
  const requester = resources.use(
    createRequester({
      clients,
      evaluator,
      emit,
      egress: createEgress({ floor: egress.floor, rulesFor: (namespace) => policies.rulesFor(namespace) }),
      maxResponseBytes: settings.maxResponseBytes,
      minBytesPerSecond: settings.minResponseRate,
      reconcileTimeoutMs: settings.reconcileTimeout,
      maxInFlightPerReconcile: settings.maxInFlightPerReconcile,
      maxExchangesPerReconcile: settings.maxExchangesPerReconcile,
      maxInFlightPerOrigin: settings.maxInFlightPerOrigin,
      memoryShares: memory.shares,
      userAgent: `holdfast/${version}`,
      onSecretOutput: secrets.add,
      clientIsolation: settings.clientIsolation,
      serviceAccountToken: store.serviceAccountToken.bind(store),
      onSecret: secrets.add,
      digestKey,
    }),
  );
  resources.defer(() => requester.endSessions());
  const instanceId = randomUUID();
  const noteSender = createSecondLeaderAlarm({ instanceId, ledSinceMs: given.ledSinceMs ?? (() => undefined), emit });
  const controller = createController({
    ...given,
    kinds,
    store: noteSecrets(store, secrets),
    requester,
    concurrency: settings.concurrency,
    reconcileTimeoutMs: settings.reconcileTimeout,
    instanceId,
    observe: (kind, key, after) => {
      noteSender(kind, key, after);
      policies.observe(kind, key.name, after);
      if (!after && endpointKinds.includes(kind)) requester.forgetEndpoint(key);
    },
    queueObserver: {
      onAdd: () => metrics.queueAdds.inc({ name: "holdfast" }),
      onTake: (waitedSecs) => {
        liveness.took();
        metrics.queueWait.observe({ name: "holdfast" }, waitedSecs);
      },
    },
  });
  const liveness = createLiveness({
    queue: controller.queue,
    isWorking: () => leads() && controller.waitingFor().length === 0,
    limitMs: settings.reconcileTimeout + graceMs,
  });
  metrics.observe({
    clients: () => clients.size,
    sockets: () => sockets.counts(),
    requestsInFlight: () => sockets.requests(),
    requestsQueued: () => clients.queued + requester.waiting(),
    queue: () => controller.queue,
    unrecorded: () => controller.unrecorded.failing(),
    postponed: () => controller.postponed.counts(),
    unwatchedNamespaces: () => controller.unwatchedNamespaces(),
    leads,
    resources: () => conditionsOf(controller),
  });
  return { controller, clients, sockets, liveness, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

function openClients(
  settings: SendSettings,
  given: Pick<ClientPoolOptions, "sockets" | "emit" | "floor" | "maxMaterialBytes">,
): ClientPool {
  return createClientPool({
    ...given,
    clients: clientMap,
    proxyFor: environmentProxies(process.env),
    idleTimeoutMs: settings.clientIdleTimeout,
    maxClients: settings.maxClients,
    connectionsPerOrigin: settings.connectionsPerOrigin,
    keepAliveTimeoutMs: settings.keepAliveTimeout,
    keepAliveMaxTimeoutMs: settings.keepAliveMaxTimeout,
  });
}

function ownMemory({ maxResponseBytes }: SendSettings, emit: EmitTelemetry): ReturnType<typeof partsOfMemory> {
  const parts = partsOfMemory(memoryLimitBytes(), maxResponseBytes);
  if (maxResponseBytes > parts.maxResponseBytes) {
    const fields = { maxResponseBytes, enoughFor: parts.maxResponseBytes };
    emit({ type: "note", level: "warn", message: "the memory limit is not enough for answers of that length", fields });
  }
  return parts;
}

function* conditionsOf(controller: Controller): Generator<{ kind: string; namespace: string; conditions: readonly Condition[] }> {
  for (const { kind, resource } of controller.resources()) {
    const { conditions = [] } = (resource.status ?? {}) as { conditions?: readonly Condition[] };
    yield { kind, namespace: resource.metadata.namespace, conditions };
  }
}
