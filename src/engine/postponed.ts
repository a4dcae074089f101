/**
 * Keys that wait for something other than a worker, such as a place at an origin, and why. None of them is in the queue, unless
 * it has waited for so long that its object is to say so.
 */
import { fractionOf } from "../core/backoff.ts";
import type { Busy } from "../core/ports.ts";
import { longestTimerMs } from "../core/tools/deadline.ts";

/** `kept` and the others: as of `Busy`. */
export interface Wait extends Omit<Busy, "type" | "reason"> {
  readonly reason: Busy["reason"] | "StatusesUnwritable";
}
/** It waits still. */
export interface LongWait extends Wait {
  /** Milliseconds until its turn comes, from now on. */
  readonly turnInMs?: number;
}

export interface Postponed {
  /** `id` waits, and for nothing else any more; `whenFree` is called when it is its turn, `whenLong` each time that it is to be told of. */
  wait(id: string, what: Wait, when: { readonly free: () => void; readonly long: () => void }): void;
  /** What is to be told of `id`, which waits on; undefined: nothing. It is asked for once. */
  takeLong(id: string): LongWait | undefined;
  /** It has been told of, and is again after so long if it waits still. */
  tellAgain(id: string, afterMs: number): void;
  /** The key has become due before its turn, and waits no longer. */
  forget(id: string): void;
  /** How many wait, by why. */
  counts(): ReadonlyMap<Wait["reason"], number>;
}

interface Waiting {
  readonly what: Wait;
  readonly sinceMs: number;
  readonly whenLong: () => void;
  timer: NodeJS.Timeout | undefined;
  isLong: boolean;
}

/**
 * Much passes before this, and is told of by no write of its own; a fleet's writes are spread over as long again. Milliseconds. A
 * fleet that goes to one server as fast as it can waits for that with no limit of anybody's, and is not to be slowed down by it.
 */
const tellAfterMs = (reason: Wait["reason"]): number => (reason === "OriginBusy" ? 60_000 : 5_000);

export function createPostponed(nowMs = () => performance.now()): Postponed {
  const waiting = new Map<string, Waiting>();

  function forget(id: string): void {
    clearTimeout(waiting.get(id)?.timer);
    waiting.delete(id);
  }
  function leftMs({ what: { turnInMs }, sinceMs }: Waiting): number | undefined {
    const left = turnInMs === undefined ? 0 : sinceMs + turnInMs - nowMs();
    return left > 0 ? left : undefined;
  }
  function tellAfter(id: string, one: Waiting, afterMs: number): void {
    clearTimeout(one.timer);
    one.timer = setTimeout(
      () => {
        if (waiting.get(id) !== one) return;
        one.isLong = true;
        one.whenLong();
      },
      Math.min(afterMs, longestTimerMs),
    ).unref();
  }
  return {
    wait(id, what, when) {
      forget(id);
      const one: Waiting = { what, sinceMs: nowMs(), whenLong: when.long, timer: undefined, isLong: false };
      waiting.set(id, one);
      // While no status can be written, none can say so.
      const firstMs = tellAfterMs(what.reason);
      if (what.reason !== "StatusesUnwritable" && (what.turnInMs ?? Infinity) > 2 * firstMs)
        tellAfter(id, one, firstMs * (1 + fractionOf(id)));
      void what.free.then(() => {
        if (waiting.get(id) === one) forget(id);
        when.free();
      });
    },
    takeLong(id) {
      const one = waiting.get(id);
      if (!one?.isLong) return undefined;
      one.isLong = false;
      const { turnInMs: _, ...what } = one.what;
      const turnInMs = leftMs(one);
      return { ...what, ...(turnInMs !== undefined && { turnInMs }) };
    },
    tellAgain(id, afterMs) {
      const one = waiting.get(id);
      if (one) tellAfter(id, one, afterMs);
    },
    forget,
    counts() {
      const counts = new Map<Wait["reason"], number>();
      for (const { what } of waiting.values()) counts.set(what.reason, (counts.get(what.reason) ?? 0) + 1);
      return counts;
    },
  };
}
