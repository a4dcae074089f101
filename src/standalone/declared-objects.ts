/**
 * From manifests to objects: what is declared anew, what has gone, and what was there when the process ended before.
 *
 * Invariant: of an object that is declared as before nothing changes. One whose manifest goes away keeps its row, and is only
 * marked where it has something to do before it ends.
 */
import { randomUUID } from "node:crypto";
import { digest } from "../core/tools/digest.ts";
import { keyText, type Resource } from "../core/resource.ts";
import type { WatchedChange } from "./data.ts";
import type { HeldObject, HeldObjects } from "./held-objects.ts";
import type { ManifestObject } from "./object.ts";
import { resourceName, type Objects } from "./objects.ts";
import type { StateDatabase } from "./state-database.ts";
import { isAsDeclared, resourceOf } from "./state.ts";

interface DeclaredObjectsOptions {
  readonly objects: Objects;
  readonly held: Pick<HeldObjects, "noteSource">;
  readonly database: Pick<StateDatabase, "load" | "save">;
  readonly nextVersion: () => number;
}
interface DeclaredObjects {
  /** What changes by these manifests. The rows are saved, and the changes are the caller's to take. To be called in a transaction. */
  declare(manifests: readonly ManifestObject[]): readonly WatchedChange[];
  /** Puts back what was held when the process ended before: what has been taken out of the manifests since is to end. Left out are objects of files that are no longer followed. */
  restore(held: readonly HeldObject[], sources: readonly string[]): void;
}

export function createDeclaredObjects({ objects, held, database, nextVersion }: DeclaredObjectsOptions): DeclaredObjects {
  /** The row of an object that is new, or differs from what was there. */
  function apply(object: ManifestObject): readonly WatchedChange[] {
    const resource = resourceName(object.type);
    held.noteSource(resource, object.key, object.source);
    const before = objects.get(resource, object.key);
    if (before && isAsDeclared(before, object) && before.metadata.deletionTimestamp === undefined) return [];
    const stored = database.load(resource, object.key);
    const specDigest = digest(object.spec);
    const bump = stored && stored.specDigest !== specDigest ? 1 : 0;
    const known = stored ?? { uid: randomUUID(), generation: 1, status: null };
    const state = { ...known, specDigest, generation: known.generation + bump, resourceVersion: nextVersion() };
    database.save(resource, object.key, state);
    const applied = resourceOf({ ...object, ...object.key }, object.spec, state);
    const creationTimestamp = before?.metadata.creationTimestamp ?? (stored ? undefined : new Date().toISOString());
    const made = withFinalizersOf(before, applied);
    const metadata = { ...made.metadata, ...(creationTimestamp !== undefined && { creationTimestamp }) };
    return [{ resource, change: { type: "applied", resource: { ...made, metadata } } }];
  }
  function end(resource: string, object: Resource): WatchedChange {
    const metadata = { ...object.metadata, resourceVersion: String(nextVersion()) };
    if ((metadata.finalizers ?? []).length === 0)
      return { resource, change: { type: "deleted", resource: { ...object, metadata } } };
    const deletionTimestamp = new Date().toISOString();
    return { resource, change: { type: "applied", resource: { ...object, metadata: { ...metadata, deletionTimestamp } } } };
  }
  return {
    declare(manifests) {
      const applied = manifests.flatMap(apply);
      const kept = new Set(manifests.map(({ type, key }) => `${resourceName(type)} ${keyText(key)}`));
      const gone = [...objects.all()].filter(
        ({ resource, object: { metadata } }) =>
          !kept.has(`${resource} ${keyText(metadata)}`) && metadata.deletionTimestamp === undefined,
      );
      return [...applied, ...gone.map(({ resource, object }) => end(resource, object))];
    },
    restore(heldBefore, sources) {
      for (const { resource, key, uid, source, declaration } of heldBefore) {
        const state = database.load(resource, key);
        const { spec, deletionTimestamp, finalizers, ...declared } = declaration;
        const isKnown = deletionTimestamp !== undefined || (source !== undefined && sources.includes(source));
        if (!isKnown || state?.uid !== uid) continue;
        const { metadata, ...rest } = resourceOf({ ...key, ...declared }, spec, state);
        const marks = { finalizers, ...(deletionTimestamp !== undefined && { deletionTimestamp }) };
        objects.put(resource, { ...rest, metadata: { ...metadata, ...marks } });
      }
    },
  };
}

/** What a state does not hold. A deletion mark goes with an object that is declared again. */
function withFinalizersOf(before: Resource | undefined, { metadata, ...rest }: Resource): Resource {
  const { finalizers } = before?.metadata ?? {};
  return { ...rest, metadata: { ...metadata, ...(finalizers && { finalizers }) } };
}
