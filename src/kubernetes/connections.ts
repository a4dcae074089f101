/**
 * The long-lived undici clients that reach the API server, one for each purpose, so that none waits behind another.
 *
 * Invariant: HTTP/1.1 only. There an aborted request destroys its socket, and with it whatever was wrong with the path
 * to the server; over HTTP/2 it would end one stream, and the next request would take the same dead connection.
 */
import { createHash } from "node:crypto";
import { Pool, ProxyAgent, type Dispatcher } from "undici";
import { tlsAlgorithms } from "../core/tools/tls-algorithms.ts";
import type { TlsSettings } from "./credentials.ts";

/**
 * A watch holds its connection for as long as it lives; a lease has one call at a time, and a process with slots several leases, of
 * which none waits for another's. `outcomes` of requests that were sent wait behind no other call, since whatever dies before they
 * are written is not known any more.
 */
export type Purpose = "calls" | "outcomes" | "watches" | "lease";
/** Well below the 90 s after which the API server closes an idle connection, so that ours is closed first. */
const keepAliveMs = 30_000;
/** A renewal must not wait for a connection that was begun into a black hole: the next one needs another in time. */
const connectTimeoutMs: Readonly<Record<Purpose, number>> = { calls: 10_000, outcomes: 10_000, watches: 10_000, lease: 2_000 };

interface Connections {
  /** The client for these TLS settings. Others than last time, a rotated certificate, replace it; what it carries ends in peace. */
  get(purpose: Purpose, tls: TlsSettings): Dispatcher;
  /** What comes later takes none of the connections that are open now; what they carry ends in peace. */
  renew(purpose: Purpose): void;
  /** Breaks off whatever is under way. */
  destroy(): Promise<void>;
}

/** `origin` is scheme, host and port; `proxyURL` is the kubeconfig's. `most`: connections for calls, and as many for outcomes. */
export function createConnections(origin: string, proxyURL: string | undefined, most = 4): Connections {
  const connections: Readonly<Record<Purpose, number | null>> = { calls: most, outcomes: most, watches: null, lease: null };
  const open = new Set<Dispatcher>();
  let clients: Partial<Record<Purpose, Dispatcher>> = {};
  let clientsFingerprint = "";
  let lastTls: TlsSettings | undefined;
  function openClient(purpose: Purpose, tls: TlsSettings): Dispatcher {
    const settings = {
      allowH2: false,
      connections: connections[purpose],
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      headersTimeout: 0, // every request brings its own deadline
      bodyTimeout: 0,
    };
    const connect = { ...tls, ...tlsAlgorithms, timeout: connectTimeoutMs[purpose], keepAlive: true };
    const client =
      proxyURL === undefined
        ? new Pool(origin, { ...settings, connect })
        : new ProxyAgent({ ...settings, uri: proxyURL, requestTls: connect, proxyTls: tlsAlgorithms });
    open.add(client);
    return client;
  }
  function retire(old: Dispatcher | undefined): void {
    if (old) void old.close().then(() => open.delete(old));
  }
  return {
    get(purpose, tls) {
      const fingerprint = tls === lastTls ? clientsFingerprint : fingerprintOf(tls);
      lastTls = tls;
      if (fingerprint !== clientsFingerprint) {
        for (const old of Object.values(clients)) retire(old);
        clients = {};
        clientsFingerprint = fingerprint;
      }
      return (clients[purpose] ??= openClient(purpose, tls));
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

function fingerprintOf({ ca, cert, key, servername, rejectUnauthorized }: TlsSettings): string {
  const parts = [ca, cert, key].map((part) => [part ?? null].flat().map(String));
  return createHash("sha256")
    .update(JSON.stringify([parts, servername, rejectUnauthorized]))
    .digest("hex");
}
