/** HTTPResource's plan where an id, an outcome or an answer is not what it seems, with scripted answers. */
import { afterAll, describe, expect, test } from "@jest/globals";
import type { Outcome } from "../../src/core/outcome.ts";
import type { EvaluationResult } from "../../src/core/plan.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { needsExternalID } from "../../src/kinds/http-resource/context.ts";
import { declaredVerbs } from "../../src/kinds/http-resource/render.ts";
import {
  after,
  answer,
  condition,
  created,
  deleted,
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
  user,
  values,
  withLookup,
} from "../support/resource-plan.ts";

/** As declared, and this is what is found of its id. */
const sameWith = (id: string | null): EvaluationResult => ({ type: "values", values: [id], differences: [] });
const notList: EvaluationResult = { type: "values", values: [null] };
const noSecret = { type: "refusal", reason: "SecretNotFound", message: "spec.inputs.a: no", heals: true } as const;
const noURL = { type: "refusal", reason: "InvalidURL", message: "spec.observe.url: no", heals: false } as const;

describe("wish 6: an id that a person gives", () => {
  const annotations = { "holdfast.dev/external-id": "9" };
  test.each<[string, object, Outcome[]]>([
    ["answers 503", {}, [answer(503)]],
    ["cannot be reached", {}, [failure(false)]],
    ["cannot be asked yet", {}, [noSecret]],
    ["cannot be asked like this", {}, [noURL]],
    ["is not asked while it is suspended", { suspend: true }, []],
  ])("is not taken over, and nothing forgotten for it, while its server %s", (_what, more, answers) => {
    const unknown = drive(resource(user), [failure(true)]).status;
    const { status } = drive(resource({ ...user, ...more }, { annotations, status: unknown }), answers);
    expect(status).not.toHaveProperty("externalID");
    expect(status).not.toHaveProperty("lastHandledExternalID");
    const wrong = drive(resource(user, { annotations, status }), [answer(404)]);
    expect([wrong.sent.length, wrong.state]).toEqual([1, "False/ImportNotFound Stalled"]);
    expect(drive(resource(user, { status }))).toMatchObject({ sent: [], state: "False/OutcomeUnknown Stalled" });
    expect(drive(resource(user, { annotations, status }), [answer(200), same]).status.externalID).toBe("9");
  });
  test("is not deleted by where its server does not have it: what was known before is", () => {
    const { status } = drive(created(user, { annotations }), [answer(404)], hour);
    const both = { ...deleted, annotations, status };
    expect(drive(resource(user, both), [answer(404), answer(204)], hour)).toMatchObject({
      sent: ["GET users/${ .externalID }", "DELETE users/${ .externalID }"],
      verdict: gone,
    });
    expect(drive(resource(user, both), [answer(503)], hour).verdict).not.toHaveProperty("finalizer");
    expect(drive(resource(user, both), [answer(200), same, answer(204)], hour).verdict).toMatchObject(gone);
    const unknown = drive(resource(user), [failure(true)]).status;
    const lost = drive(resource(user, { ...deleted, annotations, status: unknown }), [answer(404)], hour);
    expect([lost.state, lost.verdict.finalizer]).toEqual(["False/OutcomeUnknown Stalled", undefined]);
  });
});

describe("an object that its server has lost, and whose creation anew may or may not have arrived", () => {
  const made = drive(resource(withLookup), [answer(200), values([]), answer(201), values("7")]).status;
  const first = { ...made, seen: true };
  const lost = [answer(404), answer(200), values([]), failure(true)];
  const soon = { at: new Date(hour.at.getTime() + 60_000) };
  const { status, state } = drive(resource(withLookup, { status: first, finalizers: held }), lost, hour);
  const found = [answer(404), answer(200), values(["8"]), answer(200), same];
  const looked = ["GET users/${ .externalID }", "GET users", "GET users/${ .externalID }"];

  test("wish 15: is looked for, and has its new id then", () => {
    expect(state).toBe("False/OutcomeUnknown Stalled");
    const again = drive(resource(withLookup, { status, finalizers: held }), found, twoHours);
    expect([again.sent, again.status.externalID, again.status.attempt?.phase]).toEqual([looked, "8", "Done"]);
  });
  test("is created again where the list does not have it", () => {
    const absent = [answer(404), answer(200), values([])];
    const first = drive(resource(withLookup, { status, finalizers: held }), absent, soon).status;
    const answers = [...absent, answer(201), values("8")];
    const again = drive(resource(withLookup, { status: first, finalizers: held }), answers, twoHours);
    expect([again.state, again.status.externalID, again.status.attempt?.id]).toEqual(["True/Created", "8", status.attempt?.id]);
  });
  test("wish 7: is looked for before it is deleted, too, and stays where nobody can say", () => {
    const found8 = drive(resource(withLookup, { ...deleted, status }), [...found, answer(204)], twoHours);
    expect([found8.sent, found8.verdict.finalizer]).toEqual([[...looked, "DELETE users/${ .externalID }"], gone.finalizer]);
    const absent = [answer(404), answer(200), values([])];
    const first = drive(resource(withLookup, { ...deleted, status }), absent, soon);
    expect(first.verdict).not.toHaveProperty("finalizer");
    expect(drive(resource(withLookup, { ...deleted, status: first.status }), absent, twoHours).verdict).toMatchObject(gone);
    const { status: unknown } = drive(created(), [answer(404), failure(true)], hour);
    const stays = drive(resource(user, { ...deleted, status: unknown }), [answer(404)], twoHours);
    expect([stays.state, stays.verdict.finalizer]).toEqual(["False/OutcomeUnknown Stalled", undefined]);
    expect(condition(stays.status, "Ready")?.message).toMatch(/To have it deleted .*external-id.*holdfast\.dev\/orphan/);
    expect(condition(stays.status, "Ready")?.message).not.toContain("reconcile-at");
  });
});

describe("a create whose answer has no id", () => {
  test.each<[string, object, (Outcome | EvaluationResult)[], (Outcome | EvaluationResult)[]]>([
    ["a lookup", withLookup, [answer(200), values([])], [answer(200), values(["7"]), answer(200), same]],
    ["an observation by name", { ...user, observe: named.observe }, [answer(404)], [answer(200), sameWith("7")]],
  ])("has it from %s, at once and not at the next interval", (_what, written, before, found) => {
    const { status, verdict } = drive(resource(written), [...before, answer(201), values(null)]);
    expect(condition(status, "Ready")?.reason).toBe("ExternalIDUnknown");
    expect(verdict.requeueAfterMs).toBeLessThanOrEqual(1_000);
    expect(drive(resource(written, { status }), found, after(1_000)).status).toMatchObject({
      externalID: "7",
      attempt: { phase: "Done", succeeded: true },
    });
  });
  test("is not sent where nothing says what the id would be, and something needs it", () => {
    const { externalID: _, ...nameless } = user;
    const { sent, state, status } = drive(resource(nameless));
    expect([sent, state]).toEqual([[], "False/InvalidRequest Stalled"]);
    expect(condition(status, "Ready")?.message).toMatch(/^spec\.externalID: /);
  });
});

describe("a lookup", () => {
  const evaluator = createEvaluator();
  afterAll(async () => evaluator[Symbol.asyncDispose]());
  const list = [
    { id: "1", name: "bob" },
    { id: "7", name: "ada" },
  ];
  async function idsIn(lookup: object, body: unknown): Promise<unknown> {
    const written = { ...withLookup, lookup: { ...withLookup.lookup, ...lookup } };
    const [, asked] = drive(resource(written), [answer(200), notList]).steps;
    const [expression] = asked?.type === "evaluate" && "expressions" in asked.evaluation ? asked.evaluation.expressions : [];
    const document = JSON.stringify({ parameters: user.parameters, response: { body } });
    const evaluated = await evaluator.evaluate(document, [expression?.text ?? ""], new AbortController().signal);
    return evaluated.type === "values" ? JSON.parse(evaluated.json[0] ?? "") : evaluated;
  }
  test.each<[string, object, unknown, unknown]>([
    ["a list", {}, list, ["7"]],
    ["an empty list", {}, [], []],
    ["an object around a list, which is not named", {}, { items: list }, null],
    ["an error in place of a list", {}, { error: "try again later" }, null],
    ["nothing in place of a list", { items: ".response.body.items" }, {}, null],
    ["items one after the other", { items: ".response.body[]" }, list, ["7"]],
    ["comments that end in a backslash", { items: ".response.body # a\\", match: '.item.id == "7" # b\\' }, list, ["7"]],
  ])("finds what it should in %s", async (_what, lookup, body, ids) => {
    expect(await idsIn(lookup, body)).toEqual(ids);
  });
});

test.each<[string, object, string | undefined, unknown, string]>([
  ["a header without brackets", {}, 'https://users.example.com/users?page=2; rel="next"', undefined, "Unknown/NoPage"],
  ["a header in single quotes", {}, "<https://users.example.com/users?page=2>; rel='next'", undefined, "Unknown/NoPage"],
  ["parameters that are none", { next: "." }, undefined, { cursor: { a: 1 } }, "Unknown/NoPage"],
  ["a header with another page", {}, '<https://users.example.com/users?page=1>; rel="prev"', undefined, "True/Created"],
  ["a cursor that is null", { next: "." }, undefined, { cursor: null }, "True/Created"],
  ["a cursor that is empty", { next: "." }, undefined, { cursor: "" }, "True/Created"],
])("whether there is a next page is told by %s", (_what, more, link, next, state) => {
  const written = { ...withLookup, lookup: { ...withLookup.lookup, ...more } };
  const creating = state === "True/Created" ? [answer(201), values("7")] : [];
  const found = values([], ...(next === undefined ? [] : [next]));
  const driven = drive(resource(written), [answer(200, link === undefined ? {} : { link }), found, ...creating]);
  expect(driven.state.split(" ")[0]).toBe(state);
});

test("a next page has at most 64 query parameters of the server's, and its condition says so", () => {
  const parameters = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, "x"]));
  const written = { ...withLookup, lookup: { ...withLookup.lookup, next: "." } };
  const many = drive(resource(written), [answer(200), values([], parameters(65))]);
  expect([many.state.split(" ")[0], many.sent]).toEqual(["Unknown/NoPage", ["GET users"]]);
  expect(JSON.stringify(many.status)).toContain(
    "spec.lookup.next yields no URL, no true, no null and no query parameters, of which there may be 64",
  );
  const fits = drive(resource(written), [
    answer(200),
    values([], parameters(64)),
    answer(200),
    values([]),
    answer(201),
    values("7"),
  ]);
  expect([fits.state.split(" ")[0], fits.sent]).toEqual(["True/Created", ["GET users", "GET users", "POST users after intent"]]);
});

describe("what was created, and that its server does not show,", () => {
  const often = { ...user, interval: "1s" };
  const unseen = (written: object = user) => {
    const { status } = drive(resource(written), [answer(201), values("7")]);
    return (status_ = status) => resource(written, { status: status_, finalizers: held });
  };
  test("is observed after two seconds, whatever the interval is", () => {
    const { verdict, status } = drive(resource(user), [answer(201), values("7")]);
    expect(verdict.requeueAfterMs).toBeLessThanOrEqual(2_000);
    expect(status.seen).toBe(false);
  });
  test("is asked for again, and is as it should be once it is there", () => {
    const object = unseen();
    const early = drive(object(), [answer(404)], after(5_000));
    expect([early.sent, early.state]).toEqual([["GET users/${ .externalID }"], "False/NotSeen Reconciling"]);
    expect(early.status.externalID).toBe("7");
    expect(early.verdict.requeueAfterMs).toBeLessThanOrEqual(5_000);
    const late = drive(object(early.status), [answer(200), same], after(6_000));
    expect([late.state, late.status.seen]).toEqual(["True/AsDeclared", true]);
  });
  test.each([
    ["at once", 1_500],
    ["after a minute", 60_000],
    ["after a day", 86_400_000],
  ])("is not created again %s, however short the interval is", (_when, ms) => {
    for (const written of [user, often]) {
      const { sent, status, state } = drive(unseen(written)(), [answer(404)], after(ms));
      expect(sent).toEqual(["GET users/${ .externalID }"]);
      expect(state).toBe(ms < 30_000 ? "False/NotSeen Reconciling" : "False/NotSeen Stalled");
      expect(condition(status, "Ready")?.message).toContain("spec.observe does not know what spec.create made");
    }
  });
  test("is created again, once, where a person asks", () => {
    const { status } = drive(unseen()(), [answer(404)], after(60_000));
    const annotations = { "holdfast.dev/reconcile-at": "now" };
    const asked = drive(resource(user, { status, annotations, finalizers: held }), [answer(404), answer(201), values("8")], hour);
    expect([asked.state, asked.status.externalID]).toEqual(["True/Created", "8"]);
    const again = drive(resource(user, { status: asked.status, annotations, finalizers: held }), [answer(404)], twoHours);
    expect(again.state).toBe("False/NotSeen Stalled");
  });
  test("is created again by a PUT, which makes no second one", () => {
    const put = { ...often, create: { ...user.create, method: "PUT" } };
    expect(drive(unseen(put)(), [answer(404)], after(500)).state).toBe("False/NotSeen Reconciling");
    expect(drive(unseen(put)(), [answer(404), answer(201), values("8")], after(1_500)).state).toBe("True/Created");
  });
  test("is not gone because an answer to delete says so", () => {
    const object = resource(user, { ...deleted, status: drive(resource(user), [answer(201), values("7")]).status });
    const { verdict, state } = drive(object, [answer(404), answer(404), answer(404)], hour);
    expect([state, verdict.finalizer]).toEqual(["False/NotDeleted Stalled", undefined]);
    expect(drive(object, [answer(404), answer(204)], hour).verdict).toMatchObject(gone);
  });
});

test.each([["spec.outputs[0].data.a: no"], ["spec.outputs: could not be written: no"]])(
  "an object that nobody observes is not ready while its outputs are missing, whoever looks: %s",
  (message) => {
    const { observe: _, ...blind } = {
      ...user,
      outputs: [{ secret: { name: "s" }, data: { a: ".response.body.a" }, whenMissing: "Fail" }],
    };
    const missing = { type: "refusal", reason: "OutputMissing", message, heals: false } as const;
    const ready = { type: "ready" } as const;
    const { status, state } = drive(resource(blind), [ready, answer(201), values("7"), missing]);
    expect(state).toBe("False/OutputMissing Reconciling");
    const again = drive(resource(blind, { status, finalizers: held }), [], { ...hour, first: true });
    expect([again.sent, again.state]).toEqual([[], "False/OutputMissing Reconciling"]);
    expect(drive(resource({ ...blind, outputs: [] }, { status, generation: 2 }), [], hour).state).toBe("True/AsDeclared");
  },
);

test("what cannot be sent for a time that is known is looked at again when that is over", () => {
  const open = { type: "refusal", reason: "CircuitOpen", message: "open", heals: true, retryAfterMs: 12_345 } as const;
  expect(drive(created(), [open], hour).verdict.requeueAfterMs).toBe(12_345);
});

test("a change of only what create sends is nothing for update to send", () => {
  const { observe: _, ...blind } = user;
  const other = { ...blind, create: { ...user.create, headers: [{ name: "A", value: "b" }] } };
  expect(drive(resource(other, { status: created(blind).status, generation: 2 }), [], hour).sent).toEqual([]);
});

describe("wish 7: what is deleted", () => {
  test("waits for nothing that it waited for before it was created, not even in a circle", () => {
    const cycle = ["HTTPResource/a", "HTTPResource/b", "HTTPResource/a"];
    const waiting = { ...user, dependsOn: [{ kind: "HTTPResource", name: "b" }] };
    const { status } = created();
    expect(
      drive(resource(waiting, { ...deleted, ...(status && { status }) }), [answer(204)], { ...hour, cycle }).verdict,
    ).toMatchObject(gone);
  });
  test("needs of other objects only what its requests have in them", () => {
    const inputs = { project: { objectRef: { kind: "HTTPRequest", name: "p", expression: ".status.a" } } };
    const { status } = created();
    const without = (more: object) => resource({ ...user, inputs, ...more }, { ...deleted, ...(status && { status }) });
    expect(drive(without({}), [answer(204)], hour).verdict).toMatchObject(gone);
    for (const expression of [".inputs.project", ".inputs | .project", '.inputs["project"]', "(.inputs).project"]) {
      const needing = drive(without({ delete: { url: `${user.delete.url}?p=\${ ${expression} }` } }), [], hour);
      expect([needing.state, needing.verdict.finalizer]).toEqual(["False/DependencyNotReady Reconciling", undefined]);
    }
  });
  test("and was being created under a key, of which nothing could be recorded, is looked for", () => {
    const object = resource({ ...withLookup, idempotencyKey: {} }, deleted);
    const found = drive(object, [answer(200), values(["7"]), answer(200), same, answer(204)]);
    expect([found.sent.at(-1), found.verdict.finalizer]).toEqual(["DELETE users/${ .externalID }", gone.finalizer]);
    expect(drive(object, [answer(200), values([])]).verdict).toMatchObject(gone);
    expect(drive(object, [answer(503)]).verdict).not.toHaveProperty("finalizer");
  });
  test("and was taken over under its name does not stay behind because its id cannot be read", () => {
    const written = { ...user, observe: named.observe };
    const adopted = drive(resource(written), [answer(200), sameWith(null)]);
    expect([adopted.state, adopted.status.externalID]).toEqual(["True/Adopted", undefined]);
    const object = resource(written, { ...deleted, status: adopted.status });
    const nameless = drive(object, [answer(200), sameWith(null)], hour);
    expect([nameless.state, nameless.verdict.finalizer]).toEqual(["Unknown/ExternalIDUnknown Reconciling", undefined]);
    expect(condition(nameless.status, "Ready")?.message).toMatch(/external-id.*holdfast\.dev\/orphan/);
    expect(drive(object, [answer(200), sameWith("7"), answer(204)], hour).verdict).toMatchObject(gone);
    expect(drive(object, [answer(404)], hour).verdict).toMatchObject(gone);
  });
});

test.each<[string, object, boolean]>([
  ["its path", { path: "/users/${ .externalID }" }, true],
  ["its body", { body: { json: { "${ .parameters }": ["${ .externalID }"] } } }, true],
  ["an expression of which nobody can tell", { path: "/${ . as $all | $all.externalID }" }, true],
  ["no expression", { path: "/externalID", body: { json: { externalID: "a" } } }, false],
  ["what it expects", { path: "/a", expect: { that: ".response.body.id == .externalID" } }, false],
  [
    "a parameter, input or answer of that name",
    { url: "${ .parameters.externalID }${ .inputs.externalID }${ .response.body.externalID }" },
    false,
  ],
])("a request needs the id or not, with it in %s", (_what, shape, needs) => {
  expect(needsExternalID(shape)).toBe(needs);
});

test("wish 24: what is rendered has an idempotency key where one is sent, and the one that create has", () => {
  const keyed = { ...withLookup, idempotencyKey: {} };
  const object = resource(keyed);
  const shown = [...declaredVerbs(object, { endpointOf: () => undefined, known: new Map(), now })].map(({ verb, exchange }) => {
    const headers = exchange && "request" in exchange ? exchange.request.literalHeaders : [];
    return [verb, headers[0]?.value] as const;
  });
  const { status } = drive(object, [answer(200), values([]), answer(201), values("7")]);
  expect(shown).toEqual([
    ["lookup", undefined],
    ["observe", undefined],
    ["create", status.attempt?.id],
    ["update", "(attempt id)"],
    ["delete", "(attempt id)"],
  ]);
});
