/** Work that goes on after an HTTPResource's create, update or delete was answered. */
import { describe, expect, test } from "@jest/globals";
import type { HTTPResourceStatus } from "../../src/api/http-resource.ts";
import { sameJSON } from "../../src/core/tools/json.ts";
import type { Step } from "../../src/core/plan.ts";
import {
  answer,
  condition,
  created,
  differs,
  drive,
  failure,
  named,
  now,
  resource,
  same,
  url,
  user,
  values,
  withLookup,
} from "../support/resource-plan.ts";

const poll = { interval: "5s", timeout: "10m" };
const polled = { ...user, create: { ...user.create, poll }, update: { ...user.update, poll }, delete: { ...user.delete, poll } };
const accepted = answer(202, { location: "/jobs/1" });
const none = values(null);
const goesOn = [answer(202), values(false, false)];
const hasEnded = [answer(200), values(true, false)];
const hasFailed = [answer(200), values(true, true)];
const soon = { at: new Date(now.getTime() + 5_000) };
const late = { at: new Date(now.getTime() + 600_000) };
const held = ["holdfast.dev/release"];

/** The status after a create whose work goes on, which answered with this id. */
function creating(written: object = polled, id: unknown = null): HTTPResourceStatus {
  const first = "lookup" in written ? [answer(200), values([])] : [];
  return drive(resource(written), [...first, accepted, values(id)]).status;
}
function requestOf(step: Step | undefined) {
  if (step?.type !== "exchange") throw new Error(`no exchange: ${step?.type}`);
  return step.exchange.request;
}

describe("wish 5: a create whose work goes on", () => {
  test("is recorded with the URL to ask, in one write, and is not ready", () => {
    const { sent, status, state, verdict } = drive(resource(polled), [accepted, none]);
    expect(sent).toEqual(["POST users after intent"]);
    expect(state).toBe("False/Polling Reconciling");
    expect(status).toMatchObject({ attempt: { verb: "Create", phase: "Polling" }, poll: { url: "/jobs/1", from: "Location" } });
    expect(status).not.toHaveProperty("externalID");
    expect(verdict.requeueAfterMs).toBe(5_000);
  });
  test("is asked after, and nothing else, through restarts and changes of the spec, and nothing is written meanwhile", () => {
    const status = creating();
    const object = resource(polled, { status, finalizers: held });
    const again = drive(object, goesOn, { ...soon, first: true });
    expect(again.sent).toEqual(["GET /jobs/1"]);
    expect(requestOf(again.steps[0])).not.toHaveProperty("body");
    expect(sameJSON(again.status, status)).toBe(true);
    const changed = { ...polled, parameters: { name: "ada", age: 37 } };
    expect(drive(resource(changed, { status, generation: 2 }), goesOn, soon).sent).toEqual(["GET /jobs/1"]);
    const asked = drive(resource(polled, { status, annotations: { "holdfast.dev/reconcile-at": "1" } }), goesOn, soon);
    expect([asked.sent, asked.status.lastHandledReconcileAt]).toEqual([["GET /jobs/1"], "1"]);
  });
  test("takes its id from the last poll's answer, and is observed from then on", () => {
    const { status, state } = drive(resource(polled, { status: creating() }), [...hasEnded, values("7")], soon);
    expect(state).toBe("True/Created");
    expect(status).toMatchObject({ externalID: "7", attempt: { phase: "Done", succeeded: true }, completedRuns: 1 });
    expect(status).not.toHaveProperty("poll");
    const next = drive(resource(polled, { status, finalizers: held }), [answer(200), same], soon);
    expect(next.sent).toEqual(["GET users/${ .externalID }"]);
  });
  test("wish 1: takes it from the first answer where the last has none, and another in the last counts", () => {
    const status = creating(polled, "7");
    expect(status.externalID).toBe("7");
    const object = resource(polled, { status });
    const still = drive(object, goesOn, soon);
    expect(still.status.externalID).toBe("7");
    expect(drive(object, [...hasEnded, none], soon).status.externalID).toBe("7");
    expect(drive(object, [...hasEnded, values("8")], soon).status.externalID).toBe("8");
  });
  test("wish 1: and ends without an id is not created again, whatever a lookup says", () => {
    const looked = { ...withLookup, create: polled.create };
    for (const written of [polled, looked]) {
      const { status, state } = drive(resource(written, { status: creating(written) }), [...hasEnded, none], soon);
      expect(state).toBe(`False/ExternalIDUnknown ${written === looked ? "Reconciling" : "Stalled"}`);
      const absent = written === looked ? [answer(200), values([])] : [];
      expect(drive(resource(written, { status }), absent, late).sent).not.toContain("POST users after intent");
    }
  });
  test("waits through outages, and as long as it is asked to", () => {
    const object = resource(polled, { status: creating() });
    for (const outcome of [failure(true), answer(503)])
      expect(drive(object, [outcome], soon).state).toBe("False/Polling Reconciling");
    expect(drive(object, [answer(429, { "retry-after": "30" })], soon).verdict.requeueAfterMs).toBe(30_000);
  });
  test("and has failed by its server's word is created again at the next interval, by another attempt", () => {
    const before = creating();
    const { status, state } = drive(resource(polled, { status: before }), hasFailed, soon);
    expect(state).toBe("False/PollFailed Reconciling");
    expect(status).toMatchObject({ attempt: { phase: "Done", succeeded: false }, completedRuns: 1 });
    const again = drive(resource(polled, { status }), [accepted, none], late);
    expect(again.sent).toEqual(["POST users after intent"]);
    expect(again.status.attempt?.id).not.toBe(before.attempt?.id);
  });
  test.each([
    ["takes too long", [answer(202), values(false, false)], late],
    ["is asked after at a URL that is gone", [answer(404)], soon],
  ])("and %s is not begun twice, but found if it can be", (_what, answers, at) => {
    const { status, state } = drive(resource(polled, { status: creating() }), answers, at);
    expect(state).toBe("False/OutcomeUnknown Stalled");
    expect(drive(resource(polled, { status }), [], late).sent).toEqual([]);

    const looked = { ...withLookup, create: polled.create };
    const unknown = drive(resource(looked, { status: creating(looked) }), answers, at).status;
    const after = { at: new Date(now.getTime() + 1_200_000) };
    expect(drive(resource(looked, { status: unknown }), [answer(200), values([])], after).sent).toEqual(["GET users"]);
    const found = drive(resource(looked, { status: unknown }), [answer(200), values(["7"]), answer(200), same], after);
    expect(found.status).toMatchObject({ externalID: "7", attempt: { phase: "Done", succeeded: true } });
  });
  test("and takes too long under a key that is honoured is begun again with the same key", () => {
    const keyed = { ...polled, idempotencyKey: { header: "Idempotency-Key" } };
    const before = drive(resource(keyed), [accepted, none]).status;
    const { status, state } = drive(resource(keyed, { status: before }), goesOn, late);
    expect(state).toBe("False/PollTimeout Reconciling");
    const again = drive(resource(keyed, { status }), [accepted, none], late);
    expect([again.sent, again.status.attempt?.id]).toEqual([["POST users after intent"], before.attempt?.id]);
  });
  test("that names no place to ask is not sent again", () => {
    const { status, state } = drive(resource(polled), [answer(202)]);
    expect(state).toBe("False/OutcomeUnknown Stalled");
    expect(condition(status, "Ready")?.message).toContain("spec.create: answered 202 without a URL to poll");
    expect(condition(status, "Ready")?.message).toContain("spec.create.poll.url can name it");
    expect(drive(resource(polled, { status })).sent).toEqual([]);
  });
  test("is not asked after any more when an id is given by hand, or poll is taken away", () => {
    const annotations = { "holdfast.dev/external-id": "9" };
    const given = drive(resource(polled, { status: creating(), annotations }), [answer(200), same], soon);
    expect(given.status).toMatchObject({ externalID: "9" });
    expect(given.status).not.toHaveProperty("poll");
    const away = drive(resource(user, { status: creating(polled, "7"), generation: 2 }), [], soon);
    expect([away.state, away.status.externalID]).toEqual(["True/Created", "7"]);
  });
  test("is suspended and resumed without a word to the server, and keeps its place to ask beside an id that is wrong", () => {
    const status = creating();
    const paused = drive(resource({ ...polled, suspend: true }, { status }), [], soon);
    expect([paused.state, paused.status.poll?.url]).toEqual(["False/Suspended", "/jobs/1"]);
    expect(drive(resource(polled, { status: paused.status }), goesOn, soon).sent).toEqual(["GET /jobs/1"]);
    const annotations = { "holdfast.dev/external-id": "9" };
    const wrong = drive(resource(polled, { status, annotations }), [answer(404)], soon);
    expect(wrong.state).toBe("False/ImportNotFound Stalled");
    expect(drive(resource(polled, { status: wrong.status }), goesOn, soon).sent).toEqual(["GET /jobs/1"]);
  });
  test("without anything to observe is not ready before it has ended, nor after nobody could say how", () => {
    const { observe: _, ...blind } = polled;
    const before = creating(blind, "7");
    const lost = drive(resource(blind, { status: before }), goesOn, late);
    expect(lost.state).toBe("False/OutcomeUnknown Stalled");
    expect(drive(resource(blind, { status: lost.status }), [], late)).toMatchObject({
      sent: [],
      state: "False/OutcomeUnknown Stalled",
    });
    const failed = drive(resource(blind, { status: before }), hasFailed, soon);
    expect(failed.status).not.toHaveProperty("externalID");
  });
});

describe("wish 5: an update whose work goes on", () => {
  const update = { url: `${url}/\${ .externalID }`, body: user.update.body, poll };
  const written = { ...user, update: { ...update, headers: [{ name: "If-Match", value: "${ .response.headers.etag }" }] } };
  const object = created(written);
  const { status: updating, state, sent } = drive(object, [answer(200), differs(".age"), accepted]);
  const held2 = resource(written, { status: updating, finalizers: held });

  test("is drift until it has ended, and is not sent again", () => {
    expect(sent).toEqual(["GET users/${ .externalID }", "PUT users/${ .externalID }"]);
    expect(state).toBe("False/Polling Reconciling");
    expect(condition(updating, "Drifted")).toMatchObject({ status: "True", reason: "NotAsDeclared", message: ".age" });
    const again = drive(held2, goesOn, soon);
    expect(again.sent).toEqual(["GET /jobs/1"]);
    expect(sameJSON(again.status, updating)).toBe(true);
    const done = drive(held2, hasEnded, soon);
    expect(done.state).toBe("True/Updated");
    expect(condition(done.status, "Drifted")).toMatchObject({ status: "False", reason: "Corrected", message: "corrected: .age" });
    expect(done.status.externalID).toBe("7");
  });
  test("is polled without the update's conditions, and what is made of an answer", () => {
    const { steps } = drive(held2, goesOn, soon);
    expect(requestOf(steps[0]).headers).toEqual([]);
  });
  test("and has failed is tried again at the next interval", () => {
    const failed = drive(held2, hasFailed, soon);
    expect(failed.state).toBe("False/PollFailed Reconciling");
    expect(failed.verdict.requeueAfterMs).toBeGreaterThanOrEqual(60_000);
    const again = drive(resource(written, { status: failed.status }), [answer(200), differs(".age"), accepted], late);
    expect(again.state).toBe("False/Polling Reconciling");
  });
  test("goes with no URL that is made of what was observed", () => {
    const derived = { ...user, update: { ...update, url: "${ .response.body.self }" } };
    const { state, status } = drive(created(derived), [answer(200), differs(".age")]);
    expect(state).toBe("False/InvalidRequest Stalled");
    expect(condition(status, "Ready")?.message).toContain("spec.update.poll");
  });
  test("is given up when the object is deleted", () => {
    const deleted = resource(written, { status: updating, finalizers: held, deleted: true });
    expect(drive(deleted, [answer(204)], soon).sent).toEqual(["DELETE users/${ .externalID }"]);
  });
});

describe("wish 7: a delete whose work goes on", () => {
  const gone = { finalizer: { name: "holdfast.dev/release", present: false } };
  const deleted = { deleted: true, finalizers: held };
  const { status, verdict, state } = drive(created(polled, deleted), [accepted]);
  const object = resource(polled, { ...deleted, status });

  test("keeps the object until it has ended, and is sent once", () => {
    expect(verdict).not.toHaveProperty("finalizer");
    expect(state).toBe("False/Polling Reconciling");
    expect(condition(status, "Ready")?.message).toContain('holdfast.dev/orphan: "true"');
    const again = drive(object, goesOn, soon);
    expect([again.sent, again.verdict.finalizer]).toEqual([["GET /jobs/1"], undefined]);
    expect(drive(object, hasEnded, soon).verdict).toMatchObject(gone);
  });
  test.each([404, 410])("has ended when the place to ask is gone: %i", (statusCode) => {
    expect(drive(object, [answer(statusCode)], soon).verdict).toMatchObject(gone);
  });
  test("has not ended because an operation is not known any more: it is sent again", () => {
    const operation = drive(created(polled, deleted), [answer(202, { "operation-location": "/operations/1" })]).status;
    const lost = drive(resource(polled, { ...deleted, status: operation }), [answer(404)], soon);
    expect(lost.verdict).not.toHaveProperty("finalizer");
    expect(lost.state).toBe("False/PollFailed Reconciling");
    const again = drive(resource(polled, { ...deleted, status: lost.status }), [answer(404), answer(404)], late);
    const sent = ["DELETE users/${ .externalID }", "GET users/${ .externalID }"];
    expect([again.sent, again.verdict.finalizer]).toEqual([sent, gone.finalizer]);
  });
  test("that failed, or takes too long, is sent again", () => {
    for (const [answers, at] of [[hasFailed, soon] as const, [goesOn, late] as const]) {
      const failed = drive(object, answers, at);
      expect(failed.verdict).not.toHaveProperty("finalizer");
      const after = { at: new Date(late.at.getTime() + 600_000) };
      expect(drive(resource(polled, { ...deleted, status: failed.status }), [answer(204)], after).verdict).toMatchObject(gone);
    }
  });
  test("is left by the annotation", () => {
    const annotations = { "holdfast.dev/orphan": "true" };
    expect(drive(resource(polled, { ...deleted, status, annotations }), [], soon).verdict).toMatchObject(gone);
  });
  test("of what is still being created is sent when that has ended, and not before", () => {
    const making = resource(polled, { ...deleted, status: creating() });
    expect(drive(making, goesOn, soon)).toMatchObject({ sent: ["GET /jobs/1"], state: "False/Polling Reconciling" });
    const made = drive(making, [...hasEnded, values("7"), answer(204)], soon);
    expect(made.sent).toEqual(["GET /jobs/1", "DELETE users/${ .externalID }"]);
    expect(made.verdict).toMatchObject(gone);
    expect(drive(making, hasFailed, soon).verdict).toMatchObject(gone);
    const lost = drive(making, goesOn, late);
    expect([lost.state, lost.verdict.finalizer]).toEqual(["False/OutcomeUnknown Stalled", undefined]);
  });
  test("of what is being created under a name of its own waits for that, too", () => {
    const written = { ...named, create: { ...named.create, poll } };
    const { status } = drive(resource(written), [answer(404), accepted]);
    const making = resource(written, { ...deleted, status });
    expect(drive(making, goesOn, soon).sent).toEqual(["GET /jobs/1"]);
    expect(drive(making, [...hasEnded, answer(204)], soon).verdict).toMatchObject(gone);
  });
});
