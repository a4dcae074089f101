/**
 * How many reconciles are at one origin at a time, so that a slow one cannot take all workers; and none of one namespace takes
 * the last place there.
 *
 * Who finds its origin full does not wait inside a worker: it is told when to come again, and its place is kept. Invariant:
 * never more than `maxPerOrigin` are admitted or have a place kept for them.
 */
import type { Lane } from "../../core/lane.ts";
import type { Busy } from "../../core/ports.ts";
import { createShares, type Shares } from "../../core/tools/fair-share.ts";
import { createWaitingLine } from "./waiting-line.ts";

export type Admission = { readonly type: "admitted" } & Disposable;
type Entered = Admission | Busy;

export interface OriginPlaces extends Disposable {
  /**
   * Admitted until disposed. Where it is busy, the place that is `free` is kept for a moment. The same `owner` keeps its place in
   * the row, however often it asks, and moves to an earlier lane where it asks in one. `most`: in place of `maxPerOrigin`.
   */
  enter(origin: string, owner: string, lane?: Lane, most?: number): Entered;
  /** `owner` waits for a place no longer. */
  leave(origin: string, owner: string): void;
  /** Gives back a place that is kept for `owner`, which has come and does not need it. */
  yield(owner: string): void;
  readonly size: number;
  /** How many wait, at all origins. */
  readonly waiting: number;
}

/** A class, since each reconcile has one. */
class TakenPlace implements Disposable {
  readonly type = "admitted";
  readonly #vacate: (origin: string, group: string) => void;
  readonly #origin: string;
  readonly #group: string;
  constructor(vacate: (origin: string, group: string) => void, origin: string, group: string) {
    this.#vacate = vacate;
    this.#origin = origin;
    this.#group = group;
  }
  [Symbol.dispose](): void {
    this.#vacate(this.#origin, this.#group);
  }
}

/** `groupOf`: the namespace of an owner. */
export function createOriginPlaces(maxPerOrigin: number, groupOf: (owner: string) => string = () => ""): OriginPlaces {
  /** Those admitted or kept, by origin. */
  const places = new Map<string, Shares>();
  /** How many may be there, where it was said otherwise last. */
  const limits = new Map<string, number>();
  const mostAt = (origin: string): number => limits.get(origin) ?? maxPerOrigin;
  const waitingLine = createWaitingLine((origin, owner) => vacate(origin, groupOf(owner)));

  function sharesAt(origin: string): Shares {
    let shares = places.get(origin);
    if (!shares) places.set(origin, (shares = createShares()));
    return shares;
  }
  function vacate(origin: string, group: string): void {
    const shares = places.get(origin);
    if (!shares) return; // all are over
    const most = mostAt(origin);
    shares.giveBack(group);
    while (shares.taken < most) {
      const next = waitingLine.keepForNext(origin, (waiting) => shares.mayTake(waiting, most));
      if (next === undefined) break;
      shares.take(next);
    }
    if (shares.taken > 0) return;
    places.delete(origin);
    limits.delete(origin);
  }

  return {
    enter(origin, owner, lane = "change", most = maxPerOrigin) {
      if (most !== maxPerOrigin) limits.set(origin, most);
      const group = groupOf(owner);
      if (waitingLine.take(origin, owner)) return new TakenPlace(vacate, origin, group);
      const shares = sharesAt(origin);
      if (!shares.mayTake(group, mostAt(origin)))
        return { type: "busy", reason: "OriginBusy", kept: true, free: waitingLine.wait(origin, owner, { group, lane }) };
      waitingLine.leave(origin, owner);
      shares.take(group);
      return new TakenPlace(vacate, origin, group);
    },
    leave: (origin, owner) => waitingLine.leave(origin, owner),
    yield: (owner) => waitingLine.giveBack(owner),
    get size() {
      return places.size;
    },
    get waiting() {
      return waitingLine.waiting;
    },
    [Symbol.dispose]() {
      waitingLine[Symbol.dispose]();
      places.clear();
    },
  };
}
