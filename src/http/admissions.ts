/**
 * How many reconciles are at one origin at a time, so that a slow one cannot take all workers.
 *
 * Who finds its origin full does not wait inside a worker: it is told when to come again, and its place is kept. Groups
 * (namespaces) take turns, and within one it is first come, first served; never more than `maxPerOrigin` are admitted or have
 * a place kept for them.
 */
import type { Busy } from "../core/ports.ts";
import { createTurns, type Turns } from "../core/turns.ts";

export type Entered = ({ readonly type: "admitted" } & Disposable) | Busy;

export interface Admissions extends Disposable {
  /** Admitted until disposed. Where it is busy, the place that is `free` is kept for a moment. The same `owner` keeps its place in the row, however often it asks. */
  enter(origin: string, owner: string): Entered;
  /** Gives back a place that is kept for `owner`, which has come and does not need it. */
  yield(owner: string): void;
  readonly size: number;
}

interface Origin {
  places: number;
  /** Owners that wait, in the order of their turns, and what tells each. */
  readonly row: Turns<string>;
  readonly waiting: Map<string, PromiseWithResolvers<void>>;
}

/** Where its owner has gone for good, its place is the next one's after this. */
const keptMs = 5_000;

/** `groupOf`: the namespace of an owner. */
export function createAdmissions(maxPerOrigin: number, groupOf: (owner: string) => string = () => ""): Admissions {
  const origins = new Map<string, Origin>();
  const kept = new Map<string, { readonly origin: string; readonly timer: NodeJS.Timeout }>();

  function leave(name: string, origin: Origin): void {
    const owner = origin.row.shift();
    if (owner === undefined) {
      origin.places -= 1;
      if (origin.places === 0) origins.delete(name);
      return;
    }
    const told = origin.waiting.get(owner);
    origin.waiting.delete(owner);
    giveBack(owner);
    kept.set(owner, { origin: name, timer: setTimeout(() => giveBack(owner), keptMs).unref() });
    told?.resolve();
  }
  function giveBack(owner: string): void {
    const place = taken(owner);
    const origin = place && origins.get(place.origin);
    if (origin) leave(place.origin, origin);
  }
  function taken(owner: string): { readonly origin: string } | undefined {
    const place = kept.get(owner);
    clearTimeout(place?.timer);
    kept.delete(owner);
    return place;
  }
  function admitted(name: string, origin: Origin): Entered {
    return { type: "admitted", [Symbol.dispose]: () => leave(name, origin) };
  }

  return {
    enter(name, owner) {
      const origin = origins.get(name) ?? {
        places: 0,
        row: createTurns<string>(),
        waiting: new Map<string, PromiseWithResolvers<void>>(),
      };
      origins.set(name, origin);
      if (kept.get(owner)?.origin === name) {
        taken(owner);
        return admitted(name, origin);
      }
      if (origin.places < maxPerOrigin) {
        origin.places += 1;
        return admitted(name, origin);
      }
      const place = origin.waiting.get(owner) ?? Promise.withResolvers<void>();
      origin.waiting.set(owner, place);
      origin.row.add(groupOf(owner), owner);
      return { type: "busy", reason: "OriginBusy", free: place.promise };
    },
    yield: giveBack,
    get size() {
      return origins.size;
    },
    [Symbol.dispose]() {
      for (const { timer } of kept.values()) clearTimeout(timer);
      kept.clear();
      origins.clear();
    },
  };
}
