/**
 * Who holds each of several leases, as the process sees it.
 *
 * Invariant: as of standing by, a lease is free only where its holder has released it, or has not renewed it for as long as it
 * lasts, by the clock of this process.
 */
import { list } from "./listing.ts";
import type { ApiClient } from "./api-client.ts";
import { leaseType } from "./lease-client.ts";
import { freeInMs, observe, type LeaseSpec, type Observed } from "./lease-state.ts";
import { collectionPath } from "./paths.ts";

export interface LeaseHolders {
  /** The holder of each of `names`, undefined where it is free. Throws as `ApiClient.call` does. */
  look(names: readonly string[], signal: AbortSignal): Promise<readonly (string | undefined)[]>;
  /** What a lease that was there has said since when, as of the last look. */
  readonly seen: (name: string) => Observed | undefined;
}

interface LeaseHoldersSettings {
  readonly namespace: string;
  readonly mostApartMs: number;
  /** Milliseconds of a clock that never jumps. */
  readonly now?: () => number;
}
/**
 * `mostApartMs`: where two looks were further apart, for an API server that was away or a process that was suspended, nobody may have
 * been able to renew. Time beyond that does not count, and what had counted before does: looks that are late all the time must not
 * keep anybody alive.
 */
export function createLeaseHolders(
  client: Pick<ApiClient, "call">,
  { namespace, mostApartMs, now = () => performance.now() }: LeaseHoldersSettings,
): LeaseHolders {
  const observed = new Map<string, Observed>();
  let lookedMs: number | undefined;
  return {
    async look(names, signal) {
      const { resources } = await list(client, { path: collectionPath(leaseType, namespace) }, {}, signal);
      const leases = new Map(resources.map(({ metadata, spec }) => [metadata.name, (spec ?? {}) as LeaseSpec]));
      const nowMs = now();
      const unseenMs = Math.max(0, nowMs - (lookedMs ?? nowMs) - mostApartMs);
      lookedMs = nowMs;
      return names.map((name) => {
        const before = observed.get(name);
        const later = before && { ...before, sinceMs: before.sinceMs + unseenMs };
        const seen = observe(later, leases.get(name) ?? {}, nowMs);
        observed.set(name, seen);
        return freeInMs(seen, "", nowMs) > 0 ? (seen.spec.holderIdentity ?? undefined) : undefined;
      });
    },
    seen(name) {
      const seen = observed.get(name);
      return seen?.spec.holderIdentity === undefined ? undefined : seen;
    },
  };
}
