/**
 * Several watches of one type, one for each namespace, as one.
 *
 * Invariant: `listed` is still everything there is: nothing is told before every namespace has been listed, and a
 * namespace that is listed anew is told together with what the others hold.
 */
import type { WatchEvent } from "../core/ports.ts";
import { keyText, type Resource } from "../core/resource.ts";

/** Ends when all have ended. Throws what one of them throws; then, and when it is left early, all are closed. */
export async function* mergeWatches(watches: readonly AsyncGenerator<WatchEvent, void>[]): AsyncGenerator<WatchEvent, void> {
  const held = new Map<AsyncGenerator<WatchEvent, void>, Map<string, Resource>>();
  for await (const [watch, event] of interleave(watches)) {
    if (event.type === "listed") {
      held.set(watch, new Map(event.resources.map((resource) => [keyText(resource.metadata), resource])));
      if (held.size < watches.length) continue;
      const resources = [...held.values()].flatMap((namespace) => [...namespace.values()]);
      yield { type: "listed", resources, resourceVersion: event.resourceVersion };
    } else {
      const key = keyText(event.resource.metadata);
      if (event.type === "applied") held.get(watch)?.set(key, event.resource);
      else held.get(watch)?.delete(key);
      if (held.size === watches.length) yield event;
    }
  }
}

/** Each item with its source, as they come. */
async function* interleave<T>(sources: readonly AsyncGenerator<T, void>[]): AsyncGenerator<[AsyncGenerator<T, void>, T], void> {
  type Source = AsyncGenerator<T, void>;
  const next = async (source: Source): Promise<[Source, IteratorResult<T, void>]> => [source, await source.next()];
  const pending = new Map(sources.map((source) => [source, next(source)]));
  try {
    while (pending.size > 0) {
      const [source, result] = await Promise.race(pending.values());
      if (result.done === true) pending.delete(source);
      else {
        pending.set(source, next(source));
        yield [source, result.value];
      }
    }
  } finally {
    for (const source of pending.keys()) void source.return();
  }
}
