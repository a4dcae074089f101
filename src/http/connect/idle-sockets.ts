/**
 * A client's sockets by origin, so that those which have been idle for too long can be closed before something goes over them that
 * may not be repeated: a server, or a proxy, that closes one at that very moment would have that lost.
 */
import type { Socket } from "node:net";
import type { Sockets } from "./sockets.ts";

export interface IdleSockets {
  add(origin: string, socket: Socket): void;
  /** Closes what has been idle for longer. Its pool opens others in its place. */
  closeAfter(origin: string, idleMs: number): void;
}

export function createIdleSockets(sockets: Pick<Sockets, "idleMs">): IdleSockets {
  const byOrigin = new Map<string, Set<Socket>>();
  return {
    add(origin, socket) {
      const own = byOrigin.get(origin) ?? new Set();
      byOrigin.set(origin, own.add(socket));
      socket.once("close", () => {
        own.delete(socket);
        if (own.size === 0 && byOrigin.get(origin) === own) byOrigin.delete(origin);
      });
    },
    closeAfter(origin, idleMs) {
      for (const socket of byOrigin.get(origin) ?? []) if (sockets.idleMs(socket) > idleMs) socket.destroy();
    },
  };
}
