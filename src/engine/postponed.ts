/** Keys that wait for something other than a worker, such as a place at an origin, and why. None of them is in the queue. */
import type { Busy } from "../core/ports.ts";

/** `kept`: as of `Busy`. */
export interface Wait extends Pick<Busy, "kept" | "free"> {
  readonly reason: Busy["reason"] | "StatusesUnwritable";
}

export interface Postponed {
  /** `id` waits, and for nothing else any more; `whenFree` is called when it is its turn. */
  wait(id: string, what: Wait, whenFree: () => void): void;
  /** The key has become due before its turn, and waits no longer. */
  forget(id: string): void;
  /** How many wait, by why. */
  counts(): ReadonlyMap<Wait["reason"], number>;
}

export function createPostponed(): Postponed {
  const waiting = new Map<string, Wait>();
  return {
    wait(id, what, whenFree) {
      waiting.set(id, what);
      void what.free.then(() => {
        if (waiting.get(id) === what) waiting.delete(id);
        whenFree();
      });
    },
    forget: (id) => void waiting.delete(id),
    counts() {
      const counts = new Map<Wait["reason"], number>();
      for (const { reason } of waiting.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
      return counts;
    },
  };
}
