/**
 * Exchanges over undici: the `Requester` of the ports, put together.
 *
 * Invariant: before an exchange may be sent it is whole, its circuit is closed, its credential is known and it has its place;
 * who lacks one of these is told so with nothing sent.
 */
import { randomUUID } from "node:crypto";
import type { Exchange } from "../core/exchange.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import type { Lane } from "../core/lane.ts";
import type { Refusal } from "../core/outcome.ts";
import type { Busy, Evaluator, Prepared, Read, Requester, Requests, WaitFor } from "../core/ports.ts";
import { bytesInBody } from "../core/templating.ts";
import { createOriginPlaces } from "./limits/origin-places.ts";
import { createBudget, createBudgets, type Slot } from "./limits/budget.ts";
import { readBytes } from "./resolve/bytes.ts";
import { createCircuits, judgeServer } from "./limits/circuits.ts";
import type { ClientPool } from "./connect/client-pool.ts";
import type { ClientSettings } from "./connect/client-settings.ts";
import { createSocketTrace } from "./connect/socket-trace.ts";
import { hideAdminDetails, resolveConnection } from "./resolve/connection.ts";
import { maskCredential } from "./credentials/credential.ts";
import { createCredentials, type CredentialsOptions } from "./credentials/credentials.ts";
import { createSigner, inOrder, maskSignature } from "./credentials/signature.ts";
import { createEgress, type Egress } from "./connect/egress.ts";
import { createEvaluations } from "./evaluate/plan-evaluations.ts";
import { createReconcileGate, type Gates } from "./limits/reconcile-gate.ts";
import { resolveInputs } from "./resolve/inputs.ts";
import { maskValues } from "./evaluate/masked-values.ts";
import { createPrepare } from "./prepare.ts";
import { createHolding, createMemoryShares } from "./limits/memory-shares.ts";
import { createRateLimits } from "./limits/rate-limits.ts";
import { orRefusal } from "./refusal.ts";
import { describeRequest, type Described } from "./render/describe.ts";
import { addKept, type Secrets } from "../core/mask-secrets.ts";
import { open, send, type Failed, type Opened, type SendOptions, type Sending } from "./send/send.ts";
import { checkTls } from "./resolve/tls.ts";
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
  /** Is told each token that was made for this process. */
  readonly onSecret?: (value: string, namespace: string) => void;
}
export interface HTTPPrepared extends Prepared {
  /** Sends it, and leaves the answer's content to be read later. */
  open(signal: AbortSignal): Promise<Opened | Failed>;
}
export interface HTTPRequests extends Requests {
  prepare(exchange: Exchange, read: Read, signal: AbortSignal): Promise<HTTPPrepared | Refusal | Busy>;
}
export interface HTTPRequester extends Requester, Disposable {
  begin(resource: string, mayStart?: () => boolean, waitFor?: WaitFor, lane?: Lane): HTTPRequests;
  /** What would be sent, with three asterisks for each secret; nothing is sent. */
  describe(exchange: Exchange, read: Read, signal: AbortSignal): Promise<({ readonly type: "described" } & Described) | Refusal>;
  /** Requests of reconciles under way that wait for a place at their origin, or for their turn. */
  waiting(): number;
}

/**
 * Limits where none are given: 6 requests of a reconcile in flight and 50 in all, 10 at an origin, 100 bytes a second over 10 s.
 * The clients stay the caller's.
 */
export function createRequester(options: RequesterOptions): HTTPRequester {
  const { clients, evaluator, userAgent, emit } = options;
  const { maxInFlightPerReconcile = 6, maxExchangesPerReconcile = 50, maxInFlightPerOrigin = 10 } = options;
  const memory = createMemoryShares(options.memoryShares ?? 6);
  const { minBytesPerSecond = 100, rateWindowMs = 10_000, reconcileTimeoutMs = 600_000 } = options;
  const egress = options.egress ?? createEgress();
  const connections = createSocketTrace();
  const namespaceOf = (resource: string): string => resource.split("/")[1] ?? "";
  let waitingForTurns = 0;
  const gates: Gates = {
    admissions: createOriginPlaces(maxInFlightPerOrigin, namespaceOf),
    circuits: createCircuits((endpoint, state) =>
      emit({ type: "note", level: "warn", message: `a circuit is ${state}`, fields: { endpoint } }),
    ),
    rateLimits: createRateLimits(namespaceOf),
    onWait: (change) => (waitingForTurns += change),
  };
  const origins = createBudgets({
    maxInFlight: maxInFlightPerOrigin,
    onCancel: () => emit({ type: "responseCancelled", reason: "origin" }),
  });
  const sendOptions: SendOptions = {
    clients,
    egress,
    emit,
    connections,
    origins,
    maxResponseBytes: options.maxResponseBytes,
    redirectDrainBytes: options.redirectDrainBytes ?? 256 * 1024,
    ...(minBytesPerSecond > 0 && { minResponseRate: { bytesPerSecond: minBytesPerSecond, windowMs: rateWindowMs } }),
  };
  const watched = clients.onMultiplexed((origin) => origins.advance(origin));
  const credentials = createCredentials({
    userAgent,
    sender: createTokenSender(sendOptions),
    serviceAccountToken: options.serviceAccountToken ?? (() => Promise.resolve({ type: "unsupported" })),
    onSecret: options.onSecret ?? (() => {}),
  });

  const isolated = (namespace: string): Pick<ClientSettings, "namespace"> =>
    options.clientIsolation === "namespace" ? { namespace } : {};
  const evaluations = createEvaluations(evaluator, options.onSecretOutput, options.digestKey);
  const prepare = createPrepare({ clients, evaluator, evaluations, egress, emit, userAgent, isolated });

  return {
    begin(resource, mayStart = () => true, waitFor = (awaited) => awaited, lane = "change") {
      const budget = createBudget({
        maxInFlight: maxInFlightPerReconcile,
        maxInAll: maxExchangesPerReconcile,
        onCancel: () => emit({ type: "responseCancelled", reason: "reconcile" }),
      });
      const passage = createReconcileGate({ owner: resource, lane, limitMs: reconcileTimeoutMs, waitFor }, gates);
      const { moved } = passage;
      const waits = { lend: <T>(awaited: Promise<T>) => waitFor(awaited, 0), onShare: passage.hurry };
      const holding = createHolding(memory, namespaceOf(resource), waits);
      let hasEnded = false;
      return {
        prepare: (exchange, read, signal) =>
          orRefusal(async () => {
            const inputs = await resolveInputs(exchange.scope.inputs, read);
            const { auth, sign, ...ready } = await prepare(exchange, inputs, read, signal);
            const { request, settings } = ready.first;
            const body = await holding.body(request.body, signal);
            const pass = passage.circuit(exchange);
            if (pass?.type === "busy") return pass;
            const { endpoint } = exchange;
            const mayWait = passage.hasBegun;
            const { namespace } = exchange.scope.metadata;
            const proof =
              auth &&
              endpoint &&
              (await hideAdminDetails(exchange, () =>
                credentials.of(auth, { endpoint, settings, mayStart }, { namespace, mayWait, signal }),
              ));
            if (proof && "free" in proof) return proof;
            const credential = sign ? inOrder(createSigner(sign, exchange.attemptId ?? randomUUID()), proof) : proof;
            const busy = await passage.place(request.origin, exchange, signal);
            if (busy) return busy;
            const secrets = (): Secrets => addKept(ready.secrets(), credential?.secrets() ?? []);
            const turn = passage.turn(request.origin, exchange);
            const passed = { ...(credential && { credential }), ...(turn && { turn }), mayStart, waitFor, moved, lane };
            let long: Pick<Slot, "release"> | undefined;
            const mayReadLong = async (signal: AbortSignal): Promise<void> => {
              long ??= await holding.longAnswer(signal);
            };
            const sending: Sending = { ...ready, ...passed, secrets, mayReadLong };
            return {
              type: "prepared",
              async send(signal) {
                const outcome = await send(sending, budget, sendOptions, signal);
                pass?.report(judgeServer(outcome));
                if (outcome.type === "response") await holding.answered(outcome.response.sizeBytes, signal).catch(() => {}); // it is told all the same
                return outcome;
              },
              async open(signal) {
                const opened = await open(sending, budget, sendOptions, signal);
                pass?.report(judgeServer(opened));
                return opened;
              },
              [Symbol.dispose]() {
                long?.release();
                body[Symbol.dispose]();
              },
            } as const;
          }),
        holdMuch: (signal) => holding.much(signal),
        [Symbol.dispose]() {
          if (hasEnded) return;
          hasEnded = true;
          holding[Symbol.dispose]();
          budget[Symbol.dispose]();
          passage[Symbol.dispose]();
        },
      };
    },
    evaluate: evaluations.evaluate,
    evaluateOutputs: evaluations.evaluateOutputs,
    check: ({ connection, asks }, read, signal) =>
      orRefusal(async () => {
        const { endpoint } = connection;
        const own = { timeoutMs: tokenTimeoutMs, ...isolated(endpoint?.key.namespace ?? "") };
        const { settings, auth } = await resolveConnection(connection, own, read);
        checkTls(settings.tls, connection.tls);
        if (!auth || !endpoint) return { type: "usable" } as const;
        if (asks) {
          const credential = await credentials.of(
            auth,
            { endpoint, settings, mayStart: () => true },
            { namespace: endpoint.credentialNamespace, mayWait: false, signal },
          );
          return "free" in credential ? credential : ({ type: "usable" } as const);
        }
        return credentials.problem(auth, endpoint) ?? ({ type: "usable" } as const);
      }),
    describe: (exchange, read, signal) =>
      orRefusal(async () => {
        const inputs = await resolveInputs(exchange.scope.inputs, read);
        const { first } = await prepare(exchange, inputs, read, signal);
        const values = await maskValues(evaluator, exchange, inputs, signal);
        const bytes = await readBytes(bytesInBody(exchange.request.body), read);
        const filling = { valueOf: (expression: string) => values.get(expression) ?? "null", bytes };
        const shown = describeRequest(exchange.request, filling, { userAgent, sent: first.request });
        if (!first.trusted) return { type: "described", ...shown } as const;
        const signed = maskSignature(exchange.sign, shown, exchange.attemptId ?? "REQUEST-ID");
        return { type: "described", ...maskCredential(exchange.auth, signed) } as const;
      }),
    waiting: () => origins.waiting + waitingForTurns,
    [Symbol.dispose]() {
      watched[Symbol.dispose]();
      connections[Symbol.dispose]();
      credentials[Symbol.dispose]();
      gates.admissions[Symbol.dispose]();
      gates.rateLimits[Symbol.dispose]();
    },
  };
}
