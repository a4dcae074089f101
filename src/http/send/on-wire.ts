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
import { createReading, type MinimumRate } from "./reading.ts";
import { WireError } from "./wire-error.ts";
import type { WireRequest } from "../wire-request.ts";

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
  let controller: Dispatcher.DispatchController | undefined;
  let answer: Answer | undefined;
  let informational = 0;
  const reading = createReading({ pause: () => controller?.pause(), resume: () => controller?.resume(), fail });

  function fail(error: unknown): void {
    if (reading.state !== "open") return;
    signal.removeEventListener("abort", onAbort);
    const isTold = reading.breakOff(error);
    if (!isTold && answer) answer.onBroken?.(error);
    else if (!isTold) head.reject(error);
    // Over HTTP/2 undici takes any other error than its own informational one for the connection's, and has whatever else waits
    // for that connection fail with it.
    controller?.abort(new WireError("UND_ERR_INFO", "nobody waits for it any more", { cause: error }));
  }
  // undici looks at a request that waits for a connection only when its turn comes.
  function onAbort(): void {
    fail(signal.reason);
  }

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      // What is thrown here ends the request with 0 bytes written, and leaves its connection to the next.
      if (reading.state !== "open") throw reading.error;
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
      const { begin, read } = reading;
      answer = { statusCode, headers, trailers: {}, begin, read, cancel: fail, onBroken: undefined };
      head.resolve(answer);
    },
    onResponseData(_controller, piece) {
      reading.add(piece);
    },
    onResponseEnd(_controller, trailers) {
      if (reading.state !== "open") return;
      if (bytesIn(trailers) > maxHeaderSize) return fail(headersTooLarge());
      if (answer) answer.trailers = trailers;
      signal.removeEventListener("abort", onAbort);
      reading.complete();
    },
    onResponseError(_controller, error) {
      fail(error);
    },
  };

  if (signal.aborted) {
    onAbort();
    return head.promise;
  }
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    dispatch(options.dispatcher, request, handler);
  } catch (error) {
    fail(error);
  }
  return head.promise;
}

function dispatch(dispatcher: Dispatcher, request: WireRequest, handler: Dispatcher.DispatchHandler): void {
  const { method, origin, path, headers, body } = request;
  dispatcher.dispatch(
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
}

function bytesIn(headers: Answer["headers"]): number {
  return Object.entries(headers)
    .flat(2)
    .reduce((sum, text = "") => sum + text.length, 0);
}

function headersTooLarge(): WireError {
  return new WireError("HOLDFAST_HEADERS_TOO_LARGE", `more than ${maxHeaderSize} bytes`);
}
