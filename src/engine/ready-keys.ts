/** Keys that are due and wait for a worker: by lane, and within one the groups take turns. */
import { earlierLane, lanes, type Lane } from "../core/lane.ts";
import { createLanes, type Waiting } from "../core/tools/round-robin.ts";

export interface ReadyKeys {
  /** False where it was there already. */
  add(key: string, lane: Lane, kept: boolean): boolean;
  has(key: string): boolean;
  /** What they wait for begins now. */
  countFromNow(): void;
  /** The key whose turn it is, of a group that may. */
  shift(mayHave: (group: string) => boolean): Readonly<ReadyKey> | undefined;
  /** How long the one that has waited longest has, seconds; 0 where none waits. */
  readonly oldestSecs: number;
  readonly size: number;
}

interface ReadyKey {
  readonly key: string;
  /** The earliest in which it has come. */
  lane: Lane;
  readonly sinceMs: number;
}

export function createReadyKeys(groupOf: (key: string) => string): ReadyKeys {
  const waiting = createLanes<ReadyKey, Lane | "kept">(["kept", ...lanes]);
  const known = new Map<string, Waiting<ReadyKey>>();
  let countedFromMs = -Infinity;

  return {
    add(key, lane, kept) {
      const before = known.get(key);
      if (!before) {
        known.set(key, waiting.add(kept ? "kept" : lane, groupOf(key), { key, lane, sinceMs: performance.now() }));
        return true;
      }
      before.one.lane = earlierLane(lane, before.one.lane);
      waiting.hasten(before, kept ? "kept" : lane);
      return false;
    },
    has: (key) => known.has(key),
    countFromNow() {
      countedFromMs = performance.now();
    },
    shift(mayHave) {
      const next = waiting.shift(mayHave);
      if (!next) return undefined;
      const { key, lane, sinceMs } = next;
      known.delete(key);
      return { key, lane, sinceMs: Math.max(sinceMs, countedFromMs) };
    },
    get oldestSecs() {
      const [oldest] = known.values(); // in the order in which they began to wait
      return oldest ? (performance.now() - Math.max(oldest.one.sinceMs, countedFromMs)) / 1000 : 0;
    },
    get size() {
      return known.size;
    },
  };
}
