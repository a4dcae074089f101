/** A watch that a test reads at its own pace: it collects every event and waits, within a deadline, for expected ones. */
import type { WatchEvent } from "../../src/core/ports.ts";
import type { Resource } from "../../src/core/resource.ts";

export interface Watching extends AsyncDisposable {
  readonly seen: readonly WatchEvent[];
  /** Whether the watch has come to its end. */
  readonly ended: boolean;
  /** What the first event lists. */
  listed(): Promise<readonly Resource[]>;
  /** The first event of those that no earlier call has passed; the listing counts as one that applies everything. */
  until(isExpected: (event: WatchEvent) => boolean): Promise<Resource>;
  untilDeleted(name: string): Promise<void>;
}

const deadlineMs = 15_000;

/** Disposing aborts the watch and waits until it has ended. */
export function watching(watch: (signal: AbortSignal) => AsyncIterable<WatchEvent>): Watching {
  const abort = new AbortController();
  const seen: WatchEvent[] = [];
  let position = 0;
  let ended = false;
  let arrived = Promise.withResolvers<void>();
  const collecting = collect();

  async function collect(): Promise<void> {
    for await (const event of watch(abort.signal)) {
      seen.push(event);
      arrived.resolve();
      arrived = Promise.withResolvers<void>();
    }
    ended = true;
  }
  async function next(isExpected: (event: WatchEvent) => boolean): Promise<WatchEvent> {
    const deadline = AbortSignal.timeout(deadlineMs);
    const late = new Promise<never>((_, reject) => {
      deadline.addEventListener("abort", () => reject(new Error(`not seen within ${deadlineMs} ms`)), { once: true });
    });
    late.catch(() => undefined);
    for (;;) {
      const event = seen[position++];
      if (event && isExpected(event)) return event;
      if (event) continue;
      position--;
      await Promise.race([arrived.promise, late, collecting.then(() => Promise.reject(new Error("the watch has ended")))]);
    }
  }
  return {
    seen,
    get ended() {
      return ended;
    },
    async listed() {
      const first = seen[0] ?? (await next(() => true));
      if (first.type !== "listed") throw new Error(`the first event must be a listing, not ${first.type}`);
      return first.resources;
    },
    async until(isExpected) {
      let found: Resource | undefined;
      await next((event) => {
        const events: readonly WatchEvent[] =
          event.type === "listed" ? event.resources.map((resource) => ({ type: "applied", resource })) : [event];
        const expected = events.find(isExpected);
        if (expected && expected.type !== "listed") found = expected.resource;
        return found !== undefined;
      });
      if (!found) throw new Error("unreachable");
      return found;
    },
    async untilDeleted(name) {
      await next((event) => event.type === "deleted" && event.resource.metadata.name === name);
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await collecting;
    },
  };
}
