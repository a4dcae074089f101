import { afterAll, describe, expect, test } from "@jest/globals";
import { createEvaluator } from "../../src/expressions/evaluator.ts";

const evaluator = createEvaluator({ engine: "jq", deadlineMs: 5_000 });
afterAll(async () => evaluator[Symbol.asyncDispose]());
const signal = new AbortController().signal;
const evaluate = (document: unknown, ...expressions: string[]) =>
  evaluator.evaluate(typeof document === "string" ? document : JSON.stringify(document), expressions, signal);

test("keeps big integers and decimals exactly as they were written", async () => {
  expect(await evaluate('{"a":12345678901234567890,"b":1.10}', ".a", "[.b]", ".")).toEqual({
    type: "values",
    json: ["12345678901234567890", "[1.10]", '{"a":12345678901234567890,"b":1.10}'],
  });
});

test("takes the first of many outputs, and null where there is none", async () => {
  expect(await evaluate([1, 2], ".[]", "empty")).toEqual({ type: "values", json: ["1", "null"] });
});

test("says which expression does not compile, in jq's words and the user's columns", async () => {
  expect(await evaluate({}, ".a", ".foo |")).toEqual({
    type: "invalid",
    index: 1,
    message: "syntax error, unexpected end of file (line 1, column 6)",
  });
  expect(await evaluate({}, "\n .a + foo(1)")).toEqual({
    type: "invalid",
    index: 0,
    message: "foo/1 is not defined (line 2, column 7)",
  });
});

test("says which expression failed, and why", async () => {
  expect(await evaluate({ a: 1 }, ".a", ".a.b")).toEqual({
    type: "failed",
    index: 1,
    message: 'Cannot index number with string ("b")',
  });
  expect(await evaluate({}, 'error({"code": 7})')).toEqual({ type: "failed", index: 0, message: '{"code":7}' });
});

describe("an expression cannot leave its place in the batch:", () => {
  const breakOuts = [
    ".a) | (.b",
    ".a))] , [((.b",
    "# nothing",
    "",
    'import "a" as a; .',
    'include "a"; .',
    "| .b",
    '"abc',
    '"\\(',
    "{",
    ".a\0",
  ];
  test.each(breakOuts)("%j is refused", async (text) => {
    expect(await evaluate({ a: 1, b: 2 }, ".a", text, ".b")).toMatchObject({ type: "invalid", index: 1 });
  });
  test.each(["halt", "halt_error", "halt_error(1)", "input", "[inputs]", '"x" | modulemeta'])("%s fails alone", async (text) => {
    expect(await evaluate({ secret: "s3cr3t" }, ".secret", text)).toEqual({
      type: "failed",
      index: 1,
      message: "not available in an expression",
    });
  });
  test("definitions, comments, labels, interpolation and printing stay inside", async () => {
    const document = { a: 1, b: 2 };
    const expressions = [
      "def f: .a; f",
      ".a # comment",
      ".a # comment \\",
      'def tojson: "x"; .b',
      "label $out | 1, break $out",
      "debug",
      "stderr",
    ];
    expect(await evaluate(document, ...expressions, '@json "x \\(.b)"', ".b")).toEqual({
      type: "values",
      json: ["1", "1", "1", "2", "1", '{"a":1,"b":2}', '{"a":1,"b":2}', '"x 2"', "2"],
    });
    expect(await evaluate(document, "def g: 1; g", "g")).toMatchObject({ type: "invalid", index: 1 });
  });
});

test("shows nothing of the host: no environment, no file names", async () => {
  expect(await evaluate({}, "env", "$ENV", "$ENV.PATH", "input_filename", "get_search_list")).toEqual({
    type: "values",
    json: ["{}", "{}", "null", "null", "[]"],
  });
});

test("evaluates hundreds of expressions, more than one program holds", async () => {
  const expressions = Array.from({ length: 250 }, (_, index) => `.n + ${index}`);
  expect(await evaluate({ n: 1 }, ...expressions)).toEqual({
    type: "values",
    json: expressions.map((_, index) => `${index + 1}`),
  });
});

test("says so when the document is nested too deeply, and when the result is too large", async () => {
  expect(await evaluate("[".repeat(20_000) + "]".repeat(20_000), "1")).toMatchObject({
    type: "failed",
    message: "the document is nested too deeply",
  });
  expect(await evaluate({}, '"x" * 5000000')).toMatchObject({ type: "failed", index: 0, message: "the result is too large" });
});

test("compiling that takes too long is told apart from what is no jq: a busy machine is no mistake in an expression", async () => {
  await using hurried = createEvaluator({ engine: "jq", deadlineMs: 5 });
  const many = Array.from({ length: 100 }, (_, index) => `[range(${index})] | map(. + 1) | add`);
  // Which of the two depends on how busy it is.
  expect(["timeout", "starved"]).toContain((await hurried.compile(many, new AbortController().signal))?.type);
});

test("an abort rejects, for jobs that wait and for jobs that run", async () => {
  await using single = createEvaluator({ engine: "jq", deadlineMs: 5_000, threads: 1 });
  await single.evaluate("1", ["."], signal);
  const controller = new AbortController();
  const both = [1, 2].map(async () => single.evaluate("{}", ["until(false; .)"], controller.signal));
  controller.abort(new Error("stop"));
  expect(await Promise.allSettled(both)).toEqual([1, 2].map(() => ({ status: "rejected", reason: new Error("stop") })));
});

test("compiling runs nothing, and names the expression that is no jq", async () => {
  expect(await evaluator.compile([".a", "until(false; .)", "error"], signal)).toBeUndefined();
  expect(await evaluator.compile([".a", ".foo |"], signal)).toMatchObject({ type: "invalid", index: 1 });
});
