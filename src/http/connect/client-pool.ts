/**
 * One undici client for each distinct way to open a connection, shared by every reconcile of the process.
 *
 * The Map is bounded: a client that nobody has asked for in a while is drained and closed, and above a number of clients, or a
 * size of their TLS material, the least recently used goes first; but never one under an exchange.
 */
import type { Dispatcher } from "undici";
import { closedFloor, type EgressFloor } from "../../core/egress.ts";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";
import { clientKey, type ClientSettings } from "./client-settings.ts";
import type { ProxyFor } from "./environment-proxies.ts";
import { openClient, type ConnectionLimits, type OpenClient, type OriginUse } from "./open-client.ts";
import type { Sockets } from "./sockets.ts";
import { createTlsContexts, materialBytes } from "./tls-contexts.ts";

export interface Client extends OpenClient {
  readonly about: string;
  /** Of its TLS material, which others may share. */
  readonly materialBytes: number;
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
  /** The same, with a connection that has carried nothing yet. It is closed with the lease. */
  fresh(): Dispatcher;
}

export interface ClientPool extends AsyncDisposable {
  /** The client for these settings: opened by the first caller, shared by the rest. */
  acquire(settings: ClientSettings): Lease;
  has(settings: ClientSettings): boolean;
  /** Whether a proxy, of these settings or of the environment, is between here and the origin. */
  usesProxy(settings: ClientSettings, origin: string): boolean;
  readonly size: number;
  /** Requests that wait for a connection now. */
  readonly queued: number;
  /** TLS contexts that have been made and are kept. */
  readonly tlsContexts: number;
  /** Each client, in the order in which it came into the Map, without its key. */
  describe(): readonly ClientDescription[];
}
interface ClientDescription {
  /** What of its settings is no secret. */
  readonly about: string;
  readonly users: number;
  readonly origins: readonly OriginUse[];
}

export interface ClientPoolOptions extends Partial<ConnectionLimits> {
  /** Process-wide. The key fingerprints a private key: it is never shown. */
  readonly clients: Map<string, Client>;
  readonly sockets: Sockets;
  readonly emit: EmitTelemetry;
  /** The environment's proxies. */
  readonly proxyFor?: ProxyFor;
  /** Where no socket is opened to. */
  readonly floor?: EgressFloor;
  /** A client is closed when nobody has used it for this long, or up to a fifth more. Milliseconds. */
  readonly idleTimeoutMs?: number;
  /** More are kept only while that many are in use at once. */
  readonly maxClients?: number;
  /** Likewise of the TLS material of all of them, which takes five times as much once it is parsed. */
  readonly maxMaterialBytes?: number;
}

/** Several pools may share a Map: each destroys, when it is disposed, the clients that no other has handed out. */
export function createClientPool(options: ClientPoolOptions): ClientPool {
  const { clients, sockets, emit, idleTimeoutMs = 300_000, maxClients = 256 } = options;
  const { maxMaterialBytes = 4 * 1024 * 1024 } = options;
  const contexts = createTlsContexts();
  const open = {
    sockets,
    contexts,
    proxyFor: options.proxyFor ?? (() => undefined),
    floor: options.floor ?? closedFloor,
    connectionsPerOrigin: options.connectionsPerOrigin ?? 6,
    keepAliveTimeoutMs: options.keepAliveTimeoutMs ?? 4_000, // below the 5 s after which many servers close
    keepAliveMaxTimeoutMs: options.keepAliveMaxTimeoutMs ?? 60_000,
  };
  const self = {};
  const draining = new Set<OpenClient>();

  /** Nothing uses it, so there is nothing to wait for but its sockets' end. */
  async function drain(client: OpenClient): Promise<void> {
    draining.add(client);
    try {
      await client.close();
    } catch {
      await client.destroy(); // it was being destroyed, with its pool
    } finally {
      draining.delete(client);
    }
  }
  function retire(key: string, client: Client): void {
    clients.delete(key);
    void drain(client);
  }
  function retireIdle(): void {
    const since = performance.now() - idleTimeoutMs;
    for (const [key, client] of clients) if (client.users === 0 && client.lastUsedMs <= since) retire(key, client);
  }
  function retireExcess(): void {
    while (clients.size > maxClients && retireOldest(() => true));
    while (contexts.sizeBytes > maxMaterialBytes && retireOldest((client) => client.materialBytes > 0));
  }
  /** False: all of them are in use. */
  function retireOldest(mayGo: (client: Client) => boolean): boolean {
    let oldest: readonly [string, Client] | undefined;
    for (const entry of clients)
      if (entry[1].users === 0 && mayGo(entry[1]) && entry[1].lastUsedMs < (oldest?.[1].lastUsedMs ?? Infinity)) oldest = entry;
    if (oldest) retire(...oldest);
    return oldest !== undefined;
  }
  const timer = setInterval(retireIdle, Math.min(Math.ceil(idleTimeoutMs / 5), 60_000)).unref();

  return {
    // No await between look-up and insert: concurrent first uses cannot open two clients.
    acquire(settings) {
      const key = clientKey(settings);
      const known = clients.get(key);
      const client = known ?? {
        ...openClient(settings, open),
        about: about(settings),
        materialBytes: materialBytes(settings.tls),
        pools: new Set<object>(),
        users: 0,
        lastUsedMs: 0,
      };
      client.users += 1;
      client.pools.add(self);
      if (!known) {
        clients.set(key, client);
        retireExcess();
      }
      emit({ type: "clientAcquired", result: known ? "reused" : "created" });
      let inUse = true;
      let fresh: OpenClient | undefined;
      return {
        dispatcher: client.dispatcher,
        fresh: () => (fresh ??= openClient(settings, { ...open, connectionsPerOrigin: 1 })).dispatcher,
        [Symbol.dispose]() {
          if (!inUse) return;
          inUse = false;
          if (fresh) void drain(fresh);
          client.users -= 1;
          client.lastUsedMs = performance.now();
          retireExcess();
        },
      };
    },
    has: (settings) => clients.has(clientKey(settings)),
    usesProxy: ({ proxy }, origin) => (proxy ?? open.proxyFor(origin)) !== undefined,
    get size() {
      return clients.size;
    },
    get queued() {
      return [...clients.values()].reduce((sum, client) => sum + client.queued(), 0);
    },
    get tlsContexts() {
      return contexts.size;
    },
    describe: () =>
      [...clients.values()].map((client) => ({ about: client.about, users: client.users, origins: client.origins() })),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      const left = [...clients].filter(([, { pools }]) => pools.delete(self) && pools.size === 0);
      for (const [key] of left) clients.delete(key);
      await Promise.all([...draining, ...left.map(([, client]) => client)].map((client) => client.destroy()));
    },
  };
}

function about({ tls, timeoutMs, proxy, http2, namespace }: ClientSettings): string {
  return [
    `timeout ${timeoutMs / 1000} s`,
    ...(http2 ? ["HTTP/2"] : []),
    ...(tls.ca === undefined ? [] : ["own CAs"]),
    ...(tls.cert === undefined ? [] : ["client certificate"]),
    ...(tls.rejectUnauthorized ? [] : ["certificates are not verified"]),
    ...(proxy === undefined ? [] : ["proxy of its own"]),
    ...(namespace === undefined ? [] : [`namespace ${namespace}`]),
  ].join(", ");
}
