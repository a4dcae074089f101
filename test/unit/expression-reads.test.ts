import { expect, test } from "@jest/globals";
import { readsOf } from "../../src/core/expression-reads.ts";

const told: readonly (readonly [string, readonly string[]])[] = [
  [".inputs.token", ["inputs.token"]],
  ['.["inputs"]["a-b"]', ["inputs.a-b"]],
  ['."inputs".x', ["inputs.x"]],
  [".inputs", ["inputs"]],
  [".inputs | .token", ["inputs"]],
  ['.inputs["to" + "ken"]', ["inputs"]],
  ["{inputs}", ["inputs"]],
  [".item.name | ascii_upcase", ["item.name"]],
  [".item.name | tojson, .inputs", ["item.name"]],
  ['(.item.name // "x")', ["item.name"]],
  [".item[.inputs.n]", ["item", "inputs.n"]],
  [".item as $one | .now", ["item", "now"]],
  ["if .response.statusCode == 201 then .response.body.id else null end", ["response.statusCode", "response.body"]],
  ['"\\(.inputs.user):\\(.metadata.name)" | @base64', ["inputs.user", "metadata.name"]],
  ['@base64 "\\(.inputs.user):"', ["inputs.user"]],
  ["[.response.body.items[] | .id] | first", ["response.body"]],
  ["first(.response.body[] | select(.a)) | .id", ["response.body"]],
  [".response.body.a // .response.headers.b", ["response.body", "response.headers"]],
  ["now | todate", []],
  ['"{a}.inputs"', []],
];
test.each(told)("%s reads %j", (expression, wanted) => {
  expect(readsOf(expression)).toEqual(new Set(wanted));
});

test.each([
  ".",
  "..",
  ".[]",
  "tojson",
  "@base64",
  ". | tojson",
  'getpath(["inputs"])',
  "to_entries",
  ".item as $x | tojson",
  ". as $all | $all.inputs.token",
  "if . then 1 else 2 end",
  ". and .x",
  "(.item | f) as $x | tojson",
  "{a: .item | tojson, b: tojson}",
  "if .x | tojson then tojson else 1 end",
  "limit(1; .x | .y; tojson)",
  "first",
  "def f: .inputs; f",
  "reduce .item[] as $x (0; . + 1)",
  "try .x catch .",
  ".item |= .inputs",
  '{"inputs"}',
  '"\\(tojson)"',
  ".item # a comment \\\n | .inputs",
  '"not closed',
  ".item)",
])("%s may read everything, as far as can be told", (expression) => {
  expect(readsOf(expression)).toBe("everything");
});
