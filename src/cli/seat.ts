/**
 * The seat by which a replica counts as live: one of as many Leases as there are slots.
 *
 * Nothing is decided by it but what replicas compete for, so it may be wrong for a while.
 */
import type { ControllerSettings } from "../config.ts";
import { createLeadership } from "../kubernetes/lease.ts";
import { leaseSettings, type LeadershipParts } from "./leadership.ts";

export interface Seat {
  /** Who has which seat now: takes a free one, and another where its own has become another's. Left when `stop` aborts. */
  adjust(holders: readonly (string | undefined)[], stop: AbortSignal): void;
  /** Resolves when it has been left. */
  left(): Promise<void>;
}

export function createSeat(settings: ControllerSettings, parts: LeadershipParts, names: readonly string[]): Seat {
  const { identity } = parts;
  let taken: { readonly index: number; readonly ended: Promise<void>; leave(): void } | undefined;

  function take(index: number, outer: AbortSignal): NonNullable<typeof taken> {
    const leaving = new AbortController();
    const stop = AbortSignal.any([outer, leaving.signal]);
    // What goes wrong with it goes wrong with the slots' leases, too, and is told of those.
    const leadership = createLeadership({ ...leaseSettings(settings, parts, names[index]), emit: () => {} });
    const ended = leadership.run({ stop, ended: stop }, () => {}).catch(() => undefined);
    return { index, ended, leave: () => leaving.abort() };
  }
  return {
    adjust(holders, stop) {
      const holder = taken && holders[taken.index];
      if (taken && holder !== undefined && holder !== identity) {
        taken.leave();
        taken = undefined;
      }
      const free = [...holders.keys()].filter((index) => holders[index] === undefined);
      // By chance, since many may look for one at a time.
      const index = free[Math.floor(Math.random() * free.length)];
      if (!taken && index !== undefined) taken = take(index, stop);
    },
    left: async () => taken?.ended,
  };
}
