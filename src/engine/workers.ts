/**
 * Takes due keys and works on them, so many at once, each within a limit of time.
 *
 * Invariant: a key is done only when its work has ended, so it is never worked on twice at once; and whatever a key's work
 * waits for, its worker takes the next key: after the limit, and sooner where that is a write that does not land, a turn or a place.
 */
import { deadline } from "../core/tools/deadline.ts";
import type { WaitFor } from "../core/ports.ts";
import { createYieldIfLong } from "./event-loop-yield.ts";
import type { WorkQueue } from "./work-queue.ts";

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
  readonly attend: (key: string, signal: AbortSignal, waitFor: WaitFor) => Promise<void>;
  /** The work did not end although it was told to. Its key is not handed out again, since it may still have an effect. */
  readonly onStuck: (key: string) => void;
}

/** How many may wait without a worker, for each worker there is: each holds what it has been answered. */
const asidePerWorker = 4;

/** Works until `signal` aborts; resolves when what is under way has ended, or has been given up because `drain` aborted. */
export async function runWorkers(options: WorkersOptions, signal: AbortSignal, drain: AbortSignal): Promise<void> {
  const { queue, concurrency, limitMs, slowWriteMs, stoppingMs, attend, onStuck } = options;
  /** Work that no worker waits for. */
  const aside = new Set<Promise<void>>();
  const breathe = createYieldIfLong();

  async function work(): Promise<void> {
    while (!signal.aborted) {
      let key: string;
      try {
        key = await queue.take(signal);
      } catch {
        return; // told to stop
      }
      const { promise: left, resolve: leave } = Promise.withResolvers<void>();
      const whole: Promise<void> = workOn(key, () => {
        if (aside.size >= asidePerWorker * concurrency) return;
        aside.add(whole);
        queue.leave(key);
        leave();
      }).finally(() => aside.delete(whole));
      await Promise.race([whole, left]); // one that is done may be another worker's again by now
      await breathe();
    }
  }
  async function workOn(key: string, onSlowWait: () => void): Promise<void> {
    using limit = deadline(drain, limitMs);
    const waitFor: WaitFor = async (awaited, patienceMs = slowWriteMs) => {
      const timer = setTimeout(onSlowWait, patienceMs);
      try {
        return await awaited;
      } finally {
        clearTimeout(timer);
      }
    };
    const ended = attend(key, limit.signal, waitFor).finally(() => queue.done(key));
    if (!(await outlasts(ended, limit.signal, stoppingMs))) return;
    queue.leave(key);
    onStuck(key);
  }

  await Promise.all(Array.from({ length: concurrency }, work));
  await Promise.all(aside);
}

/** Whether the promise is still pending `stoppingMs` after the signal aborted. */
async function outlasts(ended: Promise<void>, signal: AbortSignal, stoppingMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(() => resolve(true), stoppingMs);
  };
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, ended.then(() => false)]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
