/**
 * One undici client for each distinct way to open a connection, shared by every reconcile of the process.
 *
 * Two requests share sockets exactly when their TLS settings and timeout are equal, so that sockets survive from one reconcile
 * to the next.
 */
import { createHash } from "node:crypto";
import { createSecureContext } from "node:tls";
import { buildConnector, EnvHttpProxyAgent, Pool, type Dispatcher } from "undici";
import type { RecordOccurrence } from "../core/occurrence.ts";
import type { Sockets } from "./sockets.ts";
import { startObserved } from "./start-observed.ts";

export interface ClientSettings {
  /** PEM texts under the names of node:tls. */
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
    readonly rejectUnauthorized: boolean;
    readonly minVersion: "TLSv1.2" | "TLSv1.3";
  };
  /** Limit on a whole exchange, milliseconds. */
  readonly timeoutMs: number;
}

export interface Client {
  readonly dispatcher: Dispatcher;
  /** The pools over the Map that have handed it out: the last one to go closes it. */
  readonly pools: Set<object>;
  /** Exchanges that use it now: it is not closed under them. */
  users: number;
  /** On a monotonic clock. */
  lastUsedMs: number;
}

/** A client in use, until disposed. */
export interface Lease extends Disposable {
  readonly dispatcher: Dispatcher;
}

export interface ClientPool extends AsyncDisposable {
  /** The client for these settings: opened by the first caller, shared by the rest. Throws for unusable TLS material. */
  acquire(settings: ClientSettings): Lease;
  has(settings: ClientSettings): boolean;
  readonly size: number;
}

export interface ClientPoolOptions {
  /** Process-wide. The key fingerprints a private key: it is never shown. */
  readonly clients: Map<string, Client>;
  readonly sockets: Sockets;
  readonly record: RecordOccurrence;
  /** Most connections of one client to one origin. */
  readonly connectionsPerOrigin?: number;
}

export function createClientPool({ clients, sockets, record, connectionsPerOrigin = 6 }: ClientPoolOptions): ClientPool {
  const self = {};
  return {
    // No await between look-up and insert: concurrent first uses cannot open two clients.
    acquire(settings) {
      const key = clientKey(settings);
      const known = clients.get(key);
      const client = known ?? {
        dispatcher: openClient(settings, sockets, connectionsPerOrigin),
        pools: new Set<object>(),
        users: 0,
        lastUsedMs: 0,
      };
      clients.set(key, client);
      client.pools.add(self);
      client.users += 1;
      client.lastUsedMs = performance.now();
      record({ type: "clientAcquired", result: known ? "reused" : "created" });
      return {
        dispatcher: client.dispatcher,
        [Symbol.dispose]() {
          client.users -= 1;
          client.lastUsedMs = performance.now();
        },
      };
    },
    has: (settings) => clients.has(clientKey(settings)),
    get size() {
      return clients.size;
    },
    async [Symbol.asyncDispose]() {
      const left = [...clients].filter(([, { pools }]) => pools.delete(self) && pools.size === 0);
      for (const [key] of left) clients.delete(key);
      await Promise.all(left.map(([, { dispatcher }]) => dispatcher.destroy()));
    },
  };
}

/** SHA-256, hex, over a JSON array: a fixed order, in which no two settings encode alike. */
export function clientKey({ tls, timeoutMs }: ClientSettings): string {
  const { ca, cert, key, servername, rejectUnauthorized, minVersion } = tls;
  const fields = [ca, cert, key, servername, rejectUnauthorized, minVersion, timeoutMs].map((field) => field ?? null);
  return createHash("sha256").update(JSON.stringify(fields)).digest("hex");
}

/** What undici gives a pool's factory; `connect` is always a function here. */
interface FactoryOptions extends Pool.Options {
  readonly connect: buildConnector.connector;
}

const maxConnectMs = 10_000;

function openClient({ tls, timeoutMs }: ClientSettings, sockets: Sockets, connections: number): Dispatcher {
  const { ca, cert, key, servername, rejectUnauthorized, minVersion } = tls;
  const material = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  const toOrigin = {
    ...(Object.keys(material).length > 0 ? { secureContext: createSecureContext({ ...material, minVersion }) } : { minVersion }),
    ...(servername === undefined ? {} : { servername }),
    rejectUnauthorized,
    allowH2: false,
    timeout: Math.min(timeoutMs, maxConnectMs),
  };
  const limits = {
    connections,
    pipelining: 1,
    allowH2: false,
    headersTimeout: 0, // the exchange's own deadline counts
    bodyTimeout: 0,
    keepAliveTimeout: 4_000, // below the 5 s after which many servers close
    keepAliveMaxTimeout: 60_000, // even if a server's hint says more
  };
  // Every socket, direct or to a proxy or through one, is opened by one of the connectors that pass here.
  const factory = (origin: string | URL, options: object): Pool => {
    const { connect, ...rest } = options as FactoryOptions;
    return new Pool(origin, { ...rest, ...limits, connect: sockets.counted(connect) });
  };
  const agent = new EnvHttpProxyAgent({
    ...limits,
    factory,
    clientFactory: factory,
    connect: buildConnector(toOrigin),
    requestTls: toOrigin,
    proxyTls: { allowH2: false, timeout: toOrigin.timeout },
  });
  return agent.compose(startObserved);
}
