/** Those that refer to what is being deleted, which waits for them. */
import { isReconciled, type WatchedKind } from "../core/plan.ts";
import type { Reference, Resource } from "../core/resource.ts";
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

/**
 * Keys of what may have waited for this one, since it is gone, or holds less than before. What is there to stay is due only when no
 * other holds anything any more.
 */
export function awaitingKeys(parts: Parts, kind: WatchedKind, { before, after }: Change): readonly string[] {
  const held = before?.metadata.finalizers?.length ?? 0;
  if (!before || (after && (after.metadata.finalizers?.length ?? 0) >= held)) return [];
  const own = queueKey(kind.type.kind, before.metadata);
  const awaiting = kind.references(before).filter((reference) => {
    const found = parts.caches.find(queueKey(reference.type.kind, reference.key));
    if (!found || !isReconciled(found.kind) || found.kind.waitsForReferrers === undefined) return false;
    const { deletionTimestamp, finalizers = [] } = found.resource.metadata;
    if (deletionTimestamp !== undefined) return true;
    return found.kind.waitsForReferrers === "always" && finalizers.length > 0 && !isHeldByOthers(parts, reference, own);
  });
  return awaiting.map(({ type, key }) => queueKey(type.kind, key));
}
function isHeldByOthers({ caches, dependents }: Parts, reference: Reference, own: string): boolean {
  for (const [id] of dependents.of(reference))
    if (id !== own && (caches.find(id)?.resource.metadata.finalizers?.length ?? 0) > 0) return true;
  return false;
}
