/** What is answered without jq is what jq answers, to the byte; what is taken for a program without jq is one for jq. */
import { afterAll, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { textOf } from "../../src/core/json-document.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { createNativeExpressions } from "../../src/expressions/native/evaluate.ts";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";
import { documents, programs } from "../support/native-programs.ts";

const jq = createEvaluator({ engine: "jq", deadlineMs: 20_000 });
afterAll(async () => jq[Symbol.asyncDispose]());
const { signal } = new AbortController();

test(
  "random programs over random documents",
  async () => {
    const native = createNativeExpressions();
    let answered = 0;
    const batches = fc.tuple(documents, fc.array(programs, { minLength: 20, maxLength: 20 }));
    await fc.assert(
      fc.asyncProperty(batches, async ([document, expressions]) => {
        const known = expressions.filter((text) => native.knows(text));
        expect(await jq.compile(known, signal)).toBeUndefined();
        const answers = known.flatMap((text) => (native.evaluate(document, [text]) ?? []).map((json) => ({ text, json })));
        answered += answers.length;
        const sharing = { own: { text: '{"b":[1]}' }, last: { field: "response", value: { text: document } } };
        for (const { text } of answers) {
          const program = `.response | (${text})`;
          expect(native.evaluate(sharing, [program])).toEqual(native.evaluate(textOf(sharing), [program]));
        }
        const texts = answers.map(({ text }) => text);
        const together = await jq.evaluate(document, texts, signal);
        const wanted = together.type === "values" ? together.json : [];
        const wrong =
          together.type === "values" ? answers.find(({ json }, at) => json !== wanted[at]) : answers[failedAt(together)];
        expect(wrong && { ...wrong, together }).toBeUndefined();
      }),
      runs(1_000),
    );
    expect(answered).toBeGreaterThan(2_000); // else nothing was compared
  },
  6 * fuzzTimeoutMs,
);
function failedAt(answer: { readonly index?: number }): number {
  return answer.index ?? 0;
}
