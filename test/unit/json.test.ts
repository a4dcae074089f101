import { expect, jest, test } from "@jest/globals";
import * as fc from "fast-check";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";
import { canonicalJSON, isRecord, parseJSON, sameJSON } from "../../src/core/tools/json.ts";

const exact = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
};
/** Slowly: https://github.com/tc39/proposal-json-parse-with-source. */
function revived(text: string): unknown {
  return exact.parse(text, (_key, value, { source = "" }) =>
    typeof value === "number" && /^-?\d{16,}$/.test(source) && String(value) !== source ? exact.rawJSON(source) : value,
  );
}

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
      const isSame = canonicalJSON(a) === canonicalJSON(b);
      return sameJSON(a, b) === isSame && sameJSON(a, parseJSON(canonicalJSON(a)));
    }),
    { numRuns: 2_000, seed: 1 },
  );
});

test("keeps of any JSON what a reviver that sees each number's source would", () => {
  const scalar = fc.oneof(
    fc.constantFrom("null", "true", "1", "-1", "9007199254740992", "9007199254740993", "1234567890123456e2"),
    fc.constantFrom("1.2345678901234567890", "1e1234567890123456", "-1234567890123456E+1", "1234567890123456.5"),
    fc.constantFrom("12345678901234567891.5", "12345678901234567891e2", "-12345678901234567891E-2"),
    fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
    fc.string().map((text) => JSON.stringify(text)),
    fc.constantFrom('"12345678901234567891"', String.raw`"\"12345678901234567891\\"`, String.raw`"\\\",12345678901234567891"`),
  );
  const space = fc.constantFrom("", " ", "\n");
  const key = fc.constantFrom("a", "b", "__proto__", "constructor", "toJSON", "12345678901234567891", String.raw`\"`);
  const { text } = fc.letrec<{ text: string }>((tie) => ({
    text: fc.oneof(
      { maxDepth: 4 },
      scalar,
      fc.tuple(fc.array(tie("text"), { maxLength: 4 }), space).map(([items, gap]) => `[${items.join(`${gap},${gap}`)}]`),
      fc
        .tuple(fc.array(fc.tuple(key, tie("text")), { maxLength: 4 }), space)
        .map(([fields, gap]) => `{${fields.map(([name, value]) => `"${name}"${gap}:${gap}${value}`).join(",")}}`),
    ),
  }));
  fc.assert(
    fc.property(text, (written) => JSON.stringify(parseJSON(written)) === JSON.stringify(revived(written))),
    { numRuns: 2_000, seed: 1 },
  );
});

test("keeps them at any depth", () => {
  let inner = parseJSON(`${"[".repeat(100_000)}12345678901234567891${"]".repeat(100_000)}`);
  while (Array.isArray(inner)) [inner] = inner as unknown[];
  expect(JSON.stringify(inner)).toBe("12345678901234567891");
});

test.each([
  "",
  "[12345678901234567891",
  '"12345678901234567891',
  "{12345678901234567891:1}",
  "-12345678901234567891-",
  "012345678901234567891",
])("says of %j that it is no JSON", (text) => {
  expect(() => parseJSON(text)).toThrow(SyntaxError);
});

test("has no value looked at by a reviver, which takes its time for each of them", () => {
  const parse = jest.spyOn(JSON, "parse");
  expect(parseJSON(`[${"0,".repeat(1_000)}12345678901234567891]`)).toHaveLength(1_001);
  const revivers = parse.mock.calls.map(([, reviver]) => reviver);
  parse.mockRestore();
  expect(revivers).toEqual([undefined, undefined]);
});

test(
  "a text is parsed once, whatever integers it has, and one that is no JSON is none with them either",
  () => {
    const parse = jest.spyOn(JSON, "parse");
    for (const text of ['{"a":12345678901234567890}', "[1234567890123456]", '{"a":1}', '"12345678901234567890"']) {
      parse.mockClear();
      parseJSON(text);
      expect([text, parse.mock.calls.length]).toEqual([text, 1]);
    }
    parse.mockRestore();
    const isJSON = (parseText: (text: string) => unknown, text: string): boolean => {
      try {
        parseText(text);
        return true;
      } catch {
        return false;
      }
    };
    const isTheSame = (text: string): boolean => isJSON(parseJSON, text) === isJSON(JSON.parse, text);
    const texts = ["{12345678901234567890:1}", "{ -1234567890123456789 \n:1}", "012345678901234567890", "-012345678901234567"];
    expect(texts.filter((text) => !isTheSame(text))).toEqual([]);
    const piece = fc.constantFrom("12345678901234567890", "-1234567890123456789", ...Array.from('0-+.e{}[],:" \na\\'));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => isTheSame(pieces.join(""))),
      runs(2_000),
    );
  },
  fuzzTimeoutMs,
);
