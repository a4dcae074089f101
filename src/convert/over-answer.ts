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
  return isPath && text !== ".body" ? `.response${text}` : `${asThere(text, ".response")} | (${text})`;
}
