/**
 * Keys waiting to be reconciled. A key is in the queue at most once and is never handed to two workers at a time: one
 * that becomes due while it is being worked on is handed out again afterwards.
 */
export interface WorkQueue {
  /** Makes `key` due in `delayMs`; an earlier due time wins over a later one. */
  add(key: string, delayMs?: number): void;
  /** Forgets a due time that has not come yet; a key that is ready or being worked on stays. */
  forget(key: string): void;
  /** The next due key. Call `done` when finished with it. Rejects with the signal's reason on abort. */
  take(signal: AbortSignal): Promise<string>;
  done(key: string): void;
  /** Keys that are due and wait for a worker. */
  readonly depth: number;
  /** Keys that will be due later. */
  readonly delayed: number;
  /** Keys that are being worked on. */
  readonly working: number;
  /** Lets go of every timer. */
  close(): void;
}

/** What a metric wants to know of a queue. */
export interface QueueObserver {
  added?(): void;
  /** Seconds that a key was due before a worker took it. */
  taken?(waitedSecs: number): void;
}

/** `setTimeout` fires at once above this. */
const longestTimerMs = 2 ** 31 - 1;

interface Delayed {
  readonly dueMs: number;
  readonly timer: NodeJS.Timeout;
}

export function createWorkQueue(observer: QueueObserver = {}): WorkQueue {
  const delayed = new Map<string, Delayed>();
  const ready = new Map<string, number>();
  const working = new Set<string>();
  const waiting: ((key: string) => void)[] = [];

  function handOut(): void {
    for (const [key, sinceMs] of ready) {
      if (waiting.length === 0) return;
      if (working.has(key)) continue;
      ready.delete(key);
      working.add(key);
      observer.taken?.((performance.now() - sinceMs) / 1000);
      waiting.shift()?.(key);
    }
  }
  function makeReady(key: string): void {
    delayed.delete(key);
    ready.set(key, performance.now());
    observer.added?.();
    handOut();
  }
  function startTimer(key: string, dueMs: number): void {
    const delayMs = Math.max(0, dueMs - performance.now());
    const timer =
      delayMs > longestTimerMs
        ? setTimeout(() => startTimer(key, dueMs), longestTimerMs)
        : setTimeout(() => makeReady(key), delayMs);
    delayed.set(key, { dueMs, timer });
  }
  function forget(key: string): void {
    clearTimeout(delayed.get(key)?.timer);
    delayed.delete(key);
  }

  return {
    add(key, delayMs = 0) {
      if (ready.has(key)) return;
      const dueMs = performance.now() + delayMs;
      const pending = delayed.get(key);
      if (pending && pending.dueMs <= dueMs) return;
      forget(key);
      if (delayMs <= 0) makeReady(key);
      else startTimer(key, dueMs);
    },
    forget,
    async take(signal) {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const onAbort = (): void => {
        const place = waiting.indexOf(resolve);
        if (place !== -1) waiting.splice(place, 1); // -1: a key was handed out in this same turn, and is kept
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      waiting.push(resolve);
      handOut();
      try {
        return await promise;
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    done(key) {
      working.delete(key);
      handOut();
    },
    get depth() {
      return ready.size;
    },
    get delayed() {
      return delayed.size;
    },
    get working() {
      return working.size;
    },
    close() {
      for (const { timer } of delayed.values()) clearTimeout(timer);
      delayed.clear();
      ready.clear();
    },
  };
}
