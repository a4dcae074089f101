/** HTTPResource's plan: whom an observation makes it ask, create, delete or leave, with scripted answers. */
import { describe, expect, test } from "@jest/globals";
import type { Outcome } from "../../src/core/outcome.ts";
import type { EvaluationResult } from "../../src/core/plan.ts";
import type { Resource } from "../../src/core/resource.ts";
import { httpResourceKind } from "../../src/kinds/http-resource/plan.ts";
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
  resource,
  same,
  twoHours,
  url,
  user,
  values,
} from "../support/resource-plan.ts";

const [look, remove] = ["GET users/${ .externalID }", "DELETE users/${ .externalID }"];
const { observe: _, ...unwatched } = user;

describe("an object that is not declared to be another's, and that only a lookup shows,", () => {
  const lookup = { url, match: ".item.name == .parameters.name" };
  const written = { ...unwatched, lookup, mine: ".object.owner == .metadata.name" };
  const mine = (is: boolean): EvaluationResult => ({ type: "values", values: [is], differences: [] });
  const { status } = drive(resource(written), [answer(200), values([]), answer(201), values("7")]);
  const object = resource(written, { ...deleted, status: { ...status, seen: true } });
  const found = (id: string) => [answer(200), values([{ id, item: { id } }])];

  test("is looked up before it is deleted", () => {
    const released = drive(object, [...found("7"), mine(true), answer(204)], hour);
    expect([released.sent, released.verdict]).toMatchObject([["GET users", remove], gone]);
  });
  test("is not deleted where it is another's by now, or nobody can say", () => {
    const another = drive(object, [...found("7"), mine(false)], hour);
    expect([another.sent, another.state, another.verdict.finalizer]).toEqual([["GET users"], "False/NotMine Stalled", undefined]);
    const silent = drive(object, [answer(503)], hour);
    expect([silent.sent, silent.verdict.finalizer]).toEqual([["GET users"], undefined]);
  });
  test("need not be deleted where the list does not have it", () => {
    expect(drive(object, [answer(200), values([])], hour)).toMatchObject({ sent: ["GET users"], verdict: gone });
  });
});

describe("what a PUT has created", () => {
  const put = { ...user, create: { ...user.create, method: "PUT" } };
  const { delete: __, ...kept } = put;
  const made = (written: object) => drive(resource(written), [answer(201), values("7")]).status;

  test("is known to have been seen, so that its deletion ends where it is gone", () => {
    const seen = drive(resource(put, { status: made(put), finalizers: held }), [answer(200), same], after(60_000));
    expect(seen.status.seen).toBe(true);
    const released = drive(resource(put, { ...deleted, status: seen.status }), [answer(404), answer(404)], hour);
    expect([released.sent, released.verdict]).toMatchObject([[remove, look], gone]);
    const unseen = drive(resource(put, { ...deleted, status: made(put) }), [answer(404), answer(404), answer(404)], hour);
    expect([unseen.state, unseen.verdict.finalizer]).toEqual(["False/NotDeleted Stalled", undefined]);
  });
  test("is looked at before its DELETE where nobody has, so that a 404 is believed where the answer to that was lost", () => {
    const first = drive(resource(put, { ...deleted, status: made(put) }), [answer(200), same, failure(true)], hour);
    expect([first.sent, first.status.seen]).toEqual([[look, remove], true]);
    const again = drive(resource(put, { ...deleted, status: first.status }), [answer(404), answer(404)], twoHours);
    expect([again.sent, again.verdict]).toMatchObject([[remove, look], gone]);
    // What cannot be looked at is deleted all the same.
    expect(drive(resource(put, { ...deleted, status: made(put) }), [answer(503), answer(204)], hour).verdict).toMatchObject(gone);
  });
  test("is deleted by the id that is known, where the look before that shows another", () => {
    const byName = { ...put, observe: { url: `${url}/ada` } };
    const object = resource(byName, { ...deleted, status: made(put) });
    const looks: (readonly [string, boolean])[] = [
      ["8", false],
      ["7", true],
    ];
    for (const [id, seen] of looks) {
      const { steps, status } = drive(object, [answer(200), { ...same, values: [id] } as EvaluationResult, failure(true)], hour);
      const sent = steps.at(-1);
      expect([sent?.type === "exchange" && sent.exchange.scope.externalID, status.externalID, status.seen]).toEqual([
        "7",
        "7",
        seen,
      ]);
    }
  });
  test("costs no write of its own where nothing is deleted and it may be created twice", () => {
    const status = made(kept);
    expect(drive(resource(kept, { status }), [answer(200), same], after(60_000)).status).toBe(status);
  });
  test("is created again at the interval where spec.observe never shows it, and soon where it was seen before", () => {
    const often = { ...put, interval: "20m" };
    const object = resource(often, { status: made(often), finalizers: held });
    for (const ms of [2_000, 31_000, 600_000, 1_199_000])
      expect(drive(object, [answer(404)], after(ms))).toMatchObject({ sent: [look], status: { externalID: "7" } });
    const again = drive(object, [answer(404), answer(201), values("8")], after(1_201_000));
    expect([again.sent.at(-1), again.state]).toEqual(["PUT users", "True/Created"]);
    const seen = drive(object, [answer(200), same], after(2_000));
    const lost = resource(often, { status: seen.status, finalizers: held });
    expect(drive(lost, [answer(404), answer(201), values("8")], after(31_000)).sent).toEqual([look, "PUT users"]);
  });
});

test("two that refer to each other because of an edit can both be deleted", () => {
  const other = { ...created(user, deleted), metadata: { ...created(user, deleted).metadata, name: "bob", uid: "uid-2" } };
  const cycle = ["HTTPResource/ada", "HTTPResource/bob", "HTTPResource/ada"];
  const inUse = drive(created(user, deleted), [], { ...hour, referrers: [other] });
  expect([inUse.state, inUse.verdict.finalizer]).toEqual(["False/InUse Reconciling", undefined]);
  expect(drive(created(user, deleted), [answer(204)], { ...hour, referrers: [other], cycle })).toMatchObject({
    sent: [remove],
    verdict: gone,
  });
});

test("an id that is declared takes of the inputs only what it reads", () => {
  const inputs = { org: { value: "acme" }, token: { secretKeyRef: { name: "s", key: "token" } } };
  const { steps } = drive(resource({ ...unwatched, inputs, externalID: ".inputs.org" }), [values("acme"), answer(201)]);
  const [first] = steps;
  const read = first?.type === "evaluate" && "scope" in first.evaluation ? first.evaluation.scope.inputs : {};
  expect(Object.keys(read)).toEqual(["org"]);
});

test("an id that a person gives and that is another's costs nothing of what is known", () => {
  const written = { ...user, mine: ".object.owner == .metadata.name" };
  const mine = (is: boolean): EvaluationResult => ({ type: "values", values: [is], differences: [] });
  const annotations = { "holdfast.dev/external-id": "9" };
  const object = resource(written, { status: created(written).status, annotations, finalizers: held });
  const wrong = drive(object, [answer(200), mine(false)], hour);
  expect([wrong.sent, wrong.state, wrong.status.externalID]).toEqual([[look], "False/ImportNotFound Stalled", "7"]);
  expect(wrong.status).not.toHaveProperty("lastHandledExternalID");
  const without = resource(written, { status: wrong.status, finalizers: held });
  expect(drive(without, [answer(200), mine(true)], twoHours)).toMatchObject({
    state: "True/AsDeclared",
    status: { externalID: "7" },
  });
  expect(drive(object, [answer(200), mine(true)], hour).status.externalID).toBe("9");
});

describe("deletionPolicy: DeleteOrOrphan", () => {
  const inputs = { project: { objectRef: { kind: "HTTPRequest", name: "p", expression: ".status.a" } } };
  const needing = { url: `${user.delete.url}?p=\${ .inputs.project }` };
  const written = { ...user, inputs, delete: needing, deletionPolicy: "DeleteOrOrphan" };
  const notReady: Resource = {
    metadata: { name: "p", namespace: "team-a", uid: "p", generation: 1, resourceVersion: "1" },
    spec: {},
  };
  /** `there`: what of the objects that it refers to is there, by name. */
  function release(more: object, there: Readonly<Record<string, Resource>>, answers: Outcome[] = [], status = created().status) {
    const object = resource({ ...written, ...more }, { ...deleted, status });
    const references = httpResourceKind.references(object).map(({ key }) => there[key.name]);
    return drive(object, answers, { ...hour, references });
  }

  test("lets go where what delete needs is not there", () => {
    expect(release({}, {})).toMatchObject({ sent: [], verdict: { ...gone, reason: "Orphaned" } });
    expect(release({ deletionPolicy: "Delete" }, {}).verdict.finalizer).toBeUndefined();
  });
  test.each<[string, object]>([
    ["is there, and not ready", {}],
    [
      "is there and not ready, where something that it needs not is missing",
      { dependsOn: [{ kind: "HTTPResource", name: "q" }] },
    ],
  ])("waits for what delete needs that %s", (_what, more) => {
    const waiting = release(more, { p: notReady });
    expect([waiting.state, waiting.verdict.finalizer]).toEqual(["False/DependencyNotReady Reconciling", undefined]);
  });
  test("waits for what delete needs, where it has already taken what is missing", () => {
    const taken = { q: { objectRef: { kind: "HTTPRequest", name: "q", expression: ".status.a" } } };
    const both = { url: `${needing.url}\${ .inputs.q }` };
    const status = { ...created().status, inputs: { q: "x" } };
    const waiting = release({ inputs: { ...inputs, ...taken }, delete: both }, { p: notReady }, [], status);
    expect([waiting.state, waiting.verdict.finalizer]).toEqual(["False/DependencyNotReady Reconciling", undefined]);
  });
  test("lets nothing go while it is suspended", () => {
    expect(release({ suspend: true }, {}).verdict.finalizer).toBeUndefined();
  });
  test("deletes what needs nothing of others", () => {
    expect(release({ delete: user.delete }, {}, [answer(204)])).toMatchObject({ sent: [remove], verdict: gone });
  });
  test.each<[string, Outcome]>([
    ["cannot be reached", failure(false)],
    ["refuses", answer(403)],
    ["has trouble", answer(503)],
  ])("keeps trying where its server %s", (_what, outcome) => {
    const trying = release({ delete: user.delete }, {}, [outcome]);
    expect([trying.sent, trying.verdict.finalizer]).toEqual([[remove], undefined]);
  });
});

test("what is contested is looked at each interval, and is ready as soon as it holds", () => {
  let object = created();
  for (const minutes of [10, 20]) {
    const { status } = drive(object, [answer(200), differs(".age"), answer(200)], after(minutes * 60_000));
    object = resource(user, { status, finalizers: held });
  }
  const contested = drive(object, [answer(200), differs(".age")], after(30 * 60_000));
  expect(condition(contested.status, "Contested")?.status).toBe("True");
  expect(contested.verdict.requeueAfterMs).toBeLessThanOrEqual(660_000);
  const held_ = resource(user, { status: contested.status, finalizers: held });
  expect(drive(held_, [answer(200), same], after(40 * 60_000)).state).toBe("True/AsDeclared");
});

const listed = { ...unwatched, lookup: { url, match: ".item.name == .parameters.name" }, externalID: ".object.id" };
test.each<[string, object, (Outcome | EvaluationResult)[]]>([
  ["observe", user, []],
  ["a lookup that is the observation", listed, [answer(200), values([], null)]],
])("what was created is looked at within two seconds by %s, whatever the interval is", (_what, written, looks) => {
  const made = drive(resource({ ...written, interval: "24h" }), [...looks, answer(201), values("7")]);
  expect(made.state).toBe("True/Created");
  expect(made.verdict.requeueAfterMs).toBeLessThanOrEqual(2_000);
});
