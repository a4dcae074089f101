/**
 * What goes through proxies: for each that is used one agent that digs tunnels, for https, and one that has requests forwarded,
 * for http.
 */
import { ProxyAgent, type buildConnector, type Dispatcher } from "undici";
import { guardedConnector, guardedLookup, type ConnectorRules } from "./egress-connector.ts";
import { openForwarding, type Forwarding } from "./forwarding.ts";
import { lazyConnector } from "./lazy-connector.ts";
import { openPool, type OpenOriginPool, type PoolLimits } from "./origin-pools.ts";
import { markingErrors } from "../proxy-errors.ts";
import type { Sockets } from "./sockets.ts";
import type { HeldContext } from "./tls-contexts.ts";

interface ProxyAgentsOptions {
  readonly limits: PoolLimits;
  readonly sockets: Sockets;
  readonly openPool: OpenOriginPool;
  /** How the far side of a tunnel is connected to. */
  readonly toOrigin: buildConnector.BuildOptions & { readonly timeout: number };
  readonly toProxy: ConnectorRules;
  /** They are an endpoint's own, whose address the egress rules must allow; the environment's, the administrator has chosen. */
  readonly isGuarded: boolean;
  readonly ownContext: HeldContext;
  readonly proxyContext: HeldContext;
}
interface ProxyAgents {
  /** `uri`: the proxy's. */
  of(uri: string, origin: string): Pick<Dispatcher, "dispatch">;
  all(): readonly Dispatcher[];
}

export function createProxyAgents(options: ProxyAgentsOptions): ProxyAgents {
  const { limits, sockets, toOrigin, toProxy, isGuarded, ownContext, proxyContext } = options;
  const { timeout } = toOrigin;
  /** By the proxy's URL. */
  const tunnels = new Map<string, ProxyAgent>();
  const forwarding = new Map<string, Forwarding>();
  const proxyConnection = { allowH2: false, timeout, ...(isGuarded && { lookup: guardedLookup(toProxy) }) };
  /**
   * Each tunnel is one of its origin's connections, which are limited: an origin that the proxy cannot reach holds up none to
   * others. A proxy that does not answer CONNECT would otherwise keep its connection for ever.
   */
  const digging = { connections: null, headersTimeout: timeout };

  function guard(connect: buildConnector.connector): buildConnector.connector {
    return isGuarded ? guardedConnector(connect, toProxy, false) : connect;
  }
  /** A tunnel's far side is the proxy's address, too. */
  function guardIn<O extends object>(of: O): O {
    const { connect } = of as { connect: buildConnector.connector };
    return { ...of, connect: guard(connect) };
  }
  function markIn<O extends object>(of: O): O {
    const { connect } = of as { connect: buildConnector.connector };
    return { ...of, connect: markingErrors(connect) };
  }
  function openForwarder(uri: string): Forwarding {
    return openForwarding(uri, {
      connect: markingErrors(guard(lazyConnector(proxyConnection, proxyContext))),
      openPool: options.openPool,
    });
  }
  function openTunnels(uri: string): ProxyAgent {
    return new ProxyAgent({
      ...limits,
      uri,
      factory: (origin, own) => options.openPool(origin, guardIn(own)),
      clientFactory: (origin, own) => openPool(origin, { ...markIn(guardIn(own)), ...limits, ...digging }, sockets),
      requestTls: { ...toOrigin, secureContext: ownContext.get() },
      proxyTls: { ...proxyConnection, ...(uri.startsWith("https:") && { secureContext: proxyContext.get() }) },
    });
  }
  return {
    of(uri, origin) {
      if (origin.startsWith("http:")) {
        const known = forwarding.get(uri) ?? openForwarder(uri);
        forwarding.set(uri, known);
        return known;
      }
      const agent = tunnels.get(uri) ?? openTunnels(uri);
      tunnels.set(uri, agent);
      return agent;
    },
    all: () => [...tunnels.values(), ...[...forwarding.values()].map(({ agent }) => agent)],
  };
}
