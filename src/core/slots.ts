/**
 * Slots: which namespaces each has, and who of the live replicas is to have it. Pure.
 *
 * Invariant: every namespace is in exactly one of N slots; and while the same replicas are live, each is to have as many slots as
 * any other, or one more, and nothing moves once that is so.
 */
import type { EndpointTraits, RateLimit } from "./connection.ts";
import { fnv1a64 } from "./tools/fnv.ts";

/** One slot of so many, from 0. */
export interface Slot {
  readonly index: number;
  readonly count: number;
}

/** The slot of a namespace; `""` for what belongs to the whole cluster. */
export function slotOf(namespace: string, slots: number): number {
  return Number((fnv1a64(namespace) * BigInt(slots)) >> 64n);
}

/**
 * The slot's namespaces, as an API server with sharded lists and watches has them (KEP-5866): from the first hash up to, and
 * without, the second.
 */
export function shardSelector({ index, count }: Slot): string {
  const bound = (at: number): string => {
    const hash = ((BigInt(at) << 64n) + BigInt(count) - 1n) / BigInt(count);
    return `'0x${hash.toString(16).padStart(16, "0")}'`;
  };
  return `shardRange(object.metadata.namespace, ${bound(index)}, ${bound(index + 1)})`;
}

/**
 * Who is to have each slot; undefined where nobody is live. `holders`: who has each now, if anybody. `live`: each replica once, in
 * an order that all of them see. Whoever has too many keeps its first ones, and the others go to those who have too few.
 */
export function assignSlots(holders: readonly (string | undefined)[], live: readonly string[]): readonly (string | undefined)[] {
  const least = Math.floor(holders.length / live.length);
  const held = (one: string): number => holders.filter((holder) => holder === one).length;
  // Who has more than the least keeps it, as far as there is more than the least for all.
  const ordered = [...live.filter((one) => held(one) > least), ...live.filter((one) => held(one) <= least)];
  const rooms = new Map(ordered.map((one, rank) => [one, least + (rank < holders.length % live.length ? 1 : 0)]));
  function take(one: string | undefined): string | undefined {
    const room = one === undefined ? 0 : (rooms.get(one) ?? 0);
    if (one === undefined || room === 0) return undefined;
    rooms.set(one, room - 1);
    return one;
  }
  const kept = holders.map(take);
  return kept.map((keeper) => keeper ?? take(ordered.find((one) => (rooms.get(one) ?? 0) > 0)));
}

/** What of an endpoint of the cluster's limits is each slot's: a part, but one at a time at least. */
export function placesOfSlot(maxInFlight: number, slots: number): number {
  return Math.max(1, Math.floor(maxInFlight / slots));
}
/** The same of a rate: where a part would be less than one request, one in a longer stretch. */
export function rateOfSlot({ requests, perMs, burst }: RateLimit, slots: number): RateLimit {
  const own = Math.max(1, Math.floor(requests / slots));
  return { requests: own, perMs: (perMs * own * slots) / requests, burst: Math.min(own, Math.max(1, Math.floor(burst / slots))) };
}

/** An endpoint as the limits of one slot know it; one of a namespace is whole, since all who use it are in its slot. */
export function endpointOfSlot(endpoint: EndpointTraits, { index, count }: Slot): EndpointTraits {
  const { key, maxInFlight, rateLimit } = endpoint;
  if (key.namespace !== "") return endpoint;
  return {
    ...endpoint,
    key: { ...key, name: `${key.name} of slot ${index}` },
    ...(maxInFlight !== undefined && { maxInFlight: placesOfSlot(maxInFlight, count) }),
    ...(rateLimit && { rateLimit: rateOfSlot(rateLimit, count) }),
  };
}
