/**
 * Who watches others of its namespace by what they are like, so that a change of status finds those that it makes due. An id is a
 * resource's key in the queue. Invariant: an id that watches none takes no place, and what a change costs is bounded, however
 * many a namespace has.
 */
import type { Watched } from "../core/plan.ts";
import type { Resource } from "../core/resource.ts";
import { keyParts } from "./key.ts";

export interface Watchers {
  /** What `id` watches from now on; undefined: nothing. False: its namespace has too many of them, and it is not told of anything. */
  set(id: string, watched: Watched | undefined): boolean;
  /** Those that watch it. */
  of(kind: string, resource: Resource): Iterable<string>;
}

/** Each is asked about each change of status in its namespace. */
const mostOfNamespace = 100;

export function createWatchers(): Watchers {
  const byNamespace = new Map<string, Map<string, Watched>>();
  return {
    set(id, watched) {
      const { namespace } = keyParts(id);
      const known = byNamespace.get(namespace) ?? new Map<string, Watched>();
      if (watched && !known.has(id) && known.size >= mostOfNamespace) return false;
      if (watched) byNamespace.set(namespace, known.set(id, watched));
      else if (known.delete(id) && known.size === 0) byNamespace.delete(namespace);
      return true;
    },
    *of(kind, resource) {
      for (const [id, watched] of byNamespace.get(resource.metadata.namespace) ?? [])
        if (watched.kind === kind && watched.matches(resource)) yield id;
    },
  };
}
