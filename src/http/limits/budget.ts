/**
 * A budget of exchanges: how many may be in flight at once, and how many there may be in all. Each reconcile has one, and
 * so has each origin, with other numbers.
 *
 * Guarantees
 * - At most `maxInFlight` slots are out, and at most `maxInAll` requests start on them; redirects and retries are requests.
 * - Who waits for a slot is served first come, first served. Waiting ends with a slot, a `BudgetExhaustedError`, or the signal.
 * - A slot is out from `take` to `release`: its exchange is in flight until its body has been read or closed.
 * - It does not deadlock on responses that are kept open: when somebody waits and *every* slot is held by a response that
 *   nobody reads, the least recently used of these is cancelled, and reading it later throws `ResponseCancelledError`.
 * - An exchange that is being read, or has no response yet, is never cancelled. It ends by itself, since it has a deadline.
 * - Nothing is sent without a slot: on-wire.ts, which alone hands requests to undici, asks for slots, and only this file makes them.
 */
export class BudgetExhaustedError extends Error {
  override readonly name = "BudgetExhaustedError";
  readonly code = "HOLDFAST_BUDGET_EXHAUSTED";
}
export class ResponseCancelledError extends Error {
  override readonly name = "ResponseCancelledError";
  readonly code = "HOLDFAST_RESPONSE_CANCELLED";
}

const made: unique symbol = Symbol("made by a budget");

export interface Slot {
  readonly [made]: true;
  /** Counts a request that is about to be sent. Throws `BudgetExhaustedError`. */
  spend(): void;
  /** A response has come and nobody reads it: `cancel` closes it, and releases this slot before it returns. */
  unread(cancel: (error: ResponseCancelledError) => void): void;
  /** Somebody reads it now. */
  reading(): void;
  /** Free for the next; has no effect the second time. */
  release(): void;
}

/** Disposing it closes the responses that nobody has read. */
export interface Budget extends Disposable {
  /** Throws `BudgetExhaustedError`; rejects with the signal's reason. */
  take(signal: AbortSignal): Slot | Promise<Slot>;
}

interface BudgetLimits {
  readonly maxInFlight: number;
  readonly maxInAll?: number;
  /** A response was cancelled for one that waited. */
  readonly onCancel?: () => void;
  /** The last slot came back. */
  readonly onUnused?: () => void;
}

/** Without `maxInAll` there may be any number in all. */
export function createBudget({ maxInFlight, maxInAll = Infinity, onCancel, onUnused }: BudgetLimits): Budget {
  let inFlight = 0;
  let spent = 0;
  /** In the order in which they came to be unread: the least recently used is the first. */
  const unread = new Map<Slot, (error: ResponseCancelledError) => void>();
  const waiting = new Set<(slot: Slot) => void>();

  function exhausted(): BudgetExhaustedError {
    return new BudgetExhaustedError(`all ${maxInAll} exchanges of the budget have been used`);
  }
  function newSlot(): Slot {
    let isOut = true;
    inFlight += 1;
    const slot: Slot = {
      [made]: true,
      spend() {
        if (!isOut) throw new Error("a slot was used after its release");
        if (spent >= maxInAll) throw exhausted();
        spent += 1;
      },
      unread(cancel) {
        if (!isOut) return;
        unread.set(slot, cancel);
        if (waiting.size > 0) advance();
      },
      reading() {
        unread.delete(slot);
      },
      release() {
        if (!isOut) return;
        isOut = false;
        inFlight -= 1;
        unread.delete(slot);
        if (waiting.size > 0) advance();
        else if (inFlight === 0) onUnused?.();
      },
    };
    return slot;
  }
  function advance(): void {
    for (const resolve of waiting) {
      if (inFlight >= maxInFlight) break;
      waiting.delete(resolve);
      resolve(newSlot());
    }
    if (waiting.size === 0 || unread.size < inFlight) return;
    const [leastRecentlyUsed] = unread;
    if (!leastRecentlyUsed) return;
    const [slot, cancel] = leastRecentlyUsed;
    unread.delete(slot);
    onCancel?.();
    cancel(new ResponseCancelledError("nobody was reading it, and another exchange needed its place"));
  }
  async function wait(signal: AbortSignal): Promise<Slot> {
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const onAbort = (): void => {
      waiting.delete(resolve);
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    waiting.add(resolve);
    advance();
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  return {
    take(signal) {
      signal.throwIfAborted();
      if (spent >= maxInAll) throw exhausted();
      return inFlight < maxInFlight && waiting.size === 0 ? newSlot() : wait(signal);
    },
    [Symbol.dispose]() {
      for (const cancel of unread.values()) cancel(new ResponseCancelledError("its reconcile has ended"));
    },
  };
}

/** Budgets by name. Each is there for as long as one of its slots is out. */
export interface Budgets {
  take(name: string, signal: AbortSignal): Slot | Promise<Slot>;
  readonly size: number;
}
export function createBudgets(limits: Pick<BudgetLimits, "maxInFlight" | "onCancel">): Budgets {
  const budgets = new Map<string, Budget>();
  return {
    take(name, signal) {
      signal.throwIfAborted();
      const budget = budgets.get(name) ?? createBudget({ ...limits, onUnused: () => budgets.delete(name) });
      budgets.set(name, budget);
      return budget.take(signal);
    },
    get size() {
      return budgets.size;
    },
  };
}
