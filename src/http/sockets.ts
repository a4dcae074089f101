/**
 * Counts the sockets of outbound requests: each kernel socket once, from its connect to its close.
 *
 * Sockets reach it from the connectors that it has wrapped, so those of an API client in the same process do not. What a socket
 * is doing comes from undici's diagnostics channels (docs/api/DiagnosticsChannel.md).
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import type { buildConnector } from "undici";
import type { RecordOccurrence } from "../core/occurrence.ts";

export interface Sockets extends Disposable {
  /** The same connector; its sockets are counted. */
  counted(connector: buildConnector.connector): buildConnector.connector;
  /** Open sockets now. `active`: a request is on it. */
  counts(): { readonly active: number; readonly idle: number };
}

interface Entry {
  active: boolean;
}
type Message = { readonly request: object; readonly socket?: Socket };

export function createSockets(record: RecordOccurrence): Sockets {
  const open = new Map<string, Entry>();
  const bySocket = new WeakMap<Socket, Entry>();
  const byRequest = new WeakMap<object, Entry>();

  function onSocket(socket: Socket): void {
    // TLS through a tunnel is a second stream on the same kernel socket: the same two addresses.
    const name = [socket.localAddress, socket.localPort, socket.remoteAddress, socket.remotePort].join(" ");
    const known = open.get(name);
    if (known) {
      bySocket.set(socket, known);
      return;
    }
    const entry: Entry = { active: false };
    open.set(name, entry);
    bySocket.set(socket, entry);
    record({ type: "socketOpened" });
    socket.once("close", () => {
      if (open.get(name) === entry) open.delete(name);
      record({ type: "socketClosed" });
    });
  }
  function onStart(message: unknown): void {
    const { request, socket } = message as Message;
    const entry = socket && bySocket.get(socket);
    if (!entry) return;
    entry.active = true;
    byRequest.set(request, entry);
  }
  function onEnd(message: unknown): void {
    const entry = byRequest.get((message as Message).request);
    if (entry) entry.active = false;
  }

  subscribe("undici:client:sendHeaders", onStart);
  subscribe("undici:request:trailers", onEnd);
  subscribe("undici:request:error", onEnd);
  return {
    counted: (connector) => (options, callback) =>
      connector(options, (...result) => {
        const [, socket] = result;
        if (socket) onSocket(socket);
        callback(...result);
      }),
    counts() {
      const active = [...open.values()].filter((entry) => entry.active).length;
      return { active, idle: open.size - active };
    },
    [Symbol.dispose]() {
      unsubscribe("undici:client:sendHeaders", onStart);
      unsubscribe("undici:request:trailers", onEnd);
      unsubscribe("undici:request:error", onEnd);
    },
  };
}
