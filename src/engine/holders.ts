/**
 * Those that have something to end, or will have, by what they need for it: who is needed finds one of them, and knows whether any is
 * left, without a look at all who refer to it. An id is a resource's key in the queue.
 *
 * Invariant: it holds exactly what was given last for each id. What refers to nobody who waits for it takes no place.
 */
import { isReconciled, type Holding, type WatchedKind } from "../core/plan.ts";
import type { Reference, Resource } from "../core/resource.ts";
import { queueKey } from "./key.ts";

export interface Holders {
  /** What it is from now on; undefined: gone. */
  set(kind: WatchedKind, id: string, resource: Resource | undefined): void;
  /** Ids of those that refer to it, first those that have something to end now. */
  of(reference: Reference): Iterable<string>;
  /** Whether there is one. */
  isHeld(reference: Reference): boolean;
}

type Needed = Readonly<Record<Holding, Set<string>>>;

export function createHolders(kinds: readonly WatchedKind[]): Holders {
  const waiting = new Set(
    kinds.filter((kind) => isReconciled(kind) && kind.waitsForReferrers !== undefined).map(({ type }) => type.kind),
  );
  /** What each refers to, as keys in the queue. */
  const byId = new Map<string, ReadonlySet<string>>();
  const byKey = new Map<string, Needed>();

  function forget(id: string): void {
    for (const key of byId.get(id) ?? []) {
      const needed = byKey.get(key);
      needed?.now.delete(id);
      needed?.soon.delete(id);
      if (needed && needed.now.size + needed.soon.size === 0) byKey.delete(key);
    }
    byId.delete(id);
  }
  return {
    set(kind, id, resource) {
      forget(id);
      const holding = resource && kind.holding?.(resource);
      if (!holding) return;
      const references = kind.references(resource).filter(({ type }) => waiting.has(type.kind));
      if (references.length === 0) return;
      const keys = new Set(references.map(({ type, key }) => queueKey(type.kind, key)));
      byId.set(id, keys);
      for (const key of keys) {
        const needed: Needed = byKey.get(key) ?? { now: new Set(), soon: new Set() };
        byKey.set(key, needed);
        needed[holding].add(id);
      }
    },
    *of({ type, key }) {
      const needed = byKey.get(queueKey(type.kind, key));
      if (needed) yield* needed.now;
      if (needed) yield* needed.soon;
    },
    isHeld: ({ type, key }) => byKey.has(queueKey(type.kind, key)),
  };
}
