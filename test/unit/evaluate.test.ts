/** What jq is asked, and what it says. */
import { describe, expect, test } from "@jest/globals";
import type { Evaluator } from "../../src/core/ports.ts";
import { compileAll, evaluateAll } from "../../src/http/evaluate/batch.ts";
import { orRefusal } from "../../src/http/refusal.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { shapeOfError } from "../../src/http/evaluate/jq-errors.ts";
import { redact } from "../../src/core/redacted.ts";
import type { Response } from "../../src/core/outcome.ts";
import { compareBody } from "../../src/http/evaluate/comparison.ts";

// What comes of expressions that were not evaluated, from an evaluator that is a script.
describe("evaluate", () => {
  const expressions = [{ field: "spec.path", text: ".a" }];
  const { signal } = new AbortController();
  const saying = (answer: { readonly type: "timeout" | "starved"; readonly index?: number }): Evaluator => ({
    evaluate: () => Promise.resolve(answer),
    compile: () => Promise.resolve(answer),
  });

  test("one that had its time and did not end is wrong; one that got none, or was not compiled, is tried again", async () => {
    const batch = { document: "{}", expressions, open: true, group: "n" };
    const evaluating = (type: "timeout" | "starved") => orRefusal(async () => evaluateAll(saying({ type }), batch, signal));
    const compiling = (type: "timeout" | "starved") =>
      orRefusal(async () => ({ none: await compileAll(saying({ type, index: 0 }), batch, signal) }));
    const refused = (heals: boolean) => ({ reason: "ExpressionTimeout", heals, message: expect.stringContaining("spec.path: ") });
    expect(await evaluating("timeout")).toMatchObject(refused(false));
    expect(await evaluating("starved")).toMatchObject(refused(true));
    expect(await compiling("timeout")).toMatchObject(refused(true));
    expect(await compiling("starved")).toMatchObject(refused(true));
  });
});

describe("jq errors", () => {
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
  });

  test("an error that an expression makes is cut where it is made, and looked through once", async () => {
    await using evaluator = createEvaluator();
    for (const expression of ['error("string (" + (") and (null " * 100000))', 'error({a: ("b" * 100000)})', "[".repeat(3000)]) {
      const failed = await evaluator.evaluate("{}", [expression], signal);
      expect("message" in failed && failed.message.length <= 1024).toBe(true);
    }
    expect(shapeOfError(`string (${") and null (".repeat(100_000)}`)).toMatch(/^jq ends/);
  });
});

// `compare` asks jq as seldom as its places allow.
describe("compare in batches", () => {
  /** How often jq was asked, and what it was asked each time. */
  async function asked(...paths: readonly string[]): Promise<readonly (readonly string[])[]> {
    const batches: (readonly string[])[] = [];
    const response = { headers: { "content-type": "application/json" }, body: redact('{"a":{"b":1},"l":[{"n":1},{"n":2}]}') };
    const normalise = paths.map((path) => ({ path, as: { field: path, text: "." } }));
    const compare = { type: "json", field: "spec.update.body.json", value: { a: { b: 1 } } } as const;
    const metadata = { name: "x", namespace: "n", uid: "u" };
    await compareBody(
      {
        scope: { inputs: {}, metadata, now: "2026-01-01T00:00:00Z" },
        response: response as unknown as Response,
        expressions: [],
        compare,
        normalise,
      },
      {
        ask: () => Promise.resolve(new Map()),
        bytes: new Map(),
        async over(document, expressions) {
          batches.push(expressions.map(({ field }) => field));
          return JSON.parse(document) as unknown[];
        },
      },
    );
    return batches;
  }

  test("places that are apart go in together, in the order in which they are declared", async () => {
    expect(await asked(".a.b", ".c", '.d["e f"]', ".l[].n", ".a.c")).toEqual([[".a.b", ".c", '.d["e f"]', ".l[].n", ".a.c"]]);
    expect(await asked()).toEqual([]);
  });

  test("a place within another goes in after it, with what comes then", async () => {
    expect(await asked(".a", ".c", ".a.b", ".c.d", ".e")).toEqual([
      [".a", ".c"],
      [".a.b", ".c.d", ".e"],
    ]);
    expect(await asked(".l[].n", ".l[0]", ".l[1].n")).toEqual([[".l[].n"], [".l[0]", ".l[1].n"]]);
    expect(await asked(".a", ".a")).toEqual([[".a"], [".a"]]);
    expect(await asked(".l[].n", ".l[].m", ".l[]")).toEqual([[".l[].n", ".l[].m"], [".l[]"]]);
  });
});
