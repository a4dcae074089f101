/** What there is of each kind that manifests declare, as watchers see it. In memory: the state database has what outlives the process. */
import { definitions } from "../api/definitions.ts";
import { group, version, type KindDefinition } from "../api/kind-definition.ts";
import { keyText, type Reference, type Resource, type ResourceKey, type ResourceType } from "../core/resource.ts";
import type { Change } from "./watchers.ts";

/** `resource`: what `resourceName` gives. */
export interface Objects {
  get(resource: string, key: ResourceKey): Resource | undefined;
  readonly find: (reference: Reference) => Resource | undefined;
  /** Whether there is one with this UID. */
  readonly hasUid: (uid: string) => boolean;
  of(resource: string): readonly Resource[];
  all(): Iterable<{ readonly resource: string; readonly object: Resource }>;
  /** Without a word to whoever watches. */
  put(resource: string, object: Resource): void;
  /** Takes a change, and tells it. */
  take(resource: string, change: Change): void;
}

export function createObjects(tell: (resource: string, change: Change) => void): Objects {
  /** By resource, then by key. */
  const known = new Map([...types.keys()].map((resource) => [resource, new Map<string, Resource>()]));

  function get(resource: string, key: ResourceKey): Resource | undefined {
    return known.get(resource)?.get(keyText(key));
  }
  const uids = new Set<string>();
  function remove(resource: string, key: ResourceKey): void {
    uids.delete(get(resource, key)?.metadata.uid ?? "");
    known.get(resource)?.delete(keyText(key));
  }
  function put(resource: string, object: Resource): void {
    uids.delete(get(resource, object.metadata)?.metadata.uid ?? "");
    uids.add(object.metadata.uid);
    known.get(resource)?.set(keyText(object.metadata), object);
  }
  return {
    get,
    find: ({ type, key }) => get(resourceName(type), key),
    hasUid: (uid) => uids.has(uid),
    of: (resource) => [...(known.get(resource)?.values() ?? [])],
    *all() {
      for (const [resource, objects] of known) for (const object of objects.values()) yield { resource, object };
    },
    put,
    take(resource, change) {
      if (change.type === "applied") put(resource, change.resource);
      else remove(resource, change.resource.metadata);
      tell(resource, change);
    },
  };
}

/** By resource name. */
export const types: ReadonlyMap<string, ResourceType> = new Map(
  definitions.map((one) => [resourceName({ ...one, group }), typeOf(one)]),
);
function typeOf({ kind, plural, scope }: KindDefinition): ResourceType {
  return { group, version, kind, plural, ...(scope === "Cluster" && { scope }) };
}

export function resourceName({ plural, group }: Pick<ResourceType, "plural" | "group">): string {
  return `${plural}.${group}`;
}
