import { expect, test } from "@jest/globals";
import { findSuspicion } from "../../src/kinds/request/suspicions.ts";

test.each([
  [{ parameters: { a: ["${ .inputs.a }"] } }, "spec.parameters.a[0]: "],
  [{ headers: [{ name: "A", value: "Bearer {{ token:team-a:key }}" }] }, "spec.headers[0].value: "],
  [{ create: { body: { json: { a: "{{token:team-a:key}}" } } } }, "spec.create.body.json.a: "],
])("%j is told of", (spec, field) => {
  expect(findSuspicion(spec)).toContain(field);
});
test.each([
  [{ body: { json: { a: "${ .inputs.a }" } } }],
  [{ parameters: { a: "$ {" } }],
  [{ body: { text: "Hello {{ name }}, {{#if a:b}} {{a:b}}" } }],
  [{ body: { text: "{{ a:".repeat(50_000) } }],
])("%# is not", (spec) => {
  expect(findSuspicion(spec)).toBeUndefined();
});
