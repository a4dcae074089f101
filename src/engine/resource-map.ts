/** Resources by their keys (`namespace/name`), of which those of one namespace are found without a look at all. */
import { keyText, type Resource } from "../core/resource.ts";

export interface ResourceMap extends Iterable<readonly [string, Resource]> {
  get(key: string): Resource | undefined;
  set(resource: Resource): void;
  delete(key: string): void;
  values(): Iterable<Resource>;
  inNamespace(namespace: string): Iterable<Resource>;
  readonly size: number;
}

export function createResourceMap(resources: readonly Resource[] = []): ResourceMap {
  const all = new Map<string, Resource>();
  const keysIn = new Map<string, Set<string>>();
  function set(resource: Resource): void {
    const { namespace } = resource.metadata;
    const key = keyText(resource.metadata);
    all.set(key, resource);
    const keys = keysIn.get(namespace) ?? new Set<string>();
    keysIn.set(namespace, keys.add(key));
  }
  for (const resource of resources) set(resource);
  return {
    get: (key) => all.get(key),
    set,
    delete(key) {
      const namespace = all.get(key)?.metadata.namespace ?? "";
      all.delete(key);
      const keys = keysIn.get(namespace);
      if (keys?.delete(key) && keys.size === 0) keysIn.delete(namespace);
    },
    values: () => all.values(),
    *inNamespace(namespace) {
      for (const key of keysIn.get(namespace) ?? []) yield all.get(key) as Resource;
    },
    get size() {
      return all.size;
    },
    [Symbol.iterator]: () => all[Symbol.iterator](),
  };
}
