/**
 * The Map of clients, and which of them are closed.
 *
 * Invariant: none is closed under an exchange. Of the namespace that has most, so that nobody loses a client for what another
 * declares, the one goes first that has been unused for longest.
 */
import type { OpenClient } from "./open-client.ts";
import type { TlsContexts } from "./tls-contexts.ts";

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

interface ClientMapOptions {
  readonly clients: Map<string, Client>;
  readonly contexts: Pick<TlsContexts, "sizeBytes">;
  /** A client is closed when nobody has used it for this long, or up to a fifth more. Milliseconds. */
  readonly idleTimeoutMs: number;
  readonly maxClients: number;
  readonly maxMaterialBytes: number;
}

export interface Retiring extends Disposable {
  /** Closes what is more than the limits allow, as far as nobody uses it. */
  retireExcess(): void;
  /** Closes a client that nothing uses, so that there is nothing to wait for but its sockets' end. */
  drain(client: OpenClient): Promise<void>;
  readonly draining: ReadonlySet<OpenClient>;
}

/** Closes what has been idle for too long until disposed. */
export function createRetiring({ clients, contexts, idleTimeoutMs, maxClients, maxMaterialBytes }: ClientMapOptions): Retiring {
  const draining = new Set<OpenClient>();

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
  /** False: all of the namespace that has most are in use. */
  function retireFirst(weightOf: (client: Client) => number): boolean {
    const first = firstToGo(clients, weightOf);
    if (first) retire(...first);
    return first !== undefined;
  }
  const timer = setInterval(retireIdle, Math.min(Math.ceil(idleTimeoutMs / 5), 60_000)).unref();
  return {
    retireExcess() {
      while (clients.size > maxClients && retireFirst(() => 1));
      while (contexts.sizeBytes > maxMaterialBytes && retireFirst((client) => client.materialBytes));
    },
    drain,
    draining,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function firstToGo(
  clients: ReadonlyMap<string, Client>,
  weightOf: (client: Client) => number,
): readonly [string, Client] | undefined {
  const weights = new Map<string, number>();
  for (const client of clients.values()) weights.set(client.namespace, (weights.get(client.namespace) ?? 0) + weightOf(client));
  const most = Math.max(...weights.values());
  let first: readonly [string, Client] | undefined;
  for (const entry of clients) {
    const [, client] = entry;
    const mayGo = client.users === 0 && weightOf(client) > 0 && weights.get(client.namespace) === most;
    if (mayGo && client.lastUsedMs < (first?.[1].lastUsedMs ?? Infinity)) first = entry;
  }
  return first;
}
