/**
 * Calls and watches on one API server.
 *
 * Invariant: every call ends by its deadline, and one that timed out has destroyed its socket. Redirects are not
 * followed: a credential goes to the configured server and nowhere else.
 */
import type { KubeConfig } from "@kubernetes/client-node";
import type { Dispatcher } from "undici";
import { deadline, unlessAborted } from "../core/tools/deadline.ts";
import { parseJSON } from "../core/tools/json.ts";
import { oncePer } from "../core/tools/once-per.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { ApiError, ApiUnreachableError, timedOut, tooLarge, unreadable } from "./api-error.ts";
import { exchange, type ApiReply } from "./api-exchange.ts";
import { createConnections, type Purpose } from "./connections.ts";
import { createCredentialSource, type TlsSettings } from "./credentials.ts";
import { withoutManagedFields } from "./managed-fields.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the server's own prefix, from `paths.ts`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON, exact integers as they are. */
  readonly body?: unknown;
  /** The user in whose name it is asked, by whose rights alone it is answered. */
  readonly impersonate?: string;
  /** `application/json` where not given. */
  readonly contentType?: string;
  /** What the answer is to be; `application/json` where not given. */
  readonly accept?: string;
  /** Where nobody reads who wrote which field: the answer may come without. */
  readonly omitsManagers?: true;
  /** Whose connection it takes; `calls` where not given. */
  readonly purpose?: Exclude<Purpose, "watches">;
  /** Limit on this call, milliseconds, where it is not the client's. */
  readonly timeoutMs?: number;
}
interface ApiAnswer {
  /** 200 to 299. */
  readonly status: number;
  /** Parsed JSON in which integers are exact. */
  readonly body: unknown;
}
/** A response whose end nobody waits for. Disposing closes it. */
interface ApiStream extends Disposable {
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface ApiClient extends AsyncDisposable {
  /** The kubeconfig's own, which in a Pod is the one of its service account. */
  readonly namespace: string | undefined;
  /**
   * Throws `ApiError` for an answer that is no success, `ApiUnreachableError` for none or an unreadable one, and the
   * signal's reason when it aborts.
   */
  call(request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer>;
  /** A response as it comes. The deadline ends with its header. Throws as `call` does. */
  stream(request: ApiRequest, signal: AbortSignal): Promise<ApiStream>;
  /** A connection to the server has gone dead without a word: later calls take none of those that are open by now. */
  reconnect(): void;
}

export interface ApiClientSettings {
  /** Reads the kubeconfig; called again when the server stops accepting its credentials. */
  readonly loadKubeConfig: () => KubeConfig;
  readonly emit: EmitTelemetry;
  readonly userAgent?: string;
  /** Limit on a call, milliseconds. */
  readonly callTimeoutMs?: number;
  /** How many calls there may be at once, each on a connection of its own; as many more are for outcomes. */
  readonly connections?: number;
  /** While the server does not accept the credentials, the kubeconfig is read again at most this often, milliseconds. */
  readonly credentialReloadMs?: number;
}

/** Throws what `loadKubeConfig` throws. */
export function createApiClient(settings: ApiClientSettings): ApiClient {
  const { loadKubeConfig, emit, userAgent = "holdfast", callTimeoutMs = 30_000, credentialReloadMs = 10_000 } = settings;
  const credentials = createCredentialSource(loadKubeConfig, credentialReloadMs);
  const { origin, host, pathname } = credentials.server;
  const prefix = pathname.replace(/\/$/, "");
  const connections = createConnections(origin, credentials.proxyURL, settings.connections);

  /** Where it goes, and what it says. Reads the credentials where they are due. */
  async function begin(request: ApiRequest, signal: AbortSignal, limitMs: number): Promise<Beginning> {
    const startedMs = performance.now();
    const { tls, headers } = credentials.kept() ?? (await within(limitMs, request, signal, credentials.current()));
    const { method, query, body } = request;
    const options = {
      origin,
      path: `${prefix}${request.path}${query ? queryText(query) : ""}`,
      method,
      headers: { ...headers, "user-agent": userAgent, ...headersOf(request) },
      body: body === undefined ? null : JSON.stringify(body),
    };
    return { tls, options, leftMs: Math.max(1, limitMs - (performance.now() - startedMs)) };
  }

  /** Runs one request, records it, and gives its errors their names. */
  async function callAndRecord<T>(request: ApiRequest, outer: AbortSignal, run: () => Promise<[number, T]>): Promise<T> {
    const { method } = request;
    try {
      const [status, result] = await run();
      emit({ type: "apiCalled", method, code: String(status), host });
      return result;
    } catch (error) {
      if (error instanceof ApiError) {
        if (error.status === 401) credentials.rejected();
        emit({ type: "apiCalled", method, code: String(error.status), host });
        throw error;
      }
      const code = outer.aborted ? "ABORTED" : codeOf(error);
      emit({ type: "apiCalled", method, code, host });
      if (outer.aborted) throw outer.reason;
      credentials.rejected(); // its certificate may be another authority's by now, which the kubeconfig has
      throw error instanceof ApiUnreachableError ? error : new ApiUnreachableError(describe(request), code, { cause: error });
    }
  }

  return {
    namespace: credentials.namespace,
    async call(request, signal) {
      signal.throwIfAborted();
      const { purpose = "calls", timeoutMs = callTimeoutMs } = request;
      return await callAndRecord(request, signal, async () => {
        const { tls, options, leftMs } = await begin(request, signal, timeoutMs);
        const reply = await exchange(connections.get(purpose, tls), options, {
          signal,
          timeoutMs: leftMs,
          errors: errorsOf(request),
        });
        if (!isSuccess(reply.status)) throw refusal(request, reply);
        return [reply.status, { status: reply.status, body: readJSON(request, reply.text) }];
      });
    },
    async stream(request, signal) {
      signal.throwIfAborted();
      using cleanup = new DisposableStack();
      const limit = cleanup.use(deadline(signal, callTimeoutMs));
      const chunks = await callAndRecord(request, signal, async () => {
        const { tls, options } = await begin(request, signal, callTimeoutMs);
        const responding = connections.watches(tls).request({ ...options, signal: limit.signal });
        const response = await unlessAborted(limit.signal, responding).catch((error: unknown) => {
          throw limit.expired ? errorsOf(request).timedOut() : error; // undici notices only once it is connected
        });
        if (!isSuccess(response.statusCode)) throw refusal(request, await replyOf(response));
        return [response.statusCode, response.body];
      });
      limit.pause();
      chunks.on("error", () => {}); // destroying it before its end emits an error, which its reader gets as well
      cleanup.defer(() => chunks.destroy());
      const closing = cleanup.move();
      return { chunks, [Symbol.dispose]: () => closing.dispose() };
    },
    reconnect() {
      connections.renew("calls");
      connections.renew("outcomes");
    },
    [Symbol.asyncDispose]: () => connections.destroy(),
  };
}

interface Beginning {
  /** By which its client is found where it is used at once: it may be renewed a moment later. */
  readonly tls: TlsSettings;
  readonly options: Dispatcher.DispatchOptions;
  /** Of its limit. */
  readonly leftMs: number;
}

/** Of a query that is used again and again, written once. */
const queryText = oncePer((query: NonNullable<ApiRequest["query"]>) => `?${new URLSearchParams(query).toString()}`);

function describe({ method, path }: ApiRequest): string {
  return `${method} ${path}`;
}

function headersOf({ body, impersonate, contentType, accept = "application/json" }: ApiRequest): Record<string, string> {
  return {
    accept,
    ...(impersonate !== undefined && { "impersonate-user": impersonate }),
    ...(body !== undefined && { "content-type": contentType ?? "application/json" }),
  };
}

/** Of an answer that is no success. */
function refusal(request: ApiRequest, { status, retryAfter, text }: ApiReply): ApiError {
  return new ApiError(describe(request), status, refusalJSON(text), retryAfterMs(retryAfter));
}
/** Undefined for an empty one. Throws for what is no JSON, never with its text. */
function readJSON(request: ApiRequest, text: string): unknown {
  if (text === "") return undefined;
  try {
    return parseJSON(request.omitsManagers ? withoutManagedFields(text) : text);
  } catch {
    throw new ApiUnreachableError(describe(request), unreadable); // no cause: its message quotes the answer
  }
}
/** Of a refusal, which says what is wrong, or, where something in between refuses, anything. */
function refusalJSON(text: string): unknown {
  try {
    return parseJSON(text);
  } catch {
    return undefined;
  }
}
const maxRefusalBytes = 1024 * 1024;
async function replyOf({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<ApiReply> {
  const text = await textOf(body).catch(() => "");
  return { status: statusCode, retryAfter: String(headers["retry-after"]), text };
}
/** Throws for a longer one. */
async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxRefusalBytes) throw new Error("a refusal is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299;
}
function errorsOf(request: ApiRequest): { readonly timedOut: () => Error; readonly tooLarge: () => Error } {
  const unreachable = (code: string) => () => new ApiUnreachableError(describe(request), code);
  return { timedOut: unreachable(timedOut), tooLarge: unreachable(tooLarge) };
}

/** What the promise gives, for as long as it may take and nobody aborts. */
async function within<T>(limitMs: number, request: ApiRequest, signal: AbortSignal, promise: Promise<T>): Promise<T> {
  using limit = deadline(signal, limitMs);
  return await unlessAborted(limit.signal, promise).catch((error: unknown) => {
    throw limit.expired ? errorsOf(request).timedOut() : error;
  });
}

/** Milliseconds. The API server sends seconds; it does not use the header's other form, a date. */
function retryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,9}$/.test(header) ? Number(header) * 1000 : undefined;
}

function codeOf(error: unknown): string {
  return Error.isError(error) && "code" in error ? String(error.code) : "UNKNOWN";
}
