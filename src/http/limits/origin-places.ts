/**
 * How many reconciles are at one origin at a time, so that a slow one cannot take all workers.
 *
 * Who finds its origin full does not wait inside a worker: it is told when to come again, and its place is kept. Invariant:
 * never more than `maxPerOrigin` are admitted or have a place kept for them.
 */
import type { Busy } from "../../core/ports.ts";
import { createWaitingLine } from "./waiting-line.ts";

export type Admission = { readonly type: "admitted" } & Disposable;
type Entered = Admission | Busy;

export interface OriginPlaces extends Disposable {
  /** Admitted until disposed. Where it is busy, the place that is `free` is kept for a moment. The same `owner` keeps its place in the row, however often it asks. */
  enter(origin: string, owner: string): Entered;
  /** `owner` waits for a place no longer. */
  leave(origin: string, owner: string): void;
  /** Gives back a place that is kept for `owner`, which has come and does not need it. */
  yield(owner: string): void;
  readonly size: number;
}

/** `groupOf`: the namespace of an owner. */
export function createOriginPlaces(maxPerOrigin: number, groupOf: (owner: string) => string = () => ""): OriginPlaces {
  /** Those admitted or kept, by origin. */
  const places = new Map<string, number>();
  const rows = createWaitingLine(groupOf, vacate);

  function vacate(origin: string): void {
    const left = (places.get(origin) ?? 0) - 1;
    if (left > 0) places.set(origin, left);
    else places.delete(origin);
  }
  function admitted(origin: string): Entered {
    return {
      type: "admitted",
      [Symbol.dispose]() {
        if (!rows.keepForNext(origin)) vacate(origin);
      },
    };
  }

  return {
    enter(origin, owner) {
      if (rows.take(origin, owner)) return admitted(origin);
      const taken = places.get(origin) ?? 0;
      if (taken >= maxPerOrigin) return { type: "busy", reason: "OriginBusy", free: rows.wait(origin, owner) };
      places.set(origin, taken + 1);
      return admitted(origin);
    },
    leave: (origin, owner) => rows.leave(origin, owner),
    yield: (owner) => rows.giveBack(owner),
    get size() {
      return places.size;
    },
    [Symbol.dispose]() {
      rows[Symbol.dispose]();
      places.clear();
    },
  };
}
