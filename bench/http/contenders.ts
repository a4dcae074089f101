/** The clients that are compared. Each sends one GET and reads its answer. */
import { Agent, request } from "undici";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Response } from "../../src/core/outcome.ts";
import type { Read } from "../../src/core/ports.ts";
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
export type Send = () => Promise<void>;
export type Contender = (target: Target) => Send;

function expectAnswer(text: string): void {
  if (!text.startsWith('{"message":')) throw new Error("another answer was expected");
}

/** Without a number of connections it opens as many as there are requests at once. */
export function sharedAgent(limits: { readonly connections?: number } = {}): Contender {
  return ({ url, ca }) => {
    const dispatcher = new Agent({ connect: { ca }, allowH2: false, ...limits });
    return async () => expectAnswer(await (await request(url, { dispatcher })).body.text());
  };
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
  /** The value of an input; what a status would show of the answer is then masked, its body too. */
  readonly secret?: string;
}
/** As the controller has it: from an exchange's templates to its outcome, with budgets, deadlines, limits and metrics. */
export function holdfast({ connectionsPerOrigin, maxInFlightPerOrigin, logLevel = "warn", secret }: HoldfastOptions): Contender {
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
    const request: Exchange["request"] = {
      method: "GET",
      url: { type: "absolute", field: "spec.url", text: url },
      query: [],
      headers: [],
      literalHeaders: [],
    };
    const tls: Exchange["tls"] = {
      insecureSkipVerify: false,
      minVersion: "TLSv1.2",
      ...(url.startsWith("https:") && { ca: { field: "spec.tls.ca", type: "literal", value: ca } }),
    };
    // As many as there are requests at once: one alone would have three quarters of the places and connections.
    const exchanges = Array.from({ length: 50 }, (_, index): Exchange => ({
      request,
      scope: {
        inputs: secret === undefined ? {} : { token },
        metadata: { name: "bench", namespace: `bench-${index}`, uid: "1" },
        now: "2026-01-02T03:04:05Z",
      },
      tls,
      timeoutMs: 30_000,
      maxRedirects: 5,
      repeatable: true,
      expressionsToValidate: [],
    }));
    const data = { token: Buffer.from(secret ?? "") };
    const metadata = { name: "bench", namespace: "bench", uid: "1", generation: 1, resourceVersion: "1" };
    const read: Read = () =>
      Promise.resolve(secret === undefined ? { type: "absent" } : { type: "found", resource: { metadata, data } });
    let reconciles = 0;
    return async () => {
      const exchange = exchanges[(reconciles += 1) % exchanges.length];
      if (!exchange) return;
      using requests = requester.begin(`HTTPRequest/${exchange.scope.metadata.namespace}/${reconciles}`);
      for (;;) {
        const prepared = await requests.prepare(exchange, read, never);
        if (prepared.type === "refusal") throw new Error(prepared.message);
        if (prepared.type === "busy") await prepared.free;
        else {
          const outcome = await prepared.send(never);
          if (outcome.type !== "response") throw new Error(outcome.message);
          return expectAnswer(shownOf(outcome.response));
        }
      }
    };
  };
}

const token = { field: "spec.inputs.token", type: "secret", name: "bench", key: "token" } as const;

/** With `record: Body`. */
function shownOf({ shown }: Response): string {
  for (const name of ["content-type", "etag", "last-modified", "x-request-id"]) shown.field(name);
  return shown.body()?.text ?? "";
}

export const contenders: Readonly<Record<string, Contender>> = {
  "undici, one shared Agent": sharedAgent(),
  Holdfast: holdfast({}),
  "Holdfast, 50 connections": holdfast({ connectionsPerOrigin: 50, maxInFlightPerOrigin: 50 }),
  "Holdfast, a log line for each request": holdfast({ logLevel: "info" }),
  "Holdfast, with a secret of 40 letters to mask": holdfast({ secret: "x7Kq".repeat(10) }),
  "Holdfast, with a secret that URLs escape to mask": holdfast({ secret: "p@ss wörd/+".repeat(4) }),
  "native fetch": nativeFetch,
  "undici, an Agent for each request": agentForEach,
};
