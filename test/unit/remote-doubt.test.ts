/** HTTPResource's plan where it is in doubt what was renamed, refused or replaced: never two, and nothing for ever. */
import { describe, expect, test } from "@jest/globals";
import type { Outcome } from "../../src/core/outcome.ts";
import type { EvaluationResult } from "../../src/core/plan.ts";
import {
  after,
  answer,
  condition,
  created,
  deleted,
  differs,
  drive,
  failure,
  gone,
  held,
  hour,
  named,
  now,
  resource,
  same,
  twoHours,
  url,
  user,
  values,
} from "../support/resource-plan.ts";

type Answers = (Outcome | EvaluationResult)[];
const [look, put, post, remove] = [
  "GET users/${ .externalID }",
  "PUT users/${ .externalID }",
  "POST users after intent",
  "DELETE users/${ .externalID }",
];
const opaque: EvaluationResult = { type: "values", values: [], isPartial: true };
const again = (written: object, { status }: ReturnType<typeof drive>, more: object = {}) =>
  resource(written, { status, finalizers: held, ...more });

describe("what a server makes otherwise than it is declared, at a place that only a new object could change,", () => {
  const written = { ...user, replace: [".age"] };
  const older = { ...written, parameters: { name: "ada", age: 37 } };
  /** `wanted`: stands for what is declared there. */
  const differing = (wanted: string, path = ".age"): EvaluationResult => ({
    type: "values",
    values: [],
    differences: [{ path, digest: wanted }],
  });
  const wrong = (wanted = "36", path?: string): Answers => [answer(200), differing(wanted, path)];
  const rightAway = [answer(200), same];
  /** Created, and not seen yet. */
  const fresh = (spec: object = written) => again(spec, drive(resource(spec), [answer(201), values("7")]));
  /** After so many looks, an hour apart. */
  function lookedAt(spec: object, ...looks: readonly Answers[]) {
    let object = fresh(spec);
    let at = now.getTime();
    let driven: ReturnType<typeof drive> | undefined;
    for (const answers of looks) {
      driven = drive(object, answers, { at: new Date((at += 3_600_000)) });
      object = again(spec, driven);
    }
    return { object, driven, at: { at: new Date(at + 3_600_000) } };
  }

  test("is updated, and contested then, and not deleted and made anew for ever", () => {
    let object = fresh();
    let at = now;
    const sent: string[] = [];
    const states: unknown[] = [];
    for (let looks = 0; looks < 4; looks += 1) {
      at = new Date(at.getTime() + 600_000);
      const driven = drive(object, looks === 0 ? [...wrong(), answer(200)] : wrong(), { at });
      sent.push(...driven.sent.filter((line) => line !== look));
      states.push([driven.state, condition(driven.status, "Contested")?.status]);
      // While its corrections are put off, it is looked at each interval.
      expect(driven.verdict.requeueAfterMs).toBeLessThanOrEqual(660_000);
      object = again(written, driven);
    }
    expect(sent).toEqual([put]);
    expect(states).toEqual([["True/Updated", undefined], ...Array.from({ length: 3 }, () => ["False/NotHeld", "True"])]);
  });
  test("is made anew, once, for a change of what is declared there", () => {
    const { status } = lookedAt(written, [...wrong(), answer(200)]).object;
    const changed = drive(resource(older, { status, generation: 2, finalizers: held }), wrong("37"), twoHours);
    expect([changed.sent, changed.state]).toEqual([[look], "False/Replacing Reconciling"]);
    const unmade = drive(again(older, changed, { generation: 2 }), [answer(204)], twoHours);
    expect([unmade.sent, unmade.state]).toEqual([[remove], "False/Replacing Reconciling"]);
    expect(unmade.status).not.toHaveProperty("asMade");
    const made = drive(again(older, unmade, { generation: 2 }), [answer(201), values("8")], twoHours);
    expect([made.sent, made.status.externalID]).toEqual([post, "8"].map((one, at) => (at === 0 ? [one] : one)));
    const seen = drive(again(older, made, { generation: 2 }), [...wrong("37"), answer(200)], after(10_800_000));
    expect([seen.sent, seen.state]).toEqual([[look, put], "True/Updated"]);
  });
  test.each<[string, readonly Answers[], object, Record<string, string>]>([
    ["an edit of what is not sent", [[...wrong(), answer(200)]], { retry: { limit: 2 } }, {}],
    ["an edit of what is declared elsewhere", [[...wrong(), answer(200)]], { parameters: { name: "eve", age: 36 } }, {}],
    [
      "an edit after it has been updated in vain",
      [
        [...wrong(), answer(200)],
        [...wrong(), answer(200)],
      ],
      { retry: { limit: 1 } },
      {},
    ],
    ["a person who has it looked at now", [[...wrong(), answer(200)]], {}, { "holdfast.dev/reconcile-at": "now" }],
  ])("is never deleted for %s", (_what, looks, edit, annotations) => {
    const { object } = lookedAt(written, ...looks);
    const edited = resource({ ...written, ...edit }, { status: object.status, generation: 2, finalizers: held, annotations });
    for (const answers of [wrong(), [answer(200), both()]]) {
      const driven = drive(edited, [...answers, answer(200)], after(86_400_000));
      expect([driven.sent, driven.status.replacing]).toEqual([[look, put], undefined]);
    }
  });
  /** Beside it something differs that can be changed. */
  function both(): EvaluationResult {
    return {
      type: "values",
      values: [],
      differences: [
        { path: ".age", digest: "36" },
        { path: ".name", digest: "ada" },
      ],
    };
  }
  test("is made anew where what it takes of others has changed, and only then", () => {
    const body = { json: { region: "${ .inputs.region }" } };
    const inputs = { region: { configMapKeyRef: { name: "c", key: "region" } } };
    const placed = { ...user, inputs, replace: [".region"], create: { ...user.create, body }, update: { ...user.update, body } };
    const made = drive(resource(placed), [answer(201), values("7"), values("k1:a")]);
    const looks = (wanted: string, digest: string | null): Answers => [...wrong(wanted, ".region"), values(digest)];
    const first = again(placed, drive(again(placed, made), [...looks("a", "k1:a"), answer(200)], hour));
    expect(drive(first, looks("b", "k1:b"), twoHours)).toMatchObject({ sent: [look], state: "False/Replacing Reconciling" });
    // A Secret that rotates deletes nothing where the server makes the place otherwise each time.
    expect(drive(first, [...looks("a", "k1:b"), answer(200)], twoHours).sent).toEqual([look, put]);
  });
  test("is made anew where it was as declared and was changed by hand, updated before or not, once", () => {
    for (const sight of [rightAway, [...wrong("x", ".name"), answer(200)]]) {
      const { object, at } = lookedAt(written, sight);
      const replacing = drive(object, wrong(), at);
      expect(replacing.state).toBe("False/Replacing Reconciling");
      const unmade = drive(again(written, replacing), [answer(204)], at);
      const made = drive(again(written, unmade), [answer(201), values("8")], at);
      const seen = drive(again(written, made), rightAway, after(36_000_000));
      const byHand = drive(again(written, seen), [...wrong(), answer(200)], after(39_600_000));
      expect([byHand.sent, byHand.status.replacing]).toEqual([[look, put], undefined]);
    }
  });
  test("is not made anew either where the answer to each update says that it has to be", () => {
    const byStatus = { ...user, replace: ["409"] };
    let object = fresh(byStatus);
    for (let looks = 1; looks < 5; looks += 1) {
      const driven = drive(object, [...wrong(), answer(409)], after(looks * 3_600_000));
      expect([driven.sent, driven.status.replacing]).toEqual([[look, put], undefined]);
      expect(driven.state).toBe("False/UnexpectedStatus Reconciling");
      object = again(byStatus, driven);
    }
    const changed = { ...byStatus, parameters: older.parameters };
    const at = { at: new Date(now.getTime() + 86_400_000) };
    const edited = drive(
      resource(changed, { status: object.status, generation: 2, finalizers: held }),
      [...wrong("37"), answer(409)],
      at,
    );
    expect([edited.state, edited.status.replacing]).toEqual(["False/Replacing Reconciling", true]);
  });
  test("is recorded only where something can be made anew, and of what was made and not adopted", () => {
    expect(lookedAt(written, [...wrong(), answer(200)]).object.status?.asMade).toEqual({ ".age": "36" });
    expect(lookedAt(user, [...wrong().slice(0, 1), differs(".age"), answer(200)]).object.status).not.toHaveProperty("asMade");
    expect(lookedAt(written, rightAway, [...wrong("x", ".name"), answer(200)]).object.status).not.toHaveProperty("asMade");
    const adopted = { ...written, externalID: ".parameters.name" };
    expect(drive(resource(adopted), [values("ada"), ...wrong()]).state).toBe("False/Replacing Reconciling");
  });
});

describe("an update in doubt that may have given the object another id", () => {
  const differing: EvaluationResult = { type: "values", values: [], differences: [{ path: ".name" }] };
  const renaming: EvaluationResult = { ...differing, foretold: "8" };
  const form = { ...user, update: { ...user.update, body: { form: [{ name: "age", value: "37" }] } } };
  const compared = { ...user, upToDate: ".response.body.age == .parameters.age" };
  const keyed = { ...user, idempotencyKey: {}, update: { ...user.update, method: "POST" } };
  const cases: [string, object, EvaluationResult][] = [
    ["a PUT of JSON", user, renaming],
    ["a PUT of a form", form, renaming],
    ["a PUT where spec.upToDate compares", compared, values(false)],
    ["a POST under a key", keyed, renaming],
  ];
  describe.each(cases)("by %s", (_what, written, seen) => {
    const doubt = (outcome: Outcome) => drive(created(written), [answer(200), seen, outcome], hour);
    test.each<[string, Outcome]>([
      ["times out", failure(true)],
      ["is answered 500", answer(500)],
      ["is answered 502", answer(502)],
    ])("that %s creates nothing where the old id is not there, and keeps the finalizer", (_how, outcome) => {
      const { sent, state, status } = doubt(outcome);
      expect(sent.at(-1)).toMatch(/ after intent$/);
      expect([state, status.attempt?.phase]).toEqual(["False/OutcomeUnknown Stalled", "Unknown"]);
      const absent = drive(resource(written, { status, finalizers: held }), [answer(404)], twoHours);
      expect([absent.sent, absent.state]).toEqual([[look], "False/OutcomeUnknown Stalled"]);
      const released = drive(resource(written, { ...deleted, status }), [answer(404)], twoHours);
      expect([released.sent, released.verdict.finalizer]).toEqual([[look], undefined]);
      expect(released.state).toBe("False/OutcomeUnknown Stalled");
    });
    test("is none where it was refused, or never left", () => {
      expect(doubt(answer(422)).status.attempt).toMatchObject({ phase: "Done", succeeded: false });
      expect(doubt(failure(false)).status.attempt).toMatchObject({ phase: "Retrying" });
      expect(doubt(failure(false)).status.attempt).not.toHaveProperty("inDoubt");
    });
  });
  test("is a POST under a key that is tried again, too", () => {
    const { status } = drive(created(keyed), [answer(200), differing, failure(true)], hour);
    expect(status.attempt).toMatchObject({ verb: "Update", phase: "Retrying", inDoubt: true });
    const absent = drive(resource(keyed, { status, finalizers: held }), [answer(404)], twoHours);
    expect([absent.sent, absent.state]).toEqual([[look], "False/OutcomeUnknown Stalled"]);
    expect(drive(resource(keyed, { ...deleted, status }), [answer(404)], twoHours).verdict.finalizer).toBeUndefined();
  });
});

describe("what has a declared id, and whose create was refused because another's has it,", () => {
  const { observe: _, ...unwatched } = { ...user, externalID: ".parameters.name" };
  const watched = { ...unwatched, observe: user.observe };
  const isAda = values("ada");

  test("is not deleted where nobody can look", () => {
    const { status } = drive(resource(unwatched), [isAda, answer(409)]);
    expect(status.attempt).toMatchObject({ verb: "Create", phase: "Done", succeeded: false });
    const released = drive(resource(unwatched, { ...deleted, status }), [isAda], hour);
    expect([released.sent, released.verdict]).toMatchObject([[], { ...gone, reason: "NothingCreated" }]);
  });
  test("is looked at before it is deleted", () => {
    const { status } = drive(resource(watched), [isAda, answer(404), answer(409)]);
    const released = (...answers: Answers) => drive(resource(watched, { ...deleted, status }), [isAda, ...answers], hour);
    expect([released(answer(404)).sent, released(answer(404)).verdict]).toMatchObject([
      [look],
      { ...gone, reason: "NothingCreated" },
    ]);
    expect([released(answer(503)).sent, released(answer(503)).verdict.finalizer]).toEqual([[look], undefined]);
  });
  test("is deleted where it may have been created after all, and the deletion ends", () => {
    const { status } = drive(resource(watched), [isAda, answer(404), failure(true)]);
    expect(status.attempt).toMatchObject({ verb: "Create", phase: "Unknown" });
    const waits = drive(resource(watched, { ...deleted, status }), [isAda, answer(404)], hour);
    expect([waits.sent, waits.state]).toEqual([[look], "False/OutcomeUnknown Reconciling"]);
    const released = drive(
      resource(watched, { ...deleted, status: waits.status }),
      [isAda, ...[404, 404, 404].map((code) => answer(code))],
      twoHours,
    );
    expect([released.sent, released.verdict]).toMatchObject([[look, remove, look], gone]);
  });
});

describe("the id that an update's answer gave", () => {
  const wrong = [answer(200), differs(".age")];
  const renamed = drive(created(), [...wrong, answer(200), values("8")]);
  const object = again(user, renamed);

  test("is held for half a minute where neither it nor the one before is seen, and creates nothing so soon", () => {
    expect(renamed.status).toMatchObject({ externalID: "8", formerExternalID: "7", seen: false });
    for (const ms of [1_000, 29_000]) {
      const { sent, state, status } = drive(object, [answer(404), answer(404)], after(ms));
      expect([sent, state]).toEqual([[look, look], "False/NotSeen Reconciling"]);
      expect(status).toMatchObject({ externalID: "8", formerExternalID: "7" });
    }
    const late = drive(object, [answer(404), answer(404), answer(201), values("9")], after(31_000));
    expect([late.sent, late.status.externalID]).toEqual([[look, look, post], "9"]);
  });
  test("is not believed where nothing was compared, while the one before is there", () => {
    const blind = { ...user, update: { ...user.update, body: { text: "36" } } };
    const other = { ...user, update: { ...user.update, body: { text: "37" } } };
    const { status } = drive(resource(other, { status: created(blind).status, generation: 2 }), [
      answer(200),
      opaque,
      answer(200),
      values("8"),
    ]);
    expect(status).toMatchObject({ externalID: "8", formerExternalID: "7" });
    const next = resource(other, { status, generation: 2, finalizers: held });
    const both = drive(next, [answer(200), opaque, answer(200), opaque], hour);
    expect([both.sent, both.status.externalID]).toEqual([[look, look], "7"]);
    expect(drive(next, [answer(200), opaque, answer(404)], hour).status.externalID).toBe("8");
  });
  test("is not taken where nobody can look at what has it", () => {
    const { observe: _, ...blind } = user;
    const other = { ...blind, parameters: { name: "ada", age: 37 } };
    const changed = resource(other, { status: created(blind).status, generation: 2, finalizers: held });
    const updated = drive(changed, [answer(200)], hour);
    expect([updated.sent, updated.status.externalID]).toEqual([[put], "7"]);
    // The answer is not even asked for an id: the script has one too many.
    expect(() => drive(changed, [answer(200), values("8")], hour)).toThrow(/toHaveLength/);
  });
});

describe("a replacement", () => {
  const delete_ = { ...user.delete, headers: [{ name: "If-Match", value: "${ .response.headers.etag }" }] };
  test.each<[string, object, Answers]>([
    ["whose id is not known any more", { ...user, delete: delete_ }, []],
    ["that is asked for by its name", { ...user, observe: named.observe, delete: delete_ }, [answer(404)]],
  ])("that finds the object gone creates it: one %s", (_what, more, looks) => {
    const written = { ...more, replace: [".name"] };
    const eve = { ...written, parameters: { name: "eve", age: 36 } };
    const of = (driven: { readonly status: ReturnType<typeof drive>["status"] }) =>
      resource(eve, { status: driven.status, generation: 2, finalizers: held });
    const replacing = drive(of({ status: created().status ?? {} }), [answer(200), differs(".name")], hour);
    expect(replacing.status.replacing).toBe(true);
    const unmade = drive(of(replacing), [answer(404)], hour);
    expect([unmade.state, unmade.status]).toMatchObject(["False/Replacing Reconciling", {}]);
    for (const field of ["attempt", "externalID", "replacing", "delivered"]) expect(unmade.status).not.toHaveProperty(field);
    expect(condition(unmade.status, "Drifted")).toBeUndefined();
    const made = drive(of(unmade), [...looks, answer(201), values("8")], hour);
    expect([made.sent.at(-1), made.state, made.status.externalID]).toEqual([post, "True/Created", "8"]);
    expect(drive(of(made), [answer(200), same], twoHours).state).toBe("True/Created");
  });
});

test("a create whose outcome nobody knew is decided by a lookup that is declared later", () => {
  const unknown = drive(resource(user), [answer(500)]);
  expect(unknown.state).toBe("False/OutcomeUnknown Stalled");
  const listed = { ...user, lookup: { url, match: ".item.name == .parameters.name" } };
  const later = (answers: Answers, status = unknown.status) =>
    drive(resource(listed, { status, generation: 2 }), answers, status === unknown.status ? hour : twoHours);
  const first = later([answer(200), values([], null)]);
  expect([first.sent, first.state]).toEqual([["GET users"], "False/OutcomeUnknown Reconciling"]);
  const absent = later([answer(200), values([], null), answer(201), values("8")], first.status);
  expect([absent.sent, absent.status.externalID]).toEqual([["GET users", post], "8"]);
  const there = later([answer(200), values(["9"], null), answer(200), same]);
  expect([there.sent.includes(post), there.status.externalID]).toEqual([false, "9"]);
});
