/** The clients that are compared. Each sends one GET and reads its answer. */
import { Agent, request } from "undici";
import type { Exchange } from "../../src/core/exchange.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { network } from "../../src/core/tools/address.ts";
import { createClientPool } from "../../src/http/connect/client-pool.ts";
import { createEgress } from "../../src/http/connect/egress.ts";
import { createRequester } from "../../src/http/requester.ts";
import { createSecretRegistry } from "../../src/telemetry/secret-registry.ts";
import { createSockets } from "../../src/http/connect/sockets.ts";
import { createLog, type LogLevel } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createEmit } from "../../src/telemetry/emit.ts";

export interface Target {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly inFlight: number;
}
type Send = () => Promise<void>;
export type Contender = (target: Target) => Send;

function expectAnswer(text: string): void {
  if (!text.startsWith('{"message":')) throw new Error("another answer was expected");
}

function sharedAgent({ url, ca }: Target): Send {
  const dispatcher = new Agent({ connect: { ca }, allowH2: false });
  return async () => expectAnswer(await (await request(url, { dispatcher })).body.text());
}

function agentForEach({ url, ca }: Target): Send {
  return async () => {
    const dispatcher = new Agent({ connect: { ca }, allowH2: false });
    expectAnswer(await (await request(url, { dispatcher })).body.text());
    await dispatcher.close();
  };
}

/** The CA comes with NODE_EXTRA_CA_CERTS. */
function nativeFetch({ url }: Target): Send {
  return async () => expectAnswer(await (await fetch(url)).text());
}

const never = new AbortController().signal;

interface HoldfastOptions {
  readonly connectionsPerOrigin?: number;
  readonly maxInFlightPerOrigin?: number;
  readonly logLevel?: LogLevel;
}
/** As the controller has it: from an exchange's templates to its outcome, with budgets, deadlines, limits and metrics. */
function holdfast({ connectionsPerOrigin, maxInFlightPerOrigin, logLevel = "warn" }: HoldfastOptions): Contender {
  return ({ url, ca }) => {
    const log = createLog({ level: logLevel, format: "json", scrub: createSecretRegistry().scrub });
    const emit = createEmit(log, createMetrics({ kinds: ["HTTPRequest"], concurrency: 50 }));
    const sockets = createSockets(emit);
    const floor = { opened: [network("127.0.0.0/8")] };
    const clients = createClientPool({
      clients: new Map(),
      floor,
      sockets,
      emit,
      ...(connectionsPerOrigin && { connectionsPerOrigin }),
    });
    const requester = createRequester({
      clients,
      egress: createEgress({ floor }),
      evaluator: createEvaluator(),
      emit,
      maxResponseBytes: 1_048_576,
      userAgent: "holdfast/bench",
      ...(maxInFlightPerOrigin && { maxInFlightPerOrigin }),
    });
    const exchange: Exchange = {
      request: {
        method: "GET",
        url: { type: "absolute", field: "spec.url", text: url },
        query: [],
        headers: [],
        literalHeaders: [],
      },
      scope: { inputs: {}, metadata: { name: "bench", namespace: "bench", uid: "1" }, now: "2026-01-02T03:04:05Z" },
      tls: {
        insecureSkipVerify: false,
        minVersion: "TLSv1.2",
        ...(url.startsWith("https:") && { ca: { field: "spec.tls.ca", type: "literal", value: ca } }),
      },
      timeoutMs: 30_000,
      maxRedirects: 5,
      repeatable: true,
      expressionsToValidate: [],
    };
    let reconciles = 0;
    return async () => {
      using requests = requester.begin(`bench/${(reconciles += 1)}`);
      for (;;) {
        const prepared = await requests.prepare(exchange, () => Promise.resolve({ type: "absent" }), never);
        if (prepared.type === "refusal") throw new Error(prepared.message);
        if (prepared.type === "busy") await prepared.free;
        else {
          const outcome = await prepared.send(never);
          if (outcome.type !== "response") throw new Error(outcome.message);
          return expectAnswer(outcome.response.shown.body()?.text ?? "");
        }
      }
    };
  };
}

export const contenders: Readonly<Record<string, Contender>> = {
  "undici, one shared Agent": sharedAgent,
  Holdfast: holdfast({}),
  "Holdfast, 50 connections": holdfast({ connectionsPerOrigin: 50, maxInFlightPerOrigin: 50 }),
  "Holdfast, a log line for each request": holdfast({ logLevel: "info" }),
  "native fetch": nativeFetch,
  "undici, an Agent for each request": agentForEach,
};
