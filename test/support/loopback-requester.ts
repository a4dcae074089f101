/** A requester with its real parts, and short ways to say what it is to send. */
import { network } from "../../src/core/tools/address.ts";
import { isIdempotent } from "../../src/core/http-method.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Outcome, Refusal } from "../../src/core/outcome.ts";
import type { Located } from "../../src/core/request-template.ts";
import type { Source } from "../../src/core/source.ts";
import type { TelemetryEvent } from "../../src/core/telemetry-event.ts";
import type { Read } from "../../src/core/ports.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import type { Client } from "../../src/http/connect/client-map.ts";
import { createClientPool, type ClientPool, type ClientPoolOptions } from "../../src/http/connect/client-pool.ts";
import { createEgress } from "../../src/http/connect/egress.ts";
import { environmentProxies, type Environment } from "../../src/http/connect/environment-proxies.ts";
import { createRequester, type HTTPRequester, type RequesterOptions } from "../../src/http/requester.ts";
import type { HTTPPrepared } from "../../src/http/requests.ts";
import { createSockets } from "../../src/http/connect/sockets.ts";

export interface Objects {
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>>;
  readonly configMaps?: Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>>;
}

/** Reads from memory; an object named `forbidden` may not be read, and one named `broken` makes the API server fail. */
export function reader({ secrets = {}, configMaps = {} }: Objects): Read {
  return (kind, name) => {
    if (name === "forbidden") return Promise.resolve({ type: "forbidden" });
    if (name === "broken") return Promise.reject(new Error("answered 500"));
    const content = (kind === "Secret" ? secrets : configMaps)[name];
    if (!content) return Promise.resolve({ type: "absent" });
    const metadata = { name, namespace: "team-a", uid: `uid-${name}`, generation: 1, resourceVersion: "1" };
    const data = Object.entries(content).map(([key, value]) => [key, Buffer.from(value)]);
    return Promise.resolve({
      type: "found",
      resource: { metadata, data: Object.fromEntries(data) as Record<string, Uint8Array> },
    });
  };
}

export const scope = {
  inputs: {},
  metadata: { name: "announce", namespace: "team-a", uid: "2f1c" },
  now: "2026-01-02T03:04:05Z",
} as const satisfies Exchange["scope"];

export const at = (field: string, text: string): Located => ({ field, text });
export const fromSecret = (name: string, key: string, field = "spec.inputs.token"): Source => ({
  type: "secret",
  name,
  key,
  field,
});
export const literal = (value: unknown, field = "spec.inputs.value"): Source => ({ type: "literal", value, field });

type Changes = Partial<Omit<Exchange, "request" | "tls" | "scope">> & {
  readonly url?: string | Exchange["request"]["url"];
  readonly request?: Partial<Exchange["request"]>;
  readonly tls?: Partial<Exchange["tls"]>;
  readonly inputs?: Exchange["scope"]["inputs"];
};

/** A GET of `url`, but for what is said otherwise. */
export function exchange({ url = "http://127.0.0.1:1", request, tls, inputs = {}, ...changes }: Changes): Exchange {
  const method = request?.method ?? "GET";
  return {
    request: {
      method: "GET",
      url: typeof url === "string" ? { type: "absolute", field: "spec.url", text: url } : url,
      query: [],
      headers: [],
      literalHeaders: [],
      ...request,
    },
    scope: { ...scope, inputs },
    tls: { insecureSkipVerify: false, minVersion: "TLSv1.2", ...tls },
    timeoutMs: 30_000,
    maxRedirects: ["GET", "HEAD"].includes(method) ? 5 : 0,
    repeatable: isIdempotent(method),
    expressionsToValidate: [],
    ...changes,
  };
}

export interface TestRequester extends AsyncDisposable {
  readonly requester: HTTPRequester;
  readonly clients: Map<string, Client>;
  readonly occurrences: readonly TelemetryEvent[];
  readonly pool: ClientPool;
  /** Sockets as the metric has them. */
  sockets(): { readonly active: number; readonly idle: number };
  requestsOnSockets(): number;
  /** Prepares and sends. */
  send(
    exchange: Exchange,
    options?: { readonly objects?: Objects; readonly signal?: AbortSignal; readonly mayStart?: () => boolean },
  ): Promise<Outcome>;
  prepare(exchange: Exchange, objects?: Objects): Promise<Refusal | HTTPPrepared>;
}

type OwnOptions = "clients" | "evaluator" | "record" | "sockets" | "proxyFor" | "floor";
export interface TestRequesterOptions
  extends Partial<Omit<ClientPoolOptions, OwnOptions>>, Partial<Omit<RequesterOptions, OwnOptions>> {
  /** Where HTTP_PROXY and its like are looked for. */
  readonly environment?: Environment;
  /** Networks that requests may go to although nobody's may; loopback where not given. */
  readonly opened?: readonly string[];
}

const loopback = ["127.0.0.0/8", "::1/128"];

export const never = new AbortController().signal;

/** A caller that gives up after so many milliseconds; with `AbortSignal.timeout` it would be out of time, which is another thing. */
export function abortedAfter(delayMs: number): AbortSignal {
  const caller = new AbortController();
  setTimeout(() => caller.abort(new Error("given up")), delayMs).unref();
  return caller.signal;
}

export function testRequester({ environment = {}, opened = loopback, ...options }: TestRequesterOptions = {}): TestRequester {
  const occurrences: TelemetryEvent[] = [];
  const emit = (occurrence: TelemetryEvent): number => occurrences.push(occurrence);
  const clients = new Map<string, Client>();
  const sockets = createSockets(emit);
  const floor = { opened: opened.map(network) };
  const pool = createClientPool({ floor, clients, sockets, emit, proxyFor: environmentProxies(environment), ...options });
  const evaluator = createEvaluator({ deadlineMs: 5_000, threads: 1 });
  const requester = createRequester({
    maxResponseBytes: 1_048_576,
    userAgent: "holdfast/test",
    maxInFlightPerOrigin: 10_000,
    egress: createEgress({ floor }),
    ...options,
    clients: pool,
    evaluator,
    emit,
  });
  let reconciles = 0;
  return {
    requester,
    clients,
    occurrences,
    pool,
    sockets: () => sockets.counts(),
    requestsOnSockets: () => sockets.requests(),
    async send(exchange, { objects = {}, signal = never, mayStart } = {}) {
      using requests = requester.begin(`reconcile-${(reconciles += 1)}`, mayStart);
      for (;;) {
        const prepared = await requests.prepare(exchange, reader(objects), never);
        if (prepared.type === "prepared") return await prepared.send(signal);
        if (prepared.type === "refusal") return prepared;
        await prepared.free;
      }
    },
    async prepare(exchange, objects = {}) {
      using requests = requester.begin(`reconcile-${(reconciles += 1)}`);
      const prepared = await requests.prepare(exchange, reader(objects), never);
      if (prepared.type === "busy") throw new Error("a test that prepares many sets maxInFlightPerOrigin");
      return prepared;
    },
    async [Symbol.asyncDispose]() {
      requester[Symbol.dispose]();
      await pool[Symbol.asyncDispose]();
      await evaluator[Symbol.asyncDispose]();
      sockets[Symbol.dispose]();
    },
  };
}
