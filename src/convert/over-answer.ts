/** Programs over an answer alone, as the peer's objects have them for what is made of it. */
import { jqString } from "./pieces.ts";
import { asThere } from "./wrapper.ts";

/** A program whose document is the answer. */
export function overAnswer(program: string): string {
  const text = program.trim();
  const [, dotted, quoted, word] = /^\.headers(?:\.?"([^"\\]+)"|\["([^"\\]+)"\]|\.([A-Za-z_]\w*))\[0\]$/.exec(text) ?? [];
  const field = dotted ?? quoted ?? word;
  if (field !== undefined) return `.response.headers[${jqString(field.toLowerCase())}]`;
  // A plain path needs no pipe.
  const isPath = /^\.(body|statusCode)(\.[A-Za-z_]\w*|\["[^"\\]+"\]|\."[^"\\]+"|\[\d+\])*$/.test(text);
  const end = text.includes("#") ? "\n" : ""; // of a comment
  return isPath && text !== ".body" ? `.response${text}` : `${asThere(text, ".response")} | (${text}${end})`;
}

/**
 * The same as what a Secret is to hold, as it was there: what fails and a list are missing, and the fields of an object are in the
 * order of their names.
 */
export function valueThere(program: string): string {
  return `try first((${overAnswer(program)})) catch null | if type == "array" then null elif type == "object" then ${inOrder} else . end`;
}
const inOrder = 'walk(if type == "object" then [to_entries | sort_by(.key)[] | {(.key): .value}] | add // {} else . end)';
