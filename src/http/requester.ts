/** Exchanges over undici: the `Requester` of the ports, put together. */
import type { Exchange } from "../core/exchange.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { Connection, EndpointTraits } from "../core/connection.ts";
import type { Lane } from "../core/lane.ts";
import type { ResourceKey } from "../core/resource.ts";
import type { Refusal } from "../core/outcome.ts";
import type { CheckResult, StepOf } from "../core/plan.ts";
import type { Busy, Evaluator, Read, Requester, WaitFor } from "../core/ports.ts";
import { bytesInBody } from "../core/templating.ts";
import type { ClientPool } from "./connect/client-pool.ts";
import type { ClientSettings } from "./connect/client-settings.ts";
import { createEgress, type Egress } from "./connect/egress.ts";
import { createSocketTrace } from "./connect/socket-trace.ts";
import { maskCredential } from "./credentials/credential.ts";
import { createCredentials, type Credentials, type CredentialsOptions } from "./credentials/credentials.ts";
import { maskSignature } from "./credentials/signature.ts";
import { maskValues } from "./evaluate/masked-values.ts";
import { createEvaluations } from "./evaluate/plan-evaluations.ts";
import { createBudgets } from "./limits/budget.ts";
import { createCircuits } from "./limits/circuits.ts";
import { createMemoryShares } from "./limits/memory-shares.ts";
import { createEndpointPlaces } from "./limits/endpoint-places.ts";
import { createOriginPlaces } from "./limits/origin-places.ts";
import { describeLogin, type DescribedLogin } from "./login/describe.ts";
import { createLogIn } from "./login/login.ts";
import { createRateLimits } from "./limits/rate-limits.ts";
import { createPrepare, type Prepare } from "./prepare.ts";
import { orRefusal } from "./refusal.ts";
import { describeRequest, type Described } from "./render/describe.ts";
import { createRequests, type HTTPRequests, type RequestsDeps } from "./requests.ts";
import { readBytes } from "./resolve/bytes.ts";
import { resolveAuth } from "./resolve/auth.ts";
import { resolveConnection } from "./resolve/connection.ts";
import { resolveInputs } from "./resolve/inputs.ts";
import { checkTls } from "./resolve/tls.ts";
import type { SendOptions } from "./send/send.ts";
import { createTokenSender, tokenTimeoutMs } from "./token-sender.ts";

export interface RequesterOptions {
  readonly clients: ClientPool;
  readonly evaluator: Evaluator;
  readonly emit: EmitTelemetry;
  readonly maxResponseBytes: number;
  /** For requests that declare none. */
  readonly userAgent: string;
  /** Where requests may go; without it to public addresses. */
  readonly egress?: Egress;
  /** `namespace`: no two namespaces share a socket. */
  readonly clientIsolation?: "none" | "namespace";
  /** Limit on one reconcile, milliseconds. */
  readonly reconcileTimeoutMs?: number;
  readonly maxInFlightPerReconcile?: number;
  readonly maxExchangesPerReconcile?: number;
  /** Reconciles at one origin, and exchanges in flight to it. */
  readonly maxInFlightPerOrigin?: number;
  /** The endpoint with the limits that hold for the resources of a namespace; absent: its own. */
  readonly limitsFor?: ((endpoint: EndpointTraits, namespace: string) => EndpointTraits) | undefined;
  /** How many reconciles may hold a long answer, long Secrets or long bodies at a time; two at least. */
  readonly memoryShares?: number;
  /** Of a response's content, in each stretch of `rateWindowMs`. 0: any. */
  readonly minBytesPerSecond?: number;
  readonly rateWindowMs?: number;
  readonly redirectDrainBytes?: number;
  /** Told each value that an answer gives a Secret. */
  readonly onSecretOutput?: (value: string, namespace: string) => void;
  /** What only Holdfast knows, by which it keeps digests of secrets that nobody else can check a guess against; without it none are kept. */
  readonly digestKey?: (() => Promise<Uint8Array | undefined>) | undefined;
  /** Where tokens of ServiceAccounts come from; without it nowhere. */
  readonly serviceAccountToken?: CredentialsOptions["serviceAccountToken"];
  readonly refreshTokenKeeper?: CredentialsOptions["refreshTokenKeeper"];
  /** Is told each token that was made for this process. */
  readonly onSecret?: (value: string, namespace: string) => void;
}
export interface HTTPRequester extends Requester, Disposable {
  begin(resource: string, mayStart?: () => boolean, waitFor?: WaitFor, lane?: Lane): HTTPRequests;
  /** What would be sent, with three asterisks for each secret; nothing is sent. */
  describe(exchange: Exchange, read: Read, signal: AbortSignal): Promise<({ readonly type: "described" } & Described) | Refusal>;
  /** The requests of an endpoint's login, likewise; none where it has no login. */
  describeLogin(
    connection: Connection,
    read: Read,
    signal: AbortSignal,
  ): Promise<{ readonly type: "described"; readonly requests: readonly DescribedLogin[] } | Refusal>;
  /** An endpoint is gone: what was issued for it is let go, and sessions are ended. */
  forgetEndpoint(key: ResourceKey): void;
  /** Ends the sessions that logins began, as far as their servers answer at once. */
  endSessions(): Promise<void>;
  /** Requests of reconciles under way that wait for a place at their origin, or for their turn. */
  waiting(): number;
}

/**
 * Limits where none are given: 6 requests of a reconcile in flight and 50 in all, 10 at an origin, 100 bytes a second over 10 s.
 * The clients stay the caller's.
 */
export function createRequester(options: RequesterOptions): HTTPRequester {
  const { clients, evaluator, userAgent, emit } = options;
  const { maxInFlightPerOrigin = 10, egress = createEgress() } = options;
  const parts = new DisposableStack();
  let waitingForTurns = 0;
  const rateLimits = parts.use(createRateLimits(namespaceOf));
  const originPlaces = parts.use(createOriginPlaces(maxInFlightPerOrigin, namespaceOf));
  const endpointPlaces = parts.use(createEndpointPlaces(namespaceOf));
  const circuits = createCircuits((endpoint, state) =>
    emit({ type: "note", level: "warn", message: `a circuit is ${state}`, fields: { endpoint } }),
  );
  const origins = createBudgets({
    maxInFlight: maxInFlightPerOrigin,
    onCancel: () => emit({ type: "responseCancelled", reason: "origin" }),
  });
  const connections = parts.use(createSocketTrace());
  const sendOptions = sendOptionsOf(options, { egress, connections, origins });
  const evaluations = createEvaluations(evaluator, options.onSecretOutput, options.digestKey);
  const sendFor = createTokenSender(sendOptions);
  const credentials = parts.use(
    createCredentials({
      userAgent,
      sendFor,
      logIn: createLogIn({ evaluator, evaluations, userAgent, sendFor }),
      refreshTokenKeeper: options.refreshTokenKeeper,
      serviceAccountToken: options.serviceAccountToken ?? (() => Promise.resolve({ type: "unsupported" })),
      onSecret: options.onSecret ?? (() => {}),
    }),
  );
  parts.use(clients.onMultiplexed((origin) => origins.advance(origin)));

  const isolated = (namespace: string): Pick<ClientSettings, "namespace"> =>
    options.clientIsolation === "namespace" ? { namespace } : {};
  const prepare = createPrepare({ clients, evaluator, evaluations, egress, emit, userAgent, isolated });
  const requestsDeps: RequestsDeps = {
    prepare,
    credentials,
    gates: {
      originPlaces,
      endpointPlaces,
      circuits,
      rateLimits,
      limitsFor: (endpoint, owner) => options.limitsFor?.(endpoint, namespaceOf(owner)) ?? endpoint,
      onWait: (change) => (waitingForTurns += change),
    },
    memory: createMemoryShares(options.memoryShares ?? 6),
    budget: {
      maxInFlight: options.maxInFlightPerReconcile ?? 6,
      maxInAll: options.maxExchangesPerReconcile ?? 50,
      onCancel: () => emit({ type: "responseCancelled", reason: "reconcile" }),
    },
    limitMs: options.reconcileTimeoutMs ?? 600_000,
    sendOptions,
    namespaceOf,
  };

  return {
    begin: (resource, mayStart = () => true, waitFor = (awaited) => awaited, lane = "change") =>
      createRequests(requestsDeps, { resource, mayStart, waitFor, lane }),
    evaluate: evaluations.evaluate,
    evaluateOutputs: evaluations.evaluateOutputs,
    check: (step, read, signal) => orRefusal(() => checkConnection(step, { credentials, isolated, read, signal })),
    describe: (exchange, read, signal) => orRefusal(() => describe(exchange, { evaluator, prepare, userAgent, read, signal })),
    describeLogin: (connection, read, signal) =>
      orRefusal(async () => {
        const auth = connection.auth && (await resolveAuth(connection.auth, read));
        if (auth?.type !== "login" || !connection.endpoint) return { type: "described", requests: [] };
        return {
          type: "described",
          requests: await describeLogin({ evaluator, userAgent }, auth, connection.endpoint, signal),
        };
      }),
    forgetEndpoint: (key) => credentials.forget(key),
    endSessions: () => credentials.end(),
    waiting: () => origins.waiting + waitingForTurns,
    [Symbol.dispose]: () => parts.dispose(),
  };
}

/** A key of the queue is `kind/namespace/name`. */
function namespaceOf(resource: string): string {
  const start = resource.indexOf("/") + 1;
  const end = resource.indexOf("/", start);
  return start === 0 ? "" : resource.slice(start, end === -1 ? undefined : end);
}

function sendOptionsOf(
  options: RequesterOptions,
  { egress, connections, origins }: Pick<SendOptions, "egress" | "connections" | "origins">,
): SendOptions {
  const { minBytesPerSecond = 100, rateWindowMs = 10_000, redirectDrainBytes = 256 * 1024 } = options;
  const { clients, emit, maxResponseBytes } = options;
  return {
    clients,
    egress,
    emit,
    connections,
    origins,
    maxResponseBytes,
    redirectDrainBytes,
    ...(minBytesPerSecond > 0 && { minResponseRate: { bytesPerSecond: minBytesPerSecond, windowMs: rateWindowMs } }),
  };
}

interface CheckDeps {
  readonly credentials: Credentials;
  readonly isolated: (namespace: string) => Pick<ClientSettings, "namespace">;
  readonly read: Read;
  readonly signal: AbortSignal;
}
/** Throws `RefusedError`. */
async function checkConnection(
  { connection, asks }: StepOf<"check">,
  { credentials, isolated, read, signal }: CheckDeps,
): Promise<CheckResult | Busy> {
  const { endpoint } = connection;
  const own = { timeoutMs: tokenTimeoutMs, ...isolated(endpoint?.key.namespace ?? "") };
  const { settings, auth } = await resolveConnection(connection, own, read);
  checkTls(settings.tls, connection.tls);
  if (!auth || !endpoint) return { type: "usable" };
  const usable = (): CheckResult => {
    const suspicion = credentials.suspicion(auth, endpoint);
    return credentials.problem(auth, endpoint) ?? { type: "usable", ...(suspicion !== undefined && { suspicion }) };
  };
  if (!asks) return usable();
  const { credentialNamespace: namespace } = endpoint;
  const credential = await credentials.of(
    auth,
    { endpoint, settings, mayStart: () => true },
    { namespace, mayWait: false, signal },
  );
  return "free" in credential ? credential : usable();
}

interface DescribeDeps {
  readonly evaluator: Evaluator;
  readonly prepare: Prepare;
  readonly userAgent: string;
  readonly read: Read;
  readonly signal: AbortSignal;
}
/** Throws `RefusedError`. */
async function describe(
  exchange: Exchange,
  { evaluator, prepare, userAgent, read, signal }: DescribeDeps,
): Promise<{ readonly type: "described" } & Described> {
  const inputs = await resolveInputs(exchange.scope.inputs, read);
  const { first } = await prepare(exchange, inputs, read, signal);
  const values = await maskValues(evaluator, exchange, inputs, signal);
  const bytes = await readBytes(bytesInBody(exchange.request.body), read);
  const filling = { valueOf: (expression: string) => values.get(expression) ?? "null", bytes };
  const shown = describeRequest(exchange.request, filling, { userAgent, sent: first.request });
  if (!first.trusted) return { type: "described", ...shown };
  const signed = maskSignature(exchange.sign, shown, exchange.attemptId ?? "REQUEST-ID");
  return { type: "described", ...maskCredential(exchange.auth, signed) };
}
