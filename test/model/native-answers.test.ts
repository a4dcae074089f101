/** Each thing in which a part of jq without jq can go wrong: answered as jq answers, or left to jq. */
import { afterAll, describe, expect, jest, test } from "@jest/globals";
import { textOf, type SharingDocument } from "../../src/core/json-document.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { createNativeExpressions } from "../../src/expressions/native/evaluate.ts";

const jq = createEvaluator({ engine: "jq", deadlineMs: 20_000 });
afterAll(async () => jq[Symbol.asyncDispose]());
const { signal } = new AbortController();
const native = createNativeExpressions();

const document = JSON.stringify({
  id: "7",
  list: [{ n: 1, name: "b" }, { n: 2, name: "a" }, { n: 1 }],
  nested: [
    [1, 2],
    [3, 4],
  ],
  text: "a,b\nc",
  nothing: null,
  no: false,
  user: { name: "Ada", age: 36 },
});

describe("answered without jq, and as jq does", () => {
  test.each([
    ".user.name",
    '.user["name"]',
    ".list[0].name",
    ".list[-1].name",
    '.list[] | select(.name == "a") | .n',
    "first(.list[] | select(.n == 1)).name",
    ".nothing.a.b",
    ".nothing // .no // 3",
    "[.nested[][0, 1]]",
    '"\\(1, 2) \\(3, 4)"',
    "{a: (1, 2), b: (3, 4)}",
    "[(1, 2) + (10, 20)]",
    ".id | tonumber + 1",
    "if .user.age > 30 then .user.name elif .no then 1 else 2 end",
    ".user.name.first?",
    "[.list[].name.x?]",
    'try .id.x catch "c"',
    "try [first((.id.x\n\n))] catch false",
    '.text | split(",")',
    '[.list[].name] | join("-")',
    "[.list | sort_by(.n)[] | .name]",
    "[.list | group_by(.n)[] | length]",
    ".list | map(.n) | add",
    'any(.list[]; .n == 2) and (.user | has("age"))',
    ".list as $all | $all | length",
    "reduce .list[] as $one (0; . + $one.n)",
    '{id, "name": .user.name, (.id): 1} | keys',
    ".user | tojson | @base64 | @base64d",
    '"a b/é" | @uri',
    "$ENV.PATH, env.PATH",
    "[.list[] | objects | .n | numbers] | unique",
    '.text | test("^b")',
    "-1 + 2",
    "{if: 1}.if",
  ])("%s", async (text) => {
    expect({ type: "values", json: native.evaluate(document, [text]) }).toEqual(await jq.evaluate(document, [text], signal));
  });

  test("an integer is printed as it stands, however long", () => {
    expect(native.evaluate('{"id":12345678901234567890}', [".id", '"\\(.id)"'])).toEqual([
      "12345678901234567890",
      '"12345678901234567890"',
    ]);
  });
});

describe("left to jq", () => {
  test.each([
    ["an error, which jq words", ".id.x"],
    ["a message that is looked at", 'try error("a") catch .'],
    ["a fraction that is computed with", "1.5 + 1"],
    ["a product beyond what doubles hold", "1000000000000000 * 10"],
    ["slices of lists, which jq takes for equal", ".nested[:1] == .nested[1:]"],
    ["as behind an operator", "1 + . as $x | 2"],
    ["a variable that is not there", "$x"],
    ["definitions", "def f: 1; f"],
    ["comments", ". # x"],
    ["escapes", '"\\u0041"'],
    ["assignments", ".id = 1"],
    ["optional destructuring", ".id?//1"],
    ["regular expressions", '.id | test("[0-9]")'],
    ["what jq refuses when it compiles", "{(1): 2}"],
    ["a comparison of comparisons", "1 < 2 < 3"],
    ["several states", "reduce .list[] as $x (0, 1; .)"],
    ["two texts in an order that UTF-16 has otherwise", '["\ue000", "😀"] | sort'],
    ["recursion", "[..]"],
    ["a program that is long", `.id${" ".repeat(2_000)}`],
  ])("%s", (_what, text) => {
    expect(native.evaluate(document, [text])).toBeUndefined();
  });

  test.each([
    ["a number that JavaScript writes in another way", "[1.10]", "."],
    ["an exponent", "[1e+21]", "."],
    ["minus zero", "[-0]", "."],
    ["a long number that is compared", "[12345678901234567890]", ".[0] == .[0]"],
    ["a NUL", '["\\u0000"]', "."],
    ["half a surrogate pair", '["\\ud800"]', "."],
    ["a character that jq escapes", '["\u007f"]', "."],
    ["keys that JavaScript reorders", '{"b":1,"1":2}', "."],
    ["a document that is large", JSON.stringify("a".repeat(70_000)), "."],
    ["a document that is deep", `${"[".repeat(6_000)}${"]".repeat(6_000)}`, "length"],
  ])("%s", (_what, text, expression) => {
    expect(native.evaluate(text, [expression])).toBeUndefined();
  });
});

test.each([
  ["a list that doubles", "reduce .[] as $x ([1]; . + .)"],
  ["a list of itself that doubles when it is printed", "reduce .[] as $x ([1]; [., .])"],
  ["a text that doubles", 'reduce .[] as $x ("a"; . + .)'],
  ["a text of itself", 'reduce .[] as $x ("a"; "\\(.)\\(.)")'],
  ["loops in loops", "[.[] as $a | .[] as $b | .[] as $c | .[] as $d | $a] | length"],
  ["a comparison of all with all", "[.[] as $a | .[] as $b | .[] | select([., $a] == [$b, .])] | length"],
  ["a text that is searched for in texts", "tojson as $text | [.[] as $a | .[] | $text | contains($text)] | length"],
  ["sorting in loops", "[.[] as $x | .[] as $y | sort] | length"],
])("%s costs a bounded time, and is jq's", (_what, text) => {
  const many = JSON.stringify(Array.from({ length: 60 }, (_, index) => index));
  expect(native.knows(text)).toBe(true);
  expect(native.evaluate(many, [text])).toBeUndefined();
});

test("what is nested as deep as an expression can be is no fault of its own", () => {
  for (const text of [
    "(".repeat(999),
    "[".repeat(1_000),
    "-".repeat(1_000),
    "{a:".repeat(600),
    "try ".repeat(500),
    ".a|".repeat(600),
  ])
    expect(native.knows(`${text}.`)).toBe(text.startsWith(".a"));
});

describe("a part that documents share", () => {
  const sharing = (text: string): SharingDocument => ({
    own: { text: '{"b":[1],"now":"2026-01-01"}' },
    last: { field: "response", value: { text } },
  });
  test.each([
    ["an object", '{"z":1,"a":[1,2]}'],
    ["a text", '"a"'],
    ["a number that JavaScript writes in another way", "1.10"],
    ["a number that is long", "12345678901234567890"],
    ["half a surrogate pair", '"\\ud800"'],
    ["a character that jq escapes", '"\u007f"'],
    ["what is deep", `${"[".repeat(6_000)}${"]".repeat(6_000)}`],
    ["what is large", JSON.stringify("a".repeat(70_000))],
    ["what is large with the rest", JSON.stringify("a".repeat(65_520))],
  ])("gives what it gives as text: %s", (_what, text) => {
    const one = sharing(text);
    for (const expression of [".", ".response", ".b", "keys", ".response == .response", "[.response, .b]"])
      expect(native.evaluate(one, [expression])).toEqual(native.evaluate(textOf(one), [expression]));
  });

  test("is read once", () => {
    const one = sharing('{"a":1}');
    const read = jest.spyOn(JSON, "parse");
    for (const own of [one.own, { text: '{"b":2}' }, { text: '{"b":3}' }]) native.evaluate({ ...one, own }, [".response.a + .b"]);
    for (const last of [one.last, undefined]) native.evaluate({ own: one.own, ...(last && { last }) }, [".b"]);
    const readsOf = (text: string | undefined): number => read.mock.calls.filter(([it]) => it === text).length;
    const reads = [readsOf(one.own.text), readsOf(one.last?.value.text)];
    read.mockRestore();
    expect(reads).toEqual([1, 1]);
    expect(native.evaluate({ ...one, own: { text: '{"b":2}' } }, [".response.a + .b"])).toEqual(["3"]);
  });

  test("is jq's as text", async () => {
    await using evaluator = createEvaluator({ deadlineMs: 20_000 });
    expect(await evaluator.evaluate(sharing('{"a":1.10}'), [".response.a", "[..] | length"], signal)).toEqual({
      type: "values",
      json: ["1.10", "6"],
    });
  });
});

test("the evaluator asks no thread for what is simple, and jq for the rest", async () => {
  await using evaluator = createEvaluator({ deadlineMs: 20_000 });
  expect(await evaluator.evaluate(document, [".id", ".user.age"], signal)).toEqual({ type: "values", json: ['"7"', "36"] });
  expect(await evaluator.evaluate(document, [".id", "[..] | length"], signal)).toEqual({ type: "values", json: ['"7"', "24"] });
  expect(await evaluator.evaluate(document, [".id", ".id.x"], signal)).toMatchObject({ type: "failed", index: 1 });
  expect(await evaluator.compile([".id", ".id |"], signal)).toMatchObject({ type: "invalid", index: 1 });
});
