/**
 * The lease as this process holds it: taken, renewed and released, and the terms in which it leads.
 *
 * Invariant: a term ends no later than the renew deadline after its last renewal was sent, whenever that was answered.
 */
import type { createLeaseClient, Lease } from "./lease-client.ts";
import { heldBy, isRenewedSince, releaseSpec, termAfter, type LeaseSpec, type LeaseTimes, type Term } from "./lease-state.ts";
import { createVersionCheck } from "./store-version.ts";

interface LeaseTermOptions extends Pick<LeaseTimes, "leaseDurationMs" | "renewDeadlineMs"> {
  readonly leases: ReturnType<typeof createLeaseClient>;
  readonly identity: string;
}
export interface LeaseTerm {
  /** The number of the term, where this process is in one at this instant. */
  readonly current: () => number | undefined;
  /** The number of the present term, or of the next one. */
  readonly number: () => number;
  /** As of `Leadership`. */
  readonly ledSinceVersion: () => string | undefined;
  /** As of `Leadership`. */
  readonly ledSinceMs: () => number | undefined;
  /** When the latest renewal was sent, or the lease was asked for one by others, whatever came of it, on the clock of `performance.now`. */
  readonly triedMs: () => number;
  /** Takes or renews it. `conflict`: somebody else wrote it. Undefined: it is ours, but was answered too late to act on. */
  hold(before: Lease | undefined): Promise<Lease | "conflict" | undefined>;
  /** Ends with the term: an answer that comes later is of no use. */
  read(): Promise<Lease | undefined>;
  /**
   * Of one that others hold by the same name. Where one of them has renewed it since it was read last, that counts as a renewal which
   * was sent then; `late`: it was answered too late to act on.
   */
  readShared(): Promise<{ readonly lease: Lease | undefined; readonly renewed: "no" | "yes" | "late" }>;
  /** Throws StoreWentBackError for what the API server cannot have said after what it has said. */
  checkVersion<L extends Lease | undefined>(lease: L): L;
  /** This process leads no more, until it takes the lease again: what begins then is another term. */
  lose(): void;
  /** Ends the term, and says in the lease that nobody need wait for it. */
  release(held: Lease): Promise<void>;
}

/** Writes are not broken off: a lease that was taken without our knowing would keep everybody waiting. */
const never = new AbortController().signal;

export function createLeaseTerm({ leases, identity, leaseDurationMs, renewDeadlineMs }: LeaseTermOptions): LeaseTerm {
  let term: Term | undefined;
  let termNumber = 1;
  let took: { readonly version: string; readonly ms: number } | undefined;
  let triedMs = 0;
  /** What it was not before: the lease as it was read or written last, and when that call was sent. */
  let known: { readonly spec: LeaseSpec; readonly sentMs: number } | undefined;
  const check = createVersionCheck();

  function checkVersion<L extends Lease | undefined>(lease: L): L {
    if (lease) check(lease.metadata.resourceVersion);
    return lease;
  }
  function current(): number | undefined {
    return term !== undefined && performance.now() < term.untilMs ? termNumber : undefined;
  }
  function read(): Promise<Lease | undefined> {
    return leases.read(term ? AbortSignal.timeout(Math.max(1, Math.floor(term.untilMs - performance.now()))) : never);
  }
  /** A write whose reply was lost may have landed: then it counts from when it was sent, like any other. Else throws `error`. */
  async function findWritten({ holderIdentity, renewTime }: LeaseSpec, error: unknown): Promise<Lease> {
    const current = await read();
    const isOurs = current?.spec.holderIdentity === holderIdentity && current?.spec.renewTime === renewTime;
    if (current && isOurs) return current;
    throw error;
  }
  return {
    current,
    number: () => termNumber,
    ledSinceVersion: () => took?.version,
    ledSinceMs: () => (current() === undefined ? undefined : took?.ms),
    triedMs: () => triedMs,
    async hold(before) {
      const sentMs = performance.now();
      triedMs = sentMs;
      const spec = heldBy(identity, before?.spec ?? {}, leaseDurationMs, new Date());
      const written = await leases.write(before, spec, never).catch((error: unknown) => findWritten(spec, error));
      if (written === "conflict") return "conflict";
      checkVersion(written);
      const renewed = termAfter(term, { sentMs, answeredMs: performance.now() }, renewDeadlineMs);
      if (!term) took = { version: written.metadata.resourceVersion, ms: Date.now() };
      term = renewed;
      known = { spec: written.spec, sentMs };
      return term && written;
    },
    read,
    async readShared() {
      const askedMs = performance.now();
      triedMs = askedMs;
      const lease = checkVersion(await read());
      const before = known;
      known = lease && { spec: lease.spec, sentMs: askedMs };
      if (!term || !before || lease?.spec.holderIdentity !== identity || !isRenewedSince(before.spec, lease.spec))
        return { lease, renewed: "no" };
      const renewed = termAfter(term, { sentMs: before.sentMs, answeredMs: performance.now() }, renewDeadlineMs);
      term = renewed;
      return { lease, renewed: renewed ? "yes" : "late" };
    },
    checkVersion,
    lose() {
      term = undefined;
      termNumber += 1;
    },
    async release(held) {
      term = undefined;
      if ((await leases.write(held, releaseSpec(new Date()), never)) !== "conflict") return;
      const current = await leases.read(never);
      if (current?.spec.holderIdentity === identity) await leases.write(current, releaseSpec(new Date()), never);
    },
  };
}
