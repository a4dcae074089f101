import { describe, expect, test } from "@jest/globals";
import type { HTTPRequestStatus } from "../../src/api/http-request.ts";
import type { HTTPResourceStatus } from "../../src/api/http-resource.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { sendDigest } from "../../src/kinds/request/request.ts";
import { answer, condition, drive, httpRequest, reset } from "../support/request-plan.ts";
import { drive as driveResource, failure, now, resource, answer as says, user, values } from "../support/resource-plan.ts";

const start = "2026-01-01T00:00:00Z";
const later = "2026-01-01T01:00:00Z";
const refused: Outcome = { type: "failure", reason: "ConnectionRefused", message: "refused", sent: false };
const keyed = { idempotencyKey: { header: "Idempotency-Key" } };
const otherKey = { idempotencyKey: { header: "X-Request-Id" } };
const items = { forEach: { items: [1, 2] } };

type Spec = Parameters<typeof httpRequest>[0];
/** How many steps are taken an hour later, once the spec has become `after`; and the reason that it then has. */
function edited(status: HTTPRequestStatus, after: Spec): { readonly sent: number; readonly reason: string | undefined } {
  const steps = drive(httpRequest(after, { status, generation: 2 }), later, [answer(201)]);
  return { sent: steps.steps.length, reason: condition(steps.status, "Ready")?.reason };
}

describe("a POST that may have arrived", () => {
  test.each<[string, Spec, Spec]>([
    ["is given a key", {}, keyed],
    ["loses its key", keyed, {}],
    ["gets another key", keyed, otherKey],
    ["is not to be sent again any more", { onUnknown: "Resend" }, {}],
  ])("is not sent again because its declaration %s: its server would not know it again", (_edit, before, after) => {
    const { status } = drive(httpRequest(before), start, [reset]);
    expect(edited(status, after)).toEqual({ sent: 0, reason: "OutcomeUnknown" });
  });
  test("is sent again by the same key, however that is written, and where somebody wants it sent again", () => {
    const { status } = drive(httpRequest(keyed), start, [reset]);
    expect(edited(status, { idempotencyKey: { header: "idempotency-key" } })).toEqual({ sent: 1, reason: "Succeeded" });
    expect(edited(status, { onUnknown: "Resend" }).sent).toBe(1);
  });
  test("stays so through a try that never left", () => {
    const first = drive(httpRequest(keyed), start, [reset]);
    const second = drive(httpRequest(keyed, { status: first.status }), later, [refused]);
    expect(edited(second.status, {})).toEqual({ sent: 0, reason: "OutcomeUnknown" });
  });
  test("keeps its key while nobody can say which it is, since the endpoint that says so is not there", () => {
    const byEndpoint = { endpointRef: { kind: "HTTPEndpoint", name: "gone" } } as const;
    const { status } = drive(httpRequest(keyed), start, [reset]);
    const attempt = status.attempt && { ...status.attempt, digest: sendDigest(httpRequest(byEndpoint).spec) };
    expect(edited({ ...status, ...(attempt && { attempt }) }, byEndpoint)).toEqual({ sent: 0, reason: "EndpointNotFound" });
  });
  test("says how it was sent only until it is over", () => {
    const first = drive(httpRequest(keyed), start, [reset]);
    expect(first.status.attempt).toMatchObject({ sentAs: "POST idempotency-key", inDoubt: true });
    const { status } = drive(httpRequest(keyed, { status: first.status }), later, [answer(201)]);
    expect(status.attempt).not.toHaveProperty("sentAs");
    expect(status.attempt).not.toHaveProperty("inDoubt");
  });
  test("is none of the items of a forEach that are sent under another key", () => {
    const both = { type: "outcomes", outcomes: [reset, reset] } as never;
    const { status } = drive(httpRequest({ ...items, ...keyed }), start, [both]);
    expect(edited(status, { ...items, ...otherKey })).toEqual({ sent: 0, reason: "OutcomeUnknown" });
  });
});

describe("a POST without a key that may have arrived, and is given one", () => {
  const resend = { onUnknown: "Resend" } as const;
  const annotations = { "holdfast.dev/reconcile-at": "1" };
  const unkeyed = drive(httpRequest(resend), start, [reset]).status;
  const after = (spec: Spec, ...answers: Parameters<typeof drive>[2] & {}) =>
    drive(httpRequest({ ...resend, ...spec }, { status: unkeyed }), "2026-01-01T00:30:00Z", answers).status;

  test("has failed once it is refused under it, since its server cannot mean the try before", () => {
    const given = httpRequest(keyed, { status: unkeyed, annotations });
    const { status } = drive(given, later, [answer(422)]);
    expect([status.attempt?.phase, condition(status, "Stalled")?.reason]).toEqual(["Done", "UnexpectedStatus"]);
    expect(after(keyed, answer(409)).attempt?.phase).toBe("Done");
  });
  test("is in doubt still where the try under it never left, once it is not to be sent again any more", () => {
    const status = after(keyed, refused);
    expect(edited(status, { ...resend, ...keyed })).toEqual({ sent: 1, reason: "Succeeded" });
    expect(edited(status, keyed)).toEqual({ sent: 0, reason: "OutcomeUnknown" });
  });
  test("is known again by it once a try under it may have arrived as well", () => {
    const status = after(keyed, reset);
    expect(edited(status, keyed)).toEqual({ sent: 1, reason: "Succeeded" });
    expect(edited(status, otherKey)).toEqual({ sent: 0, reason: "OutcomeUnknown" });
    const { attempt } = drive(httpRequest({ ...resend, ...keyed }, { status }), "2026-01-01T02:00:00Z", [answer(409)]).status;
    expect(attempt).toMatchObject({ phase: "Retrying", inDoubt: true });
  });
  test("is tried under it until it arrives where a person asked", () => {
    const { status } = drive(httpRequest(keyed, { status: unkeyed, annotations }), later, [refused]);
    const again = httpRequest(keyed, { status, annotations });
    expect(drive(again, "2026-01-01T02:00:00Z", [answer(201)]).status.attempt?.phase).toBe("Done");
  });
  test("is in doubt still where it is sent after a crash, and never leaves", () => {
    const died = { ...unkeyed, ...(unkeyed.attempt && { attempt: { ...unkeyed.attempt, phase: "InFlight" as const } }) };
    const { status } = drive(httpRequest(resend, { status: died }), "2026-01-01T00:30:00Z", [refused]);
    expect(edited(status, {})).toEqual({ sent: 0, reason: "OutcomeUnknown" });
  });
});

test("items in doubt under two keys are known again by neither", () => {
  const resend = { ...items, onUnknown: "Resend" } as const;
  const each = (...outcomes: Outcome[]) => ({ type: "outcomes", outcomes }) as never;
  const first = drive(httpRequest({ ...resend, ...keyed }), start, [each(reset, answer(429))]).status;
  const second = drive(httpRequest({ ...resend, ...otherKey }, { status: first }), "2026-01-01T00:30:00Z", [
    each(refused, reset),
  ]).status;
  for (const key of [keyed, otherKey])
    expect(edited(second, { ...items, ...key })).toEqual({ sent: 0, reason: "OutcomeUnknown" });
  const again = drive(httpRequest({ ...resend, ...otherKey }, { status: first }), later, [each(answer(422), answer(201))]);
  expect(again.status.items?.map(({ phase }) => phase)).toEqual(["Failed", "Succeeded"]);
});

test.each<[string, Outcome]>([
  ["never left", refused],
  ["was turned away", answer(429)],
])("a POST that %s is sent again whatever becomes of its key", (_what, outcome) => {
  const { status } = drive(httpRequest(keyed), start, [outcome]);
  expect(edited(status, {})).toEqual({ sent: 1, reason: "Succeeded" });
  expect(edited(drive(httpRequest(), start, [outcome]).status, keyed)).toEqual({ sent: 1, reason: "Succeeded" });
});

describe("a create that may have arrived", () => {
  const at = new Date(now.getTime() + 3_600_000);
  test("keeps its key when the spec changes while it is tried again", () => {
    const { status } = driveResource(resource({ ...user, ...keyed }), [failure(true)]);
    const changed = resource({ ...user, ...keyed, parameters: { ...user.parameters, name: "eve" } }, { status, generation: 2 });
    const again = driveResource(changed, [says(201), values("7")], { at });
    expect(again.status.attempt?.id).toBe(status.attempt?.id);
  });
  test("keeps its key when the process dies before its answer and the spec has changed by the next start", () => {
    const [step] = driveResource(resource({ ...user, ...keyed }), [says(201), values("7")]).steps;
    const isIntended = step?.type === "exchange" && step.beforeSend.type === "recordIntent";
    const status: HTTPResourceStatus = isIntended ? step.beforeSend.status : {}; // all that is left of it then
    const changed = resource({ ...user, ...keyed, parameters: { ...user.parameters, name: "eve" } }, { status, generation: 2 });
    const again = driveResource(changed, [says(201), values("7")], { at });
    expect(status.attempt?.id).toMatch(/^[-0-9a-f]{36}$/);
    expect(again.status.attempt?.id).toBe(status.attempt?.id);
  });
  test("is not sent again by another method", () => {
    const { status } = driveResource(resource(user), [failure(true)]);
    const put = { ...user, create: { ...user.create, method: "PUT" } };
    expect(driveResource(resource(put, { status, generation: 2 }), [], { at }).state).toBe("False/OutcomeUnknown Stalled");
  });
  test("keeps the finalizer when it is deleted after its key was taken away", () => {
    const { status } = driveResource(resource({ ...user, ...keyed }), [failure(true)]);
    const deleted = resource(user, { status, generation: 2, deleted: true, finalizers: ["holdfast.dev/release"] });
    expect(driveResource(deleted, [], { at })).toMatchObject({ sent: [], state: "False/OutcomeUnknown Stalled" });
  });
});
