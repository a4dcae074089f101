/** How much of what there is one group (namespace) may have, so that another always finds something. */

/** One group alone gets three quarters, two get three sevenths each. */
const mostForEachFree = 3;

/** Whether a group that has `own` may have another while `free` are free. */
export function mayHaveAnother(own: number, free: number): boolean {
  return own === 0 || own < mostForEachFree * free;
}

/** Groups that have nothing and are remembered all the same: they come and go, which makes a Map build its table anew. */
const mostKeptGroups = 64;

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
  return new CountedShares();
}

/** A class, since each origin has some for as long as something is under way there. */
class CountedShares implements Shares {
  readonly #byGroup = new Map<string, number>();
  taken = 0;

  mayTake(group: string, limit: number): boolean {
    const free = limit - this.taken;
    if (free <= 0) return false; // nobody has to be looked for
    const own = this.#byGroup.get(group) ?? 0;
    return free > (own === 0 ? 0 : 1) && mayHaveAnother(own, free);
  }
  take(group: string): void {
    this.taken += 1;
    this.#byGroup.set(group, (this.#byGroup.get(group) ?? 0) + 1);
  }
  giveBack(group: string): void {
    this.taken -= 1;
    const left = (this.#byGroup.get(group) ?? 0) - 1;
    if (left > 0 || this.#byGroup.size <= mostKeptGroups) this.#byGroup.set(group, left);
    else this.#byGroup.delete(group);
  }
}
