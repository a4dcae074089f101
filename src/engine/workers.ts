/**
 * Takes due keys and works on them, so many at once, each within a limit of time.
 *
 * Invariant: a key is done only when its work has ended, so it is never worked on twice at once; and whatever a key's work
 * waits for, its worker takes the next key: after the limit, and sooner where that is a write that does not land, a turn or a place.
 * Waiting for an outcome to be recorded has no limit: what was sent is not to be forgotten.
 */
import { deadline } from "../core/tools/deadline.ts";
import type { WaitFor, WaitForRecord } from "../core/ports.ts";
import { createYieldIfLong, type YieldIfLong } from "../core/tools/event-loop-yield.ts";
import type { WorkQueue } from "./work-queue.ts";

/** How the work for one key waits without holding a worker. */
export interface Waits {
  readonly waitFor: WaitFor;
  /** Always leaves its worker to others. */
  readonly waitForRecord: WaitForRecord;
  /** Leaves its worker as `waitFor` does. */
  readonly waitWithoutLimit: WaitForRecord;
  /** Whether nothing more is begun: the process ends, or what it works on is another's from now on. */
  readonly isStopping: () => boolean;
  /** Asked between the steps of the work, each of which may be as long as what is declared. */
  readonly breathe: YieldIfLong;
}
export interface WorkersOptions {
  readonly queue: Pick<WorkQueue, "take" | "leave" | "done">;
  /** How many keys are worked on at once. */
  readonly concurrency: number;
  /** Limit on the work for one key, milliseconds. */
  readonly limitMs: number;
  /** Who has waited so long for a write, or a place, needs no worker while it waits on, milliseconds. */
  readonly slowWriteMs: number;
  /** How long work that was told to stop may take to do so, milliseconds. */
  readonly stoppingMs: number;
  /** The work. Never rejects. */
  readonly processKey: (key: string, signal: AbortSignal, waits: Waits) => Promise<void>;
  /** The work did not end although it was told to. Its key is not handed out again, since it may still have an effect. */
  readonly onStuck: (key: string) => void;
}

/** For each worker, so many reconciles may wait without one; each of those keeps the answers it has read in memory. */
const asidePerWorker = 4;

/** Works until `signal` aborts; resolves when what is under way has ended, or has been given up because `drain` aborted. */
export async function runWorkers(options: WorkersOptions, signal: AbortSignal, drain: AbortSignal): Promise<void> {
  const { queue, concurrency, limitMs, slowWriteMs, stoppingMs, processKey, onStuck } = options;
  /** Work that no worker waits for; of it, how much has waited for something else than to be recorded. */
  const aside = new Set<Promise<void>>();
  let waiting = 0;
  const breathe = createYieldIfLong();

  async function work(): Promise<void> {
    while (!signal.aborted) {
      let key: string;
      try {
        key = await queue.take(signal);
      } catch {
        return; // told to stop
      }
      const { promise: free, resolve, reject } = Promise.withResolvers<void>();
      const whole: Promise<void> = workOn(key, () => {
        aside.add(whole);
        queue.leave(key);
        resolve();
      }).finally(() => aside.delete(whole));
      whole.then(resolve, reject);
      await free; // one that is done may be another worker's again by now
      const breath = breathe();
      if (breath) await breath;
    }
  }
  async function workOn(key: string, leaveWorker: () => void): Promise<void> {
    using limit = deadline(drain, limitMs);
    let isCounted = false;
    function countNoMore(): void {
      if (isCounted) waiting -= 1;
      isCounted = false;
    }
    function leaveIfRoom(): void {
      if (isCounted || waiting >= asidePerWorker * concurrency) return;
      isCounted = true;
      waiting += 1;
      leaveWorker();
    }
    function leaveToRecord(): void {
      countNoMore();
      leaveWorker();
    }
    async function withoutLimit<T>(awaited: Promise<T>, onSlow: () => void): Promise<T> {
      limit.pause();
      try {
        return await whenSlow(awaited, slowWriteMs, onSlow);
      } finally {
        limit.restart();
      }
    }
    const waits: Waits = {
      waitFor: (awaited, patienceMs = slowWriteMs) => whenSlow(awaited, patienceMs, leaveIfRoom),
      waitForRecord: (awaited) => withoutLimit(awaited, leaveToRecord),
      waitWithoutLimit: (awaited) => withoutLimit(awaited, leaveIfRoom),
      isStopping: () => signal.aborted,
      breathe,
    };
    const ended = processKey(key, limit.signal, waits).finally(() => {
      countNoMore();
      queue.done(key);
    });
    if (!(await outlasts(ended, limit.signal, stoppingMs))) return;
    queue.leave(key);
    onStuck(key);
  }

  await Promise.all(Array.from({ length: concurrency }, work));
  await Promise.all(aside);
}

/** What the promise gives; `onSlow` is called where that takes longer. */
async function whenSlow<T>(awaited: Promise<T>, patienceMs: number, onSlow: () => void): Promise<T> {
  const timer = setTimeout(onSlow, patienceMs);
  try {
    return await awaited;
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the promise is still pending `stoppingMs` after the signal aborted. */
function outlasts(ended: Promise<void>, signal: AbortSignal, stoppingMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      timer = setTimeout(() => resolve(true), stoppingMs);
    };
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    ended.then(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      resolve(false);
    }, reject);
  });
}
