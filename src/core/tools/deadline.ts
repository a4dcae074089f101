/** A time limit as an AbortSignal. Invariant: once disposed, neither its timer nor its listener is held by anybody. */
export interface Deadline extends Disposable {
  /** Aborts when the limit passes, or with the signal that it was made from. */
  readonly signal: AbortSignal;
  /** Whether it was the limit that aborted. */
  readonly expired: boolean;
  /** Starts the whole limit anew, or another one, milliseconds. */
  restart(otherLimitMs?: number): void;
  /** Stops the clock until `restart`. */
  pause(): void;
}

/**
 * Of the limit on a reconcile: how much its requests may take, waiting for their turns included. The rest is for recording what
 * came of them, of one that has timed out too.
 */
export const sendingShare = 0.9;

/** `setTimeout` fires at once above this. */
export const longestTimerMs = 2 ** 31 - 1;

/** `AbortSignal.any` with `AbortSignal.timeout` would be held until the timeout fires, however early the work ends. */
export function deadline(outer: AbortSignal, limitMs: number): Deadline {
  const controller = new AbortController();
  let expired = false;
  let timer: NodeJS.Timeout | undefined;
  const onOuterAbort = (): void => controller.abort(outer.reason);
  if (outer.aborted) onOuterAbort();
  outer.addEventListener("abort", onOuterAbort, { once: true });
  function pause(): void {
    clearTimeout(timer);
  }
  function restart(otherLimitMs = limitMs): void {
    pause();
    if (controller.signal.aborted) return;
    timer = setTimeout(
      () => {
        expired = true;
        controller.abort(new DOMException("the time is over", "TimeoutError"));
      },
      Math.min(otherLimitMs, longestTimerMs),
    );
  }
  restart();
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    restart,
    pause,
    [Symbol.dispose]() {
      pause();
      outer.removeEventListener("abort", onOuterAbort);
    },
  };
}

/** What the promise gives, or the signal's reason as soon as it aborts; the work behind the promise goes on. */
export async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
