/**
 * Runs jq's own tests (the files below `tests` in its sources) through the evaluator for simple expressions: what it answers is held
 * against jq, and what it takes for a program must be one for jq.
 *
 * Usage: node tools/jq-tests.ts FILE...     Exit code 1: something differs.
 */
import { readFileSync } from "node:fs";
import { createEvaluator } from "../src/expressions/evaluator.ts";
import { createNativeExpressions } from "../src/expressions/native/evaluate.ts";

await using jq = createEvaluator({ engine: "jq", deadlineMs: 20_000 });
const native = createNativeExpressions();
const { signal } = new AbortController();
const counts = { programs: 0, known: 0, answered: 0, wrong: 0 };

for (const file of process.argv.slice(2))
  for (const [program, input] of casesOf(readFileSync(file, "utf8"))) await hold(program, input);
process.stdout.write(`${JSON.stringify(counts)}\n`);
process.exitCode = counts.wrong === 0 && counts.programs > 0 ? 0 : 1;

/** Groups of lines: a program, its input, what is expected; or %%FAIL and a program that does not compile. */
function casesOf(text: string): (readonly [string, string])[] {
  const groups = text.split(/\n\s*\n/).map((group) => group.split("\n").filter((line) => line !== "" && !line.startsWith("#")));
  return groups
    .filter(({ length }) => length > 0)
    .map(([first = "", second = ""]) => (first.startsWith("%%") ? [second, "null"] : [first, second]));
}

async function hold(program: string, input: string): Promise<void> {
  counts.programs += 1;
  if (!native.knows(program)) return;
  counts.known += 1;
  const refused = await jq.compile([program], signal);
  if (refused) return tell(program, input, refused);
  for (const text of [program, `[${program}]`]) {
    const json = native.evaluate(input, [text]);
    if (!json) continue;
    counts.answered += 1;
    const answer = await jq.evaluate(input, [text], signal);
    if (answer.type !== "values" || answer.json[0] !== json[0]) tell(text, input, { json, answer });
  }
}
function tell(...what: readonly unknown[]): void {
  counts.wrong += 1;
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
