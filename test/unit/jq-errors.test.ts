import { expect, test } from "@jest/globals";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { shapeOfError } from "../../src/http/evaluate/jq-errors.ts";

const { signal } = new AbortController();

test("of what jq says of an error, only words of its own are shown", async () => {
  await using evaluator = createEvaluator();
  const document = '{"s":"s3cr3t-value","n":7,"o":{"s3cr3t":1},"a":["s3cr3t"]}';
  const shapes = {
    ".s + .n": "string and number cannot be added",
    ".o - .n": "object and number cannot be subtracted",
    ".o * .s": "object and string cannot be multiplied",
    ".n / .o": "number and object cannot be divided",
    ".n / 0": "number and number cannot be divided",
    ".s | tonumber": "string (not shown)",
    ".n | keys": "number has no keys",
    '.n | test("a")': "number is no string and cannot be matched",
    ".s | fromjson": "fromjson: the text is not JSON",
    ".n | .[]": "cannot iterate over number",
    ".n | .[0]": "cannot index number with number",
    "error(.s)": "jq ends with an error (not shown, since it can quote a secret or the response)",
    halt: "it uses what is not available in an expression",
  };
  for (const [expression, shape] of Object.entries(shapes)) {
    const failed = await evaluator.evaluate(document, [expression], signal);
    if (failed.type !== "failed") throw new Error(`${expression}: ${failed.type}`);
    const shown = shapeOfError(failed.message);
    expect([expression, shown]).toEqual([
      expression,
      shape === "string (not shown)" ? expect.stringMatching(/^string .*number$/) : shape,
    ]);
  }
}, 30_000);

test("an error that an expression makes is cut where it is made, and looked through once", async () => {
  await using evaluator = createEvaluator();
  for (const expression of ['error("string (" + (") and (null " * 100000))', 'error({a: ("b" * 100000)})', "[".repeat(3000)]) {
    const failed = await evaluator.evaluate("{}", [expression], signal);
    expect("message" in failed && failed.message.length <= 1024).toBe(true);
  }
  expect(shapeOfError(`string (${") and null (".repeat(100_000)}`)).toMatch(/^jq ends/);
}, 30_000);
