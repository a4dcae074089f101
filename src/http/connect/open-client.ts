/**
 * Opens the client for some settings: one undici Agent for direct connections, and for each proxy that is used one that digs
 * tunnels and one that has requests forwarded.
 *
 * Every socket, direct or to a proxy or through one, is opened by a connector that has been wrapped by `sockets`; and every
 * one but those to the environment's proxies, whom the administrator has chosen, goes where the egress rules allow. What it holds of
 * a TLS context it gives back as it closes.
 */
import type { Socket } from "node:net";
import { Agent, buildConnector, Pool, ProxyAgent, type Dispatcher } from "undici";
import { publicOnly, type EgressFloor } from "../../core/egress.ts";
import type { ClientSettings } from "./client-settings.ts";
import { guardedConnector, guardedLookup, type ConnectorRules } from "./egress-connector.ts";
import type { ProxyFor } from "./environment-proxies.ts";
import { openForwarding, type Forwarding } from "./forwarding.ts";
import { createIdleSockets } from "./idle-sockets.ts";
import type { Sockets } from "./sockets.ts";
import type { HeldContext, TlsContexts } from "./tls-contexts.ts";

export interface ConnectionLimits {
  /** Most connections of one client to one origin. */
  readonly connectionsPerOrigin: number;
  /** How long an idle connection is kept where the server gives no hint, milliseconds. */
  readonly keepAliveTimeoutMs: number;
  /** How long it is kept at most, whatever the server's hint says. */
  readonly keepAliveMaxTimeoutMs: number;
}
interface OpenOptions extends ConnectionLimits {
  readonly sockets: Sockets;
  /** Decides for settings that name no proxy. */
  readonly proxyFor: ProxyFor;
  readonly floor: EgressFloor;
  readonly contexts: TlsContexts;
  /** Requests to this origin can share a connection, and any number of them need no other. */
  readonly onMultiplexed?: (origin: string) => void;
}

/** The connections of one client to one origin, or to a proxy; `waiting` counts requests. */
export interface OriginUse {
  readonly origin: string;
  readonly connected: number;
  readonly free: number;
  readonly waiting: number;
}
export interface OpenClient {
  readonly dispatcher: Dispatcher;
  /** Requests that wait for a connection now, or for one to be opened. */
  queued(): number;
  /** Closes the connections to the origin that no request has been on for longer. */
  closeIdle(origin: string, idleMs: number): void;
  /** Whether its requests to the origin share a connection, as far as is known. */
  multiplexes(origin: string): boolean;
  /** What it is connected to, by scheme, host and port. */
  origins(): readonly OriginUse[];
  /** Ends when what is under way has ended. */
  close(): Promise<void>;
  /** Breaks off whatever is under way. */
  destroy(): Promise<void>;
}

/** Of the connections to proxies that speak TLS themselves. */
const proxyTLS = { minVersion: "TLSv1.2", rejectUnauthorized: true } as const;
const maxConnectMs = 10_000;
/** TLS material that cannot be used fails its connections. */
export function openClient(settings: ClientSettings, options: OpenOptions): OpenClient {
  const { sockets, proxyFor, floor, connectionsPerOrigin, keepAliveTimeoutMs, keepAliveMaxTimeoutMs } = options;
  const { onMultiplexed = () => {} } = options;
  const toTarget: ConnectorRules = { addresses: settings.egress?.target ?? publicOnly, floor };
  const toProxy: ConnectorRules = { addresses: settings.egress?.proxy ?? publicOnly, floor };
  const ownContext = options.contexts.hold(settings.tls);
  const proxyContext = options.contexts.hold(proxyTLS);
  const toOrigin = originConnection(settings);
  const { timeout, allowH2 } = toOrigin;
  const limits = {
    connections: connectionsPerOrigin,
    pipelining: 1, // HTTP/2 has its own limit, the server's
    allowH2,
    headersTimeout: 0, // the exchange's own deadline counts
    bodyTimeout: 0,
    keepAliveTimeout: keepAliveTimeoutMs,
    keepAliveMaxTimeout: keepAliveMaxTimeoutMs,
  };
  /**
   * Each tunnel is one of its origin's connections, which are limited: an origin that the proxy cannot reach holds up none to
   * others. A proxy that does not answer CONNECT would otherwise keep its connection for ever.
   */
  const digging = { connections: null, headersTimeout: timeout };
  const pools = new Map<Pool, string>();
  function openPools(): Map<Pool, string> {
    for (const pool of pools.keys()) if (pool.destroyed) pools.delete(pool);
    return pools;
  }
  const multiplexed = new Set<string>();
  const idle = createIdleSockets(sockets);
  /** `target`: where its requests go, which is elsewhere where `url` is a proxy's. */
  const factory = (url: string | URL, options: object, target = url): Pool => {
    const { origin } = new URL(target);
    const pool = openPool(url, { ...options, ...limits }, sockets, (socket) => {
      idle.add(origin, socket);
      if (!("alpnProtocol" in socket) || socket.alpnProtocol !== "h2") return void multiplexed.delete(origin);
      multiplexed.add(origin);
      onMultiplexed(origin);
    });
    openPools().set(pool, new URL(url).origin);
    return pool;
  };
  const connect = guardedConnector(lazyConnector({ ...toOrigin, lookup: guardedLookup(toTarget) }, ownContext), toTarget, true);
  const direct = new Agent({ ...limits, connect, factory });
  /** By the proxy's URL. */
  const tunnels = new Map<string, ProxyAgent>();
  const forwarding = new Map<string, Forwarding>();

  function throughProxy(uri: string, origin: string): Pick<Dispatcher, "dispatch"> {
    const guarded = settings.proxy !== undefined;
    if (origin.startsWith("http:")) {
      const known = forwarding.get(uri) ?? openForwarder(uri, guarded);
      forwarding.set(uri, known);
      return known;
    }
    const agent = tunnels.get(uri) ?? openProxy(uri, guarded);
    tunnels.set(uri, agent);
    return agent;
  }
  const toProxyTLS = (guarded: boolean): buildConnector.BuildOptions => ({
    allowH2: false,
    timeout,
    ...(guarded && { lookup: guardedLookup(toProxy) }),
  });
  function openForwarder(uri: string, guarded: boolean): Forwarding {
    const plain = lazyConnector(toProxyTLS(guarded), proxyContext);
    const connect = guarded ? guardedConnector(plain, toProxy, false) : plain;
    return openForwarding(uri, { connect, openPool: factory });
  }
  /** `guarded`: an endpoint's own, whose address the egress rules must allow. A tunnel's far side is that address, too. */
  function openProxy(uri: string, guarded: boolean): ProxyAgent {
    const held = <O extends object>(options: O): O => {
      const { connect } = options as { connect: buildConnector.connector };
      return guarded ? { ...options, connect: guardedConnector(connect, toProxy, false) } : options;
    };
    return new ProxyAgent({
      ...limits,
      uri,
      factory: (origin, options) => factory(origin, held(options)),
      clientFactory: (origin, options) => openPool(origin, { ...held(options), ...limits, ...digging }, sockets),
      requestTls: { ...toOrigin, secureContext: ownContext.get() },
      proxyTls: { ...toProxyTLS(guarded), ...(uri.startsWith("https:") && { secureContext: proxyContext.get() }) },
    });
  }
  const chosen = (dispatch: Dispatcher.Dispatch): Dispatcher.Dispatch => {
    return (request, handler) => {
      const origin = String(request.origin);
      const proxy = settings.proxy ?? proxyFor(origin);
      return proxy === undefined ? dispatch(request, handler) : throughProxy(proxy, origin).dispatch(request, handler);
    };
  };
  const all = (): readonly Dispatcher[] => [direct, ...tunnels.values(), ...[...forwarding.values()].map(({ agent }) => agent)];
  function giveBack(): void {
    ownContext[Symbol.dispose]();
    proxyContext[Symbol.dispose]();
  }
  return {
    dispatcher: direct.compose(chosen),
    queued: () => [...pools.keys()].reduce((sum, { stats }) => sum + stats.pending, 0),
    closeIdle: (origin, idleMs) => idle.closeAfter(origin, idleMs),
    multiplexes: (origin) => multiplexed.has(origin),
    origins: () =>
      [...openPools()].map(([{ stats }, origin]) => ({
        origin,
        connected: stats.connected,
        free: stats.free,
        waiting: stats.pending,
      })),
    async close() {
      giveBack(); // nothing is opened any more
      await Promise.all(all().map((agent) => agent.close()));
    },
    async destroy() {
      giveBack();
      await Promise.all(all().map((agent) => agent.destroy()));
    },
  };
}

function originConnection({ tls: { servername, rejectUnauthorized }, timeoutMs, http2 }: ClientSettings) {
  return {
    ...(servername === undefined ? {} : { servername }),
    rejectUnauthorized,
    allowH2: http2 === true,
    timeout: Math.min(timeoutMs, maxConnectMs),
  };
}

/** A connector whose TLS context is made for its first TLS connection, and never where there is none. */
function lazyConnector(options: buildConnector.BuildOptions, context: HeldContext): buildConnector.connector {
  const plain = buildConnector(options);
  let secure: buildConnector.connector | undefined;
  return (target, callback) => {
    if (target.protocol !== "https:") return plain(target, callback);
    try {
      secure ??= buildConnector({ ...options, secureContext: context.get() });
    } catch (error) {
      return queueMicrotask(() => callback(error as Error, null));
    }
    secure(target, callback);
  };
}

/** `options.connect` is always a function here. `onConnected` is given each connection. */
function openPool(
  origin: string | URL,
  options: Pool.Options,
  sockets: Sockets,
  onConnected: (socket: Socket) => void = () => {},
): Pool {
  const counted = sockets.counted(options.connect as buildConnector.connector);
  const connect: buildConnector.connector = (target, callback) =>
    counted(target, (...result) => {
      const [, socket] = result;
      if (socket) onConnected(socket);
      callback(...result);
    });
  const pool = new Pool(origin, { ...options, connect });
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
