/** What is evaluated without jq pays for all it does: each construct and each function, those of tomorrow among them. */
import { describe, expect, test } from "@jest/globals";
import { functionsKnown } from "../../src/expressions/native/calls.ts";
import { compile } from "../../src/expressions/native/compile.ts";
import { operations } from "../../src/expressions/native/operations.ts";
import { parse } from "../../src/expressions/native/parser.ts";
import type { Node } from "../../src/expressions/native/syntax.ts";
import { FailedError, GiveUpError, isFields, isList, Meter, type Value } from "../../src/expressions/native/values.ts";

class CountingMeter extends Meter {
  spent = 0;
  override spend(steps: number): void {
    if (!(steps >= 0)) throw new RangeError(`${steps} steps`);
    this.spent += steps;
    super.spend(steps);
  }
}
interface Run {
  readonly steps: number;
  readonly outputs: number;
  /** It did not give up, and did not fail. */
  readonly isAnswered: boolean;
}
function run(expression: string, input: Value, most = Infinity): Run {
  const meter = new CountingMeter(most);
  let outputs = 0;
  let isAnswered = true;
  try {
    compile(parse(expression))(input, { meter }, () => {
      outputs += 1;
      return false;
    });
  } catch (error) {
    if (!(error instanceof GiveUpError || error instanceof FailedError)) throw error;
    isAnswered = false;
  }
  return { steps: meter.spent, outputs, isAnswered };
}

/** Of each construct an expression of a number that evaluates all of its parts. */
const constructs: Readonly<Record<Node["type"], string>> = {
  identity: ".",
  literal: "1",
  variable: "$v",
  index: "$o.a",
  slice: '"abc"[1:2]',
  iterate: "$o[]",
  try: "try .[] catch 1",
  pipe: ". | .",
  comma: "., .",
  alternative: "null // .",
  and: ". and .",
  or: "false or .",
  operation: ". + 1",
  bind: ". as $w | .",
  reduce: "reduce . as $w (0; 1)",
  if: "if (., null) then . else 1 end",
  array: "[.]",
  object: "{a: .}",
  text: '"\\(.)-"',
  call: "map(.)?",
};
function nodesIn(node: unknown): number {
  if (typeof node !== "object" || node === null) return 0;
  return Object.values(node).reduce<number>((sum, part) => sum + nodesIn(part), "type" in node ? 1 : 0);
}

describe("an evaluation pays for each of its parts, each time:", () => {
  const numbers = Array.from({ length: 1_000 }, (_, index) => index);
  const turns = numbers.length;
  const of = (expression: string): Run => run(`. as $v | {a: 1} as $o | $v[] | (${expression})`, numbers);
  test.each(Object.entries(constructs))("%s", (type, expression) => {
    const known = parse(`. as $v | {a: 1} as $o | (${expression})`);
    const parts = nodesIn(known) - nodesIn(parse(". as $v | {a: 1} as $o | .")) + 1;
    expect(JSON.stringify(known)).toContain(`"type":"${type}"`);
    expect(of(expression).steps).toBeGreaterThanOrEqual(turns * parts);
  });
});

/** Those through which outputs of a part go, one by one. */
const passing: Readonly<Record<string, (inner: string) => string>> = {
  try: (inner) => `(${inner})?`,
  pipe: (inner) => `(${inner}) | .`,
  comma: (inner) => `(${inner}), empty`,
  alternative: (inner) => `(${inner}) // 1`,
  and: (inner) => `(${inner}) and true`,
  operation: (inner) => `(${inner}) == 1`,
  bind: (inner) => `(${inner}) as $x | $x`,
  if: (inner) => `if true then (${inner}) else 1 end`,
  array: (inner) => `[${inner}] | .[]`,
  object: (inner) => `{a: (${inner})} | true`,
  index: (inner) => `{a: (${inner})}.a`,
  text: (inner) => `"\\(${inner})" | true`,
  select: (inner) => `(${inner}) | select(true)`,
  values: (inner) => `(${inner}) | values`,
};
test.each(Object.entries(passing))("each output pays at each construct it goes through: %s", (_name, wrap) => {
  const nested = (depth: number): Run => {
    let expression = ".[]";
    for (let count = 0; count < depth; count += 1) expression = wrap(expression);
    return run(expression, Array(500).fill(true));
  };
  const [one, eleven] = [nested(1), nested(11)];
  expect(eleven.steps - one.steps).toBeGreaterThanOrEqual(10 * 500);
});

test.each(["empty", "select(false)", "strings", ".[]?"])("turns are paid for where nothing comes of them: %s", (last) => {
  const doubled = Array(12).fill("(1,1)").join(" | ");
  expect(run(`${doubled} | ${last}`, null).steps).toBeGreaterThan(2 ** 12);
});

/** What is looked at in a value and in all within it. */
function watched(value: Value): { readonly value: Value; readonly looks: () => number } {
  let looks = 0;
  const watch = (one: Value): Value => {
    if (!isList(one) && !isFields(one)) return one;
    const inner = isList(one) ? one.map(watch) : Object.fromEntries(Object.entries(one).map(([key, part]) => [key, watch(part)]));
    return new Proxy(inner, {
      get(target, key) {
        if (Object.hasOwn(target, key) && key !== "length") looks += 1;
        return Reflect.get(target, key) as unknown;
      },
      ownKeys(target) {
        const keys = Reflect.ownKeys(target);
        looks += keys.length;
        return keys;
      },
    });
  };
  return { value: watch(value), looks: () => looks };
}

const many = 100;
const times = <Item extends Value>(make: (index: number) => Item): Item[] =>
  Array.from({ length: many }, (_, index) => make(index));
const fieldsOf = (make: (index: number) => Value): Value => Object.fromEntries(times((index) => [`k${index}`, make(index)]));
const large: Readonly<Record<string, Value>> = {
  numbers: times((index) => (index * 7) % many),
  "equal numbers": times(() => 1),
  texts: times((index) => `t${index}`),
  lists: times((index) => [index]),
  objects: times((index) => ({ key: `k${index}`, value: index })),
  nulls: times(() => null),
  "one list": [times((index) => index)],
  fields: fieldsOf((index) => index),
  "fields of fields": { a: fieldsOf((index) => ({ index })) },
};
const none: Readonly<Record<string, Value>> = { "no list": [], "no fields": {}, "one number": [1], text: "a", null: null };

/** With `$a` and `$b`, which are values. */
const calls = [
  ...functionsKnown().flatMap(
    ({ name, parameters }) =>
    parameters === 0 ? [`$a | ${name}`]
    : parameters === 1 ? [`$a | ${name}($b)`, `$a | ${name}(.)`, `$a | ${name}(.[]?)`]
    : [`$a | ${name}(.[]?; .)`, `$a | ${name}(.[]?; $b)`], // prettier-ignore
  ),
  ...Object.keys(operations).map((operator) => `$a ${operator} $b`),
  "$a[$b]",
  "$a[]",
  '"\\($a)"',
];
test.each(calls)("whatever looks at a value has paid for that: %s", (call) => {
  const unpaid: object[] = [];
  for (const [a, value] of Object.entries({ ...large, ...none }))
    for (const [b, other] of Object.entries({ ...large, ...none, same: value })) {
      const input = watched([value, other]);
      const { steps } = run(`.[0] as $a | .[1] as $b | ${call}`, input.value, 500);
      if (input.looks() > 3 * steps + 20) unpaid.push({ a, b, looks: input.looks(), steps }); // some look twice, or thrice
    }
  expect(unpaid).toEqual([]);
});

/** Those that need not read the text they are called on, or not more of it than their parameter is long. */
const notReading = new Set(
  "not env type tostring @text tonumber values strings scalars startswith endswith ltrimstr rtrimstr select first add any all".split(
    " ",
  ),
);
/** Those that give each value of their parameter on, or ask whether it is true. */
const notReadingParameter = new Set("select first add any all map sort_by group_by unique_by min_by max_by".split(" "));

const longTexts = ["a", "A", "é", "!", "\u0001", '"', "😀", "1"].map((unit) => unit.repeat(40_000 / unit.length));

describe("whatever reads a text has paid for that:", () => {
  test.each(functionsKnown())("$name/$parameters of one", ({ name, parameters }) => {
    if (notReading.has(name)) return;
    const call = parameters === 0 ? name : parameters === 1 ? `${name}("b")` : `${name}(.; .)`;
    for (const text of longTexts) {
      const { steps, isAnswered, outputs } = run(call, text);
      if (isAnswered && outputs > 0) expect(steps).toBeGreaterThanOrEqual(text.length / 256);
    }
  });
  test.each(functionsKnown().filter(({ parameters }) => parameters === 1))("$name with one", ({ name }) => {
    if (notReadingParameter.has(name)) return;
    for (const input of ["b", ["b", "c"], { b: "b" }])
      for (const text of longTexts) {
        const { steps, isAnswered } = run(`.[1] as $text | .[0] | ${name}($text)`, [input, text]);
        if (isAnswered) expect(steps).toBeGreaterThanOrEqual(text.length / 256);
      }
  });
  test.each(Object.keys(operations))("$a %s $b", (operator) => {
    for (const text of longTexts)
      for (const other of [`${text}b`, `b${text.slice(1)}`]) {
        const isOfOtherLength = (operator === "==" || operator === "!=") && other.length !== text.length;
        const { steps, isAnswered } = run(`.[0] ${operator} .[1]`, [text, other]);
        if (isAnswered && !isOfOtherLength) expect(steps).toBeGreaterThanOrEqual(text.length / 256);
      }
  });
  test.each(["<", ">="])("a short one %s a long one", (operator) => {
    for (const text of longTexts) expect(run(`. ${operator} "b"`, text).steps).toBeGreaterThanOrEqual(text.length / 256);
  });
  test.each(["contains", "inside", "split", "test"])(
    "%s of a long one with a long one, which would be more than 2^31",
    (name) => {
      const text = "a".repeat(64_000);
      const { steps } = run(`.[1] as $part | .[0] | ${name}($part)`, [text, text]);
      expect(steps).toBeGreaterThanOrEqual(text.length ** 2 / 256);
    },
  );
  test("a key that is long", () => {
    const key = "1".repeat(40_000);
    expect(run(".[0][.[1]]", [{ [key]: 1 }, key]).steps).toBeGreaterThanOrEqual(key.length / 64);
  });
});
