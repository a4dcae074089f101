/** What is out of the common about an HTTPResource, in its plan. */
import { describe, expect, test } from "@jest/globals";
import type { HTTPResourceStatus } from "../../src/api/http-resource.ts";
import {
  answer,
  created,
  differs,
  drive,
  hour,
  resource,
  same,
  user,
  values,
  withLookup,
  deleted,
  failure,
  gone,
  url,
  held,
} from "../support/resource-plan.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import type { EvaluationResult } from "../../src/core/plan.ts";
import { findTooMany } from "../../src/core/object-size.ts";
import { stringifyWith } from "../../src/core/templating.ts";
import { condition, drive as driveRequest, httpRequest } from "../support/request-plan.ts";

// An object that is found under another id, or named by a person, is another one: nothing has been delivered to it yet.
describe("another object plan", () => {
  const held = ["holdfast.dev/release"];
  /** Its update sends what cannot be compared. */
  const opaque = (base: object) => ({ ...base, update: { ...user.update, body: { text: "${ .parameters.age }" } } });
  function known(written: object): HTTPResourceStatus {
    const { status } = created(written);
    expect(status?.delivered).toBeDefined();
    return { ...status, seen: true };
  }
  const partial = { type: "values", values: [], isPartial: true } as const;

  describe("what was delivered", () => {
    test("to the object that a person names was not: it is sent to, once", () => {
      const written = opaque(user);
      const status = known(written);
      expect(drive(resource(written, { status, finalizers: held }), [answer(200), partial], hour).sent).toHaveLength(1);
      const annotations = { "holdfast.dev/external-id": "8" };
      const object = resource(written, { status, annotations, finalizers: held });
      const { sent, status: after } = drive(object, [answer(200), partial, answer(200)], hour);
      expect(sent).toEqual(["GET users/${ .externalID }", "PUT users/${ .externalID }"]);
      expect(after.externalID).toBe("8");
      const again = drive(resource(written, { status: after, annotations, finalizers: held }), [answer(200), partial], hour);
      expect(again.sent).toHaveLength(1);
    });

    test("to the object that is known stays known where there is none with the id that a person names", () => {
      const written = opaque(user);
      const status = known(written);
      const annotations = { "holdfast.dev/external-id": "8" };
      const { status: after, state } = drive(resource(written, { status, annotations, finalizers: held }), [answer(404)], hour);
      expect([state, after.delivered]).toEqual(["False/ImportNotFound Stalled", status.delivered]);
    });

    test("to what was remade under another id, and is looked up, was not either", () => {
      const written = opaque(withLookup);
      const status = { ...known(opaque(user)) };
      const object = resource(written, { status, finalizers: held });
      const found = [answer(404), answer(200), values(["9"], null), answer(200), partial, answer(200)];
      const { sent, status: after } = drive(object, found, hour);
      expect(sent).toEqual([
        "GET users/${ .externalID }",
        "GET users",
        "GET users/${ .externalID }",
        "PUT users/${ .externalID }",
      ]);
      expect(after.externalID).toBe("9");
    });

    test("by a merge patch is taken away from that object alone", () => {
      const patched = { ...withLookup, update: { url: user.update.url, body: { mergePatch: { age: "${ .parameters.age }" } } } };
      const status = { ...known(user), delivered: { spec: "x", fields: [".old"] } };
      const object = resource(patched, { status, finalizers: held });
      const own = drive(object, [answer(200), same, answer(200)], hour);
      expect(formerOf(own.steps)).toEqual([[".old"], [".old"]]);
      const lookedUp = [answer(404), answer(200), values(["9"], null), answer(200), differs(".age"), answer(200)];
      const other = drive(object, lookedUp, hour);
      expect(formerOf(other.steps)).toEqual([undefined, undefined]);
    });
  });

  /** Of the body that is compared, and of the one that is sent. */
  function formerOf(steps: ReturnType<typeof drive>["steps"]): readonly unknown[] {
    return steps.flatMap((step): unknown[] => {
      if (step.type === "evaluate" && "compare" in step.evaluation)
        return [(step.evaluation.compare as { former?: unknown }).former];
      if (step.type !== "exchange" || step.exchange.request.method !== "PATCH") return [];
      return [(step.exchange.request.body as { former?: unknown }).former];
    });
  }
});

// A step before delete whose work goes on, or that changes what delete reads.
describe("before delete plan", () => {
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
});

// An id that is kept in the annotation as well, where the operator wants that.
describe("mirrored id plan", () => {
  const name = "holdfast.dev/external-id";
  const mirrorsIDs = true;
  const looked = (status: object | undefined, annotations: Record<string, string> = {}, at = hour) =>
    drive(resource(user, { status: status ?? {}, annotations, finalizers: held }), [answer(200), same], { ...at, mirrorsIDs });

  test("is written with the look that has seen it, and counts as known by then", () => {
    const { verdict, status } = looked(created().status);
    expect(verdict.annotation).toEqual({ name, value: "7", otherwise: {} });
    expect(status.lastHandledExternalID).toBe("7");
    const again = looked(status, { [name]: "7" });
    expect([again.status, again.verdict.annotation]).toMatchObject([status, { name, value: "7" }]);
    expect(
      drive(resource(user, { status: created().status, finalizers: held }), [answer(200), same], hour).verdict,
    ).not.toHaveProperty("annotation");
  });

  test("is no import where the process died before its status said that it is annotated", () => {
    const died = { ...created().status, seen: false };
    const found = looked(died, { [name]: "7" });
    expect(found.status).toMatchObject({ externalID: "7", lastHandledExternalID: "7", attempt: { phase: "Done" } });
    const absent = (more: object) =>
      drive(resource(user, { ...more, annotations: { [name]: "7" }, finalizers: held }), [answer(404)], { ...hour, mirrorsIDs });
    expect(absent({ status: died }).state).toContain("NotSeen");
    // What a person says of a create whose outcome nobody knows is one.
    const attempt = { ...died.attempt, phase: "Unknown" };
    expect(absent({ status: { ...died, attempt } }).state).toContain("ImportNotFound");
  });

  test("is not while nobody has seen the object, while it may be another, or where it could not be read back", () => {
    const made = drive(resource(user), [answer(201), values("7")], { mirrorsIDs });
    expect(made.verdict).not.toHaveProperty("annotation");
    const spaced = { ...created().status, externalID: " 7" };
    expect(looked(spaced).verdict).not.toHaveProperty("annotation");
  });

  test("another one that a person writes is taken over, and what is lost with the status is found by it", () => {
    const { status } = looked(created().status);
    const imported = looked(status, { [name]: "8" });
    expect([imported.status.externalID, imported.verdict.annotation]).toMatchObject([
      "8",
      { name, value: "8", otherwise: { lastHandledExternalID: "8" } },
    ]);
    const wiped = looked({}, { [name]: "7" });
    expect([wiped.sent, wiped.status.externalID]).toEqual([["GET users/${ .externalID }"], "7"]);
  });
});

// Ids are kept in the status, where people can read them: what an expression makes of a Secret's value is none.
describe("secret ids", () => {
  const inputs = {
    token: { secretKeyRef: { name: "hook", key: "token" } },
    org: { value: "acme" },
  };
  const created = (externalID: string, id: string) =>
    drive(resource({ ...user, inputs, externalID }), [answer(201), values(id)]).status.externalID;

  test.each([
    ["a part of it", ".response.body.id + .inputs.token[0:9]", "abcdefghi"],
    ["the whole of the inputs", ".response.body.id + (.inputs | tojson | .[12:30])", "abcdefghijkl"],
    ["more than it", '"\\(.inputs.token)/\\(.response.body.id)"', "short/71"],
    ["it, by a name of its own", ". as $all | .response.body.id + ($all.inputs.token | ascii_upcase)", "ABCDEFGHI"],
  ])("%s is no id", (_what, externalID, id) => {
    expect(created(externalID, id)).toBeUndefined();
  });

  test.each([
    ["an answer's own", ".response.body.id", "abcdefghi"],
    ["with an input that is no secret", '"\\(.inputs.org)/\\(.response.body.id)"', "acme/1234"],
    ["one of less than eight characters", ".response.body.id + .inputs.token[0:3]", "abc"],
    ["one of an expression of which nobody can tell", "[.][0].response.body.id", "abcdefghi"],
  ])("%s is one", (_what, externalID, id) => {
    expect(created(externalID, id)).toBe(id);
  });
});

// Free JSON of very many values, each of which would be looked at again and again.
describe("many values", () => {
  const values = (count: number): unknown[] => Array.from({ length: count }, () => ({}));

  test("10,000 values are not too many, wherever they are, and one more is", () => {
    expect(findTooMany({ spec: { a: values(9_999) } })).toBeUndefined();
    for (const spec of [{ a: values(10_000) }, { a: { b: [[values(5_000)], values(5_000)] } }, values(20_000)])
      expect(findTooMany({ spec })).toMatchObject({ reason: "InvalidRequest", heals: false });
  });

  test("no more of them are looked at than may be there", () => {
    let looks = 0;
    const endless: object = new Proxy({ a: 1 }, { get: () => ((looks += 1), endless) });
    expect(findTooMany({ spec: { endless } })).toMatchObject({ reason: "InvalidRequest" });
    expect(looks).toBeLessThanOrEqual(10_001);
  });

  test("nothing is sent for an object that holds too many", () => {
    const request = driveRequest(httpRequest({ body: { json: values(20_000) } }), "2026-01-01T00:00:00Z");
    expect(request.steps).toEqual([]);
    expect(condition(request.status, "Stalled")).toMatchObject({ status: "True", reason: "InvalidRequest" });
    const { steps, status } = drive(resource({ ...user, parameters: values(20_000) }));
    expect(steps).toEqual([]);
    expect(JSON.stringify(status)).toContain("more than 10000 values");
  });

  test("a path is made for a string alone, and each step of it once", () => {
    const fields: string[] = [];
    const text = stringifyWith(
      { a: [{}, [], 1, null, { "b c": ["x", { d: "y" }] }], __proto__: 1, e: undefined, f: "z" },
      (one, field) => {
        fields.push(field);
        return JSON.stringify(`${one}!`);
      },
      "spec",
    );
    expect(JSON.parse(text)).toEqual({ a: [{}, [], 1, null, { "b c": ["x!", { d: "y!" }] }], f: "z!" });
    expect(fields).toEqual(['spec.a[4]["b c"][0]', 'spec.a[4]["b c"][1].d', "spec.f"]);
  });
});
