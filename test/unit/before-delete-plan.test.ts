/** A step before delete whose work goes on, or that changes what delete reads. */
import { describe, expect, test } from "@jest/globals";
import type { Outcome } from "../../src/core/outcome.ts";
import type { EvaluationResult } from "../../src/core/plan.ts";
import { answer, created, deleted, drive, failure, gone, resource, url, user, values } from "../support/resource-plan.ts";

const poll = { interval: "5s", timeout: "10m" };
const disable = { url: `${url}/\${ .externalID }/disable`, method: "POST" };
const prepared = { ...user, beforeDelete: { ...disable, poll } };
const accepted = answer(202, { location: "/jobs/1" });
const goesOn = [answer(202), values(false, false)];
const hasEnded = [answer(200), values(true, false)];
const soon = { at: new Date(Date.parse("2026-01-01T00:00:05Z")) };
type Answers = readonly (Outcome | EvaluationResult)[];

/** A user who is being deleted, and whose step before has been answered. */
function preparing(written: object = prepared, answers: Answers = [accepted]) {
  const { status } = created(written);
  return drive(resource(written, { status, ...deleted }), answers);
}

describe("a step before delete whose work goes on", () => {
  test("is asked after, and not sent again, and then delete is", () => {
    const { sent, status, state } = preparing();
    expect(sent).toEqual(["POST users/${ .externalID }/disable after intent"]);
    expect(state).toBe("False/Polling Reconciling");
    const object = resource(prepared, { status, ...deleted });
    expect(drive(object, goesOn, soon).sent).toEqual(["GET /jobs/1"]);
    const ended = drive(object, [...hasEnded, answer(204)], soon);
    expect(ended.sent).toEqual(["GET /jobs/1", "DELETE users/${ .externalID }"]);
    expect(ended.verdict).toMatchObject(gone);
  });

  test("that has failed is sent anew before delete is", () => {
    const { status } = preparing();
    const failed = drive(resource(prepared, { status, ...deleted }), [answer(200), values(true, true)], soon);
    expect(failed.sent).toEqual(["GET /jobs/1"]);
    expect(failed.verdict.finalizer).toBeUndefined();
    const later = { at: new Date(Date.parse("2026-01-01T01:00:00Z")) };
    const again = drive(resource(prepared, { status: failed.status, ...deleted }), [accepted], later);
    expect(again.sent).toEqual(["POST users/${ .externalID }/disable after intent"]);
  });

  test("is asked after before an object is replaced, and of one that is not to be deleted any more it is not", () => {
    const { status } = preparing();
    const replacing = resource(prepared, { status: { ...status, replacing: true } });
    expect(drive(replacing, [...hasEnded, answer(503)], soon).sent).toEqual(["GET /jobs/1", "DELETE users/${ .externalID }"]);
    const alive = drive(resource(prepared, { status }), [failure(false)], soon);
    expect(alive.sent).toEqual(["GET users/${ .externalID }"]);
  });
});

test("what delete reads is observed after the step before it, which has changed that", () => {
  const headers = [{ name: "If-Match", value: "${ .response.headers.etag }" }];
  const written = { ...user, beforeDelete: disable, delete: { ...user.delete, headers } };
  const { sent } = preparing(written, [answer(200), values(), answer(200), answer(200), values(), answer(204)].slice(0, 6));
  expect(sent).toEqual([
    "GET users/${ .externalID }",
    "POST users/${ .externalID }/disable after intent",
    "GET users/${ .externalID }",
    "DELETE users/${ .externalID }",
  ]);
});

test("what was observed before the step is known to have been there, also where the answer to DELETE is lost", () => {
  const written = { ...user, beforeDelete: disable };
  const { status } = drive(resource(written), [answer(201), values("7")]);
  const first = drive(resource(written, { status, ...deleted }), [answer(200), values(), answer(200), failure(true)]);
  expect([first.sent.at(-1), first.status.seen]).toEqual(["DELETE users/${ .externalID }", true]);
  const later = { at: new Date(Date.parse("2026-01-01T01:00:00Z")) };
  const object = resource(written, { status: first.status, ...deleted });
  const again = drive(object, [answer(200), answer(404), answer(404)], later);
  expect(again.verdict).toMatchObject(gone);
});
test("what is observed after the step, whose work went on, is known to have been there", () => {
  const headers = [{ name: "If-Match", value: "${ .response.headers.etag }" }];
  const written = { ...prepared, delete: { ...user.delete, headers } };
  const { status } = drive(resource(written), [answer(201), values("7")]);
  const begun = drive(resource(written, { status, ...deleted }), [answer(200), values(), accepted]);
  const object = resource(written, { status: { ...begun.status, seen: false }, ...deleted });
  const ended = drive(object, [...hasEnded, answer(200), values(), failure(true)], soon);
  expect([ended.sent.at(-1), ended.status.seen]).toEqual(["DELETE users/${ .externalID }", true]);
});
