/** Runs the peer's jq where everything that it sees is known. There is no parser of jq here: what a program means is what it yields. */
import { parseJSON } from "../core/tools/json.ts";
import type { Evaluator } from "../core/ports.ts";

export type Answer =
  | { readonly type: "value"; readonly value: unknown }
  /** It is no program, yields nothing, or failed; `isTooMuch`: it takes more than an expression may, whatever it would yield. */
  | { readonly type: "failed"; readonly isTooMuch: boolean };

export interface Programs {
  /** The first value that the program yields of `root` with each of these as `.response`. */
  run(program: string, root: object, responses: readonly unknown[]): Promise<readonly Answer[]>;
  compiles(program: string): Promise<boolean>;
}

/** Jq was given no time to run: nothing is known of the program. */
export class StarvedError extends Error {
  override readonly name = "StarvedError";
}

export function createPrograms(evaluator: Evaluator, signal: AbortSignal, group = ""): Programs {
  async function compiles(program: string): Promise<boolean> {
    const refused = await evaluator.compile([program], signal, group);
    if (refused?.type === "starved") throw new StarvedError("jq was left no time to compile");
    return refused === undefined;
  }
  // One that takes too much is enough: others of the same object are not run for as long again.
  let isSpent = false;
  async function runSome(program: string, root: object, responses: readonly unknown[]): Promise<readonly Answer[]> {
    if (isSpent) return responses.map(() => ({ type: "failed", isTooMuch: true }));
    const each = `. as {$root, $responses} | $responses | map(. as $one | $root + {response: $one} | try {v: [first((${program}\n\n))]} catch {e: true})`;
    const answer = await evaluator.evaluate(JSON.stringify({ root, responses }), [each], signal, group);
    switch (answer.type) {
      case "values":
        return answersOf(answer.json[0] ?? "[]");
      case "starved":
        throw new StarvedError("jq was left no time to run");
      case "timeout":
      case "outOfMemory":
      case "invalid": // too large with what stands around it, since it was compiled alone
      case "failed":
        isSpent = true;
        return responses.map(() => ({ type: "failed", isTooMuch: true }));
    }
  }
  return {
    compiles,
    async run(program, root, responses) {
      // Compiled alone first: what would break out of the parentheses is no program.
      if (!(await compiles(program))) return responses.map(() => ({ type: "failed", isTooMuch: false }));
      // What it yields of all together is bounded.
      const together = Math.max(1, Math.floor(mostTogether / JSON.stringify(root).length));
      const answers: Answer[] = [];
      for (let at = 0; at < responses.length; at += together)
        answers.push(...(await runSome(program, root, responses.slice(at, at + together))));
      return answers;
    },
  };
}
/** Characters of what the program sees, for each time that it is asked. */
const mostTogether = 512 * 1024;

function answersOf(json: string): readonly Answer[] {
  const items = parseJSON(json) as readonly ({ readonly v: readonly unknown[] } | { readonly e: true })[];
  return items.map((item): Answer =>
    "v" in item && item.v.length > 0 ? { type: "value", value: item.v[0] } : { type: "failed", isTooMuch: false },
  );
}

/** As the peer puts bodies and checks on one line, so that a `#` hides all that follows it. */
export function onOneLine(program: string): string {
  return program.split(/\s+/).filter(Boolean).join(" ");
}
