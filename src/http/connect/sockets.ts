/**
 * Counts the sockets of outbound requests: each kernel socket once, from its connect to its close.
 *
 * Sockets reach it from the connectors that it has wrapped, so those of an API client in the same process do not. What a socket
 * is doing comes from undici's diagnostics channels (docs/api/DiagnosticsChannel.md).
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import type { buildConnector } from "undici";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";

export interface Sockets extends Disposable {
  /** The same connector; its sockets are counted. */
  counted(connector: buildConnector.connector): buildConnector.connector;
  /** Open sockets now. `active`: at least one request is on it. */
  counts(): { readonly active: number; readonly idle: number };
  /** For how long no request has been on it, milliseconds; 0 while one is, or where it is none of these sockets. */
  idleMs(socket: Socket): number;
  /** Requests that are on a socket now. */
  requests(): number;
}

interface Entry {
  readonly socket: Socket;
  /** More than one where the socket speaks HTTP/2. */
  requests: number;
  /** When a request on it last began or ended, or it was opened, on a monotonic clock. */
  usedMs: number;
}
interface Message {
  readonly request: { readonly method: string; [under: symbol]: Entry | undefined };
  readonly socket?: Socket;
}

/** With more, one that is opened closes the one that has been idle for longest: a server says for how long it is kept, and each takes some 70 kB. */
const maxKept = 1_000;

/** Tells `emit` of each socket that opens and closes. Listens on undici's diagnostics channels until it is disposed. */
export function createSockets(emit: EmitTelemetry, most = maxKept): Sockets {
  const open = new Map<string, Entry>();
  const bySocket = new WeakMap<Socket, Entry>();
  /** On each request under way, since a WeakMap with thousands a second takes ten times as long, and the collector's time, too. */
  const under = Symbol("under way on");

  function onSocket(socket: Socket): void {
    // TLS through a tunnel is a second stream on the same kernel socket: the same two addresses.
    const name = [socket.localAddress, socket.localPort, socket.remoteAddress, socket.remotePort].join(" ");
    const known = open.get(name);
    if (known && !known.socket.destroyed) {
      bySocket.set(socket, known);
      return;
    }
    if (socket.destroyed) return; // lost while it connected: nothing would tell its end
    const entry: Entry = { socket, requests: 0, usedMs: performance.now() };
    open.set(name, entry);
    bySocket.set(socket, entry);
    emit({ type: "socketOpened" });
    if (open.size > most) closeLongestIdle(entry);
    socket.once("close", () => {
      if (open.get(name) === entry) open.delete(name);
      emit({ type: "socketClosed" });
    });
  }
  function closeLongestIdle(but: Entry): void {
    let longest: Entry | undefined;
    for (const entry of open.values())
      if (entry !== but && entry.requests === 0 && entry.usedMs < (longest?.usedMs ?? Infinity)) longest = entry;
    longest?.socket.destroy();
  }
  function onStart(message: unknown): void {
    const { request, socket } = message as Message;
    const entry = socket && bySocket.get(socket);
    // A tunnel being dug is none of the requests that it is for, and undici does not tell its end.
    if (!entry || request.method === "CONNECT") return;
    entry.requests += 1;
    entry.usedMs = performance.now();
    request[under] = entry;
  }
  function onEnd(message: unknown): void {
    const { request } = message as Message;
    const entry = request[under];
    if (!entry) return;
    request[under] = undefined;
    entry.requests -= 1;
    entry.usedMs = performance.now();
  }

  const handlers = {
    "undici:client:sendHeaders": onStart,
    "undici:request:trailers": onEnd,
    "undici:request:error": onEnd,
  };
  for (const [channel, handler] of Object.entries(handlers)) subscribe(channel, handler);
  return {
    counted: (connector) => (options, callback) =>
      connector(options, (...result) => {
        const [, socket] = result;
        if (socket) onSocket(socket);
        callback(...result);
      }),
    counts() {
      const active = [...open.values()].filter(({ requests }) => requests > 0).length;
      return { active, idle: open.size - active };
    },
    idleMs(socket) {
      const entry = bySocket.get(socket);
      return entry && entry.requests === 0 ? performance.now() - entry.usedMs : 0;
    },
    requests: () => [...open.values()].reduce((sum, { requests }) => sum + requests, 0),
    [Symbol.dispose]() {
      for (const [channel, handler] of Object.entries(handlers)) unsubscribe(channel, handler);
    },
  };
}
