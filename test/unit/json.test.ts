import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { canonicalJSON, isRecord, parseJSON, sameJSON } from "../../src/core/tools/json.ts";

test("keeps integers beyond 2^53 as they were written", () => {
  const text = '{"id":12345678901234567890,"small":1,"list":[-9223372036854775808]}';
  expect(JSON.stringify(parseJSON(text))).toBe(text);
});

test("leaves digits inside strings alone", () => {
  expect(parseJSON('{"id":"12345678901234567890"}')).toEqual({ id: "12345678901234567890" });
});

test("tells exact integers apart that a double cannot", () => {
  expect(sameJSON(parseJSON("12345678901234567890"), parseJSON("12345678901234567891"))).toBe(false);
  expect(sameJSON(parseJSON("12345678901234567890"), parseJSON("12345678901234567890"))).toBe(true);
});

test("does not care for the order of keys, and does for that of items", () => {
  expect(sameJSON({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true);
  expect(sameJSON([1, 2], [2, 1])).toBe(false);
});

test("leaves absent fields out", () => {
  expect(canonicalJSON({ a: undefined, b: null })).toBe('{"b":null}');
});

test("does not take an exact integer for a record", () => {
  expect(isRecord(parseJSON("12345678901234567890"))).toBe(false);
});

test("calls values the same exactly where their canonical texts are", () => {
  const scalar = fc.constantFrom(null, undefined, 0, -0, 1, NaN, "", "1", true, parseJSON("12345678901234567890"));
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(tie("value"), { maxLength: 3 }), tie("record")),
    record: fc
      .array(fc.tuple(fc.constantFrom("a", "b", "__proto__"), tie("value")), { maxLength: 3 })
      .map((fields) => Object.fromEntries(fields)),
  }));
  fc.assert(
    fc.property(value, value, (a, b) => {
      expect(sameJSON(a, b)).toBe(canonicalJSON(a) === canonicalJSON(b));
      expect(sameJSON(a, parseJSON(canonicalJSON(a)))).toBe(true);
    }),
    { numRuns: 2_000, seed: 1 },
  );
});
