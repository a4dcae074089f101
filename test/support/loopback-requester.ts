/** A requester with its real parts, and short ways to say what it is to send. */
import type { Exchange, Located, Outcome, Refusal, Source } from "../../src/core/exchange.ts";
import type { Occurrence } from "../../src/core/occurrence.ts";
import type { Read } from "../../src/core/ports.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { createClientPool, type Client, type ClientPool, type ClientPoolOptions } from "../../src/http/client-pool.ts";
import { environmentProxies, type Environment } from "../../src/http/environment-proxies.ts";
import { createRequester, type HTTPRequester } from "../../src/http/requester.ts";
import { createSockets } from "../../src/http/sockets.ts";

export interface Objects {
  readonly secrets?: Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>>;
  readonly configMaps?: Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>>;
}

/** Reads from memory; an object named `forbidden` may not be read. */
export function reader({ secrets = {}, configMaps = {} }: Objects): Read {
  return (kind, name) => {
    if (name === "forbidden") return Promise.resolve({ type: "forbidden" });
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
    timeoutMs: 5_000,
    compile: [],
    ...changes,
  };
}

export interface TestRequester extends AsyncDisposable {
  readonly requester: HTTPRequester;
  readonly clients: Map<string, Client>;
  readonly occurrences: readonly Occurrence[];
  readonly pool: ClientPool;
  /** Sockets as the metric has them. */
  sockets(): { readonly active: number; readonly idle: number };
  /** Prepares and sends. */
  send(exchange: Exchange, options?: { readonly objects?: Objects; readonly signal?: AbortSignal }): Promise<Outcome>;
  prepare(exchange: Exchange, objects?: Objects): Promise<Refusal | { readonly type: "prepared" }>;
}

export interface TestRequesterOptions extends Partial<Omit<ClientPoolOptions, "clients" | "sockets" | "record" | "proxyFor">> {
  readonly maxResponseBytes?: number;
  readonly clientIsolation?: "none" | "namespace";
  /** Where HTTP_PROXY and its like are looked for. */
  readonly environment?: Environment;
}

export const never = new AbortController().signal;

export function testRequester({
  maxResponseBytes = 1_048_576,
  clientIsolation = "none",
  environment = {},
  ...limits
}: TestRequesterOptions = {}): TestRequester {
  const occurrences: Occurrence[] = [];
  const record = (occurrence: Occurrence): number => occurrences.push(occurrence);
  const clients = new Map<string, Client>();
  const sockets = createSockets(record);
  const pool = createClientPool({ clients, sockets, record, proxyFor: environmentProxies(environment), ...limits });
  const evaluator = createEvaluator({ deadlineMs: 5_000, threads: 1 });
  const requester = createRequester({
    clients: pool,
    evaluator,
    record,
    maxResponseBytes,
    userAgent: "holdfast/test",
    clientIsolation,
  });
  return {
    requester,
    clients,
    occurrences,
    pool,
    sockets: () => sockets.counts(),
    async send(exchange, { objects = {}, signal = never } = {}) {
      const prepared = await requester.prepare(exchange, reader(objects), never);
      return prepared.type === "prepared" ? prepared.send(signal) : prepared;
    },
    prepare: (exchange, objects = {}) => requester.prepare(exchange, reader(objects), never),
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await evaluator[Symbol.asyncDispose]();
      sockets[Symbol.dispose]();
    },
  };
}
