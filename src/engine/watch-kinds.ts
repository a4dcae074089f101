/** The watches of all kinds: each change goes into the cache, and from there to the keys that it makes due. */
import type { WatchedKind } from "../core/plan.ts";
import type { ResourceStore, WatchEvent } from "../core/ports.ts";
import { createYieldIfLong } from "../core/tools/event-loop-yield.ts";
import type { Caches } from "./caches.ts";
import type { Enqueue } from "./enqueue.ts";

interface WatchKindsDeps {
  readonly kinds: readonly WatchedKind[];
  readonly store: Pick<ResourceStore, "watch">;
  readonly caches: Pick<Caches, "of">;
  readonly enqueue: Enqueue;
}

export interface KindWatches {
  /** Resolves when every kind has been listed. */
  readonly warm: Promise<void>;
  /** Resolves when all have ended, which they do when told to; rejects as soon as one of them does. */
  run(signal: AbortSignal): Promise<void>;
}

export function createKindWatches({ kinds, store, caches, enqueue }: WatchKindsDeps): KindWatches {
  const unlisted = new Set(kinds);
  const breathe = createYieldIfLong();
  const warm = Promise.withResolvers<void>();

  async function apply(kind: WatchedKind, event: WatchEvent): Promise<void> {
    const cache = caches.of(kind);
    if (event.type === "listed") await enqueue.listed(kind, await cache.list(event, breathe));
    else enqueue.changed(kind, cache.apply(event));
  }
  async function watch(kind: WatchedKind, signal: AbortSignal): Promise<void> {
    for await (const event of store.watch(kind.type, signal)) {
      await apply(kind, event);
      if (event.type === "listed") unlisted.delete(kind);
      if (unlisted.size === 0) warm.resolve();
    }
  }
  return {
    warm: warm.promise,
    run: async (signal) => void (await Promise.all(kinds.map((kind) => watch(kind, signal)))),
  };
}
