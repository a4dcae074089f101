/**
 * Those that may have something to end, by what they need for it: who is needed finds one of them, and knows whether any is left,
 * without a look at all who refer to it. An id is a resource's key in the queue.
 *
 * Invariant: it holds exactly what was given last for each id. What refers to nobody who waits for it takes no place.
 */
import { isReconciled, type WatchedKind } from "../core/plan.ts";
import type { Reference, Resource } from "../core/resource.ts";
import { queueKey } from "./key.ts";

export interface Holders {
  /** What it is from now on; undefined: gone. */
  set(kind: WatchedKind, id: string, resource: Resource | undefined): void;
  /** Ids of those that refer to it, first those with a finalizer. */
  of(reference: Reference): Iterable<string>;
  /** Whether one that refers to it has one of these finalizers; where none is named: any. */
  isHeld(reference: Reference, finalizers: ReadonlySet<string>): boolean;
}

interface Holder {
  /** Of what it refers to, as a key in the queue. */
  readonly keys: ReadonlySet<string>;
  readonly finalizers: ReadonlySet<string>;
}
interface Needed {
  readonly held: Set<string>;
  readonly unheld: Set<string>;
  /** How many have each finalizer. */
  readonly counts: Map<string, number>;
}

export function createHolders(kinds: readonly WatchedKind[]): Holders {
  const waiting = new Set(
    kinds.filter((kind) => isReconciled(kind) && kind.waitsForReferrers !== undefined).map(({ type }) => type.kind),
  );
  const byId = new Map<string, Holder>();
  const byKey = new Map<string, Needed>();

  function forget(id: string, { keys, finalizers }: Holder): void {
    for (const key of keys) {
      const needed = byKey.get(key);
      needed?.held.delete(id);
      needed?.unheld.delete(id);
      for (const name of finalizers) count(needed, name, -1);
      if (needed && needed.held.size + needed.unheld.size === 0) byKey.delete(key);
    }
    byId.delete(id);
  }
  function add(id: string, holder: Holder): void {
    for (const key of holder.keys) {
      const needed: Needed = byKey.get(key) ?? { held: new Set(), unheld: new Set(), counts: new Map() };
      byKey.set(key, needed);
      (holder.finalizers.size > 0 ? needed.held : needed.unheld).add(id);
      for (const name of holder.finalizers) count(needed, name, 1);
    }
    byId.set(id, holder);
  }
  return {
    set(kind, id, resource) {
      if (kind.holdsNothing) return;
      const before = byId.get(id);
      if (before) forget(id, before);
      const references = resource ? kind.references(resource).filter(({ type }) => waiting.has(type.kind)) : [];
      if (references.length === 0) return;
      const keys = new Set(references.map(({ type, key }) => queueKey(type.kind, key)));
      add(id, { keys, finalizers: new Set(resource?.metadata.finalizers) });
    },
    *of({ type, key }) {
      const needed = byKey.get(queueKey(type.kind, key));
      if (needed) yield* needed.held;
      if (needed) yield* needed.unheld;
    },
    isHeld({ type, key }, finalizers) {
      const needed = byKey.get(queueKey(type.kind, key));
      if (!needed) return false;
      return finalizers.size === 0 ? needed.held.size > 0 : [...finalizers].some((name) => needed.counts.has(name));
    },
  };
}

function count(needed: Needed | undefined, name: string, by: 1 | -1): void {
  const now = (needed?.counts.get(name) ?? 0) + by;
  if (now > 0) needed?.counts.set(name, now);
  else needed?.counts.delete(name);
}
