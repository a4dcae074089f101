/** A time limit. Invariant: once disposed, neither its timer nor its listener is held by anybody. */

/** What can be given up: an AbortSignal, or what does without one where nobody asks for more. */
export interface Abortable {
  readonly aborted: boolean;
  // oxlint-disable-next-line typescript/no-explicit-any -- as AbortSignal has it
  readonly reason: any;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: () => void, options: { readonly once: true }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Aborts when the limit passes, or with the signal that it was made from. */
export interface Deadline extends Abortable, Disposable {
  /** It as an AbortSignal, which is made when it is asked for: one costs as much as all else of a deadline. */
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
  return new TimedDeadline(outer, limitMs);
}

class TimedDeadline implements Deadline {
  readonly #outer: AbortSignal;
  readonly #limitMs: number;
  #timer: NodeJS.Timeout | undefined;
  #controller: AbortController | undefined;
  /** Who listens: one nearly always, for whom no Set is made. */
  #listener: (() => void) | undefined;
  #others: Set<() => void> | undefined;
  aborted = false;
  reason: unknown;
  expired = false;

  constructor(outer: AbortSignal, limitMs: number) {
    this.#outer = outer;
    this.#limitMs = limitMs;
    if (outer.aborted) this.handleEvent();
    else outer.addEventListener("abort", this, { once: true });
    this.restart();
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }
  throwIfAborted(): void {
    if (this.aborted) throw this.reason as Error;
  }
  addEventListener(_type: "abort", listener: () => void): void {
    if (this.#listener === listener || this.#others?.has(listener)) return;
    if (this.#listener === undefined) this.#listener = listener;
    else (this.#others ??= new Set()).add(listener);
  }
  removeEventListener(_type: "abort", listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined;
    this.#others?.delete(listener);
  }
  pause(): void {
    clearTimeout(this.#timer);
  }
  restart(otherLimitMs = this.#limitMs): void {
    this.pause();
    if (!this.aborted) this.#timer = setTimeout(expire, Math.min(otherLimitMs, longestTimerMs), this);
  }
  /** The outer signal has aborted. */
  handleEvent(): void {
    this.#abort(this.#outer.reason);
  }
  expire(): void {
    this.expired = true;
    this.#abort(new DOMException("the time is over", "TimeoutError"));
  }
  [Symbol.dispose](): void {
    this.pause();
    this.#outer.removeEventListener("abort", this);
  }

  #abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const [first, others = []] = [this.#listener, this.#others];
    this.#listener = this.#others = undefined;
    first?.();
    for (const listener of others) listener();
    this.#controller?.abort(reason);
  }
}
function expire(limit: TimedDeadline): void {
  limit.expire();
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
