/**
 * Those that wait for what another of their group has got meanwhile: it may be had by them, too.
 *
 * Invariant: whatever others get, one at most is woken for each time, and all together so many a second; nobody who has only begun to
 * wait.
 */
import { spacingMs } from "./backoff.ts";

export interface LongestWaiting {
  /** Until it is disposed. `woken` resolves when it is worth a try. */
  wait(group: string): Turn;
  /** Another has got it: who has waited longest is woken. */
  wakeOne(group: string): void;
}
export interface Turn extends Disposable {
  readonly woken: Promise<void>;
}

/** What was refused just now would be again. Milliseconds. */
const worthAfterMs = 5_000;

export function createLongestWaiting(): LongestWaiting {
  /** Of each group in the order in which they began to wait. */
  const groups = new Map<string, Set<{ readonly sinceMs: number; readonly wake: () => void }>>();
  let lastMs = -Infinity;
  return {
    wait(group) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiting = groups.get(group) ?? new Set();
      groups.set(group, waiting);
      const one = { sinceMs: performance.now(), wake: resolve };
      waiting.add(one);
      return {
        woken: promise,
        [Symbol.dispose]() {
          waiting.delete(one);
          if (waiting.size === 0 && groups.get(group) === waiting) groups.delete(group);
        },
      };
    },
    wakeOne(group) {
      const waiting = groups.get(group);
      const [longest] = waiting ?? [];
      const nowMs = performance.now();
      if (!longest || nowMs - longest.sinceMs < worthAfterMs) return;
      waiting?.delete(longest);
      lastMs = Math.max(nowMs, lastMs + spacingMs);
      setTimeout(longest.wake, lastMs - nowMs).unref();
    },
  };
}
