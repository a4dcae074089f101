/** Those that refer to what is being deleted, which waits for them. */
import { isReconciled, type WatchedKind } from "../core/plan.ts";
import type { Resource } from "../core/resource.ts";
import type { Change } from "./cache.ts";
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

/** Keys of what may have waited for this one, since it is gone, or holds less than before. */
export function awaitingKeys({ caches }: Pick<Parts, "caches">, kind: WatchedKind, { before, after }: Change): readonly string[] {
  const held = before?.metadata.finalizers?.length ?? 0;
  if (!before || (after && (after.metadata.finalizers?.length ?? 0) >= held)) return [];
  const keys = kind.references(before).map(({ type, key }) => queueKey(type.kind, key));
  return keys.filter((key) => {
    const found = caches.find(key);
    return (
      found && isReconciled(found.kind) && found.kind.waitsForReferrers && found.resource.metadata.deletionTimestamp !== undefined
    );
  });
}
