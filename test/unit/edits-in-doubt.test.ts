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
