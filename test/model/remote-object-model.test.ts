/**
 * What is known of a remote object, explored exhaustively: crashes between any two steps, two replicas with caches that lag, a
 * server that is asked at wrong addresses, that answers late, that gives ids anew or lies about them, that cannot change what
 * it has, and people who delete, remake and change what is there. The rules are core/remote-object's; the model is the server,
 * the record and the replicas around them.
 */
import { hash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import {
  recordCreate,
  isGone,
  isSettledBy,
  next,
  recordObservation,
  settledID,
  unmade,
  recordUpdate,
  type RemoteObject,
  type Sight,
} from "../../src/core/remote-object.ts";

/** How the server, and the manifest, are. */
interface Config {
  /** `observe` asks at a wrong address: always 404. */
  readonly blind?: true;
  /** So does `delete`. */
  readonly lame?: true;
  readonly lookup?: true;
  /** Names are unique at the server. */
  readonly unique?: true;
  /** Create may be sent twice: by PUT, or under a key. */
  readonly repeatable?: true;
  /** Update makes a new object; or answers with the id of a job, which may be somebody's object. */
  readonly update?: "moves" | "answers a job's id" | "is refused";
  /** Update has an intent where its body would give another id. */
  readonly foretells?: true;
  /** The manifest says which object is its own. */
  readonly mine?: true;
  /** The id is declared, and an edit changes it. */
  readonly moves?: true;
  readonly replaces?: true;
  /** What was made is shown only a while later. */
  readonly late?: true;
  /** Rules that are left out, so that the model can fail. */
  readonly without?: "seen" | "verified deletion" | "candidates" | "doubt of updates" | "replacing first";
}
interface Thing {
  readonly id: string;
  readonly value: number;
  readonly ours: boolean;
  readonly hidden?: boolean;
}
interface Recorded extends RemoteObject {
  /** What was delivered last. */
  readonly delivered: number;
  readonly notDeleted?: true;
}
/** A replica has decided, and is about to record an intent, to send, or to record what came of it. */
type Doing =
  | {
      readonly at: "intend" | "send";
      readonly verb: "Create" | "Update" | "Delete";
      readonly read: Recorded;
      readonly id: string | undefined;
      readonly value: number;
    }
  | { readonly at: "record"; readonly read: Recorded; readonly set: Recorded; readonly release?: true; readonly mark?: string };
interface World {
  readonly things: readonly Thing[];
  readonly count: number;
  readonly recorded: Recorded;
  /** The sender whose attempt is recorded as on its way. */
  readonly sender?: string;
  readonly doing: readonly [Doing | null, Doing | null];
  readonly leader: 0 | 1;
  readonly epochs: readonly [number, number];
  readonly value: number;
  readonly name: string;
  readonly deleting: boolean;
  readonly finalizer: boolean;
  readonly asked: boolean;
  readonly left: Readonly<Record<"hand" | "edit" | "ask" | "fault", number>>;
  /** Creates that arrived, and how many there may be. */
  readonly creates: number;
  readonly allowed: number;
  readonly wrong?: string;
}

const nothing: Recorded = { ...unmade, delivered: 0 };

function* successors(world: World, config: Config): Generator<World> {
  const { left, things } = world;
  if (left.hand > 0) {
    const spent = { ...world, left: { ...left, hand: left.hand - 1 } };
    const [first, ...rest] = things;
    if (first) {
      yield { ...spent, things: rest, allowed: spent.allowed + (first.ours ? 1 : 0) };
      yield { ...spent, things: [{ ...first, value: 9 }, ...rest] };
    }
    if (things.length < 2) {
      const id = config.moves ? world.name : String(world.count + 1);
      if (!things.some((thing) => thing.id === id))
        yield { ...spent, count: world.count + 1, things: [...things, { id, value: 9, ours: false }] };
    }
  }
  if (left.edit > 0 && !world.deleting)
    yield {
      ...world,
      left: { ...left, edit: left.edit - 1 },
      ...(config.moves ? { name: `${world.name}'` } : { value: world.value + 1 }),
    };
  if (left.ask > 0 && !world.asked) yield { ...world, asked: true, allowed: world.allowed + 1, left: { ...left, ask: 0 } };
  if (!world.deleting) yield { ...world, deleting: true };
  if (left.fault > 0) yield { ...world, leader: world.leader === 0 ? 1 : 0, left: { ...left, fault: left.fault - 1 } };
  if (things.some(({ hidden }) => hidden)) yield { ...world, things: things.map((thing) => ({ ...thing, hidden: false })) };
  for (const index of [0, 1] as const) yield* steps(world, index, config);
}

function put<T>(pair: readonly [T, T], index: 0 | 1, value: T): readonly [T, T] {
  return index === 0 ? [value, pair[1]] : [pair[0], value];
}

function* steps(world: World, index: 0 | 1, config: Config): Generator<World> {
  const doing = world.doing[index];
  const idle: World = { ...world, doing: put(world.doing, index, null) };
  const { left } = world;
  const me = `${index}/${world.epochs[index]}`;
  if (doing && left.fault > 0) {
    const { [index]: epoch } = world.epochs;
    yield { ...idle, left: { ...left, fault: left.fault - 1 }, epochs: put(world.epochs, index, epoch + 1) };
  }
  if (!world.finalizer) return;
  if (!doing) {
    if (world.leader === index) yield* decided(world, index, config);
    return;
  }
  switch (doing.at) {
    case "intend": {
      // On condition that what is recorded is as it was read.
      if (doing.read !== world.recorded || world.leader !== index) return yield idle;
      const set: Recorded = { ...doing.read, made: doing.verb === "Create" ? "doubt" : "renaming" };
      return yield {
        ...idle,
        recorded: set,
        sender: me,
        doing: put(world.doing, index, { ...doing, at: "send", read: set }),
      };
    }
    case "send":
      // What is behind no intent is sent only after a live read: a cache that lags is found out.
      if (world.leader !== index || (world.sender !== me && doing.read !== world.recorded)) return yield idle;
      return yield* sent(idle, index, doing, config);
    case "record": {
      const isHeld =
        doing.mark === undefined ? doing.read === world.recorded && world.leader === index : world.sender === doing.mark;
      if (!isHeld) return yield idle;
      const { sender: _, ...rest } = idle;
      return yield {
        ...rest,
        recorded: doing.set,
        ...(doing.release && { finalizer: false }),
      };
    }
  }
}

function sightOf(thing: Thing | undefined, { value, name }: World, { mine, moves }: Config): Sight | null {
  if (!thing) return null;
  return {
    asDeclared: moves ? thing.id === name : thing.value === value,
    ...(mine && { mine: thing.ours }),
  };
}
function find({ things }: World, id: string | undefined): Thing | undefined {
  return things.find((thing) => thing.id === id && !thing.hidden);
}

type Looked = { readonly sight: Sight | null; readonly known: Recorded; readonly by: "observe" | "lookup" | "nobody" };

/** As the plan looks: by the id, the one before it, and in the list. */
function look(world: World, known: Recorded, config: Config): Looked | "ambiguous" | "inconsistent" {
  const byID = (id: string | undefined): Sight | null =>
    config.blind || id === undefined ? null : sightOf(find(world, id), world, config);
  const id = known.id ?? (config.moves ? world.name : undefined);
  let { former: _, ...after }: Recorded = known;
  let sight = byID(id);
  if (known.former !== undefined && config.without !== "candidates") {
    const before = isSettledBy(sight) ? null : byID(known.former);
    if (!isSettledBy(sight) && settledID(sight, before) === "former") {
      after = { ...after, id: known.former, seen: true };
      sight = before;
    }
  }
  if (sight !== null && sight.mine !== false) return { sight, known: after, by: "observe" };
  if (config.lookup) {
    const matches = world.things.filter(({ ours, hidden }) => !hidden && (!config.mine || ours));
    if (matches.length > 1) return "ambiguous";
    const [match] = matches;
    if (match && match.id === after.id) return "inconsistent";
    const found = byID(match?.id);
    if (match && found === null) return "inconsistent";
    if (match && found) return { sight: { ...found, id: match.id }, known: after, by: "lookup" };
    return { sight, known: after, by: "lookup" };
  }
  return { sight, known: after, by: id === undefined ? "nobody" : "observe" };
}

function* decided(world: World, index: 0 | 1, config: Config): Generator<World> {
  const read = world.recorded;
  const { [index]: epoch } = world.epochs;
  const me = `${index}/${epoch}`;
  const doing = (what: Doing, more: Partial<World> = {}): World => ({ ...world, ...more, doing: put(world.doing, index, what) });
  const record = (set: Recorded): World => doing({ at: "record", read, set });
  const send = (verb: "Create" | "Update" | "Delete", known: Recorded, intends: boolean): World =>
    doing({ at: intends ? "intend" : "send", verb, read: intends ? read : known, id: known.id, value: world.value });
  if (world.sender === me) return; // its own attempt, which it has not given up

  if (world.deleting) return yield* leaving(world, index, config, { record, send });
  if (read.replacing) {
    if (read.notDeleted) return;
    return yield send("Delete", read, false);
  }
  if (read.made === "doubt") {
    if (config.repeatable) return yield send("Create", read, false);
    const seen = config.lookup ? look(world, { ...read, id: undefined as never }, config) : undefined;
    if (typeof seen === "object" && seen.sight)
      return yield record({ ...recordObservation(seen.known, seen.sight), delivered: read.delivered });
    const saysNo = typeof seen === "object" && seen.by === "lookup" && !world.things.some(({ hidden }) => hidden);
    if (saysNo) return yield { ...send("Create", { ...read, made: "never" }, true), allowed: world.allowed + 1 };
    if (world.asked) return yield { ...send("Create", read, true), asked: false };
    return;
  }
  const looked = look(world, read, config);
  if (typeof looked !== "object") return;
  const { known, sight } = looked;
  const asDeclared =
    sight !== null && sight.asDeclared && (config.moves === true || known.delivered === world.value || known.made === "never");
  const judged = sight && { ...sight, asDeclared };
  const what = next(known.made === "made" && config.without === "seen" ? { ...known, seen: true } : known, judged, {
    creates: true,
    updates: !config.moves,
    replaces: config.replaces === true,
    ...(config.moves && { id: world.name }),
    movesByReplacing: config.replaces === true,
    isImmutable: false,
    createIsRepeatable: config.repeatable === true,
    asked: world.asked,
  });
  const after: Recorded = { ...recordObservation(known, sight), delivered: known.delivered };
  switch (what.type) {
    case "rest": {
      const id = after.id ?? (config.moves ? world.name : undefined);
      const set = { ...after, ...(id !== undefined && { id }), delivered: world.value };
      if (JSON.stringify(set) !== JSON.stringify(read)) yield record(set);
      return;
    }
    case "create":
      if (config.lookup && world.things.length === 1 && !world.things[0]?.hidden && !config.mine)
        return yield { ...world, wrong: "I2: a create where lookup would have found it" };
      return yield {
        ...send("Create", { ...known, made: "never" }, !config.repeatable),
        asked: false,
      };
    case "update":
      // What has been found out of the id is recorded first.
      if (JSON.stringify(after) !== JSON.stringify(read)) return yield record(after);
      return yield send("Update", after, config.update === "moves" && config.foretells === true);
    case "replace":
      if (config.without === "replacing first") return yield send("Delete", after, false);
      return yield record({ ...after, ...(known.id !== undefined && { id: known.id }), replacing: true });
    case "hold":
      return;
  }
}

interface Ways {
  readonly record: (set: Recorded) => World;
  readonly send: (verb: "Create" | "Update" | "Delete", known: Recorded, intends: boolean) => World;
}
function* leaving(world: World, index: 0 | 1, config: Config, { record, send }: Ways): Generator<World> {
  const read = world.recorded;
  const released = (): World => ({ ...world, doing: put(world.doing, index, { at: "record", read, set: read, release: true }) });
  if (read.notDeleted) return;
  if (read.made === "doubt" || read.made === "renaming") {
    const seen = look(world, read.made === "doubt" ? { ...read, id: undefined as never } : read, config);
    if (typeof seen === "object" && seen.sight)
      return yield record({ ...recordObservation(seen.known, seen.sight), delivered: read.delivered });
    if (typeof seen === "object" && seen.by === "lookup" && !world.things.some(({ hidden }) => hidden) && read.made === "doubt")
      yield released();
    return; // said: OutcomeUnknown
  }
  if (read.made === "never") {
    // By a declared name it may be there all the same: a create whose second try was refused says nothing of the first.
    const seen = config.moves ? look(world, read, config) : undefined;
    if (typeof seen !== "object" || !seen.sight) return yield released();
    return yield record({ ...recordObservation(seen.known, { ...seen.sight, id: world.name }), delivered: read.delivered });
  }
  if (read.former !== undefined) {
    const seen = look(world, read, config);
    if (typeof seen !== "object") return;
    return yield record({ ...seen.known, delivered: read.delivered });
  }
  yield send("Delete", read, false);
}

function* sent(world: World, index: 0 | 1, doing: Extract<Doing, { at: "intend" | "send" }>, config: Config): Generator<World> {
  const { read, verb, id, value } = doing;
  const me = `${index}/${world.epochs[index]}`;
  const isMarked = world.sender === me;
  const answered = (set: Recorded, more: Partial<World> = {}, release?: true): World => ({
    ...world,
    ...more,
    doing: put(world.doing, index, { at: "record", read, set, ...(release && { release }), ...(isMarked && { mark: me }) }),
  });
  const lost = function* (more: Partial<World>): Generator<World> {
    if (world.left.fault > 0) yield { ...world, ...more, left: { ...world.left, fault: world.left.fault - 1 } };
  };
  switch (verb) {
    case "Create": {
      const same = config.repeatable && world.things.find(({ ours }) => ours);
      if (same) return yield answered({ ...recordCreate({ id: same.id, isWatched: true }), delivered: value });
      const made = String(config.moves ? world.name : world.count + 1);
      if ((config.unique || config.moves) && world.things.some((thing) => !config.moves || thing.id === made))
        return yield answered({ ...read, made: "never" });
      const thing: Thing = { id: made, value, ours: true, ...(config.late && { hidden: true }) };
      const more = { things: [...world.things, thing], count: world.count + 1, creates: world.creates + 1 };
      yield* lost(more);
      return yield answered({ ...recordCreate({ id: made, isWatched: true }), delivered: value }, more);
    }
    case "Update": {
      const there = world.things.find((one) => one.id === id);
      if (!there) return yield answered({ ...read, made: "made" });
      const others = world.things.filter((one) => one !== there);
      if (config.mine && !there.ours) return yield { ...world, wrong: "I3: a write to what is not this one" };
      if (config.update === "is refused") return yield answered({ ...read, made: "made", replacing: config.replaces === true });
      if (config.update === "moves") {
        const moved = { ...there, id: String(world.count + 1), value };
        const more = { things: [...others, moved], count: world.count + 1 };
        yield* lost(more);
        return yield answered(
          { ...recordUpdate(read, config.without === "candidates" ? undefined : moved.id), delivered: value },
          more,
        );
      }
      const job = config.update === "answers a job's id" ? (others[0]?.id ?? "job") : undefined;
      const more = { things: [...others, { ...there, value }] };
      yield* lost(more);
      return yield answered({ ...recordUpdate(read, job), delivered: value }, more);
    }
    case "Delete": {
      const there = config.lame ? undefined : world.things.find((one) => one.id === id);
      const isReplacement = !world.deleting;
      if (there) {
        const more = { things: world.things.filter((one) => one !== there), allowed: world.allowed + (there.ours ? 1 : 0) };
        yield* lost(more);
        return yield isReplacement ? answered(nothing, more) : answered(read, more, true);
      }
      const seen = config.blind ? null : sightOf(find(world, id), world, config);
      const isOver = config.without === "verified deletion" || isGone(read, seen);
      if (!isOver) return yield answered({ ...read, notDeleted: true });
      return yield isReplacement ? answered(nothing) : answered(read, {}, true);
    }
  }
}

const everything = { hand: 2, edit: 1, ask: 1, fault: 1 } as const;

function begin(left: World["left"] = everything): World {
  return {
    things: [],
    count: 0,
    recorded: nothing,
    doing: [null, null],
    leader: 0,
    epochs: [0, 0],
    value: 1,
    name: "n",
    deleting: false,
    finalizer: true,
    asked: false,
    left,
    creates: 0,
    allowed: 1,
  };
}

/** What holds in every world; a sentence where it does not. */
function breach(world: World, config: Config): string | undefined {
  if (world.wrong !== undefined) return world.wrong;
  if (world.creates > world.allowed && !config.repeatable) return "I1: more creates than absences of what was seen";
  const isIdle = world.doing.every((one) => one === null);
  const { recorded } = world;
  const ours = world.things.filter((thing) => thing.ours);
  if (isIdle && recorded.made !== "doubt" && ours.length > world.allowed) return "I1: two of ours";
  if (!world.finalizer && ours.some(({ id }) => id === recorded.id || id === recorded.former))
    return "I4: it is left behind, and nobody says so";
  if (config.mine === undefined && !config.lookup && config.update === "answers a job's id" && !config.blind) {
    const named = world.things.find(({ id }) => id === recorded.id);
    if (
      isIdle &&
      recorded.former === undefined &&
      recorded.seen &&
      named &&
      !named.ours &&
      ours.length > 0 &&
      recorded.made === "made"
    )
      return "I3: somebody else's is taken for it";
  }
  return undefined;
}

const shared = new Map<string, object>();
/** Equal records are one object, so that "as it was read" is a comparison of identities. */
function interned<T extends object>(value: T): T {
  const key = JSON.stringify(value, Object.keys(value).toSorted());
  const known = shared.get(key) ?? value;
  shared.set(key, known);
  return known as T;
}
function normal(world: World): World {
  return {
    ...world,
    recorded: interned(world.recorded),
    doing: [doing(world.doing[0]), doing(world.doing[1])],
  };
}
function doing(what: Doing | null): Doing | null {
  if (!what) return null;
  return what.at === "record"
    ? { ...what, read: interned(what.read), set: interned(what.set) }
    : { ...what, read: interned(what.read) };
}

function explore(config: Config, left?: World["left"]): { readonly worlds: number; readonly breaches: readonly string[] } {
  const first = normal(begin(left));
  const seen = new Set<string>();
  const pending = [first];
  const breaches = new Set<string>();
  for (let world = pending.pop(); world; world = pending.pop()) {
    const key = hash("sha1", JSON.stringify(world), "base64");
    if (seen.has(key)) continue;
    seen.add(key);
    const found = breach(world, config);
    if (found !== undefined) {
      breaches.add(found);
      continue;
    }
    if (seen.size > 300_000) throw new Error("more worlds than expected: is there a bound on what can happen?");
    for (const after of successors(world, config)) pending.push(normal(after));
  }
  return { worlds: seen.size, breaches: [...breaches] };
}

const few = { hand: 1, edit: 1, ask: 1, fault: 1 } as const;

describe("never two objects for one declaration, nothing written to another's, nothing left behind unsaid", () => {
  const servers: readonly (readonly [string, Config, World["left"]])[] = [
    ["a plain one", {}, everything],
    ["observe asks at a wrong address", { blind: true }, everything],
    ["delete does", { lame: true }, everything],
    ["both do", { blind: true, lame: true }, everything],
    ["it shows late what it has made", { late: true }, few],
    ["it lists, and names are unique", { lookup: true, unique: true }, few],
    ["it lists, and observe asks at a wrong address", { lookup: true, unique: true, blind: true }, few],
    ["create may be sent twice", { repeatable: true }, few],
    ["create may be sent twice, and observe asks at a wrong address", { repeatable: true, blind: true }, few],
    ["update gives a new id, which its body foretells", { update: "moves", foretells: true }, few],
    ["update answers with another id, which is no object's or somebody's", { update: "answers a job's id" }, few],
    ["the same, and the manifest says what is its own", { update: "answers a job's id", mine: true }, few],
    ["the manifest says what is its own, and it lists", { lookup: true, mine: true }, few],
    ["update is refused, and the object is replaced", { update: "is refused", replaces: true }, few],
    ["the same, and delete asks at a wrong address", { update: "is refused", replaces: true, lame: true }, few],
    ["the declared name moves, and is refused", { moves: true }, few],
    ["the declared name moves, and the object is replaced", { moves: true, replaces: true }, few],
  ];
  test.each(servers)("%s", (_title, config, left) => {
    const { worlds, breaches } = explore(config, left);
    expect(breaches).toEqual([]);
    expect(worlds).toBeGreaterThan(300);
  });
});

describe("the model can fail", () => {
  test.each<readonly [string, Config, string]>([
    ["an absence of what was never seen is believed", { blind: true, without: "seen" }, "I1"],
    ["a 404 to DELETE is believed", { lame: true, without: "verified deletion" }, "I4"],
    ["an id that update gives is not asked for", { update: "moves", without: "candidates" }, "I1"],
    ["an update that renames has no intent", { update: "moves" }, "I1"],
  ])("where %s", (_title, config, invariant) => {
    expect(explore(config, few).breaches.join()).toContain(invariant);
  });
});
