/**
 * What is known of the resources of one type. An older event never replaces a newer object, and one that is known to be
 * gone is not brought back by what happened before that: a watch that lags cannot make a finished request look unsent.
 */
import type { WatchEvent } from "../core/ports.ts";
import { createResourceMap } from "./resource-map.ts";
import { keyText, type Resource, type ResourceKey } from "../core/resource.ts";

export interface Cache {
  get(key: ResourceKey): Resource | undefined;
  all(): Iterable<Resource>;
  readonly inNamespace: (namespace: string) => Iterable<Resource>;
  /** What the event changed, as pairs of before and after. */
  apply(event: WatchEvent): readonly Change[];
  /** What a write or a live read answered. It updates an object that is cached, and never brings back one that is gone by now. */
  learn(resource: Resource): readonly Change[];
  /** Takes out an object that is gone, before the watch tells so. */
  forget(resource: Resource): readonly Change[];
  readonly size: number;
  /** Whether a listing has arrived. */
  readonly isWarm: boolean;
}
export interface Change {
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
}

/** `isNewer`: whether resourceVersion `a` is later than `b`, as the store that it mirrors has it. */
export function createCache(isNewer: (a: string, b: string) => boolean): Cache {
  let resources = createResourceMap();
  /** UIDs of what was forgotten, until the watch or a listing has come so far. */
  let forgotten = new Set<string>();
  let isWarm = false;

  function put(resource: Resource): Change[] {
    if (forgotten.has(resource.metadata.uid)) return [];
    const key = keyText(resource.metadata);
    const before = resources.get(key);
    if (before && !isNewer(resource.metadata.resourceVersion, before.metadata.resourceVersion)) return [];
    resources.set(resource);
    return [{ before, after: resource }];
  }
  function remove(resource: Resource): Change[] {
    forgotten.delete(resource.metadata.uid);
    const key = keyText(resource.metadata);
    const before = resources.get(key);
    // One that was changed since is gone as well: it has left what is watched, for example by a label.
    const isSame = before?.metadata.uid === resource.metadata.uid;
    if (!before || (!isSame && isNewer(before.metadata.resourceVersion, resource.metadata.resourceVersion))) return [];
    resources.delete(key);
    return [{ before, after: undefined }];
  }
  /** One step: nobody sees a half of the old and a half of the new. */
  function replace(listed: readonly Resource[], resourceVersion: string): Change[] {
    const old = resources;
    forgotten = forgotten.intersection(new Set(listed.map(({ metadata }) => metadata.uid)));
    const there = listed.filter(({ metadata }) => !forgotten.has(metadata.uid));
    resources = createResourceMap(there);
    for (const [key, resource] of old) {
      const inList = resources.get(key);
      const keep = inList
        ? isNewer(resource.metadata.resourceVersion, inList.metadata.resourceVersion)
        : isNewer(resource.metadata.resourceVersion, resourceVersion);
      if (keep) resources.set(resource);
    }
    isWarm = true;
    const gone = [...old].filter(([key]) => !resources.get(key)).map(([, before]) => ({ before, after: undefined }));
    return [
      ...gone,
      ...[...resources].filter(([key, after]) => old.get(key) !== after).map(([key, after]) => ({ before: old.get(key), after })),
    ];
  }
  return {
    get: (key) => resources.get(keyText(key)),
    all: () => resources.values(),
    inNamespace: (namespace) => resources.inNamespace(namespace),
    apply(event) {
      switch (event.type) {
        case "listed":
          return replace(event.resources, event.resourceVersion);
        case "applied":
          return put(event.resource);
        case "deleted":
          return remove(event.resource);
      }
    },
    learn(resource) {
      const known = resources.get(keyText(resource.metadata));
      return known?.metadata.uid === resource.metadata.uid ? put(resource) : [];
    },
    forget(resource) {
      const key = keyText(resource.metadata);
      const before = resources.get(key);
      if (before?.metadata.uid !== resource.metadata.uid) return []; // the watch has come so far already
      forgotten.add(resource.metadata.uid);
      resources.delete(key);
      return [{ before, after: undefined }];
    },
    get size() {
      return resources.size;
    },
    get isWarm() {
      return isWarm;
    },
  };
}
