/**
 * Which issued credentials are an endpoint's, so that those of one that is gone or has changed are let go.
 *
 * Invariant: of an endpoint that has changed nothing is let go that a request may still be using.
 */
import type { ResourceKey } from "../../core/resource.ts";

interface Sessions {
  /** A request of the endpoint uses what is kept under the key. */
  use(endpoint: ResourceKey, key: string): void;
  forget(endpoint: ResourceKey): void;
  forgetAll(): void;
  /** A session is being ended. */
  ending(ended: Promise<void>): void;
  /** Resolves when all have been ended, or after a while. */
  ended(): Promise<void>;
}

/** After so long without a request the credential of other settings is let go. */
const supersededForMs = 60_000;
/** Of a shutdown. */
const longestEndMs = 2_000;

/** `forget`: lets go of a key that nobody has used for so long; whether it did. */
export function createSessions(forget: (key: string, unusedForMs?: number) => boolean): Sessions {
  const keysOf = new Map<string, Set<string>>();
  const underWay = new Set<Promise<void>>();
  const nameOf = ({ namespace, name }: ResourceKey): string => `${namespace}/${name}`;

  function forgetEndpoint(name: string): void {
    for (const key of keysOf.get(name) ?? []) forget(key);
    keysOf.delete(name);
  }
  return {
    use(endpoint, key) {
      const name = nameOf(endpoint);
      const keys = keysOf.get(name) ?? new Set();
      keysOf.set(name, keys);
      keys.add(key);
      if (keys.size === 1) return;
      for (const other of keys) if (other !== key && forget(other, supersededForMs)) keys.delete(other);
    },
    forget: (endpoint) => forgetEndpoint(nameOf(endpoint)),
    forgetAll() {
      for (const name of keysOf.keys()) forgetEndpoint(name);
    },
    ending(ended) {
      underWay.add(ended);
      void ended.finally(() => underWay.delete(ended));
    },
    async ended() {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, longestEndMs);
      await Promise.race([Promise.all(underWay), promise]);
      clearTimeout(timer);
    },
  };
}
