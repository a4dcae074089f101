/**
 * Who refers to what, so that a change finds those that it makes due without looking at all of them. An id is a
 * resource's key in the queue.
 *
 * Invariant: it holds exactly what was given last for each id; an id without references takes no place.
 */
import type { Dependency } from "../core/plan.ts";
import type { Reference } from "../core/resource.ts";
import { keyParts, queueKey } from "./key.ts";
import { createWaitGraph } from "./wait-graph.ts";

export interface Dependents {
  /** What `id` refers to from now on. Returns the namespaces in which something was or is referred to. */
  set(id: string, references: readonly Dependency[]): ReadonlySet<string>;
  /** Those that refer to it, each with its own reference. */
  of(reference: Reference): Iterable<readonly [string, Dependency]>;
  /** Those that refer to it, or to something that uses it for them, as an endpoint uses a Secret. Each comes with its own reference; one can come twice. */
  usersOf(reference: Reference): Iterable<readonly [string, Dependency]>;
  /** What of this kind and namespace is referred to, each once. */
  referencesIn(kind: string, namespace: string): Iterable<Reference>;
  isReferredTo(kind: string, namespace: string): boolean;
  /** The circle of references in which it waits for itself, as `Kind/name` from itself to itself. */
  cycleOf(id: string): readonly string[] | undefined;
  /** In which something is referred to. */
  namespaces(): ReadonlySet<string>;
}

export function createDependents(): Dependents {
  /** By kind and namespace, by name, by id. */
  const places = new Map<string, Map<string, Map<string, Dependency>>>();
  const byId = new Map<string, readonly Reference[]>();
  const waits = createWaitGraph();

  function forget(id: string): void {
    for (const { type, key } of byId.get(id) ?? []) {
      const place = places.get(placeText(type.kind, key.namespace));
      const dependents = place?.get(key.name);
      dependents?.delete(id);
      if (dependents?.size === 0) place?.delete(key.name);
      if (place?.size === 0) places.delete(placeText(type.kind, key.namespace));
    }
    byId.delete(id);
  }
  function add(id: string, reference: Dependency): void {
    const { type, key } = reference;
    const place = getOrInsert(places, placeText(type.kind, key.namespace));
    const dependents = getOrInsert(place, key.name);
    // Of two references to one object the one counts that wakes for more changes.
    if (!dependents.has(id) || reference.onStatus) dependents.set(id, reference);
  }
  function of(kind: string, namespace: string, name: string): Iterable<readonly [string, Dependency]> {
    return places.get(placeText(kind, namespace))?.get(name) ?? [];
  }
  return {
    set(id, references) {
      const concerned = [...(byId.get(id) ?? []), ...references].map(({ key }) => key.namespace);
      forget(id);
      for (const reference of references) add(id, reference);
      if (references.length > 0) byId.set(id, references);
      const awaited = references.filter(({ onStatus }) => onStatus);
      waits.set(
        id,
        awaited.map(({ type, key }) => queueKey(type.kind, key)),
      );
      return new Set(concerned);
    },
    of: ({ type, key }) => of(type.kind, key.namespace, key.name),
    *usersOf({ type, key }) {
      for (const [id, dependency] of of(type.kind, key.namespace, key.name)) {
        yield [id, dependency];
        const { kind, namespace, name } = keyParts(id);
        for (const borrower of of(kind, namespace, name)) if (borrower[1].isTransitive) yield borrower;
      }
    },
    *referencesIn(kind, namespace) {
      for (const dependents of places.get(placeText(kind, namespace))?.values() ?? []) yield* dependents.values().take(1);
    },
    isReferredTo: (kind, namespace) => places.has(placeText(kind, namespace)),
    cycleOf: (id) => waits.cycleOf(id),
    namespaces: () => new Set([...places.keys()].map((place) => place.slice(place.indexOf("/") + 1))),
  };
}

function getOrInsert<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  const value = map.get(key) ?? new Map<L, V>();
  map.set(key, value);
  return value;
}
function placeText(kind: string, namespace: string): string {
  return `${kind}/${namespace}`;
}
