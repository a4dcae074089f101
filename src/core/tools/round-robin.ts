/** What waits, by group: the groups take turns, and within one the oldest goes first. */
import { Row, type Place } from "./row.ts";

/** Given to who has added it, who may take it out again. */
export interface Waiting<T> extends Place<Waiting<T>> {
  readonly one: T;
  readonly group: string;
  /** Undefined: it waits no more. */
  among: Group<T> | undefined;
}
interface Group<T> extends Place<Group<T>> {
  readonly name: string;
  readonly members: Row<Waiting<T>>;
  readonly turns: GroupsInTurn<T>;
}

interface InTurn<T> {
  /** No effect where it waits no more. */
  remove(waiting: Waiting<T>): void;
  /** The one whose turn it is, of a group that may have it; of those that do not fit, the next. */
  shift(mayHave?: (group: string) => boolean, fits?: (one: T) => boolean): T | undefined;
  readonly size: number;
}
export interface RoundRobin<T> extends InTurn<T> {
  /** A group that was served goes behind all others. */
  add(group: string, one: T): Waiting<T>;
}
/** The same in lanes, of which the earlier go first. */
export interface Lanes<T, L extends string> extends InTurn<T> {
  add(lane: L, group: string, one: T): Waiting<T>;
  /** From now on in this lane, unless it waits in it, or in an earlier one, or no more. */
  hasten(waiting: Waiting<T>, lane: L): void;
}

/** Empty. */
export function createRoundRobin<T>(): RoundRobin<T> {
  return new GroupsInTurn<T>();
}

/** Empty. `order`: the lanes. */
export function createLanes<T, const L extends string>(order: readonly L[]): Lanes<T, L> {
  /** Those that something has waited in: most never are. */
  const lanes: (GroupsInTurn<T> | undefined)[] = order.map(() => undefined);
  let turns = 0;
  /** One turn in four begins with a later lane, so that whoever fills the first keeps no other from its own. */
  function firstLane(): number {
    return turns % 4 !== 3 || lanes.length < 2 ? 0 : 1 + (Math.floor(turns / 4) % (lanes.length - 1));
  }
  const remove = (waiting: Waiting<T>): void => waiting.among?.turns.remove(waiting);
  return {
    add: (lane, group, one) => (lanes[order.indexOf(lane)] ??= new GroupsInTurn<T>()).add(group, one),
    hasten(waiting, lane) {
      const [before, after] = [lanes.indexOf(waiting.among?.turns), order.indexOf(lane)];
      if (!waiting.among || before <= after) return;
      remove(waiting);
      (lanes[after] ??= new GroupsInTurn<T>()).enter(waiting);
    },
    remove,
    shift(mayHave, fits) {
      const first = firstLane();
      for (let after = 0; after < lanes.length; after += 1) {
        const one = lanes[(first + after) % lanes.length]?.shift(mayHave, fits);
        if (one === undefined) continue;
        turns += 1;
        return one;
      }
      return undefined;
    },
    get size() {
      return lanes.reduce((sum, lane) => sum + (lane?.size ?? 0), 0);
    },
  };
}

class GroupsInTurn<T> implements RoundRobin<T> {
  /** Those of which something waits. */
  readonly #groups = new Map<string, Group<T>>();
  readonly #turns = new Row<Group<T>>();
  size = 0;

  add(group: string, one: T): Waiting<T> {
    return this.enter({ one, group, among: undefined, before: undefined, after: undefined });
  }
  enter(waiting: Waiting<T>): Waiting<T> {
    const group = this.#groups.get(waiting.group) ?? this.#newGroup(waiting.group);
    group.members.add(waiting);
    waiting.among = group;
    this.size += 1;
    return waiting;
  }
  remove(waiting: Waiting<T>): void {
    const { among } = waiting;
    if (!among) return;
    among.members.remove(waiting);
    waiting.among = undefined;
    this.size -= 1;
    if (among.members.first) return;
    this.#turns.remove(among);
    this.#groups.delete(among.name);
  }
  shift(mayHave?: (group: string) => boolean, fits?: (one: T) => boolean): T | undefined {
    for (let group = this.#turns.first; group; group = group.after) {
      if (mayHave?.(group.name) === false) continue;
      for (let waiting = group.members.first; waiting; waiting = waiting.after) {
        if (fits?.(waiting.one) === false) continue;
        this.remove(waiting);
        if (group.members.first) this.#sendBehind(group);
        return waiting.one;
      }
    }
    return undefined;
  }

  #newGroup(name: string): Group<T> {
    const group = { name, members: new Row<Waiting<T>>(), turns: this, before: undefined, after: undefined };
    this.#groups.set(name, group);
    this.#turns.add(group);
    return group;
  }
  /** The other groups' turn. */
  #sendBehind(group: Group<T>): void {
    this.#turns.remove(group);
    this.#turns.add(group);
  }
}
