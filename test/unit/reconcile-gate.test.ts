/** What holds a request back without holding a worker: rate limits, circuits and tokens, on a clock that the test turns. */
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import * as fc from "fast-check";
import { createCircuits, type Pass } from "../../src/http/limits/circuits.ts";
import { createRateLimits } from "../../src/http/limits/rate-limits.ts";
import { RefusedError } from "../../src/http/refusal.ts";
import { createTokens, type Token } from "../../src/http/credentials/tokens.ts";
import { runs } from "../support/fuzz.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());
const now = (): number => jest.now();
const groupOf = (owner: string): string => owner.split("/")[0] ?? "";

describe("a rate limit", () => {
  /** Every owner asks until it is admitted, and starts a while after that; gives when each did, in the order in which they did. */
  async function admitted(
    owners: readonly string[],
    limit: { requests: number; perMs: number; burst: number },
    horizonMs: number,
    delayMs: (owner: string) => number = () => 0,
  ) {
    using limits = createRateLimits(groupOf, now);
    const seen: { owner: string; atMs: number }[] = [];
    function ask(owner: string): void {
      const entered = limits.enter("endpoint", owner, limit);
      if (entered.type === "busy") return void entered.free.then(() => ask(owner));
      const start = (): void => {
        entered.use();
        seen.push({ owner, atMs: now() });
      };
      if (delayMs(owner) === 0) start();
      else setTimeout(start, delayMs(owner));
    }
    for (const owner of owners) ask(owner);
    await jest.advanceTimersByTimeAsync(horizonMs);
    return { seen, size: () => limits.size };
  }

  test("is not exceeded in any stretch, lets the burst go at once, and lets everybody go in the end", async () => {
    const cases = fc.record({
      requests: fc.integer({ min: 1, max: 8 }),
      perMs: fc.constantFrom(100, 1_000),
      burst: fc.integer({ min: 1, max: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, fc.integer({ min: 1, max: 30 }), async ({ requests, perMs, burst: most }, count) => {
        const burst = Math.min(most, requests);
        const owners = Array.from({ length: count }, (_, index) => `n/${index}`);
        const { seen } = await admitted(owners, { requests, perMs, burst }, (count + 2) * perMs * 2);
        expect(seen).toHaveLength(count);
        for (const [index, { atMs }] of seen.entries())
          expect((seen[index + requests]?.atMs ?? Infinity) - atMs).toBeGreaterThanOrEqual(perMs);
        const first = seen[0]?.atMs ?? 0;
        expect(seen.filter(({ atMs }) => atMs === first)).toHaveLength(Math.min(burst, count));
      }),
      runs(50),
    );
  });

  test("is not exceeded either where what has its turn starts late, and a turn that is given back is no other's loss", async () => {
    const cases = fc.record({
      requests: fc.integer({ min: 1, max: 8 }),
      burst: fc.integer({ min: 1, max: 8 }),
      delaysMs: fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 30 }),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ requests, burst, delaysMs }) => {
        const owners = delaysMs.map((_, index) => `n/${index}`);
        const limit = { requests, perMs: 1_000, burst };
        const { seen } = await admitted(owners, limit, 200_000, (owner) => delaysMs[owners.indexOf(owner)] ?? 0);
        expect(seen).toHaveLength(owners.length);
        for (const [index, { atMs }] of seen.entries()) {
          expect((seen[index + requests]?.atMs ?? Infinity) - atMs).toBeGreaterThanOrEqual(1_000);
          // As many as the burst at once, and the others at even distances; timers are whole milliseconds.
          const spacedMs = (1_000 / requests) * (index + 1 - Math.min(burst, requests)) - 1;
          if (burst < requests) expect(atMs - (seen[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(Math.floor(spacedMs));
        }
      }),
      runs(50),
    );
    using limits = createRateLimits(groupOf, now);
    const limit = { requests: 1, perMs: 1_000, burst: 1 };
    const [first, second] = [limits.enter("e", "n/1", limit), limits.enter("e", "n/2", limit)];
    if (first.type === "admitted") first[Symbol.dispose]();
    await jest.advanceTimersByTimeAsync(0);
    expect([second.type, limits.enter("e", "n/2", limit).type]).toEqual(["busy", "admitted"]);
  });

  test("is shared by namespaces in turn, and within one the oldest goes first", async () => {
    const owners = ["a/1", "a/2", "a/3", "a/4", "b/1", "b/2"];
    const { seen } = await admitted(owners, { requests: 1, perMs: 10, burst: 1 }, 200);
    expect(seen.map(({ owner }) => owner)).toEqual(["a/1", "a/2", "b/1", "a/3", "b/2", "a/4"]);
  });

  test("gives the turn of one who does not come to the next, and forgets an endpoint that nobody uses", async () => {
    using limits = createRateLimits(groupOf, now);
    const limit = { requests: 1, perMs: 100, burst: 1 };
    const first = limits.enter("e", "n/1", limit);
    if (first.type === "admitted") first.use();
    limits.enter("e", "n/gone", limit);
    const waiting = limits.enter("e", "n/2", limit);
    let isFree = false;
    if (waiting.type === "busy") void waiting.free.then(() => (isFree = true));
    await jest.advanceTimersByTimeAsync(100);
    expect(isFree).toBe(false);
    limits.yield("n/gone");
    await jest.advanceTimersByTimeAsync(0);
    expect(isFree).toBe(true);
    const second = limits.enter("e", "n/2", limit);
    expect(second.type).toBe("admitted");
    if (second.type === "admitted") second.use();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(limits.size).toBe(0);
  });
});

describe("a circuit", () => {
  const limits = { failures: 3, openForMs: 1_000 };
  function circuits() {
    const changes: string[] = [];
    const all = createCircuits((_name, state) => changes.push(state), now);
    function attempt(owner: string, seen: "well" | "failed" | "neither"): string {
      const entered = all.enter("c", owner, limits);
      if (entered.type !== "pass") return entered.type;
      entered.report(seen);
      entered[Symbol.dispose]();
      return "pass";
    }
    return { all, changes, attempt };
  }

  test("opens after failures in a row of more than one resource, lets one try, and closes when that goes well", async () => {
    const { all, changes, attempt } = circuits();
    for (const owner of ["a", "b"]) attempt(owner, "failed");
    attempt("a", "well");
    for (const owner of ["a", "b", "a"]) expect(attempt(owner, "failed")).toBe("pass");
    expect([attempt("c", "well"), changes]).toEqual(["open", ["open"]]);
    await jest.advanceTimersByTimeAsync(1_000);
    const trial = all.enter("c", "a", limits);
    expect([trial.type, attempt("b", "well")]).toEqual(["pass", "busy"]);
    if (trial.type === "pass") {
      trial.report("failed");
      trial[Symbol.dispose]();
    }
    expect(attempt("b", "well")).toBe("open");
    await jest.advanceTimersByTimeAsync(1_000);
    expect([attempt("b", "well"), attempt("c", "well"), changes]).toEqual(["pass", "pass", ["open", "closed"]]);
    expect(all.size).toBe(0);
  });

  test("says how the server failed the latest time, be it before it opened or at a try since", async () => {
    const { all } = circuits();
    function enter(owner: string, why: string) {
      using entered = all.enter("c", owner, limits) as Pass;
      entered.report("failed", why);
    }
    for (const [owner, why] of [["a", "503"], ["b", "timeout"], ["a", "502"]] as const) enter(owner, why); // prettier-ignore
    expect(all.enter("c", "d", limits)).toEqual({ type: "open", retryAfterMs: 1_000, why: "502" });
    await jest.advanceTimersByTimeAsync(1_000);
    enter("d", "refused");
    expect(all.enter("c", "a", limits)).toMatchObject({ type: "open", why: "refused" });
  });

  test("is not opened by one resource alone, nor by what says nothing of the server", () => {
    const { attempt, changes } = circuits();
    for (let round = 0; round < 10; round += 1) attempt("a", "failed");
    for (let round = 0; round < 10; round += 1) attempt(`b${round}`, "neither");
    expect(changes).toEqual([]);
  });

  test("lets another try where the one whose turn it was sent nothing", async () => {
    const { all, attempt } = circuits();
    for (const owner of ["a", "b", "a"]) attempt(owner, "failed");
    await jest.advanceTimersByTimeAsync(1_000);
    const trial = all.enter("c", "a", limits);
    if (trial.type === "pass") trial[Symbol.dispose]();
    expect(attempt("b", "well")).toBe("pass");
  });
});

describe("tokens", () => {
  function counting(lifetimeMs: number, fails: () => boolean = () => false) {
    let asked = 0;
    const fetch = async (): Promise<Token> => {
      asked += 1;
      if (fails()) throw new RefusedError({ type: "refusal", reason: "TokenRequestFailed", message: "no", heals: true });
      return { value: `token-${asked}`, lifetimeMs };
    };
    return { fetch, asked: () => asked };
  }
  const never = new AbortController().signal;

  test("are renewed when four fifths of their life are over, while the old one is still used", async () => {
    using tokens = createTokens(now);
    const { fetch, asked } = counting(100_000);
    await tokens.wait("k", fetch, never);
    await jest.advanceTimersByTimeAsync(79_000);
    expect([tokens.get("k", fetch), asked()]).toEqual([{ type: "token", value: "token-1" }, 1]);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(tokens.get("k", fetch)).toEqual({ type: "token", value: "token-1" });
    await jest.advanceTimersByTimeAsync(0);
    expect([tokens.get("k", fetch), asked()]).toEqual([{ type: "token", value: "token-2" }, 2]);
  });

  test("that live for no time are not asked for without end", async () => {
    using tokens = createTokens(now);
    const { fetch, asked } = counting(0);
    for (let round = 0; round < 100; round += 1) await tokens.wait("k", fetch, never);
    expect(asked()).toBe(1);
  });

  test("that cannot be had are asked for after pauses that double, up to five minutes", async () => {
    using tokens = createTokens(now, () => 0);
    let isDown = true;
    const { fetch, asked } = counting(1_000_000, () => isDown);
    const looks: number[] = [];
    for (let second = 0; second < 1_200; second += 1) {
      const before = asked();
      await tokens.wait("k", fetch, never).catch(() => undefined);
      if (asked() > before) looks.push(second);
      await jest.advanceTimersByTimeAsync(1_000);
    }
    expect(looks.slice(0, 6)).toEqual([0, 1, 3, 7, 15, 31]);
    expect(looks.at(-1)! - looks.at(-2)!).toBe(300);
    isDown = false;
    await jest.advanceTimersByTimeAsync(300_000);
    expect(await tokens.wait("k", fetch, never)).toMatch(/^token-/);
  });
});
