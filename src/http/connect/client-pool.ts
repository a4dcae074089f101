/**
 * One undici client for each distinct way to open a connection, shared by every reconcile of the process.
 *
 * The Map is bounded: a client that nobody has asked for in a while is drained and closed, and above a number of clients, or a
 * size of their TLS material, the least recently used goes first; but never one under an exchange.
 */
import { closedFloor, type EgressFloor } from "../../core/egress.ts";
import type { EmitTelemetry } from "../../core/telemetry-event.ts";
import type { Wire } from "../../core/tools/kept-connections.ts";
import { createRetiring, type Client, type Retiring } from "./client-map.ts";
import { clientKey, type ClientSettings } from "./client-settings.ts";
import type { ProxyFor } from "./environment-proxies.ts";
import { openClient, type ConnectionLimits, type OpenClient, type OpenOptions } from "./open-client.ts";
import type { OriginUse } from "./origin-pools.ts";
import type { Sockets } from "./sockets.ts";
import { createTlsContexts, materialBytes, type TlsContexts } from "./tls-contexts.ts";

/** A client in use, until disposed. */
export interface Lease extends Disposable {
  readonly wire: Wire;
  /**
   * The same, over connections to the origin that are new, or were used within so many milliseconds: what else is idle is closed. A
   * request leaves when the event loop has come round, so that a server that has closed one with its last answer has been heard.
   */
  recent(origin: string, withinMs: number): Wire;
  /** The same, with a connection that has carried nothing yet. It is closed with the lease. */
  fresh(): Wire;
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
  const { clients, emit } = options;
  const contexts = createTlsContexts();
  const listeners = new Set<(origin: string) => void>();
  const open = openOptionsOf(options, contexts, (origin) => listeners.forEach((listener) => listener(origin)));
  const self = {};
  const retiring = createRetiring({
    clients,
    contexts,
    idleTimeoutMs: options.idleTimeoutMs ?? 300_000,
    maxClients: options.maxClients ?? 256,
    maxMaterialBytes: options.maxMaterialBytes ?? 4 * 1024 * 1024,
  });

  const using: Using = { open, retiring };

  return {
    // No await between look-up and insert: concurrent first uses cannot open two clients.
    acquire(settings, namespace = "") {
      const key = clientKey(settings);
      const known = clients.get(key);
      const client = known ?? openShared(settings, namespace, open);
      client.users += 1;
      client.namespace = namespace;
      client.pools.add(self);
      if (!known) {
        clients.set(key, client);
        retiring.retireExcess();
      }
      emit({ type: "clientAcquired", result: known ? "reused" : "created" });
      return new ClientLease(client, settings, using);
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
      retiring[Symbol.dispose]();
      const left = [...clients].filter(([, { pools }]) => pools.delete(self) && pools.size === 0);
      for (const [key] of left) clients.delete(key);
      await Promise.all([...retiring.draining, ...left.map(([, client]) => client)].map((client) => client.destroy()));
    },
  };
}

interface Using {
  readonly open: OpenOptions;
  readonly retiring: Retiring;
}
/** A class, since each exchange has one. */
class ClientLease implements Lease {
  readonly #client: Client;
  readonly #settings: ClientSettings;
  readonly #using: Using;
  #fresh: OpenClient | undefined;
  #inUse = true;

  constructor(client: Client, settings: ClientSettings, using: Using) {
    this.#client = client;
    this.#settings = settings;
    this.#using = using;
  }
  get wire(): Wire {
    return this.#client.wire;
  }
  recent(origin: string, withinMs: number): Wire {
    this.#client.closeIdle(origin, withinMs);
    const { wire } = this.#client;
    return {
      dispatch: (request, handler) =>
        void setImmediate(() => {
          try {
            if (!this.#inUse) throw new Error("its client has been given back"); // which may be closed by now
            wire.dispatch(request, handler);
          } catch (error) {
            handler.fail(error);
          }
        }),
    };
  }
  fresh(): Wire {
    this.#fresh ??= openClient(this.#settings, { ...this.#using.open, connectionsPerOrigin: 1 });
    return this.#fresh.wire;
  }
  [Symbol.dispose](): void {
    if (!this.#inUse) return;
    this.#inUse = false;
    const { retiring } = this.#using;
    if (this.#fresh) void retiring.drain(this.#fresh);
    this.#client.users -= 1;
    this.#client.lastUsedMs = performance.now();
    retiring.retireExcess();
  }
}

function openOptionsOf(options: ClientPoolOptions, contexts: TlsContexts, onMultiplexed: (origin: string) => void): OpenOptions {
  return {
    sockets: options.sockets,
    contexts,
    onMultiplexed,
    proxyFor: options.proxyFor ?? (() => undefined),
    floor: options.floor ?? closedFloor,
    connectionsPerOrigin: options.connectionsPerOrigin ?? 6,
    keepAliveTimeoutMs: options.keepAliveTimeoutMs ?? 4_000, // below the 5 s after which many servers close
    keepAliveMaxTimeoutMs: options.keepAliveMaxTimeoutMs ?? 60_000,
  };
}

function openShared(settings: ClientSettings, namespace: string, options: OpenOptions): Client {
  return {
    ...openClient(settings, options),
    about: describeClient(settings),
    materialBytes: materialBytes(settings.tls),
    pools: new Set<object>(),
    users: 0,
    lastUsedMs: 0,
    namespace,
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
