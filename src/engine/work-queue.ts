/**
 * Keys waiting to be reconciled. A key is in the queue at most once and is never handed to two workers at a time: one
 * that becomes due while it is being worked on is handed out again afterwards.
 *
 * Fair: groups (namespaces) take turns, whatever each has waiting, and none has more than three workers for each that is
 * idle: however slow its servers are, somebody else's key finds a worker. What has just changed goes before what is due again,
 * and that before what a listing brought, or a change of something that many share: none holds up anybody's own change. Before
 * all of them goes a key for which something is kept, since others wait for that.
 */
import { earlierLane, lanes, type Lane } from "../core/lane.ts";
import { longestTimerMs } from "../core/tools/deadline.ts";
import { mayHaveAnother } from "../core/tools/fair-share.ts";
import { createLanes } from "../core/tools/round-robin.ts";

export interface WorkQueue {
  /**
   * Makes `key` due in `delayMs`; an earlier due time wins over a later one, and an earlier lane. Without a lane it is a change,
   * or with a delay due. `kept`: what it waited for is kept for it, for a moment.
   */
  add(key: string, options?: { readonly delayMs?: number; readonly lane?: Lane; readonly kept?: boolean }): void;
  /** Forgets a due time that has not come yet; a key that is ready or being worked on stays. */
  forget(key: string): void;
  /**
   * Makes all of them due now, before any is handed out: none is due again for having been handed out meanwhile. What was due
   * before has waited for nobody's worker, and counts from now.
   */
  addAll(keys: Iterable<string>, lane: Lane): void;
  /** The next due key. Call `done` when finished with it. Rejects with the signal's reason on abort. */
  take(signal: AbortSignal): Promise<string>;
  /** Its worker is about to take another, though the work for the key goes on. */
  leave(key: string): void;
  done(key: string): void;
  /** Of a key that is being worked on: the lane in which it was taken, or in which it has become due meanwhile. */
  laneOf(key: string): Lane;
  /** Keys that are due and wait for a worker. */
  readonly depth: number;
  /** Keys that will be due later. */
  readonly delayed: number;
  /** Keys that have a worker, with when each was taken (`performance.now`). */
  readonly working: ReadonlyMap<string, number>;
  /** Keys whose work goes on without a worker. */
  readonly aside: number;
  /** Lets go of every timer, and takes no other. */
  close(): void;
}

export interface WorkQueueOptions {
  /** Whether keys are handed out now. When that becomes so, nobody notices before the next `add`. */
  readonly isOpen?: () => boolean;
  /** The namespace of a key. */
  readonly groupOf?: (key: string) => string;
  /** A key became due. */
  readonly onAdd?: () => void;
  /** Seconds that a key was due before a worker took it. */
  readonly onTake?: (waitedSecs: number) => void;
}

/** Holds a timer for each key that is due later: to be closed. */
export function createWorkQueue({ isOpen = () => true, groupOf = () => "", onAdd, onTake }: WorkQueueOptions = {}): WorkQueue {
  const delayed = new Map<string, { readonly dueMs: number; readonly timer: NodeJS.Timeout }>();
  const ready = createReadyKeys(groupOf);
  const working = new Map<string, number>();
  const aside = new Set<string>();
  const taken = new Map<string, Lane>();
  /** Keys that have a worker, by group. */
  const held = new Map<string, Set<string>>();
  /** Became due while being worked on. */
  const again = new Map<string, Lane>();
  const waiting: ((key: string) => void)[] = [];
  let isClosed = false;

  /** `waiting` are the idle workers. */
  const mayHaveWorker = (group: string): boolean => mayHaveAnother(held.get(group)?.size ?? 0, waiting.length);
  function leave(key: string): void {
    if (working.delete(key)) aside.add(key);
    const group = groupOf(key);
    const own = held.get(group);
    own?.delete(key);
    if (own?.size === 0) held.delete(group);
  }
  function handOut(): void {
    while (waiting.length > 0 && isOpen()) {
      const next = ready.shift(mayHaveWorker);
      if (!next) return;
      working.set(next.key, performance.now());
      taken.set(next.key, next.lane);
      const group = groupOf(next.key);
      held.set(group, (held.get(group) ?? new Set()).add(next.key));
      onTake?.((performance.now() - next.sinceMs) / 1000);
      waiting.shift()?.(next.key);
    }
  }
  function makeReady(key: string, lane: Lane, kept = false): void {
    forget(key);
    if (working.has(key) || aside.has(key)) again.set(key, earlierLane(lane, again.get(key)));
    else if (ready.add(key, lane, kept)) onAdd?.();
  }
  function startTimer(key: string, dueMs: number, lane: Lane): void {
    if (isClosed) return;
    const delayMs = Math.max(0, dueMs - performance.now());
    const onTimer = (): void => {
      delayed.delete(key);
      if (delayMs > longestTimerMs) return startTimer(key, dueMs, lane);
      makeReady(key, lane);
      handOut();
    };
    delayed.set(key, { dueMs, timer: setTimeout(onTimer, Math.min(delayMs, longestTimerMs)) });
  }
  function forget(key: string): void {
    clearTimeout(delayed.get(key)?.timer);
    delayed.delete(key);
  }

  return {
    add(key, { delayMs = 0, lane = delayMs > 0 ? "due" : "change", kept } = {}) {
      const dueMs = performance.now() + delayMs;
      const pending = delayed.get(key);
      if (pending && pending.dueMs <= dueMs) return;
      forget(key);
      if (delayMs <= 0) {
        makeReady(key, lane, kept);
        handOut();
      } else if (!ready.has(key) && !again.has(key)) startTimer(key, dueMs, lane);
    },
    addAll(keys, lane) {
      for (const key of keys) makeReady(key, lane);
      ready.countFromNow();
      handOut();
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
    leave,
    done(key) {
      leave(key);
      aside.delete(key);
      taken.delete(key);
      const lane = again.get(key);
      again.delete(key);
      if (!lane) return;
      makeReady(key, lane);
      handOut();
    },
    laneOf: (key) => earlierLane(taken.get(key) ?? "change", again.get(key)),
    get depth() {
      return ready.size + again.size;
    },
    get delayed() {
      return delayed.size;
    },
    working,
    get aside() {
      return aside.size;
    },
    close() {
      isClosed = true;
      for (const { timer } of delayed.values()) clearTimeout(timer);
      delayed.clear();
      again.clear();
    },
  };
}

interface ReadyKeys {
  /** False where it was there already. */
  add(key: string, lane: Lane, kept: boolean): boolean;
  has(key: string): boolean;
  /** What they wait for begins now. */
  countFromNow(): void;
  /** The key whose turn it is, of a group that may. */
  shift(mayHave: (group: string) => boolean): { readonly key: string; readonly lane: Lane; readonly sinceMs: number } | undefined;
  readonly size: number;
}

/** Keys by lane; within one the groups take turns. */
function createReadyKeys(groupOf: (key: string) => string): ReadyKeys {
  const waiting = createLanes<string, Lane | "kept">(["kept", ...lanes]);
  const known = new Map<string, { readonly lane: Lane; readonly sinceMs: number }>();

  return {
    add(key, lane, kept) {
      const before = known.get(key);
      const earlier = earlierLane(lane, before?.lane);
      waiting.add(kept ? "kept" : earlier, groupOf(key), key);
      known.set(key, { lane: earlier, sinceMs: before?.sinceMs ?? performance.now() });
      return !before;
    },
    has: (key) => known.has(key),
    countFromNow() {
      const sinceMs = performance.now();
      for (const [key, one] of known) known.set(key, { ...one, sinceMs });
    },
    shift(mayHave) {
      const key = waiting.shift(mayHave);
      if (key === undefined) return undefined;
      const { lane, sinceMs } = known.get(key) ?? { lane: "change", sinceMs: performance.now() };
      known.delete(key);
      return { key, lane, sinceMs };
    },
    get size() {
      return known.size;
    },
  };
}
