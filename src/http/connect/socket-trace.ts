/**
 * Tells on what kind of connection a request went out: one that has carried a request before may have been closed by the far
 * side meanwhile.
 *
 * undici names a request's socket on its diagnostics channels only (docs/api/DiagnosticsChannel.md). `sendHeaders` is published
 * in the same turn as the handler's `onRequestStart`, right after it; that is what ties the two together here.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";

export interface Trace {
  /** Of the latest request. `none`: not a byte of it has left. */
  connection: "none" | "new" | "used";
  /** A byte of its answer has come. */
  answered: boolean;
  /** The latest request goes to a proxy first. */
  proxied: boolean;
  /** A redirect has led to another origin than the first. */
  elsewhere: boolean;
  /** A byte of any request may have left. */
  sent: boolean;
  /** undici's own object for the latest request, once it has left. */
  request?: object;
}

/** By which undici marks what a server has refused to look at, for good or with its connection (RFC 9113, section 8.7). */
const refusalMarks: readonly string[] = ["refused stream retry", "goaway replay attempts"];
/** Whether the server of an HTTP/2 connection has said that it did not act on the request. False where nobody can tell. */
export function wasRefused({ request = {} }: Trace): boolean {
  return Object.getOwnPropertySymbols(request).some(({ description = "" }) => refusalMarks.includes(description));
}

export interface SocketTrace extends Disposable {
  /** To be called where the request starts; its trace then tells the connection. */
  starting(trace: Trace): void;
  /** Whether it is how opening a connection failed. */
  isConnectError(error: unknown): boolean;
}

/** Listens on undici's diagnostics channels until it is disposed. */
export function createSocketTrace(): SocketTrace {
  const used = new WeakSet<object>();
  const connectErrors = new WeakSet<object>();
  let next: Trace | undefined;

  function onSendHeaders(message: unknown): void {
    const { request, socket } = message as { readonly request: object; readonly socket: object };
    if (next) next.request = request;
    if (next && used.has(socket)) next.connection = "used";
    next = undefined;
    used.add(socket);
  }
  function onConnectError(message: unknown): void {
    const { error } = message as { readonly error: unknown };
    if (Error.isError(error)) connectErrors.add(error);
  }
  subscribe("undici:client:sendHeaders", onSendHeaders);
  subscribe("undici:client:connectError", onConnectError);
  return {
    starting(trace) {
      trace.connection = "new";
      trace.sent = true;
      next = trace;
    },
    isConnectError: (error) => Error.isError(error) && connectErrors.has(error),
    [Symbol.dispose]() {
      unsubscribe("undici:client:sendHeaders", onSendHeaders);
      unsubscribe("undici:client:connectError", onConnectError);
    },
  };
}
