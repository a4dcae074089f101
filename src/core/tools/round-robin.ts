/** What waits, by group: the groups take turns, and within one the oldest goes first. */
export interface RoundRobin<T> {
  add(group: string, one: T): void;
  remove(group: string, one: T): void;
  /** The one whose turn it is, of a group that may have it. */
  shift(mayHave?: (group: string) => boolean): T | undefined;
  readonly size: number;
}

/** Empty. What waits already and is added again keeps its place; a group that was served goes behind all others. */
export function createRoundRobin<T>(): RoundRobin<T> {
  const groups = new Map<string, Set<T>>();
  return {
    add: (group, one) => void groups.set(group, (groups.get(group) ?? new Set()).add(one)),
    remove(group, one) {
      const own = groups.get(group);
      own?.delete(one);
      if (own?.size === 0) groups.delete(group);
    },
    shift(mayHave = () => true) {
      for (const [group, own] of groups) {
        if (!mayHave(group)) continue;
        groups.delete(group);
        for (const one of own) {
          own.delete(one);
          if (own.size > 0) groups.set(group, own); // to the end: the other groups' turn
          return one;
        }
      }
      return undefined;
    },
    get size() {
      return groups.values().reduce((sum, own) => sum + own.size, 0);
    },
  };
}
