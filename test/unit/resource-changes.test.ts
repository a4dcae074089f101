/** What of an HTTPResource is changed on its server, and what is not. */
import { describe, expect, test } from "@jest/globals";
import { httpResource } from "../../src/api/http-resource.ts";
import { validator } from "../../src/api/validate.ts";
import type { EvaluationResult, Fact } from "../../src/core/plan.ts";
import {
  answer,
  condition,
  created,
  drive,
  failure,
  named,
  now,
  resource,
  user,
  values,
  held,
  hour,
  url,
} from "../support/resource-plan.ts";
import { createShown } from "../../src/core/shown.ts";
import { redact } from "../../src/core/redacted.ts";
import { mergePatchText } from "../../src/http/render/compare.ts";

// What an HTTPResource's status shows of its object by name, with scripted answers.
describe("resource values", () => {
  const shown = { ...user, values: { revision: ".object.revision", owner: ".object.owner" } };
  const fact = (value: unknown): Fact => ({ type: "value", value });
  const observed = (...published: Fact[]): EvaluationResult => ({ type: "values", values: [], differences: [], published });
  const at = (hours: number) => ({ at: new Date(now.getTime() + hours * 3_600_000) });

  describe("values", () => {
    test("are asked of the observation with all else, and of nothing else", () => {
      const { steps, status } = drive(created(shown), [answer(200), observed(fact(1), fact("ada"))], at(1));
      const asked = steps.flatMap((step) => (step.type === "evaluate" ? [step.evaluation] : []));
      expect(asked).toMatchObject([
        { published: { facts: [{ field: "spec.values.revision" }, { field: "spec.values.owner" }] } },
      ]);
      expect(status.values).toEqual({ revision: 1, owner: "ada" });
    });
    test("are written where one has changed, and otherwise nothing is", () => {
      const first = drive(created(shown), [answer(200), observed(fact(1), fact("ada"))], at(1));
      const again = resource(shown, { status: first.status });
      const same = drive(again, [answer(200), observed(fact(1), fact("ada"))], at(2));
      expect(same.status).toBe(first.status);
      expect(drive(again, [answer(200), observed(fact(2), fact("ada"))], at(2)).status.values).toEqual({
        revision: 2,
        owner: "ada",
      });
      expect(drive(again, [answer(200), observed(fact(2), fact(null))], at(2)).status.values).toEqual({ revision: 2 });
      expect(drive(again, [answer(200), observed(fact(null), fact(null))], at(2)).status).not.toHaveProperty("values");
    });
    test("stand while nobody can look, and go with what they were of, or with their names", () => {
      const { status } = drive(created(shown), [answer(200), observed(fact(1), fact("ada"))], at(1));
      const kept = { revision: 1, owner: "ada" };
      expect(drive(resource(shown, { status }), [failure(false)], at(2)).status.values).toEqual(kept);
      const anew = drive(resource(shown, { status }), [answer(404), answer(201), values("8")], at(2));
      expect(anew.status).toMatchObject({ externalID: "8", seen: false });
      expect(anew.status).not.toHaveProperty("values");
      const without = drive(resource(user, { status, generation: 2 }), [answer(200), observed()], at(2));
      expect(without.status).not.toHaveProperty("values");
    });
    test("are looked at again soon after an update, which may have changed them", () => {
      const differs: EvaluationResult = {
        ...observed(fact(1), fact("ada")),
        differences: [{ path: ".age" }],
      } as EvaluationResult;
      const updated = (written: object) =>
        drive(created(written), [answer(200), differs, answer(200)], at(1)).verdict.requeueAfterMs;
      expect(updated(shown)).toBeLessThan(10_000);
      expect(updated(user)).toBeGreaterThan(10_000);
    });
    test("are not asked of what is being deleted", () => {
      const etag = {
        ...shown,
        delete: { ...user.delete, headers: [{ name: "If-Match", value: "${ .response.headers.etag }" }] },
      };
      const { steps } = drive(created(etag, { deleted: true }), [answer(200), observed(), answer(204)], at(1));
      expect(JSON.stringify(steps)).not.toContain("spec.values");
    });
    test.each<[string, Fact, string]>([
      ["holds a secret", { type: "secret" }, "ValueIsSecret"],
      ["may hold one", { type: "uncertain" }, "ValueIsSecret"],
      ["fails", { type: "failed" }, "ExpressionFailed"],
      ["is too long", { type: "tooLong" }, "ValueTooLong"],
    ])("one that %s is not shown, is said, and keeps the others from nothing", (_what, wrong, reason) => {
      const { status, state } = drive(created(shown), [answer(200), observed(fact(1), wrong)], at(1));
      expect(status.values).toEqual({ revision: 1 });
      expect(state).toBe(`False/${reason} Reconciling`);
      expect(condition(status, "Ready")?.message).toContain("spec.values.owner");
      const again = drive(resource(shown, { status }), [answer(200), observed(fact(1), wrong)], at(1 + 1 / 60));
      expect(again.status).toEqual(status);
      const mended = drive(resource(shown, { status }), [answer(200), observed(fact(1), fact("ada"))], at(2));
      expect(mended).toMatchObject({ state: "True/AsDeclared", status: { values: { revision: 1, owner: "ada" } } });
    });
    test("have 4 KiB in all", () => {
      const names = ["a", "b", "c", "d", "e"];
      const five = { ...user, values: Object.fromEntries(names.map((name) => [name, ".object.x"])) };
      const long = fact("x".repeat(1_000));
      const { status, state } = drive(created(five), [answer(200), observed(long, long, long, long, long)], at(1));
      expect(Object.keys(status.values ?? {})).toEqual(["a", "b", "c", "d"]);
      expect(state).toBe("False/ValueTooLong Reconciling");
      expect(condition(status, "Ready")?.message).toContain("spec.values.e");
    });
    test("have names as inputs have, and something to be asked of", () => {
      const problems = (written: object) => validator(httpResource.spec)(written).problems;
      expect(problems(shown)).toEqual([]);
      expect(JSON.stringify(problems({ ...user, values: { "9a": ".x" } }))).toContain("does not start with a digit");
      const many = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`v${index}`, ".x"]));
      expect(problems({ ...user, values: many })).toHaveLength(1);
      const { observe: _, ...blind } = named;
      expect(JSON.stringify(problems({ ...blind, values: { a: ".x" } }))).toContain("values needs observe or lookup");
    });
  });
});

// What a merge patch leaves alone: what is there already, also in another form.
describe("merge patch text", () => {
  function patch(wanted: object, observed: unknown, same: readonly string[]): unknown {
    const text = JSON.stringify(observed);
    const { response } = answer(200) as Extract<ReturnType<typeof answer>, { type: "response" }>;
    const seen = { scope: {}, response: { ...response, body: redact(text), shown: createShown({ headers: {}, body: text }) } };
    const body = { type: "mergePatch", field: "spec.update.body.mergePatch", value: wanted, same } as const;
    return JSON.parse(mergePatchText(body, seen, () => "null"));
  }

  test.each<[string, object, unknown, readonly string[], unknown]>([
    ["sends what differs", { name: "WWW", ttl: 1 }, { name: "www", ttl: 2 }, [], { name: "WWW", ttl: 1 }],
    ["leaves what is the same in another form", { name: "WWW", ttl: 1 }, { name: "www", ttl: 2 }, [".name"], { ttl: 1 }],
    ["at a place within", { a: { b: "X", c: 1 } }, { a: { b: "x", c: 2 } }, [".a.b"], { a: { c: 1 } }],
    ["sends what is not there", { name: "WWW" }, {}, [".name"], { name: "WWW" }],
    ["adds nothing that is not declared", { ttl: 1 }, { name: "www", ttl: 2 }, [".name", ".a.b"], { ttl: 1 }],
    ["leaves nothing alone at no place", { name: "WWW" }, { name: "www" }, [""], { name: "WWW" }],
    ["takes a list whole", { all: [{ p: "1" }], n: 1 }, { all: [{ p: 1 }], n: 2 }, [".all"], { n: 1 }],
  ])("%s", (_what, wanted, observed, same, sent) => {
    expect(patch(wanted, observed, same)).toEqual(sent);
  });

  /** What an update is told to leave alone, where `.age` differs. */
  function leftAlone(places: readonly string[], seen: Partial<Extract<EvaluationResult, { type: "values" }>> = {}): unknown {
    const mergePatch = { age: "${ .parameters.age }", tags: ["a"], spec: { color: "red" } };
    const update = { url: `${url}/\${ .externalID }`, body: { mergePatch } };
    const compare = places.map((path) => ({ path, as: "." }));
    const written = { ...user, update, compare };
    const object = resource(written, { status: created(written).status, finalizers: held });
    const found: EvaluationResult = { type: "values", values: [], differences: [{ path: ".age" }], ...seen };
    const { steps } = drive(object, [answer(200), found, answer(200)], hour);
    return steps.flatMap((step) => {
      const { body } = step.type === "exchange" ? step.exchange.request : {};
      return body?.type === "mergePatch" ? [body.same ?? []] : [];
    });
  }
  test.each<[string, readonly string[], readonly string[]]>([
    ["a place", [".spec.color"], [".spec.color"]],
    ["a quoted name, as differences print it", ['.spec["color"]'], [".spec.color"]],
    ["a name that has to be quoted", ['["a b"].c'], ['["a b"].c']],
    ["a name with brackets", ['["tags[]"]'], ['["tags[]"]']],
    ["a list that it is in", [".tags[]", ".a.b[0].c[]"], [".tags", ".a.b"]],
    ["no list that is all there is", ["[].a", "[0]"], []],
    ["not what differs, however it is written", ['["age"]', ".age.b"], []],
  ])("an update leaves alone %s", (_what, places, same) => {
    expect(leftAlone(places)).toEqual([same]);
  });
  test("an update leaves nothing alone where something was not compared, such as a secret", () => {
    expect(leftAlone([".spec"], { isPartial: true })).toEqual([[]]);
  });
});
