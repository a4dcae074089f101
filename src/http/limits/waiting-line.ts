/**
 * Who has to wait, in rows by name: an origin's, an endpoint's. Whoever's turn it is is told, and finds what it waited for
 * kept for it.
 *
 * Invariant: groups (namespaces) take turns, and within one the oldest goes first; the same owner keeps its place in a row,
 * however often it asks. For an owner one thing is kept at a time, and what it does not come for is the next one's.
 */
import { createRoundRobin, type RoundRobin } from "../../core/tools/round-robin.ts";

interface WaitingLine extends Disposable {
  /** Resolves when it is kept for `owner`. */
  wait(name: string, owner: string): Promise<void>;
  has(name: string): boolean;
  /** Keeps it for the one whose turn it is. False: nobody waits. */
  keepForNext(name: string): boolean;
  /** Whether it was kept for `owner`, who has it now. */
  take(name: string, owner: string): boolean;
  /** `owner` waits for it no longer. */
  leave(name: string, owner: string): void;
  /** What is kept for `owner`, who has come and does not need it, is the next one's. */
  giveBack(owner: string): void;
}

interface Row {
  readonly turns: RoundRobin<string>;
  readonly tell: Map<string, PromiseWithResolvers<void>>;
}

/** Where its owner has gone for good, it is the next one's after this. */
const keptMs = 5_000;

/** `groupOf`: the namespace of an owner. `onUnused`: what was given back is nobody's. */
export function createWaitingLine(groupOf: (owner: string) => string, onUnused: (name: string) => void): WaitingLine {
  const rows = new Map<string, Row>();
  const kept = new Map<string, { readonly name: string; readonly timer: NodeJS.Timeout }>();

  function giveBack(owner: string): void {
    const place = kept.get(owner);
    if (!place) return;
    clearTimeout(place.timer);
    kept.delete(owner);
    if (!keepForNext(place.name)) onUnused(place.name);
  }
  function keepForNext(name: string): boolean {
    const row = rows.get(name);
    const owner = row?.turns.shift();
    if (!row || owner === undefined) return false;
    giveBack(owner);
    kept.set(owner, { name, timer: setTimeout(() => giveBack(owner), keptMs).unref() });
    row.tell.get(owner)?.resolve();
    row.tell.delete(owner);
    if (row.tell.size === 0) rows.delete(name);
    return true;
  }

  return {
    wait(name, owner) {
      const row = rows.get(name) ?? { turns: createRoundRobin<string>(), tell: new Map<string, PromiseWithResolvers<void>>() };
      rows.set(name, row);
      const told = row.tell.get(owner) ?? Promise.withResolvers<void>();
      row.tell.set(owner, told);
      row.turns.add(groupOf(owner), owner);
      return told.promise;
    },
    has: (name) => rows.has(name),
    keepForNext,
    take(name, owner) {
      const place = kept.get(owner);
      if (place?.name !== name) return false;
      clearTimeout(place.timer);
      kept.delete(owner);
      return true;
    },
    leave(name, owner) {
      const row = rows.get(name);
      row?.turns.remove(groupOf(owner), owner);
      row?.tell.delete(owner);
      if (row?.tell.size === 0) rows.delete(name);
    },
    giveBack,
    [Symbol.dispose]() {
      for (const { timer } of kept.values()) clearTimeout(timer);
      kept.clear();
      rows.clear();
    },
  };
}
