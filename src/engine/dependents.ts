/**
 * Who refers to what, so that a change finds those that it makes due without looking at all of them.
 *
 * Invariant: it holds exactly what was given last for each id; an id without references takes no place.
 */
import type { Dependency } from "../core/plan.ts";
import { keyText, type Reference } from "../core/resource.ts";

export interface Dependents {
  /** What `id` refers to from now on. */
  set(id: string, references: readonly Dependency[]): void;
  /** Those that refer to it, each with its own reference. */
  of(reference: Reference): Iterable<readonly [string, Dependency]>;
}

export function createDependents(): Dependents {
  const byReference = new Map<string, Map<string, Dependency>>();
  const byId = new Map<string, readonly string[]>();

  function forget(id: string): void {
    for (const text of byId.get(id) ?? []) {
      const dependents = byReference.get(text);
      dependents?.delete(id);
      if (dependents?.size === 0) byReference.delete(text);
    }
    byId.delete(id);
  }
  return {
    set(id, references) {
      forget(id);
      if (references.length === 0) return;
      const texts = new Set<string>();
      for (const reference of references) {
        const text = referenceText(reference);
        const dependents = byReference.get(text) ?? new Map<string, Dependency>();
        byReference.set(text, dependents);
        // Of two references to one object, the one that sees more counts.
        if (!texts.has(text) || reference.onStatus === true) dependents.set(id, reference);
        texts.add(text);
      }
      byId.set(id, [...texts]);
    },
    of: (reference) => byReference.get(referenceText(reference)) ?? [],
  };
}

function referenceText({ type, key }: Reference): string {
  return `${type.kind}/${keyText(key)}`;
}
