/**
 * Several watches of one type, one for each namespace, as one.
 *
 * Invariant: `listed` is still everything there is: nothing is told before every namespace has been listed, and a
 * namespace that is listed anew is told together with what the others hold.
 */
import type { WatchEvent } from "../core/ports.ts";
import { keyText, type Resource } from "../core/resource.ts";

type Watch = AsyncGenerator<WatchEvent, void>;

/** By namespace. Ends when all have ended. Throws what one of them throws; then, and when it is left early, all are closed. */
export async function* mergeWatches(watches: ReadonlyMap<string, Watch>): AsyncGenerator<WatchEvent, void> {
  const [only, ...others] = watches.values();
  if (only && others.length === 0) return yield* only; // what it has listed is whole, and needs no keeping
  const namespaces = new Map([...watches].map(([namespace, watch]) => [watch, namespace]));
  const held = new Map<string, Map<string, Resource>>();
  const versions = new Map<string, string>();
  for await (const [watch, event] of interleave([...watches.values()])) {
    const namespace = namespaces.get(watch) ?? "";
    if (event.type === "listed") {
      held.set(namespace, new Map(event.resources.map((resource) => [keyText(resource.metadata), resource])));
      versions.set(namespace, event.resourceVersion);
      if (held.size < watches.size) continue;
      const resources = [...held.values()].flatMap((part) => [...part.values()]);
      yield { type: "listed", resources, resourceVersion: event.resourceVersion, versions: new Map(versions) };
    } else {
      const key = keyText(event.resource.metadata);
      if (event.type === "applied") held.get(namespace)?.set(key, event.resource);
      else held.get(namespace)?.delete(key);
      if (held.size === watches.size) yield event;
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
