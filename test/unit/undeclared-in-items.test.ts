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
