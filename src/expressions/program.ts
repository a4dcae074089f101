/**
 * The jq programs that expressions are checked and evaluated with, and what jq's answers mean.
 *
 * Expressions of one batch share a program and must not reach each other: each has first been compiled alone, which
 * refuses whatever would break out of its parentheses.
 */

import { declaredOnly, definitions } from "./hashes.ts";

/** Definitions that take from an expression what could end the program, print, or read anything but the document. */
const prelude = `{} as $ENV |
def unavailable: error("not available in an expression");
def halt: unavailable; def halt_error: unavailable; def halt_error(f): unavailable;
def input: unavailable; def inputs: unavailable; def modulemeta: unavailable;
def env: {}; def debug: .; def debug(f): .; def stderr: .;
def input_filename: null; def get_search_list: [];
`;

/** Compiles the expression and runs nothing. The expression starts a line of its own, so jq's columns are the user's. */
export function checkProgram(expression: string): string {
  return `${declaredOnly}empty |\n${expression}`;
}

/**
 * One array, an item for each expression: `{v: [TEXT]}`, `{v: []}` where it yields nothing, or `{e: ERROR}`. Where the texts
 * together would be longer than `maxBytes`, an error stands in place of the rest, before anything is printed.
 * With `hashes` its input is as `definitions` has it. `tojson` keeps numbers as they were written; two newlines end a comment, one that ends with a backslash too.
 */
export function batchProgram(
  expressions: readonly string[],
  { maxBytes, hashes }: { readonly maxBytes: number; readonly hashes: boolean },
): string {
  const items = expressions.map((text) => `(try {v: ([first((${text}\n\n))] | map(tojson))} catch {e: .})`);
  return `${hashes ? definitions : ""}${prelude}[foreach (${items.join(",\n")}) as $item (0; . + ($item.v[0] // "" | utf8bytelength);
if . > ${maxBytes} then {e: "${tooLarge}"} else $item end)]`;
}
export const tooLarge = "the result is too large";

/** An expression can make an error of any length. */
const longestError = 1024;
function cutError(message: string): string {
  return message.slice(0, longestError).toWellFormed();
}

type Item = { readonly type: "value"; readonly json: string } | { readonly type: "error"; readonly message: string };

/** What a batch program printed. */
export function batchItems(stdout: string): Item[] {
  const items = JSON.parse(stdout) as ({ readonly v: readonly string[] } | { readonly e: unknown })[];
  return items.map((item) =>
    "v" in item
      ? { type: "value", json: item.v[0] ?? "null" }
      : { type: "error", message: cutError(typeof item.e === "string" ? item.e : JSON.stringify(item.e)) },
  );
}

/** jq's first error about an expression compiled alone, for example `unexpected end of file (line 1, column 6)`. */
export function compileError(stderr: string): string {
  const [first = ""] = stderr.split("\n");
  const text = cutError(first.replace(/^jq: error: /, ""));
  const place = /^(.*) at <top-level>, line (\d+), column (\d+):?$/.exec(text);
  if (!place) return text;
  const line = Number(place[2]) - 1;
  return line === 0 ? `${place[1]}` : `${place[1]} (line ${line}, column ${place[3]})`;
}

/** jq refuses programs that compile to more than 64 KiB, so many expressions go into several. */
const maxProgramExpressions = 100;
const maxProgramCharacters = 16_384;

/** Consecutive groups, each small enough for one program; a longer expression is alone. */
export function chunks(expressions: readonly string[]): string[][] {
  const groups: string[][] = [];
  let characters = Infinity;
  for (const expression of expressions) {
    const last = groups.at(-1);
    if (last && last.length < maxProgramExpressions && characters + expression.length <= maxProgramCharacters) {
      last.push(expression);
      characters += expression.length;
    } else {
      groups.push([expression]);
      characters = expression.length;
    }
  }
  return groups;
}
