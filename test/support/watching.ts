/** A watch that a test reads at its own pace: it collects every event and waits, within a deadline, for expected ones. */
import type { WatchEvent } from "../../src/core/ports.ts";
import type { Resource } from "../../src/core/resource.ts";

export interface Watching extends AsyncDisposable {
  readonly seen: readonly WatchEvent[];
  /** Whether the watch has come to its end. */
  readonly ended: boolean;
  /** What the first event lists. */
  listed(): Promise<readonly Resource[]>;
  /** The first such event of those that no earlier call has passed. A listing counts as applying all that it lists. */
  until(isExpected: (event: WatchEvent) => boolean): Promise<Resource>;
}

const deadlineMs = 60_000;

/** Disposing aborts the watch and waits until it has ended. */
export function watching(watch: (signal: AbortSignal) => AsyncIterable<WatchEvent>): Watching {
  const abort = new AbortController();
  const seen: WatchEvent[] = [];
  let position = 0;
  let ended = false;
  let arrived = Promise.withResolvers<void>();
  const collecting = collect();
  collecting.catch(() => undefined);

  async function collect(): Promise<void> {
    for await (const event of watch(abort.signal)) {
      seen.push(event);
      arrived.resolve();
      arrived = Promise.withResolvers<void>();
    }
    ended = true;
  }
  /** The next event that has not been looked at. */
  async function next(): Promise<WatchEvent> {
    const event = seen[position];
    if (event) return (position++, event);
    using late = rejectAfter(deadlineMs);
    await Promise.race([arrived.promise, late.promise, collecting.then(() => Promise.reject(new Error("the watch has ended")))]);
    return next();
  }
  return {
    seen,
    get ended() {
      return ended;
    },
    async listed() {
      if (!seen[0]) position = (await next(), 0);
      const [first] = seen;
      if (first?.type !== "listed") throw new Error(`the first event must be a listing, not ${first?.type}`);
      return first.resources;
    },
    async until(isExpected) {
      for (;;) {
        const found = resources(await next()).find((event) => isExpected(event));
        if (found) return found.resource;
      }
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await collecting;
    },
  };
}

type Change = Exclude<WatchEvent, { type: "listed" }>;
function resources(event: WatchEvent): readonly Change[] {
  return event.type === "listed" ? event.resources.map((resource) => ({ type: "applied", resource })) : [event];
}

function rejectAfter(limitMs: number): Disposable & { readonly promise: Promise<never> } {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`nothing expected came within ${limitMs} ms`)), limitMs);
  return { promise, [Symbol.dispose]: () => clearTimeout(timer) };
}
