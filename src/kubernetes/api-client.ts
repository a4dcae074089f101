/**
 * Calls and watches on one API server.
 *
 * Invariant: every call ends by its deadline, and one that timed out has destroyed its socket. Redirects are not
 * followed: a credential goes to the configured server and nowhere else.
 */
import type { KubeConfig } from "@kubernetes/client-node";
import type { Dispatcher } from "undici";
import { deadline, unlessAborted, type Deadline } from "../core/tools/deadline.ts";
import { parseJSON } from "../core/tools/json.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { ApiError, ApiUnreachableError, timedOut, tooLarge, unreadable } from "./api-error.ts";
import { createConnections, type Purpose } from "./connections.ts";
import { createCredentialSource } from "./credentials.ts";

/** A page of 500 objects of half a megabyte each: beyond what etcd was made for. */
const maxAnswerBytes = 256 * 1024 * 1024;

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

  /** Answers with the header of a success; anything else is thrown, and the body of it has been read. */
  async function open(purpose: Purpose, request: ApiRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { tls, headers } = await unlessAborted(signal, credentials.current());
    const { method, query, body } = request;
    const responding = connections.get(purpose, tls).request({
      origin,
      path: `${prefix}${request.path}${query ? `?${new URLSearchParams(query).toString()}` : ""}`,
      method,
      headers: { ...headers, "user-agent": userAgent, ...headersOf(request) },
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    });
    const response = await unlessAborted(signal, responding); // undici notices only once it is connected
    const { statusCode } = response;
    if (statusCode >= 200 && statusCode <= 299) return response;
    if (statusCode === 401) credentials.rejected();
    const answer = await readAnswer(request, response.body).catch(() => undefined);
    throw new ApiError(describe(request), statusCode, answer, retryAfterMs(response.headers["retry-after"]));
  }

  /** Runs one request, records it, and gives its errors their names. */
  async function callAndRecord<T>(
    request: ApiRequest,
    limit: Deadline,
    outer: AbortSignal,
    run: () => Promise<[number, T]>,
  ): Promise<T> {
    const { method } = request;
    try {
      const [status, result] = await run();
      emit({ type: "apiCalled", method, code: String(status), host });
      return result;
    } catch (error) {
      if (error instanceof ApiError) {
        emit({ type: "apiCalled", method, code: String(error.status), host });
        throw error;
      }
      const code = outer.aborted ? "ABORTED" : limit.expired ? timedOut : codeOf(error);
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
      using limit = deadline(signal, request.timeoutMs ?? callTimeoutMs);
      return await callAndRecord(request, limit, signal, async () => {
        const { statusCode, body } = await open(request.purpose ?? "calls", request, limit.signal);
        return [statusCode, { status: statusCode, body: await readAnswer(request, body) }];
      });
    },
    async stream(request, signal) {
      signal.throwIfAborted();
      using cleanup = new DisposableStack();
      const limit = cleanup.use(deadline(signal, callTimeoutMs));
      const chunks = await callAndRecord(request, limit, signal, async () => {
        const { statusCode, body } = await open("watches", request, limit.signal);
        return [statusCode, body];
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

/** Undefined for an empty body. Throws when it is too large or no JSON, never with its text. */
async function readAnswer(request: ApiRequest, body: AsyncIterable<Uint8Array>): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxAnswerBytes) throw new ApiUnreachableError(describe(request), tooLarge);
    chunks.push(chunk);
  }
  if (sizeBytes === 0) return undefined;
  try {
    return parseJSON(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new ApiUnreachableError(describe(request), unreadable); // no cause: its message quotes the answer
  }
}

/** Milliseconds. The API server sends seconds; it does not use the header's other form, a date. */
function retryAfterMs(header: string | string[] | undefined): number | undefined {
  return typeof header === "string" && /^\d{1,9}$/.test(header) ? Number(header) * 1000 : undefined;
}

function codeOf(error: unknown): string {
  return Error.isError(error) && "code" in error ? String(error.code) : "UNKNOWN";
}
