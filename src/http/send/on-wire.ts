/**
 * One request on the wire, and its answer as it comes: the only place that hands a request to undici.
 *
 * It cannot be called without a slot of each budget. Whatever happens, it ends once: with an error, by `cancel`, or with all of the
 * answer's bytes; and unless it was the last, its socket is destroyed.
 */
import { maxHeaderSize } from "node:http";
import type { Dispatcher } from "undici";
import type { Slot } from "../limits/budget.ts";
import { wasRefused, type SocketTrace, type Trace } from "../connect/socket-trace.ts";
import { createContent } from "./content.ts";
import { ContentError } from "./decompress.ts";
import type { WireRequest } from "../wire-request.ts";

/** Ends a request from this side. */
class WireError extends Error {
  override readonly name = "WireError";
  readonly code:
    | "HOLDFAST_NOT_STARTED"
    | "HOLDFAST_SENT_ANEW"
    | "HOLDFAST_HEADERS_TOO_LARGE"
    | "HOLDFAST_PROTOCOL"
    | "HOLDFAST_RESPONSE_TOO_SLOW"
    | "UND_ERR_INFO";
  constructor(code: WireError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The slots of an exchange in flight: its reconcile's, and its origin's. */
type Slots = readonly [Slot, Slot];

interface WireOptions {
  readonly dispatcher: Dispatcher;
  readonly connections: SocketTrace;
  /** Asked as the request starts on its socket, so that what has waited for a connection does not leave too late. */
  readonly mayStart: () => boolean;
  /** What is known of the request when it fails. */
  readonly trace: Trace;
  readonly signal: AbortSignal;
}

export interface MinimumRate {
  readonly bytesPerSecond: number;
  /** Each stretch of this length must come up to it, milliseconds. */
  readonly windowMs: number;
}

export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** What came after the content, once that has been read (RFC 9110, section 6.5). */
  trailers: Readonly<Record<string, string | string[] | undefined>>;
  /** Reads until more than `sizeBytes` of the content have come; true: that is all there is. Rejects as `read` does. */
  begin(sizeBytes: number, rate?: MinimumRate): Promise<boolean>;
  /** All of the content, as it came. Rejects with a `ContentError`, a `ResponseTooSlowError`, or what broke the connection. */
  read(maxBytes: number, rate?: MinimumRate): Promise<Buffer>;
  /** Nobody wants it: what has not come yet is not waited for. `read` rejects with `error` from now on. */
  cancel(error: Error): void;
  /** Called when it breaks while nobody reads it. */
  onBroken: ((error: unknown) => void) | undefined;
}

interface Reader {
  readonly maxBytes: number;
  /** More than that has come. */
  readonly onMore: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** While nobody reads, no more than this is taken from the socket. */
const unreadBytes = 64 * 1024;
/** A final answer comes after a few of them at most; a server that sends no other is not waited for. */
const maxInformational = 16;

/**
 * Resolves with the head of the answer, with informational ones (1xx) passed over. Rejects with the signal's reason, what undici
 * threw, or an error of this file; `trace` then tells whether a byte may have left. Throws `BudgetExhaustedError`.
 */
export function onWire(slots: Slots, request: WireRequest, options: WireOptions): Promise<Answer> {
  const { connections, mayStart, trace, signal } = options;
  for (const slot of slots) slot.spend();
  const sentBefore = trace.sent;
  trace.connection = "none";
  trace.answered = false;
  const head = Promise.withResolvers<Answer>();
  const content = createContent();
  let controller: Dispatcher.DispatchController | undefined;
  let state: "open" | "complete" | "broken" = "open";
  let broken: unknown;
  let reader: Reader | undefined;
  let answer: Answer | undefined;
  let informational = 0;

  function end(how: "complete" | "broken"): void {
    state = how;
    signal.removeEventListener("abort", onAbort);
  }
  function fail(error: unknown): void {
    if (state !== "open") return;
    end("broken");
    broken = error;
    if (reader) reader.reject(error);
    else if (answer) answer.onBroken?.(error);
    else head.reject(error);
    // Over HTTP/2 undici takes any other error than its own informational one for the connection's, and has whatever else waits
    // for that connection fail with it.
    controller?.abort(new WireError("UND_ERR_INFO", "nobody waits for it any more", { cause: error }));
  }
  // undici looks at a request that waits for a connection only when its turn comes.
  function onAbort(): void {
    fail(signal.reason);
  }
  function pause(): void {
    if (!reader && content.sizeBytes > unreadBytes) controller?.pause();
  }

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      // What is thrown here ends the request with 0 bytes written, and leaves its connection to the next.
      if (state !== "open") throw broken;
      if (controller) {
        // Over HTTP/2 undici would send it anew by itself, beside every limit and counted by nobody: what the server has refused,
        // and what is still under way on a connection that is going away, where the one after that has ended.
        if (wasRefused(trace)) {
          trace.connection = "none";
          trace.sent = sentBefore;
        }
        throw new WireError("HOLDFAST_SENT_ANEW", "it would be sent anew");
      }
      if (!mayStart()) throw new WireError("HOLDFAST_NOT_STARTED", "it may not be sent any more");
      controller = started;
      connections.starting(trace);
    },
    onResponseStarted() {
      trace.answered = true;
    },
    onResponseStart(_controller, statusCode, headers) {
      trace.answered = true;
      // undici's parser of HTTP/1.1 has the same limit, and counts while it reads.
      if (bytesIn(headers) > maxHeaderSize) return fail(headersTooLarge());
      if (statusCode < 200) {
        informational += 1;
        if (informational > maxInformational) fail(new WireError("HOLDFAST_PROTOCOL", "nothing but informational responses"));
        return;
      }
      answer = { statusCode, headers, trailers: {}, begin, read, cancel: fail, onBroken: undefined };
      head.resolve(answer);
    },
    onResponseData(_controller, piece) {
      content.add(piece);
      if (reader && content.sizeBytes > reader.maxBytes) reader.onMore();
      pause();
    },
    onResponseEnd(_controller, trailers) {
      if (state !== "open") return;
      if (bytesIn(trailers) > maxHeaderSize) return fail(headersTooLarge());
      if (answer) answer.trailers = trailers;
      end("complete");
      reader?.resolve();
    },
    onResponseError(_controller, error) {
      fail(error);
    },
  };

  async function read(maxBytes: number, rate?: MinimumRate): Promise<Buffer> {
    if (content.sizeBytes > maxBytes) {
      const error = tooLarge(maxBytes);
      fail(error);
      throw broken ?? error;
    }
    if (state === "open") await rest(maxBytes, rate, () => fail(tooLarge(maxBytes)));
    if (state === "broken") throw broken;
    return content.all();
  }
  async function begin(sizeBytes: number, rate?: MinimumRate): Promise<boolean> {
    if (state === "open" && content.sizeBytes <= sizeBytes) await rest(sizeBytes, rate, () => reader?.resolve());
    if (state === "broken") throw broken;
    return state === "complete" && content.sizeBytes <= sizeBytes;
  }
  async function rest(maxBytes: number, rate: MinimumRate | undefined, onMore: () => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    reader = { maxBytes, resolve, reject, onMore };
    controller?.resume();
    let before = content.sizeBytes;
    const watch =
      rate &&
      setInterval(() => {
        if ((content.sizeBytes - before) * 1000 < rate.bytesPerSecond * rate.windowMs)
          fail(new WireError("HOLDFAST_RESPONSE_TOO_SLOW", `less than ${rate.bytesPerSecond} bytes a second`));
        before = content.sizeBytes;
      }, rate.windowMs);
    try {
      await promise;
    } finally {
      clearInterval(watch);
      reader = undefined;
      if (state === "open") pause();
    }
  }

  if (signal.aborted) {
    onAbort();
    return head.promise;
  }
  signal.addEventListener("abort", onAbort, { once: true });
  const { method, origin, path, headers, body } = request;
  try {
    options.dispatcher.dispatch(
      {
        method,
        origin,
        path,
        headers: headers as Record<string, string | string[]>,
        body: body ?? null,
        // undici would close the connection after it, for servers that send content all the same. What such a one sends is no
        // answer to the next request: the parser refuses it.
        ...(method === "HEAD" && { reset: false }),
      },
      handler,
    );
  } catch (error) {
    fail(error);
  }
  return head.promise;
}

function bytesIn(headers: Answer["headers"]): number {
  return Object.entries(headers)
    .flat(2)
    .reduce((sum, text = "") => sum + text.length, 0);
}

function headersTooLarge(): WireError {
  return new WireError("HOLDFAST_HEADERS_TOO_LARGE", `more than ${maxHeaderSize} bytes`);
}
function tooLarge(maxBytes: number): ContentError {
  return new ContentError("HOLDFAST_CONTENT_TOO_LARGE", `more than ${maxBytes} bytes`);
}
