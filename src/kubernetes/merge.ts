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
  const [only, ...others] = watches;
  if (only && others.length === 0) return yield* only; // what it has listed is whole, and needs no keeping
  const held = new Map<AsyncGenerator<WatchEvent, void>, Map<string, Resource>>();
  for await (const [watch, event] of interleave(watches)) {
    if (event.type === "listed") {
      held.set(watch, new Map(event.resources.map((resource) => [keyText(resource.metadata), resource])));
      if (held.size < watches.length) continue;
      const resources = [...held.values()].flatMap((namespace) => [...namespace.values()]);
      yield { type: "listed", resources, resourceVersion: event.resourceVersion, isMerged: true };
    } else {
      const key = keyText(event.resource.metadata);
      if (event.type === "applied") held.get(watch)?.set(key, event.resource);
      else held.get(watch)?.delete(key);
      if (held.size === watches.length) yield event;
    }
  }
}

/**
 * Each item with its source, as they come. Without `Promise.race`: that would leave something behind with each source that is
 * silent, each time that another is not.
 */
async function* interleave<T>(sources: readonly AsyncGenerator<T, void>[]): AsyncGenerator<[AsyncGenerator<T, void>, T], void> {
  type Source = AsyncGenerator<T, void>;
  const open = new Set(sources);
  const arrived: [Source, IteratorResult<T, void>][] = [];
  let failure: { readonly error: unknown } | undefined;
  let wake = (): void => {};
  function pull(source: Source): void {
    source
      .next()
      .then(
        (result) => void arrived.push([source, result]),
        (error: unknown) => (failure ??= { error }),
      )
      .finally(() => wake());
  }
  for (const source of sources) pull(source);
  try {
    while (open.size > 0) {
      if (failure) throw failure.error;
      const [source, result] = arrived.shift() ?? [];
      if (!source || !result) await new Promise<void>((resolve) => (wake = resolve));
      else if (result.done === true) open.delete(source);
      else {
        pull(source);
        yield [source, result.value];
      }
    }
  } finally {
    for (const source of open) void source.return();
  }
}
