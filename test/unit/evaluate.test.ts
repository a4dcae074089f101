/** What comes of expressions that were not evaluated, from an evaluator that is a script. */
import { expect, test } from "@jest/globals";
import type { Evaluator } from "../../src/core/ports.ts";
import { compileAll, evaluateAll } from "../../src/http/evaluate/batch.ts";
import { orRefusal } from "../../src/http/refusal.ts";

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
