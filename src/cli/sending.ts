/** What sends, for all objects of a process: the client Map, jq, and the requester over them. */
import type { SendSettings } from "../send-settings.ts";
import type { EgressDefault, EgressFloor, EgressRules } from "../core/egress.ts";
import type { Evaluator, ResourceStore } from "../core/ports.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { createRefreshTokenKeeper } from "../engine/refresh-tokens.ts";
import { createEvaluator } from "../expressions/evaluator.ts";
import type { Client } from "../http/connect/client-map.ts";
import { createClientPool, type ClientPool, type ClientPoolOptions } from "../http/connect/client-pool.ts";
import { environmentProxies } from "../http/connect/environment-proxies.ts";
import { createEgress } from "../http/connect/egress.ts";
import { createRequester, type HTTPRequester, type RequesterOptions } from "../http/requester.ts";
import type { SecretRegistry } from "../telemetry/secret-registry.ts";
import { createSockets, type Sockets } from "../http/connect/sockets.ts";
import { memoryLimitBytes, partsOfMemory } from "./memory.ts";
import { version } from "./version.ts";

export interface Sending extends AsyncDisposable {
  readonly clients: ClientPool;
  readonly sockets: Pick<Sockets, "counts" | "requests">;
  readonly requester: HTTPRequester;
  readonly evaluator: Evaluator;
}
export interface SendingParts {
  readonly store: Pick<ResourceStore, "serviceAccountToken" | "read" | "checkOutput" | "writeOutput">;
  readonly emit: EmitTelemetry;
  /** Takes each value of a Secret that is used. */
  readonly secrets: SecretRegistry;
  readonly egress: Pick<EgressSettings, "floor">;
  /** As of `createEgress`. */
  readonly rulesFor: (namespace: string) => EgressRules | undefined;
  /** As of `createRequester`. */
  readonly limitsFor?: RequesterOptions["limitsFor"];
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

/** The Map of the whole process: whatever is put together here shares its sockets. */
const clientMap = new Map<string, Client>();

/** All that stands between reconciles and the network; disposing it ends all of it. Its clients are in the Map of the process. */
export function createSending(settings: SendSettings, parts: SendingParts): Sending {
  const { store, emit, secrets, egress, rulesFor, digestKey } = parts;
  const resources = new AsyncDisposableStack();
  const memory = ownMemory(settings, emit);
  const engine = settings.nativeExpressions ? "native" : "jq";
  const evaluator = resources.use(
    createEvaluator({ engine, deadlineMs: settings.expressionTimeout, maxMemoryBytes: memory.jqBytes }),
  );
  const sockets = resources.use(createSockets(emit));
  const clients = resources.use(
    openClients(settings, { sockets, emit, floor: egress.floor, maxMaterialBytes: memory.materialBytes }),
  );
  const requester = resources.use(
    createRequester({
      clients,
      evaluator,
      emit,
      egress: createEgress({ floor: egress.floor, rulesFor }),
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
      refreshTokenKeeper: createRefreshTokenKeeper(store),
      onSecret: secrets.add,
      digestKey,
      limitsFor: parts.limitsFor,
    }),
  );
  resources.defer(() => requester.endSessions());
  return { evaluator, clients, sockets, requester, [Symbol.asyncDispose]: () => resources.disposeAsync() };
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
