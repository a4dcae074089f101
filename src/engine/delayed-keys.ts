/** Keys that will be due later, with a timer each. */
import { longestTimerMs } from "../core/tools/deadline.ts";

export interface DelayedKeys {
  /** `whenDue` is called once, unless the key is forgotten before. What is added after `close` is forgotten at once. */
  add(key: string, dueMs: number, whenDue: () => void): void;
  /** When it is due, on the clock of `performance.now`. */
  dueMs(key: string): number | undefined;
  readonly forget: (key: string) => void;
  /** Lets go of every timer, and takes no other. */
  close(): void;
  readonly size: number;
}

export function createDelayedKeys(): DelayedKeys {
  const delayed = new Map<string, { readonly dueMs: number; readonly timer: NodeJS.Timeout }>();
  let isClosed = false;

  function add(key: string, dueMs: number, whenDue: () => void): void {
    if (isClosed) return;
    const delayMs = Math.max(0, dueMs - performance.now());
    const onTimer = (): void => {
      delayed.delete(key);
      if (delayMs > longestTimerMs) add(key, dueMs, whenDue);
      else whenDue();
    };
    delayed.set(key, { dueMs, timer: setTimeout(onTimer, Math.min(delayMs, longestTimerMs)) });
  }
  return {
    add,
    dueMs: (key) => delayed.get(key)?.dueMs,
    forget(key) {
      clearTimeout(delayed.get(key)?.timer);
      delayed.delete(key);
    },
    close() {
      isClosed = true;
      for (const { timer } of delayed.values()) clearTimeout(timer);
      delayed.clear();
    },
    get size() {
      return delayed.size;
    },
  };
}
