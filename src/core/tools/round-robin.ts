/** What waits, by group: the groups take turns, and within one the oldest goes first. */
export interface RoundRobin<T> {
  add(group: string, one: T): void;
  remove(group: string, one: T): void;
  /** The one whose turn it is, of a group that may have it; of those that do not fit, the next. */
  shift(mayHave?: (group: string) => boolean, fits?: (one: T) => boolean): T | undefined;
  readonly size: number;
}

/** Empty. What waits already and is added again keeps its place; a group that was served goes behind all others. */
export function createRoundRobin<T>(): RoundRobin<T> {
  const groups = new Map<string, Set<T>>();
  let size = 0;
  return {
    add(group, one) {
      const own = groups.get(group) ?? new Set();
      if (!own.has(one)) size += 1;
      groups.set(group, own.add(one));
    },
    remove(group, one) {
      const own = groups.get(group);
      if (own?.delete(one)) size -= 1;
      if (own?.size === 0) groups.delete(group);
    },
    shift(mayHave = () => true, fits = () => true) {
      for (const [group, own] of groups) {
        if (!mayHave(group)) continue;
        for (const one of own) {
          if (!fits(one)) continue;
          own.delete(one);
          size -= 1;
          groups.delete(group);
          if (own.size > 0) groups.set(group, own); // to the end: the other groups' turn
          return one;
        }
      }
      return undefined;
    },
    get size() {
      return size;
    },
  };
}

/** The same in lanes, of which the earlier go first. What waits already and is added to an earlier one moves there. */
export interface Lanes<T, L extends string> {
  /** False: it waited there, or in an earlier lane. */
  add(lane: L, group: string, one: T): boolean;
  remove(group: string, one: T): void;
  shift(mayHave?: (group: string) => boolean, fits?: (one: T) => boolean): T | undefined;
  has(one: T): boolean;
  readonly size: number;
}

/** Empty. `order`: the lanes. */
export function createLanes<T, const L extends string>(order: readonly L[]): Lanes<T, L> {
  /** Those that something has waited in: most never are. */
  const lanes: (RoundRobin<T> | undefined)[] = order.map(() => undefined);
  /** The lane of each that waits, by its place in the order. */
  const known = new Map<T, number>();
  let turns = 0;
  /** One turn in four begins with a later lane, so that whoever fills the first keeps no other from its own. */
  function firstLane(): number {
    return turns % 4 !== 3 || lanes.length < 2 ? 0 : 1 + (Math.floor(turns / 4) % (lanes.length - 1));
  }
  return {
    add(lane, group, one) {
      const [before, after] = [known.get(one), order.indexOf(lane)];
      if (before !== undefined && before <= after) return false;
      if (before !== undefined) lanes[before]?.remove(group, one);
      (lanes[after] ??= createRoundRobin<T>()).add(group, one);
      known.set(one, after);
      return true;
    },
    remove(group, one) {
      lanes[known.get(one) ?? -1]?.remove(group, one);
      known.delete(one);
    },
    shift(mayHave, fits) {
      const first = firstLane();
      for (let after = 0; after < lanes.length; after += 1) {
        const one = lanes[(first + after) % lanes.length]?.shift(mayHave, fits);
        if (one === undefined) continue;
        turns += 1;
        known.delete(one);
        return one;
      }
      return undefined;
    },
    has: (one) => known.has(one),
    get size() {
      return known.size;
    },
  };
}
