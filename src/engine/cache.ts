/**
 * What is known of the resources of one type. An older event never replaces a newer object, and one that is known to be
 * gone is not brought back by what happened before that: a watch that lags cannot make a finished request look unsent.
 */
import { sameJSON } from "../core/tools/json.ts";
import type { WatchEvent } from "../core/ports.ts";
import type { YieldIfLong } from "../core/tools/event-loop-yield.ts";
import type { Change } from "./changes.ts";
import { changesSince, mergeListing, stillListed } from "./merged-listing.ts";
import { createResourceMap } from "./resource-map.ts";
import { keyText, type Resource, type ResourceKey } from "../core/resource.ts";

type Listing = Extract<WatchEvent, { type: "listed" }>;

export interface Cache {
  get(key: ResourceKey): Resource | undefined;
  all(): Iterable<Resource>;
  readonly inNamespace: (namespace: string) => Iterable<Resource>;
  /** What the event changed, as pairs of before and after. */
  apply(event: WatchEvent): readonly Change[];
  /** The same for a listing, however long, with pauses. The changes are to be gone through once, one by one. */
  list(event: Listing, breathe: YieldIfLong): Promise<Iterable<Change>>;
  /** What a write or a live read answered. It updates an object that is cached, and never brings back one that is gone by now. */
  learn(resource: Resource): readonly Change[];
  /** Takes out an object that is gone, before the watch tells so. */
  forget(resource: Resource): readonly Change[];
  readonly size: number;
  /** Whether a listing has arrived. */
  readonly isWarm: boolean;
}

/** `isNewer`: whether resourceVersion `a` is later than `b`, as the store that it mirrors has it. */
export function createCache(isNewer: (a: string, b: string) => boolean): Cache {
  let resources = createResourceMap();
  /** UIDs of what was forgotten, until the watch or a listing has come so far. */
  let forgotten = new Set<string>();
  /** What has been written while a listing is taken in; absent: none is. */
  let touched: Set<Resource> | undefined;
  let isWarm = false;

  function put(resource: Resource): Change[] {
    if (forgotten.has(resource.metadata.uid)) return [];
    const key = keyText(resource.metadata);
    const before = resources.get(key);
    if (before && !isNewer(resource.metadata.resourceVersion, before.metadata.resourceVersion)) return [];
    const after = withKnownSpec(resource, before);
    resources.set(after);
    touched?.add(after);
    return [{ before, after }];
  }
  function remove(resource: Resource): Change[] {
    forgotten.delete(resource.metadata.uid);
    const key = keyText(resource.metadata);
    const before = resources.get(key);
    // One that was changed since is gone as well: it has left what is watched, for example by a label.
    const isSame = before?.metadata.uid === resource.metadata.uid;
    if (!before || (!isSame && isNewer(before.metadata.resourceVersion, resource.metadata.resourceVersion))) return [];
    resources.delete(key);
    touched?.add(before);
    return [{ before, after: undefined }];
  }
  function forget(resource: Resource): Change[] {
    const key = keyText(resource.metadata);
    const before = resources.get(key);
    if (before?.metadata.uid !== resource.metadata.uid) return []; // the watch has come so far already
    forgotten.add(resource.metadata.uid);
    resources.delete(key);
    touched?.add(before);
    return [{ before, after: undefined }];
  }
  /** One step: nobody sees a half of the old and a half of the new, however long it takes to make it. */
  function* replace(listing: Listing): Generator<void, Iterable<Change>> {
    const old = resources;
    touched = new Set();
    const next = yield* mergeListing({ old, listing, forgotten, touched, isNewer });
    touched = undefined;
    forgotten = stillListed(forgotten, listing.resources);
    resources = next;
    isWarm = true;
    return changesSince(old, listing.resources, (key) => resources.get(key));
  }
  return {
    get: (key) => resources.get(keyText(key)),
    all: () => resources.values(),
    inNamespace: (namespace) => resources.inNamespace(namespace),
    apply(event) {
      switch (event.type) {
        case "listed":
          return [...atOnce(replace(event))];
        case "applied":
          return put(event.resource);
        case "deleted":
          return remove(event.resource);
      }
    },
    async list(listing, breathe) {
      const pieces = replace(listing);
      for (;;) {
        const piece = pieces.next();
        if (piece.done) return piece.value;
        await breathe();
      }
    },
    learn(resource) {
      if (hasEnded(resource)) return forget(resource);
      const known = resources.get(keyText(resource.metadata));
      return known?.metadata.uid === resource.metadata.uid ? put(resource) : [];
    },
    forget,
    get size() {
      return resources.size;
    },
    get isWarm() {
      return isWarm;
    },
  };
}

/** What has been derived of a spec is known of the very object: it stays while it is equal. */
function withKnownSpec(resource: Resource, before: Resource | undefined): Resource {
  const isKnown = before !== undefined && before.spec !== resource.spec && sameJSON(before.spec, resource.spec);
  return isKnown ? { ...resource, spec: before.spec } : resource;
}

/**
 * Whether the write that this answers was the end of the object. The API server answers with the object as it was asked to write
 * it, under the resourceVersion that it had before (kubernetes/apiserver pkg/registry/generic/registry/store.go, deleteWithoutFinalizers).
 */
function hasEnded({ metadata: { deletionTimestamp, finalizers = [] } }: Resource): boolean {
  return deletionTimestamp !== undefined && finalizers.length === 0;
}

function atOnce<T>(pieces: Generator<void, T>): T {
  for (;;) {
    const piece = pieces.next();
    if (piece.done) return piece.value;
  }
}
