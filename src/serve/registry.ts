/**
 * Which shadows may act at this instant, and which Secrets their names stand for.
 *
 * Invariant: what stands for another object is inert until this process has made sure that it does what that object says, and
 * that nobody else serves it; and again as soon as that is no longer so. What is no shadow is never held up.
 */
import { keyText, orphanAnnotation, secretType, type Reference, type Resource, type ResourceKey } from "../core/resource.ts";
import type { SecretPlace } from "../convert/placeholders.ts";
import { standsForLabel } from "./shadow.ts";

/** How a Secret that is made of an answer belongs to the object that declares it. */
export interface Injected extends SecretPlace {
  /** Those that are declared; others that are there stay. */
  readonly keys: readonly string[];
  /** Those of them that go where an answer has none. */
  readonly lost: readonly string[];
  /** The object that it goes with; undefined: it stays. */
  readonly owner?: { readonly apiVersion: string; readonly kind: string; readonly name: string; readonly uid: string };
}
/** A shadow that may act. */
export interface OpenShadow {
  /** Of the shadow. */
  readonly uid: string;
  /** Whether its remote object may be deleted with it: the object that it stands for is being deleted, too. */
  readonly mayEnd: boolean;
  /** By the names that its spec has for them. */
  readonly reads: ReadonlyMap<string, SecretPlace>;
  readonly writes: ReadonlyMap<string, Injected>;
}

export interface Registry {
  /** Returns whether it may do what it could not do before. */
  readonly open: (kind: string, key: ResourceKey, shadow: OpenShadow) => boolean;
  readonly close: (kind: string, key: ResourceKey) => void;
  /** The turn in which a resource may be acted on; undefined: it may not. Of what is no shadow, or only goes, it is always the same. */
  readonly turnOf: (kind: string, resource: Resource) => number | undefined;
  /** Nothing that was open is so any more: others may have acted since. */
  readonly closeAll: () => void;
  find(kind: string, resource: Resource["metadata"]): OpenShadow | undefined;
  /** Where a shadow reads what it names: elsewhere for the names that stand for a Secret, as long as it may act. For all else there. */
  readonly placeOf: (kind: string, reader: Resource, named: Reference) => Reference;
}

export function isShadow({ metadata: { labels } }: Pick<Resource, "metadata">): boolean {
  return labels?.[standsForLabel] !== undefined;
}

/** It goes, whoever serves its object, and nothing is sent. */
function isLetGo({ metadata: { deletionTimestamp, annotations } }: Resource): boolean {
  return deletionTimestamp !== undefined && annotations?.[orphanAnnotation] === "true";
}

/** `mayServe`: whether nobody else serves at this instant. */
export function createRegistry(mayServe: () => boolean): Registry {
  let turn = 1;
  const shadows = new Map<string, OpenShadow>();
  const idOf = (kind: string, key: ResourceKey): string => `${kind}/${keyText(key)}`;

  function find(kind: string, { uid, ...key }: Resource["metadata"]): OpenShadow | undefined {
    const shadow = shadows.get(idOf(kind, key));
    return shadow?.uid === uid ? shadow : undefined;
  }
  return {
    open(kind, key, shadow) {
      const id = idOf(kind, key);
      const before = shadows.get(id);
      shadows.set(id, shadow);
      return before?.uid !== shadow.uid || (shadow.mayEnd && !before.mayEnd);
    },
    close: (kind, key) => void shadows.delete(idOf(kind, key)),
    turnOf(kind, resource) {
      if (!isShadow(resource) || isLetGo(resource)) return 0;
      const shadow = shadows.get(idOf(kind, resource.metadata));
      if (shadow?.uid !== resource.metadata.uid || !mayServe()) return undefined;
      return shadow.mayEnd || resource.metadata.deletionTimestamp === undefined ? turn : undefined;
    },
    closeAll() {
      shadows.clear();
      turn += 1;
    },
    find,
    placeOf(kind, { metadata }, named) {
      const { type, key } = named;
      if (type.kind !== secretType.kind || key.namespace !== metadata.namespace) return named;
      const place = find(kind, metadata)?.reads.get(key.name);
      return place ? { type, key: place } : named;
    },
  };
}
