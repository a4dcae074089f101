/** "It arrived": what a person's word makes of an attempt whose outcome nobody knows. */
import { expect, test } from "@jest/globals";
import { answer, condition, drive, httpRequest, reset } from "../support/request-plan.ts";

const start = "2026-01-01T00:00:00.000Z";
const later = "2026-01-01T00:10:00.000Z";
const every = { every: "5m", timeZone: "UTC", missed: "RunOnce" } as const;
const lost = drive(httpRequest(), start, [reset]);
const id = lost.status.attempt?.id ?? "";
const saying = (arrived: string): { annotations: Record<string, string> } => ({
  annotations: { "holdfast.dev/arrived": arrived },
});

test("the condition names both ways, with the attempt's id", () => {
  const { message } = condition(lost.status, "Stalled") ?? {};
  expect(message).toContain(`If it has, set the annotation holdfast.dev/arrived: ${id};`);
  expect(message).toContain("to send it again change the annotation holdfast.dev/reconcile-at");
});

test("the attempt's id ends it well, with nothing sent, and it rests", () => {
  const { steps, status, verdict } = drive(httpRequest({}, { status: lost.status, ...saying(id) }), later);
  expect([steps, verdict.result]).toEqual([[], "succeeded"]);
  expect(condition(status, "Ready")).toMatchObject({ status: "True", reason: "AcknowledgedAsDelivered" });
  expect(status).toMatchObject({
    attempt: { id, phase: "Done" },
    completedRuns: 1,
    history: [{ attemptId: id, succeeded: true }],
  });
  const again = drive(httpRequest({}, { status, ...saying(id) }), later);
  expect([again.steps, again.status]).toEqual([[], status]);
});

test.each(["another", "", `${id} `])("another id, %j, says nothing", (other) => {
  const { steps, status } = drive(httpRequest({}, { status: lost.status, ...saying(other) }), later);
  expect([steps, status]).toEqual([[], lost.status]);
});

test("an annotation that was left says nothing of a later attempt", () => {
  const { status } = drive(httpRequest({}, { status: lost.status, ...saying(id) }), later);
  const changed = { method: "POST", url: "https://example.com/other" } as const;
  const next = drive(httpRequest(changed, { status, generation: 2, ...saying(id) }), later, [reset]);
  expect(condition(next.status, "Stalled")?.reason).toBe("OutcomeUnknown");
  expect(drive(httpRequest(changed, { status: next.status, generation: 2, ...saying(id) }), later).status).toEqual(next.status);
});

test("what is declared otherwise by now is sent, whatever is said of what was before", () => {
  const changed = { url: "https://example.com/other" };
  const { steps } = drive(httpRequest(changed, { status: lost.status, generation: 2, ...saying(id) }), later, [answer(200)]);
  expect(steps).toHaveLength(1);
});

test("one that a crash left in flight is taken as well, one that is on its way to another try is not", () => {
  const attempt = { ...lost.status.attempt!, phase: "InFlight" as const };
  const crashed = drive(httpRequest({}, { status: { ...lost.status, attempt }, ...saying(id) }), later);
  expect(condition(crashed.status, "Ready")?.reason).toBe("AcknowledgedAsDelivered");
  const retrying = { ...lost.status, attempt: { ...attempt, phase: "Retrying" as const } };
  expect(drive(httpRequest({}, { status: retrying, ...saying(id) }), later, [answer(200)]).steps).toHaveLength(1);
});

test("a schedule goes on with its next tick", () => {
  const stopped = drive(httpRequest({ schedule: every }), start, [reset]);
  const own = stopped.status.attempt?.id ?? "";
  const spec = { schedule: every };
  expect(drive(httpRequest(spec, { status: stopped.status }), later).steps).toEqual([]);
  const taken = drive(httpRequest(spec, { status: stopped.status, ...saying(own) }), later);
  expect(condition(taken.status, "Ready")).toMatchObject({ status: "True", reason: "AcknowledgedAsDelivered" });
  const next = drive(httpRequest(spec, { status: taken.status, ...saying(own) }), "2026-01-01T00:15:00.000Z", [answer(200)]);
  expect(next.status.attempt).toMatchObject({ tick: "2026-01-01T00:15:00.000Z", phase: "Done" });
});

test("what has to be made of its answer is missing, and said so", () => {
  const outputs = [{ configMap: { name: "c" }, data: { id: ".response.body.id" }, whenMissing: "Fail" }] as const;
  const { status } = drive(httpRequest({ outputs }, { status: lost.status, ...saying(id) }), later);
  expect(condition(status, "Stalled")).toMatchObject({ reason: "OutputMissing" });
});

test.each([
  ["Succeeded", "True", "AcknowledgedAsDelivered"],
  ["Failed", "False", "ItemsFailed"],
] as const)("of many, one that had %s stays so, and what was to be tried again has arrived", (phase, ready, reason) => {
  const spec = { forEach: { items: ["a", "b"] }, idempotencyKey: { header: "Idempotency-Key" } };
  const items = [
    { index: 0, id: "one", phase, reason: "UnexpectedStatus", tries: 1 },
    { index: 1, id: "two", phase: "Retrying", reason: "ConnectionReset", tries: 1 },
  ] as const;
  const sent = drive(httpRequest(spec), start, [{ type: "outcomes", outcomes: [answer(200), reset] }]).status;
  const attempt = { ...sent.attempt!, phase: "Unknown" as const };
  const said = httpRequest(spec, { status: { ...sent, attempt, items }, ...saying(attempt.id) });
  const { steps, status } = drive(said, later);
  expect(steps).toEqual([]);
  expect(condition(status, "Ready")).toMatchObject({ status: ready, reason });
  expect(status.items).toEqual([items[0], { ...items[1], phase: "Succeeded", reason: "AcknowledgedAsDelivered" }]);
});
