/**
 * A budget of exchanges: how many may be in flight at once, and how many there may be in all. Each reconcile has one, and
 * so has each origin, with other numbers.
 *
 * Guarantees
 * - At most `maxInFlight` slots are out, and at most `maxInAll` requests start on them; redirects and retries are requests.
 * - Who waits for a slot is served first come, first served; but where namespaces share a budget, they take turns, none of them
 *   takes the last slot, or the last connection of a client, and changes go first. Waiting ends with a slot, a
 *   `BudgetExhaustedError`, or the signal.
 * - A slot is out from `take` to `release`: its exchange is in flight until its body has been read or closed.
 * - It does not deadlock on responses that are kept open: when somebody waits and *every* slot is held by a response that
 *   nobody reads, the least recently used of these is cancelled, and reading it later throws `ResponseCancelledError`.
 * - An exchange that is being read, or has no response yet, is never cancelled. It ends by itself, since it has a deadline.
 * - Nothing is sent without a slot: on-wire.ts, which alone hands requests to undici, asks for slots, and only this file makes them.
 */
import { lanes, type Lane } from "../../core/lane.ts";
import type { Abortable } from "../../core/tools/deadline.ts";
import { createShares, type Shares } from "../../core/tools/fair-share.ts";
import { createLanes, type Lanes } from "../../core/tools/round-robin.ts";

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

/** For whom a slot is, where namespaces share a budget. */
export interface Claim {
  readonly namespace: string;
  readonly lane: Lane;
  /** The client that it is for, and how many connections that may have. */
  readonly connections: { readonly client: string; limit(): number };
}

/** Disposing it closes the responses that nobody has read. */
export interface Budget extends Disposable {
  /** Throws `BudgetExhaustedError`; rejects with the signal's reason. Without a claim the one who asks has it for itself. */
  take(signal: Abortable, claim?: Claim): Slot | Promise<Slot>;
  /** How many wait for a slot. */
  readonly waiting: number;
  /** What claims are held to has grown. */
  advance(): void;
}

export interface BudgetLimits {
  readonly maxInFlight: number;
  readonly maxInAll?: number;
  /** A response was cancelled for one that waited. */
  readonly onCancel?: () => void;
  /** The last slot came back. */
  readonly onUnused?: () => void;
}

/** Without `maxInAll` there may be any number in all. */
export function createBudget(limits: BudgetLimits): Budget {
  return new CountedBudget(limits);
}

/** A class, as the slot is, since each exchange has several: what only some come to need is made when it is needed. */
class CountedBudget implements Budget {
  readonly #limits: BudgetLimits;
  #inFlight = 0;
  #spent = 0;
  /** In the order in which they came to be unread: the least recently used is the first. Absent: none ever was. */
  #unread: Map<Slot, (error: ResponseCancelledError) => void> | undefined;
  /** Absent: nobody has ever waited. */
  #line: Lanes<Waiting, Lane> | undefined;
  /** Absent: nobody has ever made a claim. */
  #held: Held | undefined;

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
  }

  take(signal: Abortable, claim?: Claim): Slot | Promise<Slot> {
    signal.throwIfAborted();
    this.#checkLeft();
    const isFree = this.#inFlight < this.#limits.maxInFlight && (claim ? this.#fits(claim) : this.waiting === 0);
    if (isFree) return this.#newSlot(claim);
    return this.#wait(signal, claim);
  }
  get waiting(): number {
    return this.#line?.size ?? 0;
  }
  advance(): void {
    while (this.#line && this.#inFlight < this.#limits.maxInFlight) {
      const next = this.#line.shift(
        (namespace) => this.#held?.mayHave(namespace) !== false,
        ({ claim }) => !claim || this.#held?.mayConnect(claim) !== false,
      );
      if (!next) break;
      next.give(this.#newSlot(next.claim));
    }
    if (this.waiting > 0) this.#cancelUnread();
  }
  [Symbol.dispose](): void {
    for (const cancel of this.#unread?.values() ?? []) cancel(new ResponseCancelledError("its reconcile has ended"));
  }

  spend(): void {
    this.#checkLeft();
    this.#spent += 1;
  }
  unread(slot: Slot, cancel: (error: ResponseCancelledError) => void): void {
    (this.#unread ??= new Map()).set(slot, cancel);
    if (this.waiting > 0) this.advance();
  }
  reading(slot: Slot): void {
    this.#unread?.delete(slot);
  }
  giveBack(slot: Slot, claim: Claim | undefined): void {
    this.#inFlight -= 1;
    if (claim) this.#held?.giveBack(claim);
    this.#unread?.delete(slot);
    if (this.waiting > 0) this.advance();
    else if (this.#inFlight === 0) this.#limits.onUnused?.();
  }

  /** Rejects with the signal's reason. */
  #wait(signal: Abortable, claim: Claim | undefined): Promise<Slot> {
    const line = (this.#line ??= createLanes<Waiting, Lane>(lanes));
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const onAbort = (): void => {
      line.remove(place);
      reject(signal.reason as Error);
    };
    const give = (slot: Slot): void => {
      signal.removeEventListener("abort", onAbort);
      resolve(slot);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const place = line.add(claim?.lane ?? "change", claim?.namespace ?? "", { claim, give });
    this.#cancelUnread();
    return promise;
  }
  #checkLeft(): void {
    const { maxInAll = Infinity } = this.#limits;
    if (this.#spent >= maxInAll) throw new BudgetExhaustedError(`all ${maxInAll} exchanges of the budget have been used`);
  }
  /** Whether it can have one now, whoever waits. */
  #fits(claim: Claim): boolean {
    return !this.#held || (this.#held.mayHave(claim.namespace) && this.#held.mayConnect(claim));
  }
  #newSlot(claim: Claim | undefined): Slot {
    this.#inFlight += 1;
    if (claim) (this.#held ??= createHeld(this.#limits.maxInFlight)).take(claim);
    return new CountedSlot(this, claim);
  }
  /** Somebody waits, and all that is out is held by answers that nobody reads: one of them goes. */
  #cancelUnread(): void {
    if (!this.#unread || this.#unread.size < this.#inFlight) return;
    const [leastRecentlyUsed] = this.#unread;
    if (!leastRecentlyUsed) return;
    const [slot, cancel] = leastRecentlyUsed;
    this.#unread.delete(slot);
    this.#limits.onCancel?.();
    cancel(new ResponseCancelledError("nobody was reading it, and another exchange needed its place"));
  }
}

class CountedSlot implements Slot {
  readonly [made] = true;
  readonly #budget: CountedBudget;
  readonly #claim: Claim | undefined;
  #isOut = true;
  constructor(budget: CountedBudget, claim: Claim | undefined) {
    this.#budget = budget;
    this.#claim = claim;
  }
  spend(): void {
    if (!this.#isOut) throw new Error("a slot was used after its release");
    this.#budget.spend();
  }
  unread(cancel: (error: ResponseCancelledError) => void): void {
    if (this.#isOut) this.#budget.unread(this, cancel);
  }
  reading(): void {
    this.#budget.reading(this);
  }
  release(): void {
    if (!this.#isOut) return;
    this.#isOut = false;
    this.#budget.giveBack(this, this.#claim);
  }
}

interface Waiting {
  readonly claim: Claim | undefined;
  readonly give: (slot: Slot) => void;
}

type Held = ReturnType<typeof createHeld>;
/** What namespaces have of a budget, and of the connections of each client. */
function createHeld(maxInFlight: number) {
  const slots = createShares();
  const clients = new Map<string, Shares>();
  return {
    mayHave: (namespace: string): boolean => slots.mayTake(namespace, maxInFlight),
    mayConnect: ({ namespace, connections }: Claim): boolean =>
      clients.get(connections.client)?.mayTake(namespace, connections.limit()) !== false,
    take({ namespace, connections }: Claim): void {
      slots.take(namespace);
      let shares = clients.get(connections.client);
      if (!shares) clients.set(connections.client, (shares = createShares()));
      shares.take(namespace);
    },
    giveBack({ namespace, connections }: Claim): void {
      slots.giveBack(namespace);
      const shares = clients.get(connections.client);
      shares?.giveBack(namespace);
      if (shares?.taken === 0) clients.delete(connections.client);
    },
  };
}

/** Budgets by name. Each is there for as long as one of its slots is out. */
export interface Budgets {
  take(name: string, signal: Abortable, claim?: Claim): Slot | Promise<Slot>;
  readonly size: number;
  /** How many wait for a slot. */
  readonly waiting: number;
  /** What claims of one are held to has grown. */
  advance(name: string): void;
}
export function createBudgets(limits: Pick<BudgetLimits, "maxInFlight" | "onCancel">): Budgets {
  const budgets = new Map<string, Budget>();
  return {
    take(name, signal, claim) {
      signal.throwIfAborted();
      let budget = budgets.get(name);
      if (!budget) budgets.set(name, (budget = createBudget({ ...limits, onUnused: () => budgets.delete(name) })));
      return budget.take(signal, claim);
    },
    get size() {
      return budgets.size;
    },
    get waiting() {
      return budgets.values().reduce((sum, budget) => sum + budget.waiting, 0);
    },
    advance: (name) => budgets.get(name)?.advance(),
  };
}
