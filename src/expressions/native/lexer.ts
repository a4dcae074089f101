/** Words of jq's language. What jq reads in another way, or what needs care, is refused here: comments, modules, `\u` escapes. */
import { unsupported } from "./syntax.ts";

export type Token =
  | { readonly type: "symbol" | "name" | "field" | "variable" | "number" | "format"; readonly text: string; readonly at: number }
  /** The text between two `\(…)`, or around one, as it stands in the source: `quote` tells what is around it. */
  | { readonly type: "quote"; readonly text: string; readonly at: number }
  | { readonly type: "end"; readonly text: ""; readonly at: number };

const space = /[ \t\r\n]*/y;
/** In the order in which they are tried. A field is a dot with a name right behind it. */
const words = [
  { type: "quote", pattern: /"/y },
  { type: "field", pattern: /\.[A-Za-z_][A-Za-z0-9_]*/y },
  { type: "variable", pattern: /\$[A-Za-z_][A-Za-z0-9_]*/y },
  { type: "format", pattern: /@[a-z0-9]+/y },
  { type: "name", pattern: /[A-Za-z_][A-Za-z0-9_]*/y },
  { type: "number", pattern: /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y },
  { type: "symbol", pattern: /\?\/\/|[|+*/%-]=|\/\/=?|[=!<>]=|\.\.|::|[|,()[\]{}:;.?=<>+*/%-]/y },
] as const;

/** The word at `from`, and where it ends. A quote's text is read by `readString`. */
export function readToken(source: string, from: number): { readonly token: Token; readonly end: number } {
  space.lastIndex = from;
  space.test(source);
  const at = space.lastIndex;
  if (at === source.length) return { token: { type: "end", text: "", at }, end: at };
  for (const { type, pattern } of words) {
    pattern.lastIndex = at;
    if (pattern.test(source)) return { token: { type, text: source.slice(at, pattern.lastIndex), at }, end: pattern.lastIndex };
  }
  return unsupported("a character");
}

// oxlint-disable-next-line eslint/no-control-regex -- jq takes them in a string, JSON does not
const plainText = /(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt])*/y;

/** Text of a string from `from` until its end or its next `\(`, and where what comes then begins. */
export function readText(
  source: string,
  from: number,
): { readonly text: string; readonly isLast: boolean; readonly end: number } {
  plainText.lastIndex = from;
  plainText.test(source);
  const at = plainText.lastIndex;
  const text = JSON.parse(`"${source.slice(from, at)}"`) as string;
  if (source[at] === '"') return { text, isLast: true, end: at + 1 };
  if (source.startsWith("\\(", at)) return { text, isLast: false, end: at + 2 };
  return unsupported("an escape in a string");
}
