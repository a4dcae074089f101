/**
 * The same looks by two plans: one of an object that stays, which ends as before where it may, and one of a copy for each look, of
 * which nothing is kept. Whatever the object, its server and the time are, both send and say the same.
 */
import { expect, test } from "@jest/globals";
import { array, assert, constant, constantFrom, oneof, property, record, tuple } from "fast-check";
import type { Outcome } from "../../src/core/outcome.ts";
import type { Evaluation } from "../../src/core/evaluation.ts";
import type { EvaluationResult, Plan, StepAnswer, Verdict } from "../../src/core/plan.ts";
import { httpResourceKind } from "../../src/kinds/http-resource/plan.ts";
import type { HTTPResource } from "../../src/kinds/types.ts";
import { answer, failure, now, resource, user, withLookup } from "../support/resource-plan.ts";

/** What a server shows, as the expressions below see it. */
interface Shown {
  readonly status: number;
  readonly age: number;
  readonly isThere: boolean;
  readonly header: string;
}
const shown = oneof(
  { weight: 5, arbitrary: constant<Shown>({ status: 200, age: 36, isThere: true, header: "a" }) },
  record<Shown>({
    status: constantFrom(200, 200, 204, 401, 404, 503),
    age: constantFrom(36, 36, 37),
    isThere: constantFrom(true, true, false),
    header: constantFrom("a", "b"),
  }),
);
const specs: readonly object[] = [
  user,
  { ...user, exists: ".response.body.isThere" },
  { ...user, exists: '.response.headers["x-state"] == "a"' },
  { ...user, upToDate: ".response.body.age == .parameters.age", mine: ".response.body.isThere" },
  { ...user, upToDate: '.now < "2026-01-02"' },
  { ...user, update: undefined, create: { ...user.create, method: "PUT" } },
  { ...user, drift: "Report" },
  { ...user, observe: { ...user.observe, expect: { status: ["200", "204"], that: ".response.body.isThere" } } },
  { ...user, refusedIf: ".response.body.isThere == false", retry: { limit: 2 } },
  { ...user, replace: [".age"] },
  { ...withLookup, interval: "10s" },
  { ...withLookup, observe: undefined },
];

function answerTo(evaluation: Evaluation, { age, isThere, header }: Shown, at: Date): EvaluationResult {
  if (!("scope" in evaluation)) return { type: "values", values: [] };
  if ("list" in evaluation) return { type: "values", values: [], items: [] };
  const valueOf = (text: string): unknown => {
    if (text.includes("headers")) return header === "a";
    if (text.includes("now")) return at < new Date("2026-01-02");
    if (text.includes("== false")) return !isThere;
    if (text.includes("isThere")) return isThere;
    if (text.includes("age")) return age === 36;
    return text.includes("match") || text.includes("item") ? [{ id: "7", item: { id: "7" } }] : "7";
  };
  const values = evaluation.expressions.map(({ text }) => valueOf(text));
  return { type: "values", values, ...(evaluation.compare && { differences: age === 36 ? [] : [{ path: ".age" }] }) };
}
function outcomeOf({ status, header, ...rest }: Shown): Outcome {
  if (status === 401) return failure(false);
  const outcome = answer(status, { "x-state": header });
  return outcome.type === "response" ? { ...outcome, response: { ...outcome.response, sha256: JSON.stringify(rest) } } : outcome;
}
function look(object: HTTPResource, seen: Shown, at: Date, asked: { evaluations: number }) {
  const plan: Plan = httpResourceKind.plan({ resource: object, references: [], referrers: () => [], now: at, instanceId: "me" });
  const sent: string[] = [];
  let step = plan.next();
  while (!step.done) {
    let given: StepAnswer;
    if (step.value.type === "exchange") {
      const { method } = step.value.exchange.request;
      sent.push(`${method} ${step.value.beforeSend.type}`);
      given = method === "GET" ? outcomeOf(seen) : answer(200);
    } else if (step.value.type === "evaluate") {
      asked.evaluations += 1;
      given = answerTo(step.value.evaluation, seen, at);
    } else throw new Error(`no answer to ${step.value.type}`);
    step = plan.next(given);
  }
  return { sent, verdict: step.value };
}
/** As the engine records it: another object, where its status is another. */
function after(object: HTTPResource, { status, finalizer }: Verdict): HTTPResource {
  const isSame = JSON.stringify(status) === JSON.stringify(object.status);
  if (isSame && !finalizer?.present) return object;
  return { ...object, metadata: { ...object.metadata, finalizers: ["holdfast.dev/release"] }, status };
}

test("what is kept of a look makes no difference but in what is evaluated", () => {
  const asked = { evaluations: 0 };
  const askedAnew = { evaluations: 0 };
  const seconds = constantFrom(1, 10, 60, 3_600, 86_400);
  const looks = array(tuple(shown, seconds), { minLength: 4, maxLength: 24 });
  assert(
    property(constantFrom(...specs), looks, (spec, all) => {
      let object = resource(JSON.parse(JSON.stringify(spec)) as object);
      let at = now;
      for (const [seen, pause] of all) {
        at = new Date(at.getTime() + pause * 1_000);
        const copy = structuredClone(object);
        const kept = look(object, seen, at, asked);
        expect(kept).toEqual(look(copy, seen, at, askedAnew));
        object = after(object, kept.verdict);
      }
    }),
    { numRuns: 150, seed: 17 },
  );
  expect(asked.evaluations).toBeLessThan(askedAnew.evaluations * 0.8);
});
