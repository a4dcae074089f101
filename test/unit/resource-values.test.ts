/** What an HTTPResource's status shows of its object by name, with scripted answers. */
import { describe, expect, test } from "@jest/globals";
import { httpResource } from "../../src/api/http-resource.ts";
import { validator } from "../../src/api/validate.ts";
import type { EvaluationResult, Fact } from "../../src/core/plan.ts";
import { answer, condition, created, drive, failure, named, now, resource, user, values } from "../support/resource-plan.ts";

const shown = { ...user, values: { revision: ".object.revision", owner: ".object.owner" } };
const fact = (value: unknown): Fact => ({ type: "value", value });
const observed = (...published: Fact[]): EvaluationResult => ({ type: "values", values: [], differences: [], published });
const at = (hours: number) => ({ at: new Date(now.getTime() + hours * 3_600_000) });

describe("values", () => {
  test("are asked of the observation with all else, and of nothing else", () => {
    const { steps, status } = drive(created(shown), [answer(200), observed(fact(1), fact("ada"))], at(1));
    const asked = steps.flatMap((step) => (step.type === "evaluate" ? [step.evaluation] : []));
    expect(asked).toMatchObject([{ published: { facts: [{ field: "spec.values.revision" }, { field: "spec.values.owner" }] } }]);
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
    const differs: EvaluationResult = { ...observed(fact(1), fact("ada")), differences: [{ path: ".age" }] } as EvaluationResult;
    const updated = (written: object) =>
      drive(created(written), [answer(200), differs, answer(200)], at(1)).verdict.requeueAfterMs;
    expect(updated(shown)).toBeLessThan(10_000);
    expect(updated(user)).toBeGreaterThan(10_000);
  });
  test("are not asked of what is being deleted", () => {
    const etag = { ...shown, delete: { ...user.delete, headers: [{ name: "If-Match", value: "${ .response.headers.etag }" }] } };
    const { steps } = drive(created(etag, { deleted: true }), [answer(200), observed(), answer(204)], at(1));
    expect(JSON.stringify(steps)).not.toContain("spec.values");
  });
  test.each<[string, Fact, string]>([
    ["holds a secret", { type: "secret" }, "ValueIsSecret"],
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
