/** How much of what there is one group (namespace) may have, so that another always finds something. */

/** One group alone gets three quarters, two get three sevenths each. */
const mostForEachFree = 3;

/** Whether a group that has `own` may have another while `free` are free. */
export function mayHaveAnother(own: number, free: number): boolean {
  return own === 0 || own < mostForEachFree * free;
}

/** What is taken of one thing, and by whom. */
export interface Shares {
  /** Of `limit` in all. The last one is for who has none. */
  mayTake(group: string, limit: number): boolean;
  take(group: string): void;
  giveBack(group: string): void;
  readonly taken: number;
}

/** Nothing is taken. */
export function createShares(): Shares {
  const byGroup = new Map<string, number>();
  let taken = 0;
  return {
    mayTake(group, limit) {
      const own = byGroup.get(group) ?? 0;
      const free = limit - taken;
      return free > (own === 0 ? 0 : 1) && mayHaveAnother(own, free);
    },
    take(group) {
      taken += 1;
      byGroup.set(group, (byGroup.get(group) ?? 0) + 1);
    },
    giveBack(group) {
      taken -= 1;
      const left = (byGroup.get(group) ?? 0) - 1;
      if (left > 0) byGroup.set(group, left);
      else byGroup.delete(group);
    },
    get taken() {
      return taken;
    },
  };
}
