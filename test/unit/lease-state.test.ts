/** Leader election's decisions, and that no two ever lead at once whatever the network and the clocks do. */
import { describe, expect, test } from "@jest/globals";
import { array, assert, constantFrom, property, record } from "fast-check";
import {
  freeInMs,
  heldBy,
  observe,
  releaseSpec,
  termAfter,
  timesProblem,
  type LeaseSpec,
} from "../../src/kubernetes/lease-state.ts";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";

const wall = new Date("2026-11-22T10:00:00.000Z");
const held = heldBy("a", {}, 15_000, wall);

describe("a standby", () => {
  test("counts from when it saw the latest renewal, and not from the time that stands in it", () => {
    const longAgo = heldBy("a", {}, 15_000, new Date("2020-01-01T00:00:00Z"));
    const observed = observe(undefined, longAgo, 1_000);
    expect(freeInMs(observed, "b", 1_000)).toBe(15_000);
    expect(freeInMs(observed, "b", 15_999)).toBe(1);
    expect(freeInMs(observed, "b", 16_000)).toBe(0);
  });
  test("starts anew with each renewal, and not when it sees the same one again", () => {
    const first = observe(undefined, held, 1_000);
    expect(observe(first, { ...held }, 9_000)).toBe(first);
    const renewed = heldBy("a", held, 15_000, new Date(wall.getTime() + 2_000));
    expect(observe(first, renewed, 9_000).sinceMs).toBe(9_000);
  });
  test("starts anew when the wall clock of the holder was set back", () => {
    const renewed = heldBy("a", held, 15_000, new Date(wall.getTime() - 3_600_000));
    expect(freeInMs(observe(observe(undefined, held, 0), renewed, 14_000), "b", 16_000)).toBe(13_000);
  });
  test("need not wait for a lease that is not there, was released, or is its own", () => {
    for (const spec of [{}, releaseSpec(wall), { ...held, holderIdentity: "" }, heldBy("b", held, 15_000, wall)]) {
      expect(freeInMs(observe(undefined, spec, 0), "b", 0)).toBe(0);
    }
  });
  test("goes by the holder's duration, not by its own", () => {
    expect(freeInMs(observe(undefined, heldBy("a", {}, 60_000, wall), 0), "b", 0)).toBe(60_000);
  });
});

describe("what is written", () => {
  test("a taking counts a transition, a renewal keeps it and the time of the taking", () => {
    expect(held).toEqual({
      holderIdentity: "a",
      leaseDurationSeconds: 15,
      acquireTime: "2026-11-22T10:00:00.000000Z",
      renewTime: "2026-11-22T10:00:00.000000Z",
      leaseTransitions: 0,
    });
    const later = new Date(wall.getTime() + 2_000);
    expect(heldBy("a", held, 15_000, later)).toEqual({ ...held, renewTime: "2026-11-22T10:00:02.000000Z" });
    expect(heldBy("b", held, 15_000, later)).toMatchObject({ leaseTransitions: 1, acquireTime: "2026-11-22T10:00:02.000000Z" });
  });
  test("a part of a second makes others wait a whole one", () => {
    expect(heldBy("a", {}, 1_500, wall).leaseDurationSeconds).toBe(2);
  });
});

describe("a term", () => {
  test("runs from when the renewal was sent", () => {
    expect(termAfter(undefined, { sentMs: 100, answeredMs: 3_000 }, 10_000)).toEqual({ untilMs: 10_100 });
    expect(termAfter({ untilMs: 10_100 }, { sentMs: 2_100, answeredMs: 10_099 }, 10_000)).toEqual({ untilMs: 12_100 });
  });
  test("is over for good when the answer came too late", () => {
    expect(termAfter(undefined, { sentMs: 100, answeredMs: 10_100 }, 10_000)).toBeUndefined();
    expect(termAfter({ untilMs: 10_100 }, { sentMs: 2_100, answeredMs: 10_100 }, 10_000)).toBeUndefined();
  });
});

test("times that leave no margin are refused", () => {
  const times = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
  expect(timesProblem(times)).toBeUndefined();
  expect(timesProblem({ ...times, leaseDurationMs: 10_000 })).toContain("--lease-duration");
  expect(timesProblem({ ...times, retryPeriodMs: 9_000 })).toContain("--renew-deadline");
  expect(timesProblem({ ...times, leaseDurationMs: 900, renewDeadlineMs: 500, retryPeriodMs: 100 })).toContain("1s");
});

/**
 * Two processes and one lease, whose versions the server compares. At each step one of them reads, or writes what it
 * decided on what it last read, time passes, or an answer that was held back arrives.
 */
test(
  "no two processes may act at once, however reads, writes and answers are delayed or lost",
  () => {
    const leaseDurationMs = 4_000;
    const renewDeadlineMs = 3_000;
    const step = record({
      who: constantFrom("a", "b"),
      what: constantFrom("read", "write", "arrive"),
      passedMs: constantFrom(0, 0, 0, 0, 500, 1_000, 2_500),
      isLost: constantFrom(false, false, true),
    });
    assert(
      property(array(step, { minLength: 30, maxLength: 100 }), (steps) => {
        let nowMs = 0;
        let server: { version: number; spec: LeaseSpec } = { version: 0, spec: {} };
        const create = (identity: string) => ({
          identity,
          seen: undefined as typeof server | undefined,
          observed: undefined as ReturnType<typeof observe> | undefined,
          term: undefined as ReturnType<typeof termAfter>,
          onItsWay: [] as { sentMs: number; result: typeof server | undefined }[],
        });
        const processes = { a: create("a"), b: create("b") };
        const acts = (name: "a" | "b"): boolean => nowMs < (processes[name].term?.untilMs ?? -1);
        for (const { who, what, passedMs, isLost } of steps) {
          nowMs += passedMs;
          const one = processes[who];
          if (what === "read") {
            one.seen = server;
            one.observed = observe(one.observed, server.spec, nowMs);
          } else if (what === "write" && one.seen) {
            one.observed = observe(one.observed, one.seen.spec, nowMs);
            if (freeInMs(one.observed, one.identity, nowMs) > 0) continue;
            const spec = heldBy(one.identity, one.seen.spec, leaseDurationMs, new Date(nowMs));
            const isCurrent = one.seen.version === server.version;
            if (isCurrent) server = { version: server.version + 1, spec };
            if (!isLost) one.onItsWay.push({ sentMs: nowMs, result: isCurrent ? server : undefined });
          } else if (what === "arrive") {
            const answer = one.onItsWay.shift();
            if (answer?.result) {
              one.seen = answer.result;
              const before = one.term && nowMs < one.term.untilMs ? one.term : undefined;
              one.term = termAfter(before, { sentMs: answer.sentMs, answeredMs: nowMs }, renewDeadlineMs);
            }
          }
          if (acts("a") && acts("b")) throw new Error(`both act at ${nowMs}`);
        }
      }),
      runs(500),
    );
  },
  fuzzTimeoutMs,
);
