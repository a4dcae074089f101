/**
 * The long-lived undici clients that reach the API server, one for each purpose, so that none waits behind another.
 *
 * Invariant: HTTP/1.1 only. There an aborted request destroys its socket, and with it whatever was wrong with the path
 * to the server; over HTTP/2 it would end one stream, and the next request would take the same dead connection.
 */
import { createHash } from "node:crypto";
import { buildConnector, Pool, ProxyAgent, type Dispatcher } from "undici";
import { KeptConnections, type Wire } from "../core/tools/kept-connections.ts";
import { tlsAlgorithms } from "../core/tools/tls-algorithms.ts";
import type { TlsSettings } from "./credentials.ts";

/**
 * A watch holds its connection for as long as it lives; a lease has one call at a time, and a process with slots several leases, of
 * which none waits for another's. `outcomes` of requests that were sent wait behind no other call, since whatever dies before they
 * are written is not known any more.
 */
export type Purpose = "calls" | "outcomes" | "watches" | "lease";
type CallPurpose = Exclude<Purpose, "watches">;
/** Well below the 90 s after which the API server closes an idle connection, so that ours is closed first. */
const keepAliveMs = 30_000;
/** A renewal must not wait for a connection that was begun into a black hole: the next one needs another in time. */
const connectTimeoutMs: Readonly<Record<Purpose, number>> = { calls: 10_000, outcomes: 10_000, watches: 10_000, lease: 2_000 };

interface Connections {
  /** The client for these TLS settings. Others than last time, a rotated certificate, replace it; what it carries ends in peace. */
  get(purpose: CallPurpose, tls: TlsSettings): Wire;
  /** The same for watches. */
  watches(tls: TlsSettings): Dispatcher;
  /** What comes later takes none of the connections that are open now; what they carry ends in peace. */
  renew(purpose: Purpose): void;
  /** Breaks off whatever is under way. */
  destroy(): Promise<void>;
}

/** `origin` is scheme, host and port; `proxyURL` is the kubeconfig's. `most`: connections for calls, and as many for outcomes. */
export function createConnections(origin: string, proxyURL: string | undefined, most = 4): Connections {
  const connections = { calls: most, outcomes: most, lease: null };
  const open = new Set<Client>();
  let clients: Partial<Record<CallPurpose, Wire & Client>> & { watches?: Dispatcher } = {};
  let clientsFingerprint = "";
  let lastTls: TlsSettings | undefined;

  function remember<C extends Client>(client: C): C {
    open.add(client);
    return client;
  }
  function openProxied(connectTo: Connecting, most: number | null): Dispatcher {
    const settings = { ...common, connections: most, uri: proxyURL ?? "" };
    return new ProxyAgent({ ...settings, requestTls: connectTo, proxyTls: tlsAlgorithms });
  }
  function openCalls(purpose: CallPurpose, tls: TlsSettings): Wire & Client {
    const connectTo = connecting(tls, connectTimeoutMs[purpose]);
    if (proxyURL !== undefined) return openProxied(connectTo, connections[purpose]);
    return new KeptConnections(origin, { ...common, connect: buildConnector(connectTo) }, connections[purpose] ?? Infinity);
  }
  function openWatches(tls: TlsSettings): Dispatcher {
    const connectTo = connecting(tls, connectTimeoutMs.watches);
    return proxyURL === undefined
      ? new Pool(origin, { ...common, connections: null, connect: connectTo })
      : openProxied(connectTo, null);
  }
  function retire(old: Client | undefined): void {
    if (!old) return;
    const forget = (): void => void open.delete(old);
    void old.close().then(forget, forget); // which rejects where all was destroyed meanwhile
  }
  function renewFor(tls: TlsSettings): void {
    const fingerprint = tls === lastTls ? clientsFingerprint : fingerprintOf(tls);
    lastTls = tls;
    if (fingerprint === clientsFingerprint) return;
    for (const old of Object.values(clients)) retire(old);
    clients = {};
    clientsFingerprint = fingerprint;
  }
  return {
    get(purpose, tls) {
      renewFor(tls);
      return (clients[purpose] ??= remember(openCalls(purpose, tls)));
    },
    watches(tls) {
      renewFor(tls);
      return (clients.watches ??= remember(openWatches(tls)));
    },
    renew(purpose) {
      const { [purpose]: old, ...others } = clients;
      clients = others;
      retire(old);
    },
    async destroy() {
      await Promise.all([...open].map((client) => client.destroy()));
      open.clear();
    },
  };
}

interface Client {
  close(): Promise<void>;
  destroy(): Promise<void>;
}
/** Every request brings its own deadline. */
const common = {
  allowH2: false,
  pipelining: 1,
  keepAliveTimeout: keepAliveMs,
  keepAliveMaxTimeout: keepAliveMs,
  headersTimeout: 0,
  bodyTimeout: 0,
};
type Connecting = ReturnType<typeof connecting>;
function connecting(tls: TlsSettings, timeout: number) {
  return { ...tls, ...tlsAlgorithms, allowH2: false, timeout, keepAlive: true };
}

function fingerprintOf({ ca, cert, key, servername, rejectUnauthorized }: TlsSettings): string {
  const parts = [ca, cert, key].map((part) => [part ?? null].flat().map(String));
  return createHash("sha256")
    .update(JSON.stringify([parts, servername, rejectUnauthorized]))
    .digest("hex");
}
