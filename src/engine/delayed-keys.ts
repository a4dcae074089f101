/**
 * Keys that will be due later, on one wheel: those that are due at about the same time share a timer, and become due together.
 *
 * Invariant: no key is due before its time, and none later than a tick after it, but for what the event loop is late.
 */
import type { Lane } from "../core/lane.ts";
import { longestTimerMs } from "../core/tools/deadline.ts";

export interface DelayedKeys {
  /** Unless the key is forgotten before, `whenDue` is called once. What is added after `close` is forgotten at once. */
  add(key: string, dueMs: number, lane: Lane): void;
  /** When it is due, on the clock of `performance.now`. */
  dueMs(key: string): number | undefined;
  readonly forget: (key: string) => void;
  /** Lets go of every timer, and takes no other. */
  close(): void;
  readonly size: number;
}

/** A tick that nobody notices: of what waits for a minute and more, for a second, and for less. */
function tickMsOf(delayMs: number): number {
  if (delayMs >= 60_000) return 100;
  return delayMs >= 1_000 ? 25 : 10;
}
/** So many become due before everything else has its turn. */
const mostTogether = 500;

interface Tick {
  readonly keys: Map<string, Lane>;
  timer: NodeJS.Timeout | undefined;
}

export function createDelayedKeys(whenDue: (key: string, lane: Lane) => void): DelayedKeys {
  /** When each key is due, which is when its tick ends. */
  const delayed = new Map<string, number>();
  const ticks = new Map<number, Tick>();
  let isClosed = false;

  function wait(endMs: number, tick: Tick): void {
    tick.timer = setTimeout(() => end(endMs, tick), Math.min(Math.max(0, endMs - performance.now()), longestTimerMs));
  }
  function end(endMs: number, tick: Tick): void {
    if (performance.now() + timerSlackMs < endMs) return wait(endMs, tick);
    for (const [key, lane] of tick.keys.entries().take(mostTogether)) {
      forget(key);
      whenDue(key, lane);
    }
    if (tick.keys.size > 0) wait(endMs, tick);
  }
  function forget(key: string): void {
    const endMs = delayed.get(key);
    const tick = endMs === undefined ? undefined : ticks.get(endMs);
    if (endMs === undefined || !tick) return;
    delayed.delete(key);
    tick.keys.delete(key);
    if (tick.keys.size > 0) return;
    clearTimeout(tick.timer);
    ticks.delete(endMs);
  }
  return {
    add(key, dueMs, lane) {
      if (isClosed) return;
      forget(key);
      const tickMs = tickMsOf(dueMs - performance.now());
      const endMs = Math.ceil(dueMs / tickMs) * tickMs;
      let tick = ticks.get(endMs);
      if (!tick) {
        tick = { keys: new Map(), timer: undefined };
        ticks.set(endMs, tick);
        wait(endMs, tick);
      }
      tick.keys.set(key, lane);
      delayed.set(key, endMs);
    },
    dueMs: (key) => delayed.get(key),
    forget,
    close() {
      isClosed = true;
      for (const { timer } of ticks.values()) clearTimeout(timer);
      ticks.clear();
      delayed.clear();
    },
    get size() {
      return delayed.size;
    },
  };
}

/** A timer may fire a little early. */
const timerSlackMs = 2;
