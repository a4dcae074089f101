/** Random jq programs over random documents, for the evaluator without jq: most are in its part of the language, many are wrong. */
import * as fc from "fast-check";

const keys = ["a", "b", "c", "id", "é", "x y", "0", "10", "A", "__proto__", "length"];
const textual = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...'|a|b|ab|abc|ABC|a,b|a b|12|-3|007|1.5|é|😀|\ue000|\ud7ff|x😀y|true|null|\t\n"\\/|\u007f|a/b?c=d&e|http://x/y|YWI=|YQ==|YWI|_w=='.split(
        "|",
      ),
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 6 }) },
);
const numeral = fc.constantFrom(
  ..."0 1 2 3 -1 10 1.5 1.0 1e2 1e+21 -0 0.1 0.5 100000000000000000000 9007199254740993 9007199254740991 1E-7 3.14159265358979323846 0.50 123456789012345 123456789012345678 -7 -0.0".split(
    " ",
  ),
);
const scalar = fc.oneof(
  textual.map((text) => JSON.stringify(text)),
  numeral,
  fc.constantFrom("null", "true", "false"),
  fc.constantFrom('"\\u0041"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\ud800"', '"\\u2028"'),
);
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    { weight: 5, arbitrary: scalar },
    { weight: 2, arbitrary: fc.array(tie("json"), { maxLength: 4 }).map((all) => `[${all.join(",")}]`) },
    { weight: 2, arbitrary: fc.array(fc.tuple(fc.constantFrom(...keys), tie("json")), { maxLength: 4 }).map(toObject) },
  ),
}));
function toObject(fields: readonly (readonly [string, string])[]): string {
  return `{${fields.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`;
}
/** JSON text. */
export const documents = fc.tuple(json, json, json).map(([a, b, c]) => `{"a":${a},"b":${b},"c":${c},"id":"7","n":5}`);

const literal = fc.oneof(
  fc.constantFrom("null", "true", "false", "0", "1", "2", "-1", "5", "1.5", "100", "[]", "{}"),
  // oxlint-disable-next-line eslint/no-control-regex -- those are for JSON to escape
  textual.filter((text) => !/["\\\u0000-\u001f]/.test(text)).map((text) => `"${text}"`),
);
const path = fc.constantFrom(
  ...'.a .b .c .id .n . .a.b .[0] .[-1] .[] .["x_y"] .a[] .b[1:] .b[:1] .c[0:-1] .a? .a[]? .b.c? .zz ."10" .a["b"] .a[.n] .[.id]? .a[0].b? .a.b[]? .["a","b"] .a[0,1] $ENV env'.split(
    " ",
  ),
);
const plain = fc.constantFrom(
  ..."not length type tostring tojson keys tonumber ascii_downcase ascii_upcase utf8bytelength add any all first last sort unique reverse min max to_entries @text @json @base64 @base64d @uri empty values nulls strings booleans arrays objects numbers iterables scalars keys_unsorted".split(
    " ",
  ),
);
const ofOne = fc.constantFrom(
  ..."map select first any all add sort_by group_by unique_by min_by max_by has startswith endswith ltrimstr rtrimstr contains inside split join test".split(
    " ",
  ),
);
const comparisons = fc.constantFrom(..."== != < <= > >= + - * / % and or".split(" "));
const infix = fc.constantFrom(..."== != < > + - and or //".split(" "));

/** jq's text. */
export const { program: programs } = fc.letrec<{ program: string }>((tie) => {
  const one = tie("program");
  const apart = one.map((text) => `(${text})`);
  const of = (weight: number, arbitrary: fc.Arbitrary<string>) => ({ weight, arbitrary });
  const made = (weight: number, parts: readonly fc.Arbitrary<string>[], make: (...all: readonly string[]) => string) =>
    of(
      weight,
      fc.tuple(...parts).map((all) => make(...all)),
    );
  return {
    program: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      of(6, path),
      of(3, literal),
      of(3, plain),
      made(3, [one, one], (a, b) => `${a} | ${b}`),
      made(1, [one, one], (a, b) => `${a}, ${b}`),
      made(2, [one, one], (a, b) => `${a} // ${b}`),
      made(3, [apart, comparisons, apart], (a, operator, b) => `${a} ${operator} ${b}`),
      made(2, [path, infix, literal, fc.constantFrom("and", "or", "|", ",", "=="), one], (...all) => all.join(" ")),
      made(1, [one, one, one], (a, b, c) => `if ${a} then ${b} else ${c} end`),
      made(1, [one, one, one], (a, b, c) => `if ${a} then ${b} elif ${c} then ${a} end`),
      made(1, [one], (a) => `[${a}]`),
      made(1, [apart], (a) => `${a}?`),
      made(1, [apart], (a) => `try ${a} catch "c"`),
      made(1, [one], (a) => `try [first((${a}\n\n))] catch false`),
      made(1, [apart, one], (a, b) => `${a} as $x | ${b}, $x`),
      made(1, [one, one], (a, b) => `${a} as $x | ${b}, $x`),
      made(1, [apart, one], (a, b) => `reduce ${a} as $x (null; . + $x) | ${b}`),
      made(1, [apart, one], (a, b) => `reduce ${a} as $x (${b}; if $x then . else $x end)`),
      made(1, [apart, apart], (a, b) => `{a: ${a}, "b": ${b}, id, c}`),
      made(1, [one, one], (a, b) => `{a: ${a}, b: ${b}}`),
      made(1, [one, apart], (a, b) => `{(${a}): ${b}}`),
      made(2, [one, one], (a, b) => `"x\\(${a})y\\(${b})"`),
      made(1, [path, one], (a, b) => `${a}[${b}]?`),
      made(3, [ofOne, one], (name, a) => `${name}(${a})`),
      made(1, [fc.constantFrom("any", "all"), one, one], (name, a, b) => `${name}(${a}; ${b})`),
    ),
  };
});
