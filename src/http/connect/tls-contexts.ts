/**
 * TLS contexts, one for each TLS material: a context holds its CAs parsed, some five times the size of their text, outside of
 * JavaScript's heap.
 *
 * Invariant: a context is made when a TLS connection first needs it, and forgotten with the last client that has its material.
 */
import { hash } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";
import { tlsAlgorithms } from "../../core/tools/tls-algorithms.ts";
import type { ClientSettings } from "./client-settings.ts";

/** Of one client, until disposed. */
export interface HeldContext extends Disposable {
  /** Throws for material that cannot be used. */
  get(): SecureContext;
}
export interface TlsContexts {
  hold(tls: ClientSettings["tls"]): HeldContext;
  /** How much text of the material there is in them, whether they have been made or not. */
  readonly sizeBytes: number;
  /** How many have been made. */
  readonly size: number;
}

interface Entry {
  readonly sizeBytes: number;
  holders: number;
  context?: SecureContext;
}

export function createTlsContexts(): TlsContexts {
  const entries = new Map<string, Entry>();
  let sizeBytes = 0;
  function forget(key: string, entry: Entry): void {
    entries.delete(key);
    sizeBytes -= entry.sizeBytes;
    if (entry.context) free(entry.context);
  }
  return {
    hold(tls) {
      const key = materialKey(tls);
      const known = entries.get(key);
      const entry: Entry = known ?? { sizeBytes: materialBytes(tls), holders: 0 };
      entry.holders += 1;
      if (!known) {
        entries.set(key, entry);
        sizeBytes += entry.sizeBytes;
      }
      let isHeld = true;
      return {
        get: () => (entry.context ??= contextOf(tls)),
        [Symbol.dispose]() {
          if (!isHeld) return;
          isHeld = false;
          entry.holders -= 1;
          if (entry.holders === 0) forget(key, entry);
        },
      };
    },
    get sizeBytes() {
      return sizeBytes;
    },
    get size() {
      return [...entries.values()].filter(({ context }) => context).length;
    },
  };
}

/** Sockets that it has opened keep what they need. A garbage collector knows of some bytes of it alone, and would let it be. */
function free({ context }: SecureContext): void {
  (context as { close(): void }).close();
}

/** PEM is ASCII. */
export function materialBytes({ ca = "", cert = "", key = "" }: Pick<ClientSettings["tls"], "ca" | "cert" | "key">): number {
  return ca.length + cert.length + key.length;
}

/** Who is spoken to, and whether that is verified, belongs to each connection. */
function materialKey({ ca, cert, key, minVersion }: ClientSettings["tls"]): string {
  return hash("sha256", JSON.stringify([ca, cert, key, minVersion]), "hex");
}
function contextOf({ ca, cert, key, minVersion }: ClientSettings["tls"]): SecureContext {
  return createSecureContext({
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    minVersion,
    ...tlsAlgorithms,
  });
}
