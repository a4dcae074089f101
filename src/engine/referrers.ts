/** Those that refer to what is being deleted, which waits for them. */
import { isReconciled, type WatchedKind } from "../core/plan.ts";
import type { Reference, Resource } from "../core/resource.ts";
import type { Change } from "./changes.ts";
import type { Caches } from "./caches.ts";
import type { Dependents } from "./dependents.ts";
import { queueKey } from "./key.ts";

interface Parts {
  readonly caches: Pick<Caches, "find">;
  readonly dependents: Pick<Dependents, "of">;
}

/** Each that is cached. */
export function* referrersOf(
  { caches, dependents }: Parts,
  { type }: WatchedKind,
  { metadata }: Resource,
): Generator<{ readonly kind: string; readonly resource: Resource }> {
  for (const [id] of dependents.of({ type, key: metadata })) {
    const found = caches.find(id);
    if (found) yield { kind: found.kind.type.kind, resource: found.resource };
  }
}

/**
 * Keys of what may have waited for this one, since it is gone, holds less than before, or refers to other things. What is there to
 * stay is due only when no other holds it any more by what this one held it by.
 */
export function awaitingKeys(parts: Parts, kind: WatchedKind, { before, after }: Change): readonly string[] {
  if (!before) return [];
  const own = queueKey(kind.type.kind, before.metadata);
  const [was = [], is = []] = [before.metadata.finalizers, after?.metadata.finalizers];
  const holdsLess = !after || is.length < was.length;
  const left = holdsLess ? kind.references(before) : referencesLeft(kind, before, after);
  const held = new Set(holdsLess ? was.filter((name) => !after || !is.includes(name)) : was);
  const awaiting = left.filter((reference) => {
    const found = parts.caches.find(keyOf(reference));
    if (!found || !isReconciled(found.kind) || found.kind.waitsForReferrers === undefined) return false;
    const { deletionTimestamp, finalizers = [] } = found.resource.metadata;
    if (deletionTimestamp !== undefined) return true;
    return found.kind.waitsForReferrers === "always" && finalizers.length > 0 && !isHeldByOthers(parts, reference, { own, held });
  });
  return awaiting.map(keyOf);
}
/** What it referred to as it was declared before, and does no more. */
function referencesLeft(kind: WatchedKind, before: Resource, after: Resource): readonly Reference[] {
  if (before.metadata.generation === after.metadata.generation) return [];
  const kept = new Set(kind.references(after).map(keyOf));
  return kind.references(before).filter((reference) => !kept.has(keyOf(reference)));
}
function keyOf({ type, key }: Reference): string {
  return queueKey(type.kind, key);
}
/** `held`: the finalizers that count; where this one had none, each does. */
function isHeldByOthers(
  { caches, dependents }: Parts,
  reference: Reference,
  { own, held }: { readonly own: string; readonly held: ReadonlySet<string> },
): boolean {
  for (const [id] of dependents.of(reference)) {
    const { finalizers = [] } = (id !== own && caches.find(id)?.resource.metadata) || {};
    if (finalizers.some((name) => held.size === 0 || held.has(name))) return true;
  }
  return false;
}
