/**
 * Requests that a proxy forwards: whole, with the target's URL in place of the path (RFC 9112, section 3.2.2).
 *
 * undici's ProxyAgent makes an error of every 407, as if the proxy had passed nothing on; but a proxy also relays one that the
 * server behind it sent, when that has acted already. Here it is an answer like any other.
 */
import { Agent, type buildConnector, type Dispatcher, type Pool } from "undici";

interface ForwardingOptions {
  /** To the proxy itself. */
  readonly connect: buildConnector.connector;
  /** `target`: where its requests go. */
  readonly openPool: (origin: string, options: object, target: string | URL) => Pool;
}

/** Connections to the proxy, for each origin its own, so that one that hangs holds up no other. */
export interface Forwarding {
  readonly agent: Agent;
  readonly dispatch: Dispatcher.Dispatch;
}

/** `uri`: the proxy's, perhaps with a user and a password. */
export function openForwarding(uri: string, { connect, openPool }: ForwardingOptions): Forwarding {
  const { origin, protocol, hostname, username, password } = new URL(uri);
  const agent = new Agent({ connect, factory: (target, options) => openPool(origin, options, target) });
  const ofProxy = {
    ...(username !== "" && { "proxy-authorization": basic(username, password) }),
  };
  return {
    agent,
    dispatch(request, handler) {
      const target = new URL(String(request.origin));
      const forwarded = {
        ...request,
        path: `${target.origin}${request.path}`,
        headers: { ...ofProxy, host: target.host, ...(request.headers as Record<string, string>) },
        // undici would take the name for the proxy's certificate from the field Host.
        ...(protocol === "https:" && { servername: hostname }),
      };
      return agent.dispatch(forwarded, handler);
    },
  };
}

function basic(username: string, password: string): string {
  const pair = [username, password].map(decodeURIComponent).join(":");
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}
