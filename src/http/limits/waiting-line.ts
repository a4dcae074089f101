/**
 * Who has to wait, in rows by name: an origin's, an endpoint's. Whoever's turn it is is told, and finds what it waited for
 * kept for it.
 *
 * Invariant: what somebody has changed goes before what is due again, and that before what a listing brought; within that groups
 * (namespaces) take turns, and within one the oldest goes first. The same owner keeps its place in a row, however often it asks. For an owner one thing is kept at a time, and what it does not come for is the next one's.
 */
import { lanes, type Lane } from "../../core/lane.ts";
import { createLanes, type Lanes, type Waiting } from "../../core/tools/round-robin.ts";

interface WaitingLine extends Disposable {
  /** Resolves when it is kept for `owner`, who is of that group (its namespace). */
  wait(name: string, owner: string, its: { readonly group: string; readonly lane: Lane }): Promise<void>;
  has(name: string): boolean;
  /** How many wait in one row. */
  lengthOf(name: string): number;
  /** Keeps it for the one whose turn it is, of a group that may have it, and says of which. Undefined: nobody waits who may. */
  keepForNext(name: string, mayHave?: (group: string) => boolean): string | undefined;
  /** Keeps for `owner` what it has and cannot use yet, for as long as what it is told of. */
  keep(name: string, owner: string): void;
  /** Whether it was kept for `owner`, who has it now. */
  take(name: string, owner: string): boolean;
  /** `owner` waits for it no longer. */
  leave(name: string, owner: string): void;
  /** What is kept for `owner`, who has come and does not need it, is the next one's. */
  giveBack(owner: string): void;
  /** How many wait, in all rows. */
  readonly waiting: number;
}

interface Waiter {
  readonly owner: string;
  readonly group: string;
  readonly told: PromiseWithResolvers<void>;
}
interface Row {
  readonly line: Lanes<Waiter, Lane>;
  readonly byOwner: Map<string, Waiting<Waiter>>;
}

/** Where its owner has gone for good, it is the next one's after this. */
const keptMs = 5_000;

/** `onUnused`: `owner` did not come for what was kept for it, which may be kept for the next. */
export function createWaitingLine(onUnused: (name: string, owner: string) => void): WaitingLine {
  const rows = new Map<string, Row>();
  /** By owner, the oldest first. */
  const kept = new Map<string, { readonly name: string; readonly untilMs: number }>();
  /** For the oldest of them, or one that was older. */
  let timer: NodeJS.Timeout | undefined;
  let waiting = 0;

  function giveBack(owner: string): void {
    const place = kept.get(owner);
    if (place && kept.delete(owner)) onUnused(place.name, owner);
  }
  function keep(name: string, owner: string): void {
    giveBack(owner);
    kept.set(owner, { name, untilMs: performance.now() + keptMs });
    timer ??= setTimeout(giveBackLate, keptMs).unref();
  }
  /** What was not come for in time. One timer for all of them, since nearly all are come for at once. */
  function giveBackLate(): void {
    let leftMs: number | undefined;
    for (const [owner, { untilMs }] of kept) {
      leftMs = Math.ceil(untilMs - performance.now());
      if (leftMs > 0) break; // those after it were kept later
      giveBack(owner);
    }
    timer = kept.size === 0 || leftMs === undefined ? undefined : setTimeout(giveBackLate, leftMs).unref();
  }
  function newRow(name: string): Row {
    const row: Row = { line: createLanes<Waiter, Lane>(lanes), byOwner: new Map() };
    rows.set(name, row);
    return row;
  }
  function waitsNoMore(name: string, row: Row, owner: string): void {
    if (row.byOwner.delete(owner)) waiting -= 1;
    if (row.byOwner.size === 0) rows.delete(name);
  }

  return {
    wait(name, owner, { group, lane }) {
      const row = rows.get(name) ?? newRow(name);
      const known = row.byOwner.get(owner);
      if (known) {
        row.line.hasten(known, lane);
        return known.one.told.promise;
      }
      const told = Promise.withResolvers<void>();
      row.byOwner.set(owner, row.line.add(lane, group, { owner, group, told }));
      waiting += 1;
      return told.promise;
    },
    has: (name) => rows.has(name),
    lengthOf: (name) => rows.get(name)?.byOwner.size ?? 0,
    keep,
    keepForNext(name, mayHave) {
      const row = rows.get(name);
      const next = row?.line.shift(mayHave);
      if (!row || !next) return undefined;
      waitsNoMore(name, row, next.owner);
      keep(name, next.owner);
      next.told.resolve();
      return next.group;
    },
    take(name, owner) {
      return kept.get(owner)?.name === name && kept.delete(owner);
    },
    leave(name, owner) {
      const row = rows.get(name);
      const known = row?.byOwner.get(owner);
      if (!row || !known) return;
      row.line.remove(known);
      waitsNoMore(name, row, owner);
    },
    giveBack,
    get waiting() {
      return waiting;
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      kept.clear();
      rows.clear();
    },
  };
}
