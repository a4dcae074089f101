import { describe, expect, test } from "@jest/globals";
import type { HTTPRequestSpec, HTTPRequestStatus } from "../../src/api/http-request.ts";
import { sameJSON } from "../../src/core/tools/json.ts";
import { answer, condition, drive, httpRequest, reset, type Driven } from "../support/request-plan.ts";

const every = { every: "10m", missed: "RunOnce" } as const;
const cron = { cron: "0 3 * * *", missed: "RunOnce" } as const;
const midnight = "2026-01-01T00:00:00.000Z";

/** One look after another at the same object, each with what the last one wrote; `answers` are for the sends. */
function looks(
  spec: Partial<HTTPRequestSpec>,
  times: readonly string[],
  from: { status?: HTTPRequestStatus; generation?: number; annotations?: Record<string, string> } = {},
): Driven[] {
  let { status } = from;
  return times.map((time) => {
    const driven = drive(httpRequest(spec, { ...from, ...(status && { status }) }), time, [answer(200)]);
    ({ status } = driven);
    return driven;
  });
}
const sends = (driven: readonly Driven[]): number[] => driven.map(({ steps }) => steps.length);

describe("wish 9: a request with an interval", () => {
  test("is sent at once, then at each tick, once, whoever looks in between", () => {
    const times = ["00:00", "00:05", "00:10", "00:10", "00:19", "00:20", "00:41"].map((time) => `2026-01-01T${time}:00.000Z`);
    const driven = looks({ schedule: every }, times);
    expect(sends(driven)).toEqual([1, 0, 1, 0, 0, 1, 1]);
    expect(driven[0]?.status).toMatchObject({ nextRunAt: "2026-01-01T00:10:00.000Z", completedRuns: 1 });
    expect(driven.at(-1)?.status).toMatchObject({ nextRunAt: "2026-01-01T00:50:00.000Z", completedRuns: 4 });
    expect(driven.at(-1)?.status.attempt).toMatchObject({ tick: "2026-01-01T00:40:00.000Z" });
    expect(new Set(driven.map(({ status }) => status.attempt?.id)).size).toBe(4);
  });
  test("writes nothing between its ticks, and looks again at the next one at the latest", () => {
    const [first, second] = looks({ schedule: every }, [midnight, "2026-01-01T00:07:00.000Z"]);
    expect(sameJSON(first?.status, second?.status)).toBe(true);
    expect([first?.verdict.requeueAfterMs, second?.verdict.requeueAfterMs]).toEqual([300_000, 180_000]);
  });
  test("is sent at once when what is sent changes, and keeps its ticks", () => {
    const [first] = looks({ schedule: every }, [midnight]);
    const changed = looks({ schedule: every, body: { text: "b" } }, ["2026-01-01T00:04:00.000Z", "2026-01-01T00:10:00.000Z"], {
      status: first!.status,
      generation: 2,
    });
    expect(sends(changed)).toEqual([1, 1]);
  });
  test("is not sent because its schedule is edited, given or taken away", () => {
    const [first] = looks({ schedule: every }, [midnight]);
    const from = { status: first!.status, generation: 2 };
    expect(sends(looks({ schedule: { ...every, every: "1m" } }, ["2026-01-01T00:09:30.000Z"], from))).toEqual([0]);
    expect(sends(looks({ schedule: cron }, ["2026-01-01T03:00:00.000Z"], from))).toEqual([0]);
    const once = looks({}, ["2026-01-01T00:30:00.000Z"], from);
    expect(sends(once)).toEqual([0]);
    expect(once[0]?.status).not.toHaveProperty("schedule");
    expect(once[0]?.status).not.toHaveProperty("nextRunAt");
    expect(sends(looks({ schedule: every }, ["2026-01-02T00:00:00.000Z"], { ...from, status: once[0]!.status }))).toEqual([0]);
  });
  test("is not sent while suspended, and once for the ticks of that time afterwards, or not at all if those are skipped", () => {
    const [first] = looks({ schedule: every }, [midnight]);
    const from = { status: first!.status, generation: 2 };
    const [paused] = looks({ schedule: every, suspend: true }, ["2026-01-01T05:00:00.000Z"], from);
    expect(paused?.steps).toEqual([]);
    expect(condition(paused!.status, "Ready")?.reason).toBe("Suspended");
    const resumed = { status: paused!.status, generation: 3 };
    expect(sends(looks({ schedule: every }, ["2026-01-01T05:05:00.000Z"], resumed))).toEqual([1]);
    expect(sends(looks({ schedule: { ...every, missed: "Skip" } }, ["2026-01-01T05:05:00.000Z"], resumed))).toEqual([0]);
  });
});

describe("wish 9: a request with a cron schedule", () => {
  const newYork = { ...cron, timeZone: "America/New_York" } as const;
  test("waits for its first tick, is ready meanwhile, and says when that is", () => {
    const [first, again, tick] = looks({ schedule: newYork }, [midnight, "2026-01-01T04:00:00.000Z", "2026-01-01T08:00:00.001Z"]);
    expect(first?.steps).toEqual([]);
    expect(condition(first!.status, "Ready")).toMatchObject({ status: "True", reason: "Scheduled" });
    expect(first?.status.nextRunAt).toBe("2026-01-01T08:00:00.000Z");
    expect(sameJSON(first?.status, again?.status)).toBe(true);
    expect(tick?.steps[0]).toMatchObject({
      type: "exchange",
      beforeSend: {
        type: "recordIntent",
        status: { attempt: { tick: "2026-01-01T08:00:00.000Z" }, schedule: { handledUpTo: "2026-01-01T08:00:00.000Z" } },
      },
    });
  });
  test("sends a change at its next tick, and gives up what it was still trying", () => {
    const [first] = looks({ schedule: cron }, [midnight]);
    const retrying = drive(httpRequest({ schedule: cron }, { status: first!.status }), "2026-01-01T03:00:00.000Z", [answer(429)]);
    expect(retrying.status.attempt).toMatchObject({ phase: "Retrying" });
    const changed = { schedule: cron, body: { text: "b" } };
    const [edited, tick] = looks(changed, ["2026-01-01T03:30:00.000Z", "2026-01-02T03:00:00.000Z"], {
      status: retrying.status,
      generation: 2,
    });
    expect(edited?.steps).toEqual([]);
    expect(edited?.status).toMatchObject({ completedRuns: 1, attempt: { phase: "Done" } });
    expect(tick?.steps).toHaveLength(1);
  });
  test("and declared as before again waits for its next tick, and does not look as if it had ended", () => {
    const [first] = looks({ schedule: cron }, [midnight]);
    const tried = drive(httpRequest({ schedule: cron }, { status: first!.status }), "2026-01-01T03:00:00.000Z", [answer(429)]);
    const changed = { schedule: cron, body: { text: "b" } };
    const [edited] = looks(changed, ["2026-01-01T03:30:00.000Z"], { status: tried.status, generation: 2 });
    const [back] = looks({ schedule: cron }, ["2026-01-01T03:31:00.000Z"], { status: edited!.status, generation: 3 });
    expect(back?.steps).toEqual([]);
    expect(condition(back!.status, "Ready")).toMatchObject({ status: "True", reason: "Scheduled" });
  });
  test("and refused for what an expression yields is tried again at the next tick", () => {
    const [first] = looks({ schedule: cron }, [midnight]);
    const refusal = { type: "refusal", reason: "ExpressionFailed", message: "spec.url: no", heals: false } as const;
    const object = (status: HTTPRequestStatus | undefined) => httpRequest({ schedule: cron }, status && { status });
    const refused = drive(object(first?.status), "2026-01-01T03:00:00.000Z", [refusal]);
    expect(condition(refused.status, "Stalled")?.reason).toBe("ExpressionFailed");
    expect(refused.verdict.dueAt).toEqual(new Date("2026-01-02T03:00:00.000Z"));
    expect(drive(object(refused.status), "2026-01-02T03:00:00.000Z", [answer(200)]).status.attempt).toMatchObject({
      tick: "2026-01-02T03:00:00.000Z",
      phase: "Done",
    });
  });
  test("is sent at once for reconcile-at, which takes no tick away", () => {
    const [first] = looks({ schedule: cron }, [midnight]);
    const asked = looks(
      { schedule: cron },
      ["2026-01-01T01:00:00.000Z", "2026-01-01T02:00:00.000Z", "2026-01-01T03:00:00.000Z"],
      {
        status: first!.status,
        annotations: { "holdfast.dev/reconcile-at": "1" },
      },
    );
    expect(sends(asked)).toEqual([1, 0, 1]);
  });
  test.each([
    [{ ...cron, cron: "61 3 * * *" }, "spec.schedule.cron"],
    [{ ...cron, timeZone: "Mars/Olympus" }, "spec.schedule.timeZone"],
  ])("that means nothing is refused: %j", (schedule, field) => {
    const { status, steps, verdict } = drive(httpRequest({ schedule }), midnight);
    expect(steps).toEqual([]);
    expect(verdict.requeueAfterMs).toBeUndefined();
    expect(condition(status, "Stalled")).toMatchObject({ reason: "InvalidSchedule", message: expect.stringContaining(field) });
  });
});

describe("a run that has not ended when the next tick comes", () => {
  test("is given up for it where it would be tried without end, and the tick is run at once", () => {
    const spec = { method: "GET", schedule: { ...every, every: "10s" } } as const;
    const failing = drive(httpRequest(spec), midnight, [answer(500)]);
    const before = drive(httpRequest(spec, { status: failing.status }), "2026-01-01T00:00:09.000Z", [answer(500)]);
    expect(before.status.attempt).toMatchObject({ phase: "Retrying", tries: 2 });
    const over = drive(httpRequest(spec, { status: before.status }), "2026-01-01T00:00:10.000Z");
    expect([over.steps, over.verdict.requeueAfterMs, over.verdict.result]).toEqual([[], 0, "failed"]);
    expect(over.status.attempt).toMatchObject({ id: failing.status.attempt?.id, phase: "Done" });
    expect(over.status.history?.[0]).toMatchObject({ reason: "Superseded", succeeded: false, tries: 2 });
    const next = drive(httpRequest(spec, { status: over.status }), "2026-01-01T00:00:10.010Z", [answer(200)]);
    expect(next.status.attempt).toMatchObject({ tick: "2026-01-01T00:00:10.000Z", tries: 1 });
    expect(next.status.history).toHaveLength(2);
  });
  test("is tried to its end first where it has one, and then the latest tick is run", () => {
    const schedule = { ...every, every: "1s" };
    const retry = { limit: 5, backoff: { initial: "1s", max: "5m" } };
    const spec = { method: "GET", schedule, retry } as const;
    const failing = drive(httpRequest(spec), midnight, [answer(500)]);
    const waiting = drive(httpRequest(spec, { status: failing.status }), "2026-01-01T00:00:00.200Z");
    expect(waiting.steps).toEqual([]);
    const retried = drive(httpRequest(spec, { status: failing.status }), "2026-01-01T00:00:05.500Z", [answer(200)]);
    expect(retried.status.attempt).toMatchObject({ id: failing.status.attempt?.id, tries: 2, phase: "Done" });
    const [next] = looks(spec, ["2026-01-01T00:00:05.600Z"], { status: retried.status });
    expect(next?.status.attempt).toMatchObject({ tick: "2026-01-01T00:00:05.000Z", tries: 1 });
  });
  test("and may have arrived, sends nothing until someone says so, whatever ticks come", () => {
    const lost = drive(httpRequest({ schedule: every }), midnight, [reset]);
    expect(condition(lost.status, "Stalled")).toMatchObject({
      reason: "OutcomeUnknown",
      message: expect.stringContaining("until then the schedule sends nothing"),
    });
    const ticked = looks({ schedule: every }, ["2026-01-01T00:10:00.000Z"], { status: lost.status });
    expect(sends(ticked)).toEqual([0]);
    const [asked] = looks({ schedule: every }, ["2026-01-01T00:11:00.000Z"], {
      status: ticked[0]!.status,
      annotations: { "holdfast.dev/reconcile-at": "1" },
    });
    expect(asked?.status.attempt).toMatchObject({ id: lost.status.attempt?.id, phase: "Done" });
  });
  test("and failed, is not stalled: the next tick is another chance", () => {
    const failed = drive(httpRequest({ schedule: every }), midnight, [answer(500)]);
    expect(condition(failed.status, "Ready")).toMatchObject({ status: "False", reason: "UnexpectedStatus" });
    expect(condition(failed.status, "Stalled")).toBeUndefined();
    const [next] = looks({ schedule: every }, ["2026-01-01T00:10:00.000Z"], { status: failed.status });
    expect(condition(next!.status, "Ready")?.status).toBe("True");
  });
});

describe("the history", () => {
  const times = [0, 10, 20, 30, 40].map((minute) => `2026-01-01T00:${String(minute).padStart(2, "0")}:00.000Z`);
  test("has the last runs, the latest first, as many as are wanted", () => {
    const last = looks({ schedule: every }, times).at(-1);
    expect(last?.status.history?.map(({ tick }) => tick)).toEqual([times[4], times[3], times[2]]);
    expect(last?.status.history?.[0]).toEqual({
      attemptId: last?.status.attempt?.id,
      tick: times[4],
      startedAt: times[4],
      finishedAt: "2026-01-01T00:40:00.012Z",
      tries: 1,
      succeeded: true,
      reason: "Succeeded",
      statusCode: 200,
    });
    const shorter = looks({ schedule: every, historyLimit: 1 }, ["2026-01-01T00:41:00.000Z"], {
      status: last!.status,
      generation: 2,
    });
    expect(shorter[0]?.status.history).toHaveLength(1);
    expect(looks({ schedule: every, historyLimit: 0 }, times).at(-1)?.status).not.toHaveProperty("history");
  });
  test("of ten runs keeps a status small", () => {
    const long = Array.from({ length: 20 }, (_, index) => new Date(Date.parse(midnight) + index * 600_000).toISOString());
    const { status } = looks({ schedule: every, historyLimit: 10 }, long).at(-1)!;
    expect(JSON.stringify(status).length).toBeLessThan(4_096);
  });
  test("says no status code where nothing of a response is to be kept", () => {
    const [first] = looks({ record: "None" }, [midnight]);
    expect(first?.status.history?.[0]).not.toHaveProperty("statusCode");
  });
});

test("a tick of a request whose key is honoured is recorded before it is sent, so that a crash does not give it another key", () => {
  const spec = { schedule: every, idempotencyKey: { header: "Idempotency-Key" } } as const;
  const [first] = looks(spec, [midnight]);
  const at = "2026-01-01T00:10:00.000Z";
  const begun = drive(httpRequest(spec, { ...(first && { status: first.status }) }), at, [answer(200)]);
  const [step] = begun.steps;
  if (step?.type !== "exchange" || step.beforeSend.type !== "recordIntent") throw new Error("nothing is recorded first");
  // It dies now; the next process looks when another tick has come.
  const status = step.beforeSend.status as HTTPRequestStatus;
  const again = drive(httpRequest(spec, { status }), "2026-01-01T00:21:00.000Z", [answer(200)]);
  expect(again.status.attempt?.id).toBe(step.beforeSend.attemptId);
  expect(again.status.attempt).toMatchObject({ tick: at, phase: "Done", tries: 2 });
});
