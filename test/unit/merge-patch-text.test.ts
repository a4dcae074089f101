/** What a merge patch leaves alone: what is there already, also in another form. */
import { expect, test } from "@jest/globals";
import { createShown } from "../../src/core/shown.ts";
import { redact } from "../../src/core/redacted.ts";
import { mergePatchText } from "../../src/http/render/compare.ts";
import type { EvaluationResult } from "../../src/core/plan.ts";
import { answer, created, drive, held, hour, resource, url, user } from "../support/resource-plan.ts";

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
