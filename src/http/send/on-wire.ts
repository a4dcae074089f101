/**
 * One request on the wire, and its answer as it comes: the only place that hands a request to undici.
 *
 * It cannot be called without a slot of each budget. Whatever happens, it ends once: with an error, by `cancel`, or with all of the
 * answer's bytes; and unless it was the last, its socket is destroyed.
 */
import { maxHeaderSize } from "node:http";
import type { Dispatcher } from "undici";
import type { Abortable } from "../../core/tools/deadline.ts";
import type { RequestHandler, Wire } from "../../core/tools/kept-connections.ts";
import type { Slot } from "../limits/budget.ts";
import { forNamespace } from "../connect/name-lookups.ts";
import { wasRefused, type SocketTrace, type Trace } from "../connect/socket-trace.ts";
import { Reading, type MinimumRate } from "./reading.ts";
import { WireError } from "./wire-error.ts";
import type { WireRequest } from "../wire-request.ts";

/** The slots of an exchange in flight: its reconcile's, and its origin's. */
type Slots = readonly [Slot, Slot];

/** Whose request it is. */
interface Sender {
  readonly connections: SocketTrace;
  /** What is known of the request when it fails. */
  readonly trace: Trace;
  readonly limit: Abortable;
  readonly namespace: string;
  /** Asked as the request starts on its socket, so that what has waited for a connection does not leave too late. */
  mayStart(): boolean;
}

type Fields = Readonly<Record<string, string | string[] | undefined>>;

export interface Answer {
  readonly statusCode: number;
  readonly headers: Fields;
  /** What came after the content, once that has been read (RFC 9110, section 6.5). */
  readonly trailers: Fields;
  /** All of the content as it came, where it is there and no longer than that. */
  whole(maxBytes: number): Buffer | undefined;
  /** Reads until more than `sizeBytes` of the content have come; true: that is all there is. Rejects as `read` does. */
  begin(sizeBytes: number, rate?: MinimumRate): Promise<boolean>;
  /** All of the content, as it came. Rejects with a `ContentError`, a `WireError`, or what broke the connection. */
  read(maxBytes: number, rate?: MinimumRate): Promise<Buffer>;
  /** Nobody wants it: what has not come yet is not waited for. `read` rejects with `error` from now on. */
  cancel(error: Error): void;
  /** The same, where it is still coming. */
  close(): void;
  /** Called when it breaks while nobody reads it. */
  onBroken: ((error: unknown) => void) | undefined;
}

/** A final answer comes after a few of them at most; a server that sends no other is not waited for. */
const maxInformational = 16;
const noFields: Fields = {};

/**
 * Resolves with the head of the answer, with informational ones (1xx) passed over. Rejects with the limit's reason, what undici
 * threw, or an error of this file; `trace` then tells whether a byte may have left. Throws `BudgetExhaustedError`.
 */
export function onWire(slots: Slots, request: WireRequest, wire: Wire, sender: Sender): Promise<Answer> {
  for (const slot of slots) slot.spend();
  return new RequestOnWire(sender).start(request, wire);
}

/** What undici tells of the request, and its answer: one object, since each request has one. */
class RequestOnWire implements RequestHandler, Answer {
  readonly #sender: Sender;
  readonly #sentBefore: boolean;
  readonly #head = Promise.withResolvers<Answer>();
  readonly #reading = new Reading(this);
  #controller: Dispatcher.DispatchController | undefined;
  #informational = 0;
  /** Of the final answer; 0: there is none yet. */
  statusCode = 0;
  headers = noFields;
  trailers = noFields;
  onBroken: ((error: unknown) => void) | undefined;
  onDone: RequestHandler["onDone"];

  constructor(sender: Sender) {
    const { trace } = sender;
    this.#sender = sender;
    this.#sentBefore = trace.sent;
    trace.connection = "none";
    trace.answered = false;
  }

  start({ method, origin, path, headers, body }: WireRequest, wire: Wire): Promise<Answer> {
    const { limit } = this.#sender;
    const request = { method, origin, path, headers: headers as Record<string, string | string[]>, body: body ?? null };
    try {
      limit.throwIfAborted();
      limit.addEventListener("abort", this.#onAbort, { once: true });
      // undici would close the connection after a HEAD, for servers that send content all the same. What such a one sends is no
      // answer to the next request: the parser refuses it.
      wire.dispatch(method === "HEAD" ? { ...request, reset: false } : request, this);
    } catch (error) {
      this.fail(error);
    }
    return this.#head.promise;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const { trace, connections } = this.#sender;
    // What is thrown here ends the request with 0 bytes written, and leaves its connection to the next.
    if (this.#reading.state !== "open") throw this.#reading.error;
    if (this.#controller) {
      // Over HTTP/2 undici would send it anew by itself, beside every limit and counted by nobody: what the server has refused,
      // and what is still under way on a connection that is going away, where the one after that has ended.
      if (wasRefused(trace)) {
        trace.connection = "none";
        trace.sent = this.#sentBefore;
      }
      throw new WireError("HOLDFAST_SENT_ANEW", "it would be sent anew");
    }
    if (!this.#sender.mayStart()) throw new WireError("HOLDFAST_NOT_STARTED", "it may not be sent any more");
    this.#controller = controller;
    connections.starting(trace);
  }
  onResponseStarted(): void {
    this.#sender.trace.answered = true;
  }
  onResponseStart(_controller: unknown, statusCode: number, headers: Fields): void {
    this.#sender.trace.answered = true;
    // undici's parser of HTTP/1.1 has the same limit, and counts while it reads.
    if (bytesIn(headers) > maxHeaderSize) return this.fail(headersTooLarge());
    if (statusCode < 200) {
      this.#informational += 1;
      if (this.#informational > maxInformational)
        this.fail(new WireError("HOLDFAST_PROTOCOL", "nothing but informational responses"));
      return;
    }
    this.statusCode = statusCode;
    this.headers = headers;
    this.#head.resolve(this);
  }
  onResponseData(_controller: unknown, piece: Buffer): void {
    this.#reading.add(piece);
  }
  onResponseEnd(_controller: unknown, trailers: Fields): void {
    this.#done(false);
    if (this.#reading.state !== "open") return;
    if (bytesIn(trailers) > maxHeaderSize) return this.fail(headersTooLarge());
    this.trailers = trailers;
    this.#ignoreAbort();
    this.#reading.complete();
  }
  onResponseError(_controller: unknown, error: Error): void {
    this.#done(true);
    this.fail(error);
  }

  whole(maxBytes: number): Buffer | undefined {
    return this.#reading.whole(maxBytes);
  }
  begin(sizeBytes: number, rate?: MinimumRate): Promise<boolean> {
    return this.#reading.begin(sizeBytes, rate);
  }
  read(maxBytes: number, rate?: MinimumRate): Promise<Buffer> {
    return this.#reading.read(maxBytes, rate);
  }
  cancel(error: Error): void {
    this.fail(error);
  }
  close(): void {
    if (this.#reading.state === "open") this.fail(new Error("its exchange has ended"));
  }
  opening(open: () => void): void {
    forNamespace(this.#sender.namespace, open);
  }
  pause(): void {
    this.#controller?.pause();
  }
  resume(): void {
    this.#controller?.resume();
  }
  /** Ends it from this side, unless it has ended. */
  fail(error: unknown): void {
    if (this.#reading.state !== "open") return;
    this.#ignoreAbort();
    const isTold = this.#reading.breakOff(error);
    if (!isTold && this.statusCode > 0) this.onBroken?.(error);
    else if (!isTold) this.#head.reject(error);
    // Over HTTP/2 undici takes any other error than its own informational one for the connection's, and has whatever else waits
    // for that connection fail with it.
    this.#controller?.abort(new WireError("UND_ERR_INFO", "nobody waits for it any more", { cause: error }));
  }

  #done(hasFailed: boolean): void {
    const { onDone } = this;
    this.onDone = undefined;
    onDone?.(hasFailed);
  }
  /** undici looks at a request that waits for a connection only when its turn comes. */
  readonly #onAbort = (): void => this.fail(this.#sender.limit.reason);
  #ignoreAbort(): void {
    this.#sender.limit.removeEventListener("abort", this.#onAbort);
  }
}

function bytesIn(fields: Fields): number {
  let sum = 0;
  for (const name in fields) {
    const value = fields[name] ?? "";
    sum += name.length + (typeof value === "string" ? value.length : value.reduce((all, { length }) => all + length, 0));
  }
  return sum;
}

function headersTooLarge(): WireError {
  return new WireError("HOLDFAST_HEADERS_TOO_LARGE", `more than ${maxHeaderSize} bytes`);
}
