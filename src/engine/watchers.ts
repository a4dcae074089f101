/**
 * Who watches others of its namespace by what they are like, so that a change of status finds those that it makes due. An id is a
 * resource's key in the queue. Invariant: an id that watches none takes no place.
 */
import type { Watched } from "../core/plan.ts";
import type { Resource } from "../core/resource.ts";
import { keyParts } from "./key.ts";

export interface Watchers {
  /** What `id` watches from now on; undefined: nothing. */
  set(id: string, watched: Watched | undefined): void;
  /** Those that watch it. */
  of(kind: string, resource: Resource): Iterable<string>;
}

export function createWatchers(): Watchers {
  const byNamespace = new Map<string, Map<string, Watched>>();
  return {
    set(id, watched) {
      const { namespace } = keyParts(id);
      const known = byNamespace.get(namespace) ?? new Map<string, Watched>();
      if (watched) byNamespace.set(namespace, known.set(id, watched));
      else if (known.delete(id) && known.size === 0) byNamespace.delete(namespace);
    },
    *of(kind, resource) {
      for (const [id, watched] of byNamespace.get(resource.metadata.namespace) ?? [])
        if (watched.kind === kind && watched.matches(resource)) yield id;
    },
  };
}
