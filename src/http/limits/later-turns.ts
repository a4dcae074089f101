/**
 * Turns at an endpoint's rate limit for what follows the first request of a reconcile: waited for one after another, without the
 * worker and without the place at the origin, and no longer than leaves the request time to be answered.
 */
import { deadline, sendingShare, unlessAborted } from "../../core/tools/deadline.ts";
import type { Exchange } from "../../core/exchange.ts";
import type { Lane } from "../../core/lane.ts";
import type { Busy, WaitFor } from "../../core/ports.ts";
import type { Admission, OriginPlaces } from "./origin-places.ts";
import type { RateLimits, RateTurn } from "./rate-limits.ts";

type Endpoint = NonNullable<Exchange["endpoint"]>;
export type Limited = Exchange & { readonly endpoint: Endpoint & Required<Pick<Endpoint, "rateLimit">> };

export class RateLimitedError extends Error {
  override readonly name = "RateLimitedError";
  readonly code = "HOLDFAST_RATE_LIMITED";
}

/** The place at an origin that a reconcile has, while it has one. */
export interface HeldPlace extends Disposable {
  set(admission: Admission): void;
  /** Others wait for what the reconcile holds: it waits for no place any more, and gives none up. */
  readonly hurrying: AbortSignal;
  readonly isHeld: boolean;
}

interface LaterTurnsOptions {
  readonly owner: string;
  readonly lane: Lane;
  /** When the reconcile began, and how long it may take, milliseconds. */
  readonly begunMs: number;
  readonly limitMs: number;
  readonly waitFor: WaitFor;
  readonly originPlaces: Pick<OriginPlaces, "enter" | "leave">;
  readonly rateLimits: Pick<RateLimits, "enter" | "leave">;
  /** As of `Gates`. */
  readonly onWait: (change: 1 | -1) => void;
  readonly place: HeldPlace;
}

/** Rejects with a `RateLimitedError`, or the signal's reason. */
export type TakeTurn = (origin: string, exchange: Limited, signal: AbortSignal) => Promise<RateTurn>;

export function createLaterTurns(options: LaterTurnsOptions): TakeTurn {
  const { owner, lane, begunMs, limitMs, waitFor, originPlaces, rateLimits, onWait, place } = options;
  /** They wait one after another: the next asks when the one before has its turn. */
  let last: Promise<unknown> = Promise.resolve();

  async function laterTurn(origin: string, { endpoint, timeoutMs }: Limited, signal: AbortSignal): Promise<RateTurn> {
    const { rateLimit } = endpoint;
    const name = endpointName(endpoint);
    const enter = (): RateTurn | Busy => rateLimits.enter(name, owner, rateLimit, lane);
    const entered = enter();
    if (entered.type === "admitted") return entered;
    if (!place.hurrying.aborted) place[Symbol.dispose]();
    const neededMs = Math.min(timeoutMs, limitMs / 2);
    using limit = deadline(signal, Math.max(0, begunMs + limitMs * sendingShare - neededMs - performance.now()));
    using given = new DisposableStack();
    onWait(1);
    try {
      const turn = given.use(
        await waitFor(waitUntilAdmitted({ enter, leave: () => rateLimits.leave(name, owner) }, limit.signal), 0),
      );
      if (!place.isHeld) await waitFor(takePlace(origin, limit.signal), 0);
      given.move();
      return turn;
    } catch (error) {
      throw limit.expired ? new RateLimitedError("its turn does not come in time", { cause: error }) : error;
    } finally {
      onWait(-1);
    }
  }
  /** Goes on without one where it has to hurry. */
  async function takePlace(origin: string, signal: AbortSignal): Promise<void> {
    const row = { enter: () => originPlaces.enter(origin, owner, lane), leave: () => originPlaces.leave(origin, owner) };
    try {
      place.set(await waitUntilAdmitted(row, AbortSignal.any([signal, place.hurrying])));
    } catch (error) {
      if (signal.aborted || !place.hurrying.aborted) throw error;
    }
  }
  return (origin, exchange, signal) => {
    const turn = last.then(() => laterTurn(origin, exchange, signal));
    last = turn.catch(() => undefined);
    return turn;
  };
}

export function endpointName({ key }: Pick<Endpoint, "key">): string {
  return `${key.namespace}/${key.name}`;
}

interface Row<T> {
  readonly enter: () => T | Busy;
  /** Nobody comes for what it waited for. */
  readonly leave: () => void;
}
/** Rejects with the signal's reason. */
export async function waitUntilAdmitted<T extends { readonly type: "admitted" }>(
  { enter, leave }: Row<T>,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    const entered = enter();
    if (entered.type === "admitted") return entered;
    try {
      await unlessAborted(signal, entered.free);
    } catch (error) {
      leave();
      throw error;
    }
  }
}
