/** What a list's items lack is found for each of them, and what it costs does not grow with items times text. */
import { expect, jest, test } from "@jest/globals";

const readings = jest.fn<(expression: string) => void>();
const paths = await import("../../src/core/jq/paths.ts");
jest.unstable_mockModule("../../src/core/jq/paths.ts", () => ({
  ...paths,
  pathsReadBy(expression: string) {
    readings(expression);
    return paths.pathsReadBy(expression);
  },
}));
// What is imported before the mock would bring the module itself.
const { httpRequest } = await import("../support/request-plan.ts");
const { findUndeclared } = await import("../../src/kinds/http-request/references.ts");

const spec = { url: "https://example.com/", body: { json: { name: "${ .item.name }", at: "${ .index }" } } };
const named = Array.from({ length: 100 }, () => ({ name: "a" }));

test("a key that one of the items lacks is found", () => {
  expect(findUndeclared(httpRequest({ ...spec, forEach: { items: named } }))).toBeUndefined();
  const refusal = findUndeclared(httpRequest({ ...spec, forEach: { items: [...named.slice(1), { nmae: "a" }] } }));
  expect(refusal?.message).toContain("spec.body.json.name: .item.name is not there");
});

const some = [{ name: "a", note: "x", vip: true }, { name: "b" }];
const absent = [
  "if .item.note then .item.note else 1 end",
  "if .item.note and .item.vip then 1 else 2 end",
  "if .item.vip or .item.note then 1 else 2 end",
  "if (.item.note | not) then 1 else 2 end",
  '.item.note // "none"',
  ".item.note?",
  'select(.item.note) | "with"',
  ".item | select(.note) | .note",
  ".item.note | select(.)",
  'if (.item | has("note")) then .item.note else 1 end',
  "if .item.note == null then 1 else .item.note end",
  "any(.item.note, .item.vip; .)",
  "[.item.note, .item.vip] | all",
  "[.item.note, .item.name] | any",
  ".item | if .note then .note else .name end",
];
test.each(absent)("an item may lack what is only asked of, as in jq: %s", (expression) => {
  const body = { json: { a: `\${ ${expression} }` } };
  expect(findUndeclared(httpRequest({ ...spec, body, forEach: { items: some } }))).toBeUndefined();
});
test.each(absent.filter((one) => !/[?]|\/\/|has|null| or /.test(one)))("what no item has is misspelt: %s", (expression) => {
  const body = { json: { a: `\${ ${expression.replaceAll("note", "ntoe")} }` } };
  const refusal = findUndeclared(httpRequest({ ...spec, body, forEach: { items: some } }));
  expect(refusal?.message).toMatch(/^spec\.body\.json\.a: .*\.item\.ntoe is not there/);
});

test("an expression is read as often for a hundred items as for one", () => {
  // Of another text each time, since a text is read once in all.
  const countFor = (items: readonly unknown[], mark: string): number => {
    readings.mockClear();
    const body = { json: { name: `\${ [.item.name, "${mark}"] }`, at: "${ .index }" } };
    findUndeclared(httpRequest({ ...spec, body, forEach: { items } }));
    return readings.mock.calls.length;
  };
  const once = countFor(named.slice(0, 1), "one");
  expect(once).toBeGreaterThan(0);
  expect(countFor(named, "hundred")).toBe(once);
});
