/**
 * Leader election, as decisions. Pure: every time is an argument, milliseconds of a clock that never jumps; the wall
 * clock's times in a Lease are for people and are never compared.
 *
 * Invariant: whoever holds the lease has stopped acting before anybody else may take it. The holder counts from when it
 * *sent* its latest renewal, and only to the renew deadline; the others count from when they *saw* that renewal, which
 * is later, and to the lease duration, which is longer.
 */
import { sameJSON } from "../core/tools/json.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/ */
export interface LeaseSpec {
  readonly holderIdentity?: string | null;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** Milliseconds. */
export interface LeaseTimes {
  /** How long others wait after a renewal before they take the lease. */
  readonly leaseDurationMs: number;
  /** How long the holder acts after it sent a renewal that succeeded. */
  readonly renewDeadlineMs: number;
  /** How often it is renewed, and how often something that failed is tried again. */
  readonly retryPeriodMs: number;
}

/** What the lease says, and since when it has been seen to say so. */
export interface Observed {
  readonly spec: LeaseSpec;
  readonly sinceMs: number;
}

/** Each renewal is another spec; metadata that somebody edits is none. No lease: an empty spec. */
export function observe(before: Observed | undefined, spec: LeaseSpec, nowMs: number): Observed {
  return before && sameJSON(before.spec, spec) ? before : { spec, sinceMs: nowMs };
}

/** Milliseconds until `identity` may take the lease, if nothing changes; 0: now. */
export function freeInMs({ spec, sinceMs }: Observed, identity: string, nowMs: number): number {
  const { holderIdentity = null, leaseDurationSeconds = 0 } = spec;
  // Our own, though we do not know that we hold it: the answer to our taking it was lost.
  if (holderIdentity === null || holderIdentity === "" || holderIdentity === identity) return 0;
  return Math.max(0, sinceMs + leaseDurationSeconds * 1000 - nowMs);
}

/** The spec by which `identity` takes the lease, or renews it. A Lease counts in whole seconds: rounded up, which is the safe side. */
export function heldBy(identity: string, before: LeaseSpec, leaseDurationMs: number, now: Date): LeaseSpec {
  const isRenewal = before.holderIdentity === identity;
  const { leaseTransitions = 0, acquireTime = microTime(now) } = before;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(leaseDurationMs / 1000),
    renewTime: microTime(now),
    acquireTime: isRenewal ? acquireTime : microTime(now),
    leaseTransitions: isRenewal || before.renewTime === undefined ? leaseTransitions : leaseTransitions + 1,
  };
}

/** Whether it has been renewed between one look at it and a later one, whoever did it. */
export function isRenewedSince(before: LeaseSpec, after: LeaseSpec): boolean {
  return after.holderIdentity === before.holderIdentity && after.renewTime !== before.renewTime;
}

/** The spec by which the holder lets go, as client-go writes it: without a holder, for the shortest time. */
export function releaseSpec(now: Date): LeaseSpec {
  return { holderIdentity: null, leaseDurationSeconds: 1, renewTime: microTime(now) };
}

/** The API's MicroTime has six digits, and no others are accepted. */
function microTime(now: Date): string {
  return now.toISOString().replace("Z", "000Z");
}

/** The time in which the holder may act. */
export interface Term {
  readonly untilMs: number;
}

/**
 * The term after a renewal, or the taking, that was sent at `sentMs` and answered at `answeredMs`. Undefined: the answer
 * came when the term before it, or its own, was over, as it does for a process that was suspended. A term that is over
 * is never resumed: what began in it may have been given up since.
 */
export function termAfter(
  before: Term | undefined,
  { sentMs, answeredMs }: { readonly sentMs: number; readonly answeredMs: number },
  renewDeadlineMs: number,
): Term | undefined {
  const term = { untilMs: sentMs + renewDeadlineMs };
  return answeredMs < (before ?? term).untilMs ? term : undefined;
}

/** What is wrong with these times, as a sentence. The margins are client-go's. */
export function timesProblem({ leaseDurationMs, renewDeadlineMs, retryPeriodMs }: LeaseTimes): string | undefined {
  if (leaseDurationMs < 1_000) return "--lease-duration must be at least 1s";
  if (leaseDurationMs <= renewDeadlineMs) return "--lease-duration must be longer than --renew-deadline";
  if (renewDeadlineMs <= retryPeriodMs * 1.2) return "--renew-deadline must be longer than 1.2 times --retry-period";
  return undefined;
}
