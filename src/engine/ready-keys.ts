/** Keys that are due and wait for a worker: by lane, and within one the groups take turns. */
import { earlierLane, lanes, type Lane } from "../core/lane.ts";
import { createLanes } from "../core/tools/round-robin.ts";

export interface ReadyKeys {
  /** False where it was there already. */
  add(key: string, lane: Lane, kept: boolean): boolean;
  has(key: string): boolean;
  /** What they wait for begins now. */
  countFromNow(): void;
  /** The key whose turn it is, of a group that may. */
  shift(mayHave: (group: string) => boolean): { readonly key: string; readonly lane: Lane; readonly sinceMs: number } | undefined;
  /** How long the one that has waited longest has, seconds; 0 where none waits. */
  readonly oldestSecs: number;
  readonly size: number;
}

export function createReadyKeys(groupOf: (key: string) => string): ReadyKeys {
  const waiting = createLanes<string, Lane | "kept">(["kept", ...lanes]);
  const known = new Map<string, { readonly lane: Lane; readonly sinceMs: number }>();
  let countedFromMs = -Infinity;

  return {
    add(key, lane, kept) {
      const before = known.get(key);
      const earlier = earlierLane(lane, before?.lane);
      waiting.add(kept ? "kept" : earlier, groupOf(key), key);
      known.set(key, { lane: earlier, sinceMs: before?.sinceMs ?? performance.now() });
      return !before;
    },
    has: (key) => known.has(key),
    countFromNow() {
      countedFromMs = performance.now();
    },
    shift(mayHave) {
      const key = waiting.shift(mayHave);
      if (key === undefined) return undefined;
      const { lane, sinceMs } = known.get(key) ?? { lane: "change", sinceMs: performance.now() };
      known.delete(key);
      return { key, lane, sinceMs: Math.max(sinceMs, countedFromMs) };
    },
    get oldestSecs() {
      const [oldest] = known.values(); // in the order in which they began to wait
      return oldest ? (performance.now() - Math.max(oldest.sinceMs, countedFromMs)) / 1000 : 0;
    },
    get size() {
      return known.size;
    },
  };
}
