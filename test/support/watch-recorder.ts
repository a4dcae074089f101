/** Follows a store's watch as a cache would, so that a test can wait for what it should have told. */
import type { WatchEvent } from "../../src/core/ports.ts";
import type { Resource } from "../../src/core/resource.ts";

export interface WatchRecorder extends AsyncDisposable {
  readonly events: readonly WatchEvent[];
  /** What there is now, by name, after all events so far. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** Resolves once the condition holds, which is looked at after each event. Throws after `limitMs`. */
  until(what: string, condition: () => boolean, limitMs?: number): Promise<void>;
}

/** `watch` is given the signal with which it ends. */
export function recordWatch(watch: (signal: AbortSignal) => AsyncIterable<WatchEvent>): WatchRecorder {
  const ending = new AbortController();
  const events: WatchEvent[] = [];
  const resources = new Map<string, Resource>();
  const waiting = new Set<() => void>();
  function apply(event: WatchEvent): void {
    if (event.type === "listed") {
      resources.clear();
      for (const resource of event.resources) resources.set(resource.metadata.name, resource);
    } else if (event.type === "applied") resources.set(event.resource.metadata.name, event.resource);
    else resources.delete(event.resource.metadata.name);
  }
  const following = (async () => {
    for await (const event of watch(ending.signal)) {
      events.push(event);
      apply(event);
      for (const look of waiting) look();
    }
  })();
  return {
    events,
    resources,
    async until(what, condition, limitMs = 60_000) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = (): void => (condition() ? resolve() : undefined);
      const seen = (): string => events.map(({ type }) => type).join(" ");
      const limit = setTimeout(() => reject(new Error(`not seen in ${limitMs} ms: ${what}; events: ${seen()}`)), limitMs);
      waiting.add(look);
      look();
      try {
        await promise;
      } finally {
        clearTimeout(limit);
        waiting.delete(look);
      }
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      await following;
    },
  };
}
