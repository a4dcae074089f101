/**
 * Memory for what is long: answers above 64 KiB, the Secrets and the bodies of requests. A reconcile that comes to hold much
 * takes one share of it and keeps that until it ends; a share has room for whatever one reconcile can hold.
 *
 * Invariant: never more shares are out than there are. Namespaces take turns, and none has the last share while it has another.
 * Nobody who has a share waits for one, or for a place at an origin, so that no two wait for each other.
 */
import { createRoundRobin } from "../../core/tools/round-robin.ts";
import { createShares } from "../../core/tools/fair-share.ts";
import { refuse, refuseForNow } from "../refusal.ts";
import { createBudget, type Budget, type Slot } from "./budget.ts";

/** What is no longer than this takes no share. */
export const smallBytes = 64 * 1024;

export interface MemoryShares {
  /** `isLoaded`: whoever asks holds much already. As many of those wait as there are shares; another is refused for now. */
  take(namespace: string, signal: AbortSignal, isLoaded?: boolean): Disposable | Promise<Disposable>;
  readonly taken: number;
  readonly waiting: number;
}

/** Two at least, so that a namespace that has one leaves another. */
export function createMemoryShares(count: number): MemoryShares {
  const most = Math.max(2, count);
  const byNamespace = new Map<string, number>();
  const waiting = createRoundRobin<() => void>();
  const line = createShares();
  let taken = 0;

  function mayTake(namespace: string): boolean {
    const isLast = taken + 1 >= most;
    return taken < most && !(isLast && byNamespace.has(namespace));
  }
  function newShare(namespace: string): Disposable {
    taken += 1;
    byNamespace.set(namespace, (byNamespace.get(namespace) ?? 0) + 1);
    let isOut = true;
    return {
      [Symbol.dispose]() {
        if (!isOut) return;
        isOut = false;
        taken -= 1;
        const left = (byNamespace.get(namespace) ?? 0) - 1;
        if (left > 0) byNamespace.set(namespace, left);
        else byNamespace.delete(namespace);
        handOut();
      },
    };
  }
  function handOut(): void {
    for (let next = waiting.shift(mayTake); next; next = waiting.shift(mayTake)) next();
  }
  async function wait(namespace: string, signal: AbortSignal, isLoaded: boolean): Promise<Disposable> {
    const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
    const tell = (): void => resolve(newShare(namespace));
    const onAbort = (): void => {
      waiting.remove(place);
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (isLoaded) line.take(namespace);
    const place = waiting.add(namespace, tell);
    try {
      return await promise;
    } finally {
      if (isLoaded) line.giveBack(namespace);
      signal.removeEventListener("abort", onAbort);
    }
  }
  return {
    take(namespace, signal, isLoaded = false) {
      signal.throwIfAborted();
      if (mayTake(namespace)) return newShare(namespace);
      if (isLoaded && !line.mayTake(namespace, most))
        refuseForNow("RateLimited", "too many requests with long bodies or Secrets wait for memory; it is tried again");
      return wait(namespace, signal, isLoaded);
    },
    get taken() {
      return taken;
    },
    get waiting() {
      return waiting.size;
    },
  };
}

/** What one reconcile holds, until disposed. */
export interface Holding extends Disposable {
  /** Resolves when it may hold much, and at once where it already may. Rejects with the signal's reason. */
  much(signal: AbortSignal): Promise<void>;
  /** The same for one long answer at a time: the next is read when this has been released. */
  longAnswer(signal: AbortSignal): Promise<Pick<Slot, "release">>;
  /** What has been read of answers, the short ones too: many of them are much. Undefined: there is nothing to wait for. */
  answered(sizeBytes: number, signal: AbortSignal): Promise<unknown> | undefined;
  /** For a body that waits to be sent, until it is disposed; those that are one and the same count once. Throws `RefusedError`. */
  body(content: Body | undefined, signal: AbortSignal): Disposable | Promise<Disposable>;
}
type Body = string | Uint8Array;
/** Of all answers that one has read. */
const fewBytes = 256 * 1024;
/** Of all bodies that one reconcile has made and not sent. */
const maxBodiesBytes = 4 * 1024 * 1024;

export interface HoldingWaits {
  /** Waits without the reconcile's worker. */
  lend<T>(awaited: Promise<T>): Promise<T>;
  /** It has a share, for which others may wait. */
  onShare?(): void;
}

export function createHolding(shares: MemoryShares, namespace: string, waits: HoldingWaits): Holding {
  return new SharedHolding(shares, namespace, waits);
}

/** A class, since each reconcile has one: what only some come to need is made when it is needed. */
class SharedHolding implements Holding {
  readonly #shares: MemoryShares;
  readonly #namespace: string;
  readonly #waits: HoldingWaits;
  /** Turns of long answers. */
  #answers: Budget | undefined;
  #asked: Promise<Disposable> | undefined;
  #hasEnded = false;
  #share: Disposable | undefined;
  #bodies: Map<Body, number> | undefined;
  #answeredBytes = 0;

  constructor(shares: MemoryShares, namespace: string, waits: HoldingWaits) {
    this.#shares = shares;
    this.#namespace = namespace;
    this.#waits = waits;
  }

  async much(signal: AbortSignal): Promise<void> {
    await this.#have(signal, true);
  }
  async longAnswer(signal: AbortSignal): Promise<Pick<Slot, "release">> {
    const turn = await (this.#answers ??= createBudget({ maxInFlight: 1 })).take(signal);
    try {
      await this.#have(signal, false);
      return turn;
    } catch (error) {
      turn.release();
      throw error;
    }
  }
  answered(sizeBytes: number, signal: AbortSignal): Promise<unknown> | undefined {
    this.#answeredBytes += sizeBytes;
    return this.#answeredBytes > fewBytes ? this.#have(signal, false) : undefined;
  }
  body(content: Body | undefined, signal: AbortSignal): Disposable | Promise<Disposable> {
    if (content === undefined) return nothing;
    const bodies = (this.#bodies ??= new Map<Body, number>());
    bodies.set(content, (bodies.get(content) ?? 0) + 1);
    const sizeBytes = bodies.keys().reduce((sum, { length }) => sum + length, 0);
    const held = { [Symbol.dispose]: () => letGo(bodies, content) };
    return sizeBytes > smallBytes ? this.#longBodies(sizeBytes, signal).then(() => held) : held;
  }
  [Symbol.dispose](): void {
    this.#hasEnded = true;
    this.#share?.[Symbol.dispose]();
  }

  async #longBodies(sizeBytes: number, signal: AbortSignal): Promise<void> {
    if (sizeBytes > maxBodiesBytes)
      refuse("InvalidRequest", `the bodies of its requests are longer than ${maxBodiesBytes} bytes together`);
    await this.#have(signal, true);
  }
  #have(signal: AbortSignal, isLoaded: boolean): Promise<Disposable> {
    return (this.#asked ??= this.#ask(signal, isLoaded).catch((error: unknown) => {
      this.#asked = undefined;
      throw error;
    }));
  }
  async #ask(signal: AbortSignal, isLoaded: boolean): Promise<Disposable> {
    const taken = this.#shares.take(this.#namespace, signal, isLoaded);
    this.#share = "then" in taken ? await this.#waits.lend(taken) : taken;
    if (this.#hasEnded) this.#share[Symbol.dispose]();
    else this.#waits.onShare?.();
    return this.#share;
  }
}

const nothing: Disposable = { [Symbol.dispose]() {} };

function letGo(bodies: Map<Body, number>, content: Body): void {
  const left = (bodies.get(content) ?? 0) - 1;
  if (left > 0) bodies.set(content, left);
  else bodies.delete(content);
}
