/**
 * Slots as the leases, the seats and the assignment make them, over a store that lands each write at once and answers late. Each
 * replica runs by its own looks at it; joins, crashes, suspensions and deleted leases come at any time, and deployments with other
 * numbers of slots beside it. The leases' own decisions are the real ones.
 */
import { describe, expect, test } from "@jest/globals";
import { assignSlots, slotOf } from "../../src/core/slots.ts";
import {
  freeInMs,
  heldBy,
  observe,
  releaseSpec,
  termAfter,
  type LeaseSpec,
  type Observed,
  type Term,
} from "../../src/kubernetes/lease-state.ts";

const times = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
const namespaces = Array.from({ length: 24 }, (_, index) => `namespace-${index * 7919}`);
const slotsOf = new Map([2, 3, 4, 7, 16].map((slots) => [slots, new Map(namespaces.map((one) => [one, slotOf(one, slots)]))]));

/** Mulberry32: the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface World {
  nowMs: number;
  /** Nothing happens any more, and every answer comes soon. */
  isQuiet: boolean;
  readonly random: () => number;
  readonly leases: Map<string, { spec: LeaseSpec; version: number }>;
  version: number;
}

/** One lease as one replica knows it. */
interface Known {
  readonly name: string;
  readonly identity: string;
  readonly isShared: boolean;
  readonly absentIsHeld: boolean;
  observed?: Observed;
  term: Term | undefined;
}
const absent: LeaseSpec = { holderIdentity: "nobody knows", leaseDurationSeconds: times.leaseDurationMs / 1000 };

function isHeld(world: World, { term }: Known): boolean {
  return term !== undefined && world.nowMs < term.untilMs;
}
/** Renews what is held, or takes what is free: the write lands now, its answer is dealt with `lateMs` later. */
function holdLease(world: World, known: Known, later: (work: () => void) => void): void {
  const current = world.leases.get(known.name);
  const sentMs = world.nowMs;
  if (known.term !== undefined) {
    const isOver = !isHeld(world, known);
    const isOthers = current !== undefined && current.spec.holderIdentity !== known.identity;
    if (isOver || isOthers) return void (known.term = undefined);
  } else {
    if (current || !known.observed) {
      const spec = current?.spec ?? (known.absentIsHeld ? absent : {});
      known.observed = observe(known.observed, spec, sentMs);
    }
    if (freeInMs(known.observed, known.identity, sentMs) > 0) return;
  }
  const spec = heldBy(known.identity, current?.spec ?? {}, times.leaseDurationMs, new Date(world.nowMs));
  world.leases.set(known.name, { spec, version: (world.version += 1) });
  const before = known.term;
  later(() => {
    known.term = termAfter(before, { sentMs, answeredMs: world.nowMs }, times.renewDeadlineMs);
  });
}

interface Replica {
  readonly slots: number;
  /** Does what is due now, unless it is suspended. */
  step(): void;
  /** Whether it acts for the namespace at this instant. */
  actsFor(namespace: string): boolean;
  suspendedUntilMs: number;
  hasCrashed: boolean;
  readonly identity: string;
}

function createReplica(world: World, identity: string, slots: number): Replica {
  const known = (name: string, by = identity): Known => ({
    name,
    identity: by,
    isShared: by !== identity,
    absentIsHeld: !name.includes("seat"),
    term: undefined,
  });
  const all = known("all", `slots-of-${slots}`);
  const held = new Map<number, Known & { leavingMs?: number }>();
  const seen = new Map<string, Observed>();
  const looks = new Map<number, number>();
  let seat: (Known & { readonly index: number }) | undefined;
  let nextMs = world.nowMs + world.random() * times.retryPeriodMs;
  const answers: { atMs: number; work: () => void }[] = [];
  const later = (work: () => void): void => {
    const lateMs = !world.isQuiet && world.random() < 0.05 ? world.random() * 20_000 : world.random() * 500;
    answers.push({ atMs: world.nowMs + lateMs, work });
  };
  const holderOf = (name: string): string | undefined => {
    const observed = observe(seen.get(name), world.leases.get(name)?.spec ?? {}, world.nowMs);
    seen.set(name, observed);
    return freeInMs(observed, "", world.nowMs) > 0 ? (observed.spec.holderIdentity ?? undefined) : undefined;
  };
  const indexes = Array.from({ length: slots }, (_, index) => index);

  function look(): void {
    const seats = indexes.map((index) => holderOf(`seat-${index}-of-${slots}`));
    const owners = indexes.map((index) => holderOf(`slot-${index}-of-${slots}`));
    if (seat && seats[seat.index] !== undefined && seats[seat.index] !== identity) seat = undefined;
    const free = indexes.filter((index) => seats[index] === undefined);
    const chosen = free[Math.floor(world.random() * free.length)];
    if (!seat && chosen !== undefined) seat = { ...known(`seat-${chosen}-of-${slots}`), index: chosen };
    const assigned = assignSlots(owners, [...new Set(seats.filter((one) => one !== undefined))]);
    for (const index of indexes) {
      const isRight = (assigned[index] === identity) === held.has(index);
      looks.set(index, isRight ? 0 : (looks.get(index) ?? 0) + 1);
      if ((looks.get(index) ?? 0) < 2) continue;
      const slot = held.get(index);
      if (!slot) held.set(index, known(`slot-${index}-of-${slots}`));
      else slot.leavingMs ??= world.nowMs + world.random() * 8_000; // what is under way takes so long to end
    }
  }
  return {
    slots,
    identity,
    suspendedUntilMs: 0,
    hasCrashed: false,
    step() {
      if (this.hasCrashed || world.nowMs < this.suspendedUntilMs) return;
      for (const due of answers.filter(({ atMs }) => atMs <= world.nowMs)) {
        answers.splice(answers.indexOf(due), 1);
        due.work();
      }
      for (const [index, slot] of held) {
        if (slot.leavingMs === undefined || slot.leavingMs > world.nowMs) continue;
        const lease = world.leases.get(slot.name);
        if (slot.term !== undefined && lease?.spec.holderIdentity === identity)
          world.leases.set(slot.name, { spec: releaseSpec(new Date(world.nowMs)), version: (world.version += 1) });
        held.delete(index);
      }
      if (world.nowMs < nextMs) return;
      nextMs = world.nowMs + times.retryPeriodMs;
      if (answers.length === 0) {
        holdLease(world, all, later);
        if (seat) holdLease(world, seat, later);
        for (const slot of held.values())
          if (slot.leavingMs === undefined || slot.term !== undefined) holdLease(world, slot, later);
      }
      look();
    },
    actsFor(namespace) {
      if (this.hasCrashed || world.nowMs < this.suspendedUntilMs) return false;
      const slot = held.get(slotsOf.get(slots)?.get(namespace) ?? -1);
      return slot !== undefined && isHeld(world, slot) && isHeld(world, all);
    },
  };
}

describe("slots", () => {
  test.each(Array.from({ length: 12 }, (_, seed) => [seed]))(
    "whatever happens, at most one replica acts for a namespace; in the end one does, and the shares are even (seed %i)",
    (seed) => {
      const random = seeded(seed);
      const world: World = { nowMs: 0, isQuiet: false, random, leases: new Map(), version: 0 };
      const replicas: Replica[] = [];
      const numbers = seed % 4 === 0 ? [4, 2, 3] : [[4], [3], [7], [16]][seed % 4];
      const chance = (share: number): boolean => random() < share;
      const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
      let born = 0;
      const join = (slots: number): void => void replicas.push(createReplica(world, `replica-${(born += 1)}`, slots));
      function advance(untilMs: number): void {
        for (; world.nowMs < untilMs; world.nowMs += 250) {
          if (!world.isQuiet) {
            if (replicas.length < 7 && chance(0.01)) join(pick(numbers ?? [4]) ?? 4);
            const one = pick(replicas);
            if (one && chance(0.005)) one.hasCrashed = true;
            if (one && chance(0.005)) one.suspendedUntilMs = world.nowMs + random() * 40_000;
            if (chance(0.003)) world.leases.delete(pick([...world.leases.keys()]) ?? "");
          }
          for (const replica of replicas) replica.step();
          for (const gone of replicas.filter(({ hasCrashed }) => hasCrashed)) replicas.splice(replicas.indexOf(gone), 1);
          for (const namespace of namespaces) {
            const acting = replicas
              .filter((replica) => replica.actsFor(namespace))
              .map(({ identity, slots }) => [identity, slots]);
            if (acting.length > 1) expect([world.nowMs, namespace, acting]).toEqual([]);
          }
        }
      }
      advance(600_000);
      if (replicas.length === 0) join(numbers?.[0] ?? 4);
      world.isQuiet = true;
      advance(world.nowMs + 200_000);
      const [{ slots } = { slots: 0 }] = replicas.filter((one) => namespaces.some((namespace) => one.actsFor(namespace)));
      const live = replicas.filter((one) => one.slots === slots);
      const isHeldBy = (index: number): readonly string[] =>
        live
          .filter((one) => world.leases.get(`slot-${index}-of-${slots}`)?.spec.holderIdentity === one.identity)
          .map((one) => one.identity);
      const holders = Array.from({ length: slots }, (_, index) => isHeldBy(index));
      expect(slots).toBeGreaterThan(1);
      expect(holders.filter(({ length }) => length !== 1)).toEqual([]);
      const counts = live.map(({ identity }) => holders.filter(([holder]) => holder === identity).length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      for (const namespace of namespaces)
        expect([namespace, replicas.filter((replica) => replica.actsFor(namespace)).length]).toEqual([namespace, 1]);
    },
    60_000,
  );
});
