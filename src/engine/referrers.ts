/** Those that refer to what is being deleted, which waits for them. */
import { isReconciled, type WatchedKind } from "../core/plan.ts";
import type { Reference, Resource } from "../core/resource.ts";
import type { Change } from "./changes.ts";
import type { Caches } from "./caches.ts";
import type { Holders } from "./holders.ts";
import { queueKey } from "./key.ts";

interface Parts<H extends keyof Holders> {
  readonly caches: Pick<Caches, "find">;
  readonly holders: Pick<Holders, H>;
}

/** Each that is cached and has something to end, or will have, first those that have now. */
export function* referrersOf(
  { caches, holders }: Parts<"of">,
  { type }: WatchedKind,
  { metadata }: Resource,
): Generator<{ readonly kind: string; readonly resource: Resource }> {
  for (const id of holders.of({ type, key: metadata })) {
    const found = caches.find(id);
    if (found) yield { kind: found.kind.type.kind, resource: found.resource };
  }
}

/**
 * Keys of what may have waited for this one, since it is gone, needs them no more, or refers to other things. What is there to stay
 * is due only when no other is left that needs it. `holders` has been told of the change.
 */
export function awaitingKeys(parts: Parts<"isHeld">, kind: WatchedKind, { before, after }: Change): readonly string[] {
  const was = before && kind.holding?.(before);
  if (!was) return [];
  const is = after && kind.holding?.(after);
  const left = !after || !is || (was === "now" && is === "soon") ? kind.references(before) : referencesLeft(kind, before, after);
  const awaiting = left.filter((reference) => {
    const found = parts.caches.find(keyOf(reference));
    if (!found || !isReconciled(found.kind) || found.kind.waitsForReferrers === undefined) return false;
    const { deletionTimestamp, finalizers = [] } = found.resource.metadata;
    if (deletionTimestamp !== undefined) return was === "now";
    return found.kind.waitsForReferrers === "always" && finalizers.length > 0 && !parts.holders.isHeld(reference);
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
