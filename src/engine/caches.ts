/** The caches of all kinds, and what is found in them. Invariant: each kind has its cache from the start, empty or not. */
import type { WatchedKind } from "../core/plan.ts";
import type { Reference, Resource } from "../core/resource.ts";
import { createCache, type Cache } from "./cache.ts";
import { keyParts } from "./key.ts";

interface CachedResource {
  readonly kind: WatchedKind;
  readonly resource: Resource;
}
export interface Caches {
  /** Throws for a kind that there is not, which is a mistake in this program. */
  of(kind: WatchedKind): Cache;
  /** Undefined: there is no such object, or none of its kind is cached. */
  readonly get: (reference: Reference) => Resource | undefined;
  /** By its key in the queue. */
  find(id: string): CachedResource | undefined;
  all(): Iterable<CachedResource>;
  /** Of one kind, by its name, in one namespace. */
  readonly inNamespace: (kind: string, namespace: string) => Iterable<Resource>;
  /** Names of the kinds whose first listing has not arrived. */
  readonly waitingFor: () => readonly string[];
}

export function createCaches(kinds: readonly WatchedKind[], isNewer: (a: string, b: string) => boolean): Caches {
  const caches = new Map<string, Cache>(kinds.map(({ type }) => [type.kind, createCache(isNewer)]));

  function of({ type }: WatchedKind): Cache {
    const cache = caches.get(type.kind);
    if (!cache) throw new Error(`no such kind: ${type.kind}`);
    return cache;
  }
  function find(id: string): CachedResource | undefined {
    const { kind: name, ...key } = keyParts(id);
    const kind = kinds.find(({ type }) => type.kind === name);
    const resource = kind && of(kind).get(key);
    return kind && resource && { kind, resource };
  }

  return {
    of,
    get: ({ type, key }) => caches.get(type.kind)?.get(key),
    find,
    *all() {
      for (const kind of kinds) for (const resource of of(kind).all()) yield { kind, resource };
    },
    inNamespace: (kind, namespace) => caches.get(kind)?.inNamespace(namespace) ?? [],
    waitingFor: () => kinds.filter((kind) => !of(kind).isWarm).map(({ type }) => type.kind),
  };
}
