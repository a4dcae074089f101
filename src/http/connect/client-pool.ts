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
  /** Who used it last. */
  namespace: string;
}

/** A client in use, until disposed. */
export interface Lease extends Disposable {
  readonly dispatcher: Dispatcher;
  /** The same, over connections to the origin that are new, or were used within so many milliseconds: what else is idle is closed. */
  recent(origin: string, withinMs: number): Dispatcher;
  /** The same, with a connection that has carried nothing yet. It is closed with the lease. */
  fresh(): Dispatcher;
}

export interface ClientPool extends AsyncDisposable {
  /**
   * The client for these settings: opened by the first caller, shared by the rest. It counts as
   * `namespace`'s, who used it last.
   */
  acquire(settings: ClientSettings, namespace?: string): Lease;
  has(settings: ClientSettings): boolean;
  /** What limits the requests on its connections to one origin; nothing does where they share one over HTTP/2. */
  connectionsOf(settings: ClientSettings, origin: string): { readonly client: string; limit(): number };
  /** `listener` is told of each origin at which requests turn out to share a connection, until what is returned is disposed. */
  onMultiplexed(listener: (origin: string) => void): Disposable;
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
  const listeners = new Set<(origin: string) => void>();
  const open = {
    sockets,
    contexts,
    onMultiplexed: (origin: string) => listeners.forEach((listener) => listener(origin)),
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
  /**
   * Of the namespace that has most, so that nobody loses a client for what another declares, the one unused for longest. False:
   * all of that namespace's are in use.
   */
  function retireFirst(weightOf: (client: Client) => number): boolean {
    const weights = new Map<string, number>();
    for (const client of clients.values()) weights.set(client.namespace, (weights.get(client.namespace) ?? 0) + weightOf(client));
    const most = Math.max(...weights.values());
    let first: readonly [string, Client] | undefined;
    for (const entry of clients) {
      const [, client] = entry;
      const mayGo = client.users === 0 && weightOf(client) > 0 && weights.get(client.namespace) === most;
      if (mayGo && client.lastUsedMs < (first?.[1].lastUsedMs ?? Infinity)) first = entry;
    }
    if (first) retire(...first);
    return first !== undefined;
  }
  function retireExcess(): void {
    while (clients.size > maxClients && retireFirst(() => 1));
    while (contexts.sizeBytes > maxMaterialBytes && retireFirst((client) => client.materialBytes));
  }
  const timer = setInterval(retireIdle, Math.min(Math.ceil(idleTimeoutMs / 5), 60_000)).unref();

  return {
    // No await between look-up and insert: concurrent first uses cannot open two clients.
    acquire(settings, namespace = "") {
      const key = clientKey(settings);
      const known = clients.get(key);
      const client = known ?? {
        ...openClient(settings, open),
        about: describeClient(settings),
        materialBytes: materialBytes(settings.tls),
        pools: new Set<object>(),
        users: 0,
        lastUsedMs: 0,
        namespace,
      };
      client.users += 1;
      client.namespace = namespace;
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
        recent(origin, withinMs) {
          client.closeIdle(origin, withinMs);
          return client.dispatcher;
        },
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
    connectionsOf(settings, origin) {
      const key = clientKey(settings);
      return { client: key, limit: () => (clients.get(key)?.multiplexes(origin) ? Infinity : open.connectionsPerOrigin) };
    },
    onMultiplexed(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
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

function describeClient({ tls, timeoutMs, proxy, http2, namespace }: ClientSettings): string {
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
