/** Runs the peer's jq where everything that it sees is known. There is no parser of jq here: what a program means is what it yields. */
import { parseJSON } from "../core/tools/json.ts";
import type { Evaluator } from "../core/ports.ts";

export type Answer =
  | { readonly type: "value"; readonly value: unknown }
  /** It is no program, yields nothing, or failed. `message` can quote the document: it is for no report. */
  | { readonly type: "failed"; readonly message: string };

export interface Programs {
  /** The first value that the program yields of each document. */
  run(program: string, documents: readonly unknown[]): Promise<readonly Answer[]>;
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
  return {
    compiles,
    async run(program, documents) {
      const failed = (message: string): readonly Answer[] => documents.map(() => ({ type: "failed", message }));
      // Compiled alone first: what would break out of the parentheses below is no program.
      if (!(await compiles(program))) return failed("it is no jq program");
      const each = `map(try {v: [first((${program}\n\n))]} catch {e: tostring})`;
      const answer = await evaluator.evaluate(JSON.stringify(documents), [each], signal, group);
      switch (answer.type) {
        case "values":
          return answersOf(answer.json[0] ?? "[]");
        case "starved":
          throw new StarvedError("jq was left no time to run");
        case "timeout":
        case "outOfMemory":
          return failed("it takes too long, or too much memory");
        case "invalid":
        case "failed":
          return failed(answer.message);
      }
    },
  };
}

function answersOf(json: string): readonly Answer[] {
  const items = parseJSON(json) as readonly ({ readonly v: readonly unknown[] } | { readonly e: string })[];
  return items.map((item): Answer => {
    if ("e" in item) return { type: "failed", message: item.e };
    return item.v.length > 0 ? { type: "value", value: item.v[0] } : { type: "failed", message: "it yields nothing" };
  });
}

/** As the peer puts bodies and checks on one line, so that a `#` hides all that follows it. */
export function onOneLine(program: string): string {
  return program.split(/\s+/).filter(Boolean).join(" ");
}
