/**
 * What a cache holds once a listing has been taken in, made in pieces between which others may be at work.
 *
 * Invariant: it ends as it would if all that others wrote meanwhile had been written before.
 */
import type { WatchEvent } from "../core/ports.ts";
import { keyText, type Resource } from "../core/resource.ts";
import type { Change } from "./changes.ts";
import { createResourceMap, type ResourceMap } from "./resource-map.ts";

export interface Merging {
  /** As it is, and goes on to be while the listing is taken in. */
  readonly old: ResourceMap;
  /**
   * What is there from after it stays. Nothing else does: where an object is listed as it was before what is known of it, the store
   * was restored from an older copy since.
   */
  readonly listing: Extract<WatchEvent, { type: "listed" }>;
  /** UIDs of what is known to be gone, whatever a listing says. */
  readonly forgotten: ReadonlySet<string>;
  /** What has been written, or taken out, since this began. */
  readonly touched: ReadonlySet<Resource>;
  readonly isNewer: (a: string, b: string) => boolean;
}

/** Stops after each piece of work. What it gives is to take the place of the old at once. */
export function* mergeListing(merging: Merging): Generator<void, ResourceMap> {
  const { old, listing, forgotten, touched, isNewer } = merging;
  const { resources: listed, versions } = listing;
  const next = createResourceMap();
  function keepNewer(resource: Resource): void {
    const { namespace, resourceVersion } = resource.metadata;
    // In a part that was listed earlier it is as it was told of since.
    const inList = next.get(keyText(resource.metadata))?.metadata.resourceVersion;
    const isLater =
      isNewer(resourceVersion, versions?.get(namespace) ?? listing.resourceVersion) &&
      (!inList || isNewer(resourceVersion, inList));
    if (isLater) next.set(resource);
  }
  for (const resource of listed) {
    if (!forgotten.has(resource.metadata.uid)) next.set(resource);
    yield;
  }
  for (const [, resource] of old) {
    keepNewer(resource);
    yield;
  }
  const changed = new Set([...touched].map(({ metadata }) => keyText(metadata)));
  for (const key of changed) next.delete(key);
  for (const resource of changed.size > 0 ? listed : [])
    if (changed.has(keyText(resource.metadata)) && !forgotten.has(resource.metadata.uid)) next.set(resource);
  for (const key of changed) {
    const now = old.get(key);
    if (now) keepNewer(now);
  }
  return next;
}

/** Of what is known to be gone: what a listing has all the same. */
export function stillListed(forgotten: ReadonlySet<string>, listed: readonly Resource[]): Set<string> {
  const uids = forgotten.size > 0 ? listed.map(({ metadata }) => metadata.uid) : [];
  return new Set(uids.filter((uid) => forgotten.has(uid)));
}

/** Looked at one by one: what has changed again by then is told as it is. `now`: what is there. */
export function* changesSince(
  old: ResourceMap,
  listed: readonly Resource[],
  now: (key: string) => Resource | undefined,
): Generator<Change, void> {
  for (const [key, before] of old) {
    const after = now(key);
    if (after !== before) yield { before, after };
  }
  for (const { metadata } of listed) {
    const key = keyText(metadata);
    const after = old.get(key) ? undefined : now(key);
    if (after) yield { before: undefined, after };
  }
}
