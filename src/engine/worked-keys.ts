/** Keys that are being worked on: most have a worker, and the work for some goes on aside, without one. */
import type { Lane } from "../core/lane.ts";

export interface WorkedKeys {
  /** A worker takes it. */
  begin(key: string, lane: Lane): void;
  /** Its worker goes, and the work for it goes on. */
  readonly leave: (key: string) => void;
  end(key: string): void;
  has(key: string): boolean;
  /** The lane in which it was taken. */
  laneOf(key: string): Lane | undefined;
  /** How many keys of the group have a worker. */
  countOf(group: string): number;
  /** Keys that have a worker, with when each was taken (`performance.now`). */
  readonly working: ReadonlyMap<string, number>;
  readonly aside: ReadonlySet<string>;
}

export function createWorkedKeys(groupOf: (key: string) => string): WorkedKeys {
  const working = new Map<string, number>();
  const aside = new Set<string>();
  const taken = new Map<string, Lane>();
  /** Keys that have a worker, by group. */
  const held = new Map<string, Set<string>>();

  function leave(key: string): void {
    if (working.delete(key)) aside.add(key);
    const group = groupOf(key);
    const own = held.get(group);
    own?.delete(key);
    if (own?.size === 0) held.delete(group);
  }
  return {
    begin(key, lane) {
      working.set(key, performance.now());
      taken.set(key, lane);
      const group = groupOf(key);
      held.set(group, (held.get(group) ?? new Set()).add(key));
    },
    leave,
    end(key) {
      leave(key);
      aside.delete(key);
      taken.delete(key);
    },
    has: (key) => working.has(key) || aside.has(key),
    laneOf: (key) => taken.get(key),
    countOf: (group) => held.get(group)?.size ?? 0,
    working,
    aside,
  };
}
