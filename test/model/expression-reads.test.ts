/** What is told of an expression from its text, held against what jq does with it. */
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { parseJq } from "../../src/core/jq/parse.ts";
import { readsOf } from "../../src/core/expression-reads.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";

const document = {
  inputs: { a: { x: 1, y: [1, 2, { z: "deep" }] }, b: "text", c: '{"x":[1,2]}' },
  item: { x: [3, 1, 2], y: "item", z: null },
  metadata: { name: "it", x: 5 },
};

const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const any = tie("expression");
  const leaf = fc.constantFrom(
    ".",
    ".inputs",
    ".item",
    ".inputs.a",
    ".inputs.b",
    ".item.x",
    ".item.y",
    ".metadata.name",
    '.["inputs"]["a"]',
    "..",
    ".x",

    "1",
    '"t"',
    "null",
    "true",
    "$v",
    "[]",
    "keys",
    "tojson",
    "length",
    "first",
    ".inputs.c|fromjson",
    "not",
    "empty",
    "{inputs}",
  );
  const one = (make: (a: string) => string): fc.Arbitrary<string> => any.map(make);
  const two = (make: (a: string, b: string) => string): fc.Arbitrary<string> => fc.tuple(any, any).map(([a, b]) => make(a, b));
  const three = (make: (a: string, b: string, c: string) => string): fc.Arbitrary<string> =>
    fc.tuple(any, any, any).map(([a, b, c]) => make(a, b, c));
  return {
    expression: fc.oneof(
      { maxDepth: 4, depthIdentifier: "expression" },
      leaf,
      one((a) => `(${a})`),
      one((a) => `${a}?`),
      one((a) => `(${a}).x`),
      one((a) => `(${a})["y"]`),
      one((a) => `(${a})[]?`),
      one((a) => `(${a})[1:2]`),
      one((a) => `-(${a})`),
      one((a) => `[${a}]`),
      one((a) => `"<\\(${a})>"`),
      one((a) => `@json "\\(${a})"`),
      one((a) => `map(${a})?`),
      one((a) => `first(${a})`),
      one((a) => `def f: ${a}; f | f`),
      one((a) => `def f(g): .item | g; f(${a})`),
      one((a) => `select(${a})`),
      one((a) => `[${a}, .item.z] | any`),
      one((a) => `any(.item[]?, .inputs; ${a})`),
      one((a) => `.item.x | all(${a})?`),
      one((a) => `has(${a})?`),
      one((a) => `contains(${a})?`),
      one((a) => `(${a}) | not`),
      two((a, b) => `(${a}) | select(${b})`),
      one((a) => `with_entries(select(${a}))?`),
      one((a) => `path(${a})?`),
      two((a, b) => `${a} | ${b}`),
      two((a, b) => `${a}, ${b}`),
      two((a, b) => `(${a}) // (${b})`),
      two((a, b) => `${a}?//${b}`),
      two((a, b) => `try (${a}) catch (${b})`),
      two((a, b) => `(${a}) + (${b})`),
      two((a, b) => `(${a}) == (${b}) and (${b})`),
      two((a, b) => `{a: (${a}), b: ${b === "empty" ? "1" : `(${b})`}}`),
      two((a, b) => `{"k\\(1)": (${a}), (${b} | tostring): 1}`),
      two((a, b) => `(${a}) as $v | ${b}`),
      two((a, b) => `(${a}) as {x: $v, $y} | [$y, (${b})]`),
      two((a, b) => `(${a}) as [$v] ?// $v | ${b}`),
      two((a, b) => `(${a}) as {(${b} | tostring): $v} | $v`),
      two((a, b) => `(${a})[${b}]?`),
      two((a, b) => `def f($v): $v, (${a}); f(${b})`),
      two((a, b) => `.item |= (${a}) | ${b}`),
      three((a, b, c) => `if ${a} then ${b} else ${c} end`),
      three((a, b, c) => `reduce (${a}) as $v (${b}; ${c})`),
      three((a, b, c) => `[limit(3; foreach (${a}) as $v (${b}; ${c}))]`),
    ),
  };
});

/** The document with all else changed that an expression is said not to read. */
function changed(reads: ReadonlySet<string>): object {
  const change = ([top, fields]: [string, object]): [string, unknown] => [
    top,
    reads.has(top) || ![...reads].some((path) => path.startsWith(`${top}.`))
      ? reads.has(top)
        ? fields
        : { changed: true }
      : Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, reads.has(`${top}.${key}`) ? value : "changed"])),
  ];
  return Object.fromEntries(Object.entries(document).map(change));
}

test(
  "what an expression is said not to read changes nothing of what it yields, and what jq takes can be read",
  async () => {
    await using evaluator = createEvaluator({ threads: 1 });
    const { signal } = new AbortController();
    let [told, untold] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.array(expression, { minLength: 10, maxLength: 10 }), async (texts) => {
        for (const text of texts) {
          const whole = `${/\$v/.test(text) ? "0 as $v | " : ""}${text}`;
          const refused = await evaluator.compile([whole], signal, "");
          if (refused) continue;
          expect([whole, parseJq(whole) !== undefined]).toEqual([whole, true]);
          const reads = readsOf(whole);
          if (reads === "everything") {
            untold += 1;
            continue;
          }
          told += 1;
          const before = await evaluator.evaluate(JSON.stringify(document), [whole], signal, "");
          const after = await evaluator.evaluate(JSON.stringify(changed(reads)), [whole], signal, "");
          expect(JSON.stringify([whole, [...reads], after])).toBe(JSON.stringify([whole, [...reads], before]));
        }
      }),
      runs(60),
    );
    expect(told).toBeGreaterThan(untold / 10);
  },
  fuzzTimeoutMs * 6,
);

test.each([
  "(".repeat(5000),
  "-".repeat(8000),
  ".a".repeat(4000),
  "1+".repeat(4000) + "1",
  ".|".repeat(4000) + ".",
  "[".repeat(3000),
])("of %#: what is nested or chained without end is read in time, or not at all", (text) => {
  expect(["everything", "object"]).toContain(typeof readsOf(text) === "string" ? "everything" : "object");
});
test("what would take each of many ways through it is not told", () => {
  expect(readsOf(Array.from({ length: 40 }, () => "(.a, .b)").join(" | "))).toBe("everything");
});
