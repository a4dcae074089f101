/** What a long outage makes of an attempt: it is tried until it succeeds, where that is safe, and paced all the while. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { HTTPRequestSpec } from "../../src/api/http-request.ts";
import { conclude, markRetrying } from "../../src/core/conclusion.ts";
import { decide, type Attempt, type Desired } from "../../src/core/delivery.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { answer, condition, drive, httpRequest, refused, reset } from "../support/request-plan.ts";
import { runs } from "../support/fuzz.ts";

const start = "2026-01-01T00:00:00.000Z";
const at = (secs: number): string => new Date(Date.parse(start) + secs * 1000).toISOString();
const hour = 3_600;
type Failed = Exclude<Outcome, { type: "refusal" }>;

/** Looks whenever it is due, until an answer at `untilSecs`; when each try was made, seconds. */
function through(spec: Partial<HTTPRequestSpec>, untilSecs: number, failure: Outcome) {
  const triesAt: number[] = [];
  let { status, verdict, steps } = drive(httpRequest(spec), start, [failure]);
  let nowSecs = 0;
  const states = new Set<string>();
  for (let looks = 0; verdict.requeueAfterMs !== undefined && looks < 10_000; looks += 1) {
    if (steps.length > 0) triesAt.push(nowSecs);
    states.add(`${condition(status, "Reconciling")?.status}/${condition(status, "Stalled")?.status}`);
    nowSecs += verdict.requeueAfterMs / 1000;
    ({ status, verdict, steps } = drive(httpRequest(spec, { status }), at(nowSecs), [
      nowSecs < untilSecs ? failure : answer(200),
    ]));
  }
  if (steps.length > 0) triesAt.push(nowSecs);
  return { triesAt, status, states: [...states], nowSecs };
}

describe("an outage of eight hours", () => {
  test.each<[string, Partial<HTTPRequestSpec>, Outcome]>([
    ["a POST that never left", { method: "POST" }, refused],
    ["a POST whose server asks for a later one", { method: "POST" }, answer(503, { "retry-after": "1" })],
    ["a POST with a key that was not answered", { method: "POST", idempotencyKey: { header: "K" } }, reset],
    ["a PUT that was not answered", { method: "PUT" }, reset],
    ["a GET answered 500", { method: "GET" }, answer(500)],
  ])("ends well for %s, with the default pauses, and is Reconciling all the while", (_name, spec, failure) => {
    const { triesAt, status, states, nowSecs } = through(spec, 8 * hour, failure);
    expect(condition(status, "Ready")).toMatchObject({ status: "True", reason: "Succeeded" });
    expect(states).toEqual(["True/undefined"]);
    expect(nowSecs).toBeLessThanOrEqual(8 * hour + 300);
    // Doubling from a second to five minutes, less up to a quarter of each.
    expect(triesAt.length).toBeGreaterThanOrEqual(8 * 12 + 8);
    expect(triesAt.length).toBeLessThanOrEqual(8 * 16 + 12);
    const pauses = triesAt.slice(1).map((time, index) => time - (triesAt[index] ?? 0));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(300);
    expect(Math.min(...pauses.slice(9))).toBeGreaterThanOrEqual(225);
  });

  test("leaves a POST alone that may have arrived", () => {
    const { status, triesAt } = through({ method: "POST" }, 8 * hour, reset);
    expect([condition(status, "Stalled")?.reason, triesAt]).toEqual(["OutcomeUnknown", [0]]);
  });

  test("ends for what has a limit, or a longest time, and says how to go on", () => {
    const backoff = { initial: "1s", max: "5m" };
    const limited = through({ method: "POST", retry: { limit: 3, backoff } }, 8 * hour, refused);
    const timed = through({ method: "POST", retry: { maxDuration: "10m", backoff } }, 8 * hour, refused);
    expect(limited.triesAt).toHaveLength(4);
    expect(Math.max(...timed.triesAt)).toBeLessThan(600);
    expect(timed.nowSecs).toBeCloseTo(600, 0);
    for (const { status } of [limited, timed]) {
      expect(condition(status, "Stalled")).toMatchObject({
        reason: "ConnectionRefused",
        message: expect.stringMatching(/\. To send it again change the annotation holdfast\.dev\/reconcile-at$/),
      });
    }
    expect(condition(timed.status, "Stalled")?.message).toContain("retry.maxDuration is over: ");
    expect(condition(timed.status, "Stalled")?.message).not.toContain("; try ");
  });
});

const desired: Desired = {
  uid: "u",
  digest: "d",
  repeatable: false,
  sentAs: "POST",
  onUnknown: "Resend",
  assumeDone: false,
  retry: { initialMs: 1_000, maxMs: 300_000 },
};
const attempt: Attempt = { id: "i", digest: "d", phase: "InFlight", startedAt: start, tries: 0 };
const lost: Failed = { type: "failure", reason: "ConnectionReset", message: "", sent: true };
const unsent: Failed = { type: "failure", reason: "ConnectionRefused", message: "", sent: false };

test("what may arrive twice is sent six times at most, however often nothing left in between", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (row) => {
      let one = attempt;
      let mayHaveLeft = 0;
      for (const hasLeft of row) {
        one = { ...one, tries: one.tries + 1 };
        mayHaveLeft += hasLeft ? 1 : 0;
        const conclusion = conclude(hasLeft ? lost : unsent, false, one, desired);
        if (conclusion.type !== "retry") return mayHaveLeft === 6 && hasLeft;
        one = markRetrying(one, conclusion);
      }
      return mayHaveLeft < 6;
    }),
    runs(100),
  );
});

describe("retry.maxDuration", () => {
  const timed: Desired = { ...desired, repeatable: true, onUnknown: "Stall", retry: { ...desired.retry, maxDurationMs: 60_000 } };
  const record = (phase: Attempt["phase"], more: Partial<Attempt> = {}) => ({
    completedRuns: 0,
    attempt: { ...attempt, tries: 1, phase, ...more },
  });
  const decided = (secs: number, phase: Attempt["phase"], change: Partial<Desired> = {}, more: Partial<Attempt> = {}) =>
    decide(record(phase, more), { ...timed, ...change }, new Date(at(secs)));

  test.each<[string, number, Attempt["phase"], Partial<Desired>, string]>([
    ["before it is over it is tried", 59, "Retrying", {}, "send"],
    ["then it is not", 60, "Retrying", {}, "over"],
    ["nor by a process that finds it in flight", 60, "InFlight", {}, "over"],
    ["where it may have arrived, and must not twice, that stays open", 60, "InFlight", { repeatable: false }, "unknown"],
    ["unless somebody asks", 60, "Retrying", { reconcileAt: "1" }, "send"],
    ["a clock that was set back a little changes nothing", -59, "Retrying", {}, "send"],
    ["nor does one that was set back by more prolong it", -60, "Retrying", {}, "over"],
  ])("%s", (_name, secs, phase, change, type) => {
    expect(decided(secs, phase, change).type).toBe(type);
  });

  test("ends it with the try that ended too late", () => {
    const ended = { ...attempt, tries: 1, finishedAt: at(61) };
    expect(conclude(unsent, false, ended, timed).type).toBe("failed");
    expect(conclude(unsent, false, { ...ended, finishedAt: at(59) }, timed).type).toBe("retry");
  });
});

describe("while it waits for its next try", () => {
  const waiting = {
    completedRuns: 0,
    nextRunAt: at(300),
    attempt: { ...attempt, tries: 9, phase: "Retrying" as const, finishedAt: start },
  };
  test.each([
    ["a change of what it uses has it tried at once", 60, true, { type: "send" }],
    ["but not before the first pause is over", 0.25, true, { type: "wait", delayMs: 750 }],
    ["nothing else has", 60, false, { type: "wait", delayMs: 240_000 }],
  ])("%s", (_name, secs, mayBeMended, decision) => {
    expect(decide(waiting, { ...desired, mayBeMended }, new Date(at(secs)))).toMatchObject(decision);
  });
});
