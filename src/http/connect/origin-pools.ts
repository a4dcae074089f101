/**
 * The connections to each origin that a client connects to, or proxy: what it is connected to, and what it shares over HTTP/2. Those over
 * which nothing can be shared are kept here, all others by undici's pools.
 */
import type { Socket } from "node:net";
import { Pool, type buildConnector } from "undici";
import { KeptConnections, type Wire } from "../../core/tools/kept-connections.ts";
import { boundNotices } from "./http2-notices.ts";
import { createIdleSockets } from "./idle-sockets.ts";
import type { Sockets } from "./sockets.ts";

/** As undici's pools have them. */
export type PoolLimits = Readonly<
  Required<
    Pick<
      Pool.Options,
      "connections" | "pipelining" | "allowH2" | "headersTimeout" | "bodyTimeout" | "keepAliveTimeout" | "keepAliveMaxTimeout"
    >
  >
>;
/** `target`: where its requests go, which is elsewhere where `url` is a proxy's. */
export type OpenOriginPool = (url: string | URL, options: object, target?: string | URL) => Pool;

/** The connections of one client to one origin, or to a proxy; `waiting` counts requests. */
export interface OriginUse {
  readonly origin: string;
  readonly connected: number;
  readonly free: number;
  readonly waiting: number;
}
/** All connections of a client. */
export interface Connections {
  /** Requests that wait for a connection now, or for one to be opened. */
  readonly queued: () => number;
  /** Closes the connections to the origin that no request has been on for longer. */
  readonly closeIdle: (origin: string, idleMs: number) => void;
  /** Whether its requests to the origin share a connection, as far as is known. */
  readonly multiplexes: (origin: string) => boolean;
  /** What it is connected to, by scheme, host and port. */
  readonly origins: () => readonly OriginUse[];
}
interface OriginPools extends Connections {
  readonly open: OpenOriginPool;
  /** What connects to origins directly by HTTP/1.1, and by `connect`. */
  direct(connect: buildConnector.connector): Closeable;
}
/** A way to send requests to any origin. */
export interface Closeable extends Wire {
  /** Ends when what is under way has ended. */
  close(): Promise<void>;
  /** Breaks off whatever is under way. */
  destroy(): Promise<void>;
}

/** `onMultiplexed`: as of the client. */
export function createOriginPools(
  limits: PoolLimits,
  sockets: Sockets,
  onMultiplexed: (origin: string) => void = () => {},
): OriginPools {
  const pools = new Map<Pool, string>();
  const kept = new Map<string, KeptConnections>();
  const multiplexed = new Set<string>();
  const idle = createIdleSockets(sockets);

  function openPools(): Map<Pool, string> {
    for (const pool of pools.keys()) if (pool.destroyed) pools.delete(pool);
    return pools;
  }
  function keep(origin: string, connect: buildConnector.connector): KeptConnections {
    const { connections: _, ...others } = limits;
    const opened: KeptConnections = new KeptConnections(origin, { ...others, connect }, limits.connections ?? Infinity, () => {
      if (kept.get(origin) === opened) kept.delete(origin); // it may be told so again when others are in its place
    });
    kept.set(origin, opened);
    return opened;
  }
  const counts = (): readonly OriginUse[] => [
    ...[...kept].map(([origin, connections]) => ({ origin, ...connections.count() })),
    ...[...openPools()].map(([{ stats }, origin]) => ({
      origin,
      connected: stats.connected,
      free: stats.free,
      waiting: stats.pending,
    })),
  ];
  return {
    open(url, options, target = url) {
      const { origin } = new URL(target);
      const pool = openPool(url, { ...options, ...limits }, sockets, (socket) => {
        idle.add(origin, socket);
        if (!("alpnProtocol" in socket) || socket.alpnProtocol !== "h2") return void multiplexed.delete(origin);
        queueMicrotask(() => boundNotices(socket)); // undici has made a session of it by then
        multiplexed.add(origin);
        onMultiplexed(origin);
      });
      openPools().set(pool, new URL(url).origin);
      return pool;
    },
    direct(connect) {
      let isOver = false;
      const endAll = async (end: "close" | "destroy"): Promise<void> => {
        isOver = true;
        await Promise.all([...kept.values()].map((connections) => connections[end]()));
      };
      const connectTo = (origin: string): buildConnector.connector =>
        telling(connect, sockets, (socket) => idle.add(origin, socket));
      return {
        dispatch(request, handler) {
          const origin = String(request.origin);
          const connections = kept.get(origin) ?? keep(origin, connectTo(origin));
          if (isOver) void connections.close(); // which refuses it
          connections.dispatch(request, handler);
        },
        close: () => endAll("close"),
        destroy: () => endAll("destroy"),
      };
    },
    queued: () => counts().reduce((sum, { waiting }) => sum + waiting, 0),
    closeIdle: (origin, idleMs) => idle.closeAfter(origin, idleMs),
    multiplexes: (origin) => multiplexed.has(origin),
    origins: counts,
  };
}

/** The same connector; its sockets are counted. `onConnected` is given each connection. */
function telling(
  connector: buildConnector.connector,
  sockets: Sockets,
  onConnected: (socket: Socket) => void,
): buildConnector.connector {
  const counted = sockets.counted(connector);
  return (target, callback) =>
    counted(target, (...result) => {
      const [, socket] = result;
      if (socket) onConnected(socket);
      callback(...result);
    });
}

/** `options.connect` is always a function here. `onConnected` is given each connection. */
export function openPool(
  origin: string | URL,
  options: Pool.Options,
  sockets: Sockets,
  onConnected: (socket: Socket) => void = () => {},
): Pool {
  const pool = new Pool(origin, {
    ...options,
    connect: telling(options.connect as buildConnector.connector, sockets, onConnected),
  });
  // An Agent lets go of a pool with its last connection, but not while a request that was broken off is in its queue. That is
  // looked through after this event.
  pool.on("disconnect", (url, _targets, error) => {
    if (pool.stats.pending === 0) return;
    queueMicrotask(() => {
      if (pool.stats.pending === 0 && pool.stats.connected === 0) pool.emit("disconnect", url, [pool], error);
    });
  });
  return pool;
}
