/** HTTPResource's plan: what counts as delivered, and what is sent again, with scripted answers. */
import { describe, expect, test } from "@jest/globals";
import type { HTTPResourceStatus } from "../../src/api/http-resource.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import type { EvaluationResult } from "../../src/core/plan.ts";
import { answer, created, differs, drive, failure, now, resource, same, user, values } from "../support/resource-plan.ts";

const held = ["holdfast.dev/release"];
const after = (ms: number) => ({ at: new Date(now.getTime() + ms) });
const [hour, twoHours] = [after(3_600_000), after(7_200_000)];
const [look, put] = ["GET users/${ .externalID }", "PUT users/${ .externalID }"];
const opaque: EvaluationResult = { type: "values", values: [], isPartial: true };
const older = { parameters: { name: "ada", age: 37 } };

describe("an update in doubt that was sent for a change of the spec", () => {
  const posted = { ...user, update: { ...user.update, method: "POST" } };
  const changed = { ...posted, ...older };
  const object = resource(changed, { status: created(posted).status, generation: 2, finalizers: held });
  const { status, state } = drive(object, [answer(200), differs(".age"), failure(true)], hour);
  const again = resource(changed, { status, generation: 2, finalizers: held });

  test("has arrived where all that it sends is seen", () => {
    expect([state, status.attempt?.phase]).toEqual(["False/OutcomeUnknown Stalled", "Unknown"]);
    const seen = drive(again, [answer(200), same], twoHours);
    expect([seen.sent, seen.state]).toEqual([[look], "True/AsDeclared"]);
    expect(seen.status).toMatchObject({ attempt: { phase: "Done" }, delivered: { spec: status.attempt?.digest } });
  });
  test("may not have where some of it could not be compared, or it still differs", () => {
    const partly: EvaluationResult = { type: "values", values: [], differences: [], isPartial: true };
    for (const seen of [partly, differs(".age")])
      expect(drive(again, [answer(200), seen], twoHours).state).toBe("False/OutcomeUnknown Stalled");
  });
  test("is not taken for what is declared by now, which is sent", () => {
    const newest = { ...posted, parameters: { name: "ada", age: 38 } };
    const object = resource(newest, { status, generation: 3, finalizers: held });
    const edited = drive(object, [answer(200), same, answer(200), values(null)], twoHours);
    expect([edited.sent, edited.state]).toEqual([[look, "POST users/${ .externalID } after intent"], "True/Updated"]);
  });
});

describe("a status that does not say what was delivered", () => {
  const blind = { ...user, update: { ...user.update, body: { text: "36" } } };
  const { delivered: _, ...before } = created(blind).status as HTTPResourceStatus;
  const seenUnder = (status: HTTPResourceStatus, generation = 1, sends = false) =>
    drive(resource(blind, { status, generation, finalizers: held }), [answer(200), opaque, ...(sends ? [answer(200)] : [])], hour)
      .sent;
  const { attempt: __, externalID, ...unattempted } = before;
  const adopted = { ...unattempted, ...(externalID !== undefined && { externalID }) };

  test("is 0.1.0's where it does not say either whether the object has been seen: it counts as delivered", () => {
    expect(before).not.toHaveProperty("seen");
    expect(seenUnder(before)).toEqual([look]);
  });
  test("is this version's where it says that: it is sent", () => {
    expect(seenUnder({ ...before, seen: true }, 1, true)).toEqual([look, put]);
  });
  test("says nothing of a spec that has changed since the object was Ready", () => {
    expect(seenUnder(adopted)).toEqual([look]);
    expect(seenUnder(adopted, 2, true)).toEqual([look, put]);
  });
});

describe("a spec that is edited while the work of its update goes on", () => {
  const poll = { interval: "5s", timeout: "10m" };
  const polled = { ...user, update: { ...user.update, body: { text: "36" }, poll } };
  const edited = { ...polled, update: { ...polled.update, body: { text: "37" } } };
  const newest = { ...polled, update: { ...polled.update, body: { text: "38" } } };
  const accepted = answer(202, { location: "/jobs/1" });
  const hasEnded = [answer(200), values(true, false)];
  const working = drive(
    resource(edited, { status: created(polled).status, generation: 2, finalizers: held }),
    [answer(200), opaque, accepted],
    hour,
  );

  test("is not what was delivered: it is sent after it", () => {
    expect(working.state).toBe("False/Polling Reconciling");
    const ended = drive(resource(newest, { status: working.status, generation: 3, finalizers: held }), hasEnded, twoHours);
    expect(ended.sent).toEqual(["GET /jobs/1"]);
    const object = resource(newest, { status: ended.status, generation: 3, finalizers: held });
    expect(drive(object, [answer(200), opaque, accepted], twoHours).sent).toEqual([look, put]);
  });
  test("but for one that was not edited, which was delivered", () => {
    const ended = drive(resource(edited, { status: working.status, generation: 2, finalizers: held }), hasEnded, twoHours);
    const object = resource(edited, { status: ended.status, generation: 2, finalizers: held });
    expect(drive(object, [answer(200), opaque], twoHours).sent).toEqual([look]);
  });
});

interface Rest {
  readonly sends?: boolean;
  readonly annotations?: Record<string, string>;
}
describe("a Secret's value that update sends", () => {
  const inputs = { token: { secretKeyRef: { name: "s", key: "token" } } };
  const body = { json: { token: "${ .inputs.token }" } };
  const secret = { ...user, inputs, create: { ...user.create, body }, update: { ...user.update, body } };
  const digest = (text: string | null) => values(text);
  const first = drive(resource(secret), [answer(201), values("7"), digest("k1:a")]);
  const { seen: _, ...status } = first.status;
  const hidden: EvaluationResult = { type: "values", values: [], differences: [], isPartial: true };
  const looked = (known: HTTPResourceStatus, key: string | null, { sends = false, ...rest }: Rest = {}) =>
    drive(
      resource(secret, { status: known, finalizers: held, ...rest }),
      [answer(200), hidden, digest(key), ...(sends ? [answer(200)] : [])],
      hour,
    );

  test("is sent when it changes, and not while it does not", () => {
    expect(first.status.delivered).toMatchObject({ inputs: "k1:a" });
    expect(looked(status, "k1:a").sent).toEqual([look]);
    const rotated = looked(status, "k1:b", { sends: true });
    expect([rotated.sent, rotated.status.delivered?.inputs]).toEqual([[look, put], "k1:b"]);
  });
  test("is sent when it has changed while the key was away for a while", () => {
    const away = looked(status, null);
    expect([away.sent, away.status.delivered?.inputs]).toEqual([[look], "k1:a"]);
    expect(looked(away.status, "k1:b", { sends: true }).sent).toEqual([look, put]);
    expect(looked(away.status, "k1:a").sent).toEqual([look]);
  });
  test("is sent again, once, where a person asks", () => {
    const annotations = { "holdfast.dev/reconcile-at": "now" };
    for (const key of ["k1:a", "k2:a", null]) {
      const asked = looked(status, key, { sends: true, annotations });
      expect(asked.sent).toEqual([look, put]);
      expect(looked(asked.status, key, { annotations }).sent).toEqual([look]);
    }
  });
  test.each<[string, Outcome]>([
    ["is refused", answer(400)],
    ["is answered 503", answer(503)],
    ["ends without an answer", failure(true)],
  ])("that a person has sent again, and that %s, is sent until it arrives", (_how, outcome) => {
    const annotations = { "holdfast.dev/reconcile-at": "now" };
    const asking = (known: HTTPResourceStatus, answers: readonly Outcome[], at = hour) =>
      drive(
        resource(secret, { status: known, finalizers: held, annotations }),
        [answer(200), hidden, digest("k1:a"), ...answers],
        at,
      );
    const failed = asking(status, [outcome]);
    expect([failed.sent, failed.status.lastHandledReconcileAt]).toEqual([[look, put], "now"]);
    const again = asking(failed.status, [outcome], twoHours);
    expect(again.sent).toEqual([look, put]);
    const arrived = asking(again.status, [answer(200)], after(10_800_000));
    expect(arrived.sent).toEqual([look, put]);
    expect(asking(arrived.status, [], after(14_400_000)).sent).toEqual([look]);
  });
});
