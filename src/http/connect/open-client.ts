/**
 * Opens the client for some settings: one undici Agent for direct connections, and for each proxy that is used one that digs
 * tunnels and one that has requests forwarded.
 *
 * Every socket, direct or to a proxy or through one, is opened by a connector that has been wrapped by `sockets`; and every
 * one but those to the environment's proxies, whom the administrator has chosen, goes where the egress rules allow. What it holds of
 * a TLS context it gives back as it closes.
 */
import { Agent } from "undici";
import { publicOnly, type EgressFloor } from "../../core/egress.ts";
import type { Wire } from "../../core/tools/kept-connections.ts";
import type { ClientSettings } from "./client-settings.ts";
import { guardedConnector, guardedLookup, type ConnectorRules } from "./egress-connector.ts";
import type { ProxyFor } from "./environment-proxies.ts";
import { lazyConnector } from "./lazy-connector.ts";
import { createOriginPools, type Closeable, type Connections, type PoolLimits } from "./origin-pools.ts";
import { createProxyAgents } from "./proxy-agents.ts";
import type { Sockets } from "./sockets.ts";
import type { TlsContexts } from "./tls-contexts.ts";

export interface ConnectionLimits {
  /** Most connections of one client to one origin. */
  readonly connectionsPerOrigin: number;
  /** How long an idle connection is kept where the server gives no hint, milliseconds. */
  readonly keepAliveTimeoutMs: number;
  /** How long it is kept at most, whatever the server's hint says. */
  readonly keepAliveMaxTimeoutMs: number;
}
export interface OpenOptions extends ConnectionLimits {
  readonly sockets: Sockets;
  /** Decides for settings that name no proxy. */
  readonly proxyFor: ProxyFor;
  readonly floor: EgressFloor;
  readonly contexts: TlsContexts;
  /** Requests to this origin can share a connection, and any number of them need no other. */
  readonly onMultiplexed?: (origin: string) => void;
}

export interface OpenClient extends Connections, Omit<Closeable, "dispatch"> {
  readonly wire: Wire;
}

/** Of the connections to proxies that speak TLS themselves. */
const proxyTLS = { minVersion: "TLSv1.2", rejectUnauthorized: true } as const;
const maxConnectMs = 10_000;
/** TLS material that cannot be used fails its connections. */
export function openClient(settings: ClientSettings, options: OpenOptions): OpenClient {
  const { sockets, proxyFor, floor, contexts } = options;
  const toTarget: ConnectorRules = { addresses: settings.egress?.target ?? publicOnly, floor };
  const toProxy: ConnectorRules = { addresses: settings.egress?.proxy ?? publicOnly, floor };
  const held = new DisposableStack();
  const ownContext = held.use(contexts.hold(settings.tls));
  const proxyContext = held.use(contexts.hold(proxyTLS));
  const toOrigin = originConnection(settings);
  const limits = poolLimits(options, toOrigin.allowH2);
  const pools = createOriginPools(limits, sockets, options.onMultiplexed);
  const connect = guardedConnector(lazyConnector({ ...toOrigin, lookup: guardedLookup(toTarget) }, ownContext), toTarget, true);
  const direct: Closeable = toOrigin.allowH2 ? new Agent({ ...limits, connect, factory: pools.open }) : pools.direct(connect);
  const proxies = createProxyAgents({
    limits,
    sockets,
    openPool: pools.open,
    toOrigin,
    toProxy,
    isGuarded: settings.proxy !== undefined,
    ownContext,
    proxyContext,
  });

  return {
    wire: {
      dispatch(request, handler) {
        const origin = String(request.origin);
        const proxy = settings.proxy ?? proxyFor(origin);
        const wire = proxy === undefined ? direct : proxies.of(proxy, origin);
        const knowsWhenItOpens = wire === direct && !toOrigin.allowH2;
        if (knowsWhenItOpens) wire.dispatch(request, handler);
        else handler.opening(() => void wire.dispatch(request, handler));
      },
    },
    queued: pools.queued,
    closeIdle: pools.closeIdle,
    multiplexes: pools.multiplexes,
    origins: pools.origins,
    async close() {
      held.dispose(); // nothing is opened any more
      await Promise.all([direct, ...proxies.all()].map((agent) => agent.close()));
    },
    async destroy() {
      held.dispose();
      await Promise.all([direct, ...proxies.all()].map((agent) => agent.destroy()));
    },
  };
}

function poolLimits(options: ConnectionLimits, allowH2: boolean): PoolLimits {
  return {
    connections: options.connectionsPerOrigin,
    pipelining: 1, // HTTP/2 has its own limit, the server's
    allowH2,
    headersTimeout: 0, // the exchange's own deadline counts
    bodyTimeout: 0,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    keepAliveMaxTimeout: options.keepAliveMaxTimeoutMs,
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
