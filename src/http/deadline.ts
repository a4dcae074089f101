/** A signal that aborts after a time, or with another signal, and holds nothing once disposed. */

export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** Whether the time ran out, as against the other signal. */
  readonly expired: boolean;
}

/** Node fires a longer timer at once. */
const maxTimerMs = 2 ** 31 - 1;

export function deadline(signal: AbortSignal, ms: number): Deadline {
  const controller = new AbortController();
  let expired = false;
  const onAbort = (): void => controller.abort(signal.reason);
  const timer = setTimeout(
    () => {
      expired = true;
      controller.abort(new DOMException("deadline", "TimeoutError"));
    },
    Math.min(ms, maxTimerMs),
  );
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    },
  };
}

/** What the promise comes to, or a rejection with the signal's reason, whichever is first. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
