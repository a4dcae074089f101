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

interface LeaseHolders {
  /** The holder of each of `names`, undefined where it is free. Throws as `ApiClient.call` does. */
  look(names: readonly string[], signal: AbortSignal): Promise<readonly (string | undefined)[]>;
}

/**
 * `mostApartMs`: where two looks were further apart, for an API server that was away or a process that was suspended, what was
 * seen before says nothing of who has renewed since: whoever is named in a lease counts as its holder for as long as it lasts.
 */
export function createLeaseHolders(client: ApiClient, namespace: string, mostApartMs: number): LeaseHolders {
  const observed = new Map<string, Observed>();
  let lookedMs = -Infinity;
  return {
    async look(names, signal) {
      const { resources } = await list(client, { path: collectionPath(leaseType, namespace) }, {}, signal);
      const leases = new Map(resources.map(({ metadata, spec }) => [metadata.name, (spec ?? {}) as LeaseSpec]));
      const nowMs = performance.now();
      if (nowMs - lookedMs > mostApartMs) observed.clear();
      lookedMs = nowMs;
      return names.map((name) => {
        const seen = observe(observed.get(name), leases.get(name) ?? {}, nowMs);
        observed.set(name, seen);
        return freeInMs(seen, "", nowMs) > 0 ? (seen.spec.holderIdentity ?? undefined) : undefined;
      });
    },
  };
}
