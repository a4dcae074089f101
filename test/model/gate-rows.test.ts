/**
 * The row for turns and the row for places together, on a clock that the test turns: who waits in both is looked at a few
 * times, not once for each turn of somebody else's.
 */
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import * as fc from "fast-check";
import { createCircuits } from "../../src/http/limits/circuits.ts";
import { createOriginPlaces } from "../../src/http/limits/origin-places.ts";
import { createRateLimits } from "../../src/http/limits/rate-limits.ts";
import { createEndpointPlaces } from "../../src/http/limits/endpoint-places.ts";
import { createReconcileGate, type Gates } from "../../src/http/limits/reconcile-gate.ts";
import { exchange } from "../support/loopback-requester.ts";
import { runs } from "../support/fuzz.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

interface Load {
  readonly requests: number;
  readonly burst: number;
  readonly count: number;
  /** How long the server takes for each, milliseconds. */
  readonly serveMs: number;
  readonly namespaces: number;
}
const lookMs = 1;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** Twenty workers look at all of them until each has been sent; how many looks that took. */
async function looksFor({ requests, burst, count, serveMs, namespaces }: Load): Promise<number> {
  const now = (): number => jest.now();
  const groupOf = (owner: string): string => owner.split("/")[0] ?? "";
  using admissions = createOriginPlaces(10, groupOf);
  using rateLimits = createRateLimits(groupOf, now);
  const endpointPlaces = createEndpointPlaces(() => "");
  const gates: Gates = {
    originPlaces: admissions,
    endpointPlaces,
    rateLimits,
    circuits: createCircuits(() => {}, now),
    limitsFor: (endpoint) => endpoint,
    onWait: () => {},
  };
  const key = { namespace: "n", name: "e" };
  const rateLimit = { requests, perMs: 1_000, burst };
  const one = exchange({ url: "http://o/", endpoint: { key, credentialNamespace: "n", title: "e", rateLimit } });
  const { signal } = new AbortController();
  const ready = Array.from({ length: count }, (_, index) => `team-${index % namespaces}/${index}`);
  const done = { looks: 0, sent: 0 };
  let workers = 20;

  async function look(owner: string): Promise<void> {
    done.looks += 1;
    await sleep(lookMs);
    using gate = createReconcileGate({ owner, lane: "change", limitMs: 60_000, waitFor: (awaited) => awaited }, gates);
    const busy = await gate.place("o", one, signal);
    if (busy) {
      void busy.free.then(() => {
        ready.unshift(owner);
        work();
      });
      return;
    }
    (await gate.turn("o", one)?.(signal))?.use();
    await sleep(serveMs);
    done.sent += 1;
  }
  function work(): void {
    for (; workers > 0 && ready.length > 0; workers -= 1)
      void look(ready.shift() ?? "").finally(() => {
        workers += 1;
        work();
      });
  }
  work();
  const isOver = (): boolean => done.sent === count || done.looks >= 100 * count;
  for (let rounds = 0; rounds < 50_000 && !isOver(); rounds += 1) await jest.advanceTimersByTimeAsync(10);
  return done.sent === count ? done.looks : Infinity;
}

test("500 that wait at an origin that is as fast as its limit are looked at three times each at most: it was 35,620 looks", async () => {
  expect(await looksFor({ requests: 100, burst: 5, count: 500, serveMs: 100, namespaces: 3 })).toBeLessThanOrEqual(1_500);
});

test("whatever the limit, the burst and the server, each is sent, and looked at four times at most on average", async () => {
  const loads = fc.record({
    requests: fc.integer({ min: 5, max: 200 }),
    burst: fc.integer({ min: 1, max: 100 }),
    count: fc.integer({ min: 1, max: 120 }),
    serveMs: fc.integer({ min: 1, max: 1_000 }),
    namespaces: fc.integer({ min: 1, max: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(
      loads,
      async (load) => (await looksFor({ ...load, burst: Math.min(load.burst, load.requests) })) <= 4 * load.count,
    ),
    runs(40),
  );
});
