/**
 * Keys waiting to be reconciled. A key is in the queue at most once and is never handed to two workers at a time: one
 * that becomes due while it is being worked on is handed out again afterwards.
 *
 * Fair: groups (namespaces) take turns, whatever each has waiting, and none has more than three workers for each that is
 * idle: however slow its servers are, somebody else's key finds a worker. What has just changed goes before what is due again,
 * and that before what a listing brought, or a change of something that many share: none holds up anybody's own change. Before
 * all of them goes a key for which something is kept, since others wait for that.
 */
import { earlierLane, type Lane } from "../core/lane.ts";
import { mayHaveAnother } from "../core/tools/fair-share.ts";
import { createDelayedKeys } from "./delayed-keys.ts";
import { createReadyKeys } from "./ready-keys.ts";
import { createWorkedKeys } from "./worked-keys.ts";

export interface WorkQueue {
  /**
   * Makes `key` due in `delayMs`; an earlier due time wins over a later one, and an earlier lane. Without a lane it is a change,
   * or with a delay due. `kept`: what it waited for is kept for it, for a moment.
   */
  add(key: string, options?: { readonly delayMs?: number; readonly lane?: Lane; readonly kept?: boolean }): void;
  /** Forgets a due time that has not come yet; a key that is ready or being worked on stays. */
  forget(key: string): void;
  /** Keys are handed out from now on. What was due before has waited for nobody's worker, and counts from now. */
  begin(): void;
  /** The next due key. Call `done` when finished with it. Rejects with the signal's reason on abort. */
  take(signal: AbortSignal): Promise<string>;
  /** Its worker is about to take another, though the work for the key goes on. */
  leave(key: string): void;
  done(key: string): void;
  /** Of a key that is being worked on: the lane in which it was taken, or in which it has become due meanwhile. */
  laneOf(key: string): Lane;
  /** Keys that are due and wait for a worker. */
  readonly depth: number;
  /** How long the oldest of them has, seconds. */
  readonly oldestSecs: number;
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
  /** Whether a key is ever handed out; another is not held, either. */
  readonly isOwn?: (key: string) => boolean;
  /** Whether keys are handed out now. When that becomes so, nobody notices before the next `add`. */
  readonly isOpen?: () => boolean;
  /** The namespace of a key. */
  readonly groupOf?: (key: string) => string;
  /** A key became due. */
  readonly onAdd?: () => void;
  /** Seconds that a key was due before a worker took it. */
  readonly onTake?: (waitedSecs: number) => void;
}

/** Holds timers for the keys that are due later: to be closed. */
export function createWorkQueue(options: WorkQueueOptions = {}): WorkQueue {
  const { isOwn = () => true, isOpen = () => true, groupOf = () => "", onAdd, onTake } = options;
  const delayed = createDelayedKeys(makeReadyNow);
  const ready = createReadyKeys(groupOf);
  const worked = createWorkedKeys(groupOf);
  /** Became due while being worked on. */
  const again = new Map<string, { readonly lane: Lane; readonly kept: boolean }>();
  /** The idle workers. */
  const waiting: ((key: string) => void)[] = [];

  const mayHaveWorker = (group: string): boolean => mayHaveAnother(worked.countOf(group), waiting.length);
  function handOut(): void {
    while (waiting.length > 0 && isOpen()) {
      const next = ready.shift(mayHaveWorker);
      if (!next) return;
      worked.begin(next.key, next.lane);
      onTake?.((performance.now() - next.sinceMs) / 1000);
      waiting.shift()?.(next.key);
    }
  }
  function makeReady(key: string, lane: Lane, kept = false): void {
    delayed.forget(key);
    if (worked.has(key)) {
      const before = again.get(key);
      again.set(key, { lane: earlierLane(lane, before?.lane), kept: kept || before?.kept === true });
    } else if (ready.add(key, lane, kept)) onAdd?.();
  }
  function makeReadyNow(key: string, lane: Lane, kept?: boolean): void {
    makeReady(key, lane, kept);
    handOut();
  }

  return {
    add(key, { delayMs = 0, lane = delayMs > 0 ? "due" : "change", kept } = {}) {
      const dueMs = performance.now() + delayMs;
      if (!isOwn(key)) return;
      if ((delayed.dueMs(key) ?? Infinity) <= dueMs) return;
      delayed.forget(key);
      if (delayMs <= 0) makeReadyNow(key, lane, kept);
      else if (!ready.has(key) && !again.has(key)) delayed.add(key, dueMs, lane);
    },
    begin() {
      ready.countFromNow();
      handOut();
    },
    forget: delayed.forget,
    take(signal) {
      const taken = waitIn(waiting, signal);
      handOut();
      return taken;
    },
    leave: worked.leave,
    done(key) {
      worked.end(key);
      const next = again.get(key);
      again.delete(key);
      if (next) makeReadyNow(key, next.lane, next.kept);
    },
    laneOf: (key) => earlierLane(worked.laneOf(key) ?? "change", again.get(key)?.lane),
    get depth() {
      return ready.size + again.size;
    },
    get oldestSecs() {
      return ready.oldestSecs;
    },
    get delayed() {
      return delayed.size;
    },
    working: worked.working,
    get aside() {
      return worked.aside.size;
    },
    close() {
      delayed.close();
      again.clear();
    },
  };
}

/** Adds a worker to the idle ones. Rejects with the signal's reason. */
function waitIn(idle: ((key: string) => void)[], signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    function take(key: string): void {
      signal.removeEventListener("abort", onAbort);
      resolve(key);
    }
    function onAbort(): void {
      idle.splice(idle.indexOf(take), 1);
      reject(signal.reason as Error);
    }
    signal.addEventListener("abort", onAbort, { once: true });
    idle.push(take);
  });
}
