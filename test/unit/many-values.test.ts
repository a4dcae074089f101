/** Free JSON of very many values, each of which would be looked at again and again. */
import { expect, test } from "@jest/globals";
import { findTooMany } from "../../src/core/object-size.ts";
import { stringifyWith } from "../../src/core/templating.ts";
import { condition, drive, httpRequest } from "../support/request-plan.ts";
import { drive as driveResource, resource, user } from "../support/resource-plan.ts";

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
  const request = drive(httpRequest({ body: { json: values(20_000) } }), "2026-01-01T00:00:00Z");
  expect(request.steps).toEqual([]);
  expect(condition(request.status, "Stalled")).toMatchObject({ status: "True", reason: "InvalidRequest" });
  const { steps, status } = driveResource(resource({ ...user, parameters: values(20_000) }));
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
