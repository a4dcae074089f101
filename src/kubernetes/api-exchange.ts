/**
 * One call over undici's `dispatch`, from its beginning to the last byte of its answer: a promise and a timer, where `request` would
 * have a stream, a signal of its own and a promise for each piece.
 *
 * Invariant: whatever ends it early destroys its socket, or keeps it from ever being sent.
 */
import type { Dispatcher } from "undici";
import type { RequestHandler, Wire } from "../core/tools/kept-connections.ts";

/** A page of 500 objects of half a megabyte each: beyond what etcd was made for. */
const maxAnswerBytes = 256 * 1024 * 1024;

export interface ApiReply {
  readonly status: number;
  /** The header, where there is one. */
  readonly retryAfter: string | undefined;
  readonly text: string;
}
interface Limits {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** What it rejects with when the time is over, and when the answer is too large. */
  readonly errors: { readonly timedOut: () => Error; readonly tooLarge: () => Error };
}

/** Rejects with the signal's reason when it aborts, also while it waits for a connection; and with undici's errors. */
export function exchange(
  wire: Wire,
  options: Dispatcher.DispatchOptions,
  { signal, timeoutMs, errors }: Limits,
): Promise<ApiReply> {
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  const { promise, resolve, reject } = Promise.withResolvers<ApiReply>();
  const chunks: Buffer[] = [];
  let [sizeBytes, status] = [0, 0];
  let retryAfter: string | undefined;
  let controller: Dispatcher.DispatchController | undefined;
  let brokenOff: Error | undefined;
  const timer = setTimeout(() => breakOff(errors.timedOut()), timeoutMs);
  signal.addEventListener("abort", onAbort, { once: true });
  function letGo(): void {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
  function fail(error: unknown): void {
    letGo();
    // A refusal is known by its header, whatever becomes of its text. Of a promise that is settled, nothing comes.
    if (status >= 300 && !signal.aborted) resolve({ status, retryAfter, text: "" });
    else reject(error);
  }
  function breakOff(error: unknown): void {
    fail(error);
    brokenOff = Error.isError(error) ? error : new Error("aborted", { cause: error });
    controller?.abort(brokenOff);
  }
  function onAbort(): void {
    breakOff(signal.reason);
  }
  const handler: RequestHandler = {
    onDone: undefined,
    fail,
    opening: (open) => open(),
    onRequestStart(started) {
      controller = started;
      if (brokenOff) started.abort(brokenOff); // while it waited for a connection
    },
    onResponseStart(_controller, statusCode, headers) {
      status = statusCode;
      const given = headers["retry-after"];
      if (typeof given === "string") retryAfter = given;
    },
    onResponseData(_controller, chunk) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxAnswerBytes) breakOff(errors.tooLarge());
      else chunks.push(chunk);
    },
    onResponseEnd() {
      handler.onDone?.(false);
      letGo();
      const whole = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      resolve({ status, retryAfter, text: whole?.toString("utf8") ?? "" });
    },
    onResponseError(_controller, error) {
      handler.onDone?.(true);
      fail(error);
    },
  };
  try {
    wire.dispatch(options, handler);
  } catch (error) {
    fail(error);
  }
  return promise;
}
