/** An HTTPRequest that is deleted when it has finished: when that is asked for, and what is never deleted. */
import { describe, expect, test } from "@jest/globals";
import type { HTTPRequestSpec, HTTPRequestStatus } from "../../src/api/http-request.ts";
import type { RemoveResult, Step, StepAnswer } from "../../src/core/plan.ts";
import { httpRequestKind } from "../../src/kinds/http-request/plan.ts";
import { answer, condition, drive, followPlan, httpRequest, reset, type Answer } from "../support/request-plan.ts";

const spec = { method: "GET", ttlSecondsAfterFinished: 100 } as const;
const start = "2026-01-01T00:00:00.000Z";
const after = (seconds: number): string => new Date(Date.parse(start) + seconds * 1000).toISOString();

function sent(how: Partial<HTTPRequestSpec>, outcome: Answer = answer(200)): HTTPRequestStatus {
  return drive(httpRequest(how), start, [outcome]).status;
}
/** A look at one for which nothing is to be sent. */
function look(
  how: Partial<HTTPRequestSpec>,
  { status, at, ...more }: { status: HTTPRequestStatus; at: string; generation?: number; annotations?: Record<string, string> },
  removal: RemoveResult["type"] = "removed",
) {
  const steps: Step["type"][] = [];
  const resource = httpRequest(how, { ...more, status });
  const plan = httpRequestKind.plan({ resource, references: [], now: new Date(at), instanceId: "me" });
  const verdict = followPlan(plan, ({ type }): StepAnswer => {
    steps.push(type);
    return type === "remove" ? { type: removal } : { type: "refusal", reason: "InvalidRequest", message: "no", heals: true };
  });
  return { steps, verdict, status: verdict.status as HTTPRequestStatus };
}

describe("a request with ttlSecondsAfterFinished", () => {
  test.each([
    ["succeeded", answer(200)],
    ["failed for good", answer(404)],
  ])("that has %s is looked at again when its time is over, and only then deleted", (_, outcome) => {
    const ended = drive(httpRequest(spec), start, [outcome]);
    expect(ended.steps.map(({ type }) => type)).toEqual(["exchange"]);
    const dueAt = ended.verdict.dueAt?.getTime() ?? 0;
    expect(ended.verdict.requeueAfterMs).toBe(dueAt - Date.parse(start));
    expect(dueAt).toBeGreaterThanOrEqual(Date.parse(after(100)));
    expect(dueAt).toBeLessThan(Date.parse(after(101)));
    const early = look(spec, { status: ended.status, at: after(40) });
    expect([early.steps, early.verdict.dueAt?.getTime()]).toEqual([[], dueAt]);
    const { steps, verdict } = look(spec, { status: ended.status, at: after(101) });
    expect(steps).toEqual(["remove"]);
    expect(verdict).toEqual({ status: ended.status, result: "succeeded", reason: "Expired" });
  });
  test("of 0 is deleted once its outcome is recorded, not with it", () => {
    const ended = drive(httpRequest({ ...spec, ttlSecondsAfterFinished: 0 }), start, [answer(200)]);
    expect(condition(ended.status, "Ready")?.reason).toBe("Succeeded");
    expect(look({ ...spec, ttlSecondsAfterFinished: 0 }, { status: ended.status, at: after(1) }).steps).toEqual(["remove"]);
  });
  test("looks at the clock again within an hour, however long it has", () => {
    const long = { ...spec, ttlSecondsAfterFinished: 2_147_483_647 };
    expect(drive(httpRequest(long), start, [answer(200)]).verdict.requeueAfterMs).toBe(3_600_000);
  });
  test("that was put on long after its end goes at once; without it nothing is deleted", () => {
    const status = sent({ method: "GET" });
    expect(look(spec, { status, at: after(1000), generation: 2 }).steps).toEqual(["remove"]);
    const kept = look({ method: "GET" }, { status, at: after(1_000_000) });
    expect([kept.steps, kept.verdict.requeueAfterMs]).toEqual([[], undefined]);
  });
  test("counts from the end of its latest run", () => {
    const status = sent(spec);
    const annotations = { "holdfast.dev/reconcile-at": "1" };
    const again = drive(httpRequest(spec, { status, annotations }), after(90), [answer(200)]);
    expect(look(spec, { status: again.status, at: after(150), annotations }).steps).toEqual([]);
    expect(look(spec, { status: again.status, at: after(191), annotations }).steps).toEqual(["remove"]);
  });
  test("counts from when a person has said what came of it", () => {
    const post = { ...spec, method: "POST" } as const;
    const status = sent(post, reset);
    const annotations = { "holdfast.dev/arrived": status.attempt?.id ?? "" };
    const told = drive(httpRequest(post, { status, annotations }), after(1000));
    expect(condition(told.status, "Ready")?.reason).toBe("AcknowledgedAsDelivered");
    expect(look(post, { status: told.status, at: after(1050), annotations }).steps).toEqual([]);
    expect(look(post, { status: told.status, at: after(1100), annotations }).steps).toEqual(["remove"]);
  });
});

describe("it stays, for ever", () => {
  const late = after(1_000_000);
  test("while nobody knows what came of it", () => {
    const post = { ...spec, method: "POST" } as const;
    const { steps, verdict } = look(post, { status: sent(post, reset), at: late });
    expect([steps, verdict.reason, verdict.requeueAfterMs]).toEqual([[], "OutcomeUnknown", undefined]);
  });
  test("while it is tried again, and while it waits for what it needs", () => {
    const retrying = sent(spec, reset);
    expect(retrying.attempt?.phase).toBe("Retrying");
    expect(look(spec, { status: retrying, at: late }).steps).toEqual(["exchange"]);
    const edited = { ...spec, headers: [{ name: "A", value: "b" }] };
    const waiting = look(edited, { status: sent(spec), at: late, generation: 2 });
    expect(waiting.steps).toEqual(["exchange"]);
    expect(look(edited, { status: waiting.status, at: late, generation: 2 }).steps).toEqual(["exchange"]);
  });
  test("what was asked for again and could not be sent", () => {
    const annotations = { "holdfast.dev/reconcile-at": "1" };
    const waiting = look(spec, { status: sent(spec), at: late, annotations });
    expect(waiting.steps).toEqual(["exchange"]);
    expect(look(spec, { status: waiting.status, at: late, annotations }).steps).toEqual(["exchange"]);
  });
  test.each([
    ["schedule", { schedule: { every: "10000h", missed: "Skip" } }],
    ["rerunOn", { rerunOn: { inputs: ["*"] } }],
  ] as const)("where an API server let it through with %s", (_, more) => {
    expect(look({ ...spec, ...more }, { status: sent(spec), at: after(3600) }).steps).not.toContain("remove");
  });
});

describe("where it cannot be deleted", () => {
  test.each([
    ["forbidden", /the API server forbids Holdfast to delete HTTPRequests$/, 600_000],
    ["unsupported", /without a cluster that has no effect: take it out of its manifest$/, undefined],
  ] as const)("%s: its condition says why, once, and nothing asks at once again", (removal, message, pauseMs) => {
    const status = sent(spec);
    const told = look(spec, { status, at: after(200) }, removal);
    expect(condition(told.status, "Ready")).toMatchObject({
      status: "True",
      reason: "Succeeded",
      message: expect.stringMatching(message),
    });
    expect([told.verdict.requeueAfterMs, told.verdict.dueAt]).toEqual([pauseMs, undefined]);
    const again = look(spec, { status: told.status, at: after(900) }, removal);
    expect([again.steps, again.status]).toEqual([["remove"], told.status]);
    const withdrawn = look({ method: "GET" }, { status: told.status, at: after(900) });
    expect(condition(withdrawn.status, "Ready")?.message).toBe(condition(status, "Ready")?.message);
  });
});
