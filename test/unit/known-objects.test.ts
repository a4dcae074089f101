/** What a status still says of an object, or of an attempt, after the declaration that led to it has changed. */
import { describe, expect, test } from "@jest/globals";
import { answer, condition, drive, httpRequest, reset } from "../support/request-plan.ts";
import * as remote from "../support/resource-plan.ts";

const { resource, user, named, values, now } = remote;
const start = "2026-01-01T00:00:00Z";
const release = { deleted: true, finalizers: ["holdfast.dev/release"], generation: 2 };

describe("a remote object that is there, and is to be asked for by an id that nobody knows,", () => {
  test("is not created a second time because observe was declared after it was created", () => {
    const first = remote.drive(resource({ create: user.create }), [remote.answer(201)]);
    let object = resource(user, { status: first.status, generation: 2 });
    for (let looks = 0; looks < 3; looks += 1) {
      const { sent, state, status } = remote.drive(object, [], { at: new Date(now.getTime() + looks * 600_000) });
      expect({ sent, state }).toEqual({ sent: [], state: "Unknown/ExternalIDUnknown Reconciling" });
      object = resource(user, { status, generation: 2 });
    }
    const annotations = { "holdfast.dev/external-id": "7" };
    const { sent, state } = remote.drive({ ...object, metadata: { ...object.metadata, annotations } }, [
      remote.answer(200),
      remote.same,
    ]);
    expect({ sent, state }).toEqual({ sent: ["GET users/${ .externalID }"], state: "True/AsDeclared" });
  });
  test("is not created a second time because it was taken over by its name before", () => {
    let { status } = remote.drive(resource(named), [remote.answer(200)]);
    for (let looks = 0; looks < 3; looks += 1) {
      const again = remote.drive(resource(user, { status, generation: 2 }));
      expect(again.sent).toEqual([]);
      ({ status } = again);
    }
  });
  test("is not created a second time because its create is to be sent again where its outcome is unknown", () => {
    const eager = { ...user, onUnknown: "Resend" };
    const { status, state } = remote.drive(resource(eager), [remote.answer(201), values(null)]);
    expect(state).toBe("False/ExternalIDUnknown Stalled");
    const again = remote.drive(resource(eager, { status }), [], { at: new Date(now.getTime() + 600_000) });
    expect(again).toMatchObject({ sent: [], state: "False/ExternalIDUnknown Stalled", status });
  });
});

describe("a name that somebody else has taken", () => {
  const { observe: _, ...unseen } = named;
  test("is not deleted with the object that could not be created under it", () => {
    const { status } = remote.drive(resource(unseen), [remote.answer(409)]);
    const { sent, verdict } = remote.drive(resource(unseen, { status, ...release }));
    expect(sent).toEqual([]);
    expect(verdict.finalizer).toEqual({ name: "holdfast.dev/release", present: false });
  });
  test("is the object's own where it was created", () => {
    const { status } = remote.drive(resource(unseen), [remote.answer(201)]);
    expect(remote.drive(resource(unseen, { status, ...release }), [remote.answer(204)]).sent).toEqual(["DELETE users/ada"]);
  });
});

describe("an outcome that is unknown", () => {
  test("keeps its reason when it is looked at again, and nothing is written", () => {
    const { status } = drive(httpRequest(), start, [reset]);
    expect(condition(status, "Ready")?.message).toMatch(/^the connection was reset/);
    expect(drive(httpRequest({}, { status }), "2026-01-02T00:00:00Z").status).toEqual(status);
    const created = remote.drive(resource(user), [remote.answer(502)]);
    const { nextRunAt: _, ...kept } = created.status;
    const later = new Date(now.getTime() + 86_400_000);
    expect(remote.drive(resource(user, { status: created.status }), [], { at: later }).status).toEqual(kept);
  });
  test("is no process's end where none ended", () => {
    const { status } = drive(httpRequest(), start, [reset]);
    const { message } = condition(drive(httpRequest({ timeout: "1s" }, { status, generation: 2 }), start).status, "Ready") ?? {};
    expect(message).toMatch(/^its outcome is not known: it may or may not have arrived/);
  });
});

test("the condition of the latest run speaks of the generation that was run, until another one has been", () => {
  const first = drive(httpRequest(), start, [answer(200)]);
  const ranAt = (driven: ReturnType<typeof drive>): unknown => condition(driven.status, "Succeeded");
  const { status } = first;
  expect(ranAt(drive(httpRequest({ timeout: "1s" }, { status, generation: 2 }), start))).toMatchObject({ observedGeneration: 2 });
  const changed = { body: { text: "other" } };
  const suspended = drive(httpRequest({ ...changed, suspend: true }, { status, generation: 2 }), start);
  expect(ranAt(suspended)).toMatchObject({ status: "True", observedGeneration: 1 });
  const tried = drive(httpRequest(changed, { status: suspended.status, generation: 3 }), start, [answer(429)]);
  expect(ranAt(tried)).toMatchObject({ status: "True", observedGeneration: 1 });
  const failed = drive(httpRequest(changed, { status, generation: 3 }), start, [answer(400)]);
  expect(ranAt(failed)).toMatchObject({ status: "False", observedGeneration: 3 });
});

test("a reconcile-at that is longer than a status has room for is answered once", () => {
  const annotations = { "holdfast.dev/reconcile-at": "😀".repeat(2_000) };
  const { status } = drive(httpRequest({ method: "PUT" }, { annotations }), start, [answer(200)]);
  expect(status.lastHandledReconcileAt?.length).toBeLessThanOrEqual(1024);
  expect(drive(httpRequest({ method: "PUT" }, { annotations, status }), start).steps).toEqual([]);
  const other = { "holdfast.dev/reconcile-at": `${annotations["holdfast.dev/reconcile-at"]}!` };
  expect(drive(httpRequest({ method: "PUT" }, { annotations: other, status }), start, [answer(200)]).steps).toHaveLength(1);
});
