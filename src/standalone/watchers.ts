/**
 * Tells changes to whoever watches.
 *
 * A watcher that is slow gets the latest change of each object and not all of them, so what waits for it is bounded by
 * the number of objects.
 */
import type { WatchEvent } from "../core/ports.ts";
import { keyText } from "../core/resource.ts";

export type Change = Exclude<WatchEvent, { type: "listed" }>;

interface Watchers {
  tell(resource: string, change: Change): void;
  /** Begins with what `list` gives; from then on every change. Ends when `signal` aborts. */
  watch(resource: string, list: () => WatchEvent, signal: AbortSignal): AsyncIterable<WatchEvent>;
}

export function createWatchers(): Watchers {
  interface Watcher {
    readonly resource: string;
    readonly pending: Map<string, Change>;
    wake(): void;
  }
  const watchers = new Set<Watcher>();
  return {
    tell(resource, change) {
      const key = keyText(change.resource.metadata);
      for (const watcher of watchers) {
        if (watcher.resource !== resource) continue;
        watcher.pending.delete(key);
        watcher.pending.set(key, change);
        watcher.wake();
      }
    },
    async *watch(resource, list, signal) {
      const watcher: Watcher = { resource, pending: new Map(), wake: () => undefined };
      const onAbort = (): void => watcher.wake();
      signal.addEventListener("abort", onAbort);
      watchers.add(watcher);
      try {
        yield list();
        while (!signal.aborted) {
          const [next] = watcher.pending;
          if (next) {
            watcher.pending.delete(next[0]);
            yield next[1];
          } else
            await new Promise<void>((resolve) => {
              watcher.wake = resolve;
            });
        }
      } finally {
        watchers.delete(watcher);
        signal.removeEventListener("abort", onAbort);
      }
    },
  };
}
