/**
 * Standing by: who holds the lease is watched, until nobody does.
 *
 * Invariant: it counts as free only where its holder has released it, or has not renewed it for as long as it lasts, by the clock
 * of this process.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { deadline } from "../core/tools/deadline.ts";
import type { createLeaseClient, Lease } from "./lease-client.ts";
import { freeInMs, observe, type LeaseSpec, type Observed } from "./lease-state.ts";
import type { LeaseTerm } from "./lease-term.ts";

interface StandbyOptions {
  readonly leases: ReturnType<typeof createLeaseClient>;
  readonly identity: string;
  readonly term: Pick<LeaseTerm, "number" | "checkVersion">;
  readonly retryPeriodMs: number;
  /** For so long one that is not there counts as held, from when that is seen first; absent: it does not. */
  readonly absentForMs?: number;
  /** What somebody else of this process has seen the lease say, and since when: it is not waited for anew. */
  readonly seen?: () => Observed | undefined;
  readonly onHolder: (holder: string | null | undefined) => void;
  readonly onError: (error: unknown) => void;
}
interface Standby {
  /** The lease, or that there is none, once nobody else holds it. */
  untilFree(signal: AbortSignal): Promise<Lease | undefined>;
  /** As of `Leadership`. */
  readonly unbrokenSince: () => number;
}

export function createStandby({ leases, identity, term, onHolder, onError, ...options }: StandbyOptions): Standby {
  const { retryPeriodMs, absentForMs = 0, seen = () => undefined } = options;
  const absent: LeaseSpec = { holderIdentity: "nobody knows", leaseDurationSeconds: absentForMs / 1000 };
  let observed: Observed | undefined;
  let unbrokenSince = 1;

  /** Who holds a lease that somebody deletes may not know it yet, and makes it anew: until it would have expired, it counts as held. */
  function look(current: Lease | undefined): number {
    if (current?.spec.holderIdentity !== identity) unbrokenSince = term.number(); // whoever wrote last is not us
    observed ??= current && seen();
    if (current || !observed) observed = observe(observed, current?.spec ?? (absentForMs > 0 ? absent : {}), performance.now());
    return freeInMs(observed, identity, performance.now());
  }
  /** Watches the lease until it is free or has expired; one that has expired is read again before it is taken. */
  async function follow(waitMs: number, signal: AbortSignal): Promise<{ isFree: boolean; lease?: Lease }> {
    using expiry = deadline(signal, waitMs);
    try {
      for await (const changed of leases.follow(expiry.signal)) {
        const leftMs = look(changed);
        if (leftMs === 0) return { isFree: true, ...(changed && { lease: changed }) };
        expiry.restart(leftMs);
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!expiry.expired) onError(error);
    }
    if (!expiry.expired) await sleep(retryPeriodMs, undefined, { signal });
    return { isFree: false };
  }
  return {
    async untilFree(signal) {
      let holder: string | null | undefined;
      for (;;) {
        const current = term.checkVersion(await leases.read(signal));
        const waitMs = look(current);
        if (waitMs === 0) return current;
        const { holderIdentity } = current?.spec ?? { holderIdentity: holder };
        if (holder !== holderIdentity) onHolder(holderIdentity);
        holder = holderIdentity;
        const followed = await follow(waitMs, signal);
        if (followed.isFree) return followed.lease;
      }
    },
    unbrokenSince: () => unbrokenSince,
  };
}
