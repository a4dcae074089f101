/** Who counts as the holder of a lease, by looks that come in time, late, or after an API server was away. */
import { expect, test } from "@jest/globals";
import type { ApiClient } from "../../src/kubernetes/api-client.ts";
import { createLeaseHolders } from "../../src/kubernetes/lease-holders.ts";

const { signal } = new AbortController();
const lastsSecs = 15;

/** Leases by their names, each with its holder and when it was renewed. */
function world() {
  const leases = new Map<string, readonly [holder: string | null, renewTime: string]>();
  let nowMs = 1_000_000;
  const items = (): object[] =>
    [...leases].map(([name, [holderIdentity, renewTime]]) => ({
      metadata: { namespace: "n", name, uid: name, generation: 1, resourceVersion: "1" },
      spec: { holderIdentity, renewTime, leaseDurationSeconds: lastsSecs },
    }));
  const client: Pick<ApiClient, "call"> = {
    call: async () => ({ status: 200, body: { items: items(), metadata: { resourceVersion: "1" } } }),
  };
  const holders = createLeaseHolders(client, { namespace: "n", mostApartMs: 7_500, now: () => nowMs });
  async function lookAfter(secs: number): Promise<Readonly<Record<string, string | undefined>>> {
    nowMs += secs * 1_000;
    const names = [...leases.keys()];
    const found = await holders.look(names, signal);
    return Object.fromEntries(names.map((name, nth) => [name, found[nth]]));
  }
  return {
    leases,
    holders,
    lookAfter,
    nowMs: () => nowMs,
  };
}

test("one that renews is a holder, one that does not is none once its lease is over, and one that released it at once", async () => {
  const { leases, lookAfter } = world();
  leases.set("renewed", ["a", "0"]).set("left", ["b", "0"]).set("released", [null, "0"]);
  expect(await lookAfter(0)).toEqual({ renewed: "a", left: "b", released: undefined });
  for (let secs = 2; secs < lastsSecs; secs += 2) {
    leases.set("renewed", ["a", String(secs)]);
    expect(await lookAfter(2)).toMatchObject({ renewed: "a", left: "b" });
  }
  expect(await lookAfter(2)).toMatchObject({ renewed: "a", left: undefined });
});

test("looks that are late each time keep nobody alive", async () => {
  const { leases, lookAfter } = world();
  leases.set("left", ["gone", "0"]);
  let looks = 0;
  for (let after = 0; (await lookAfter(after))["left"] !== undefined; after = 20) looks += 1;
  expect(looks).toBe(2);
});

test("who could not renew while the API server was away is not taken for gone by the first look after it", async () => {
  const { leases, holders, lookAfter, nowMs } = world();
  leases.set("one", ["a", "0"]);
  await lookAfter(0);
  const { sinceMs = NaN } = holders.seen("one") ?? {};
  expect(await lookAfter(60)).toEqual({ one: "a" });
  leases.set("one", ["a", "1"]);
  expect(await lookAfter(2)).toEqual({ one: "a" });
  expect(holders.seen("one")?.sinceMs).toBe(nowMs());
  expect(sinceMs).toBe(1_000_000);
  expect(holders.seen("two")).toBeUndefined();
});
