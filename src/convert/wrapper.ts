/**
 * A program of the peer as it stands, over a document that is made to look as it did there: exact, and not pretty. For programs
 * that ask something of an answer, and for those that make something of it.
 */
import { isRecord } from "../core/tools/json.ts";
import { pathStep } from "./examine.ts";
import { jqString } from "./pieces.ts";
import { placeholdersIn, type InputNames } from "./placeholders.ts";

export interface Wrapper {
  /** Jq that yields what the program would. `response`: jq of the answer, which `$h` sees, where the program is to see one. */
  wrap(program: string, response?: string): string;
  /** What `.parameters` has to be for all that was wrapped. */
  parameters(): unknown;
}

/** `root`: all that the program sees beside the answer. */
export function createWrapper(root: Readonly<Record<string, unknown>>, inputs: InputNames): Wrapper {
  const needed: Record<string, unknown> = {};

  /** Jq of the root, as far as the program asks for it; undefined where it does not. */
  function data(program: string): string | undefined {
    const named = new Set([...program.matchAll(/(?<!response)\.([A-Za-z_]\w{0,63})/g)].map(([, name]) => name));
    const keys = Object.keys(root).filter((key) => named.has(key));
    if (keys.length === 0) return undefined;
    const sets: string[] = [];
    for (const key of keys) needed[key] = withoutPlaceholders(root[key], `.${key}`, inputs, sets);
    return sets.length === 0 ? ".parameters" : `(.parameters | ${sets.join(" | ")})`;
  }

  return {
    wrap(program, response = "$h.response") {
      const known = data(program);
      const text = inputs.interpolate(program);
      const answer = /\bresponse\b/.test(program) ? `{response: ${asThere(program, response)}}` : undefined;
      const document = [known, answer].filter((part) => part !== undefined).join(" + ") || ".";
      return `. as $h | ${document} | (${text})`;
    },
    parameters: () => (Object.keys(needed).length > 0 ? needed : undefined),
  };
}

/** Neither placeholders nor expressions are expanded in parameters: where one stands, the text is set by jq. */
function withoutPlaceholders(value: unknown, path: string, inputs: InputNames, sets: string[]): unknown {
  if (typeof value === "string") {
    if (placeholdersIn(value).length === 0) return value;
    sets.push(`${path} = "${inputs.interpolate(jqString(value).slice(1, -1))}"`);
    return ""; // a null would be lost on its way through kubectl
  }
  if (Array.isArray(value)) return value.map((item, index) => withoutPlaceholders(item, `${path}[${index}]`, inputs, sets));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, withoutPlaceholders(item, path + pathStep(key), inputs, sets)]),
  );
}

/**
 * An answer as it looked there: header fields are lists, by names with capitals (Go's canonical form), and content that is no
 * JSON object is text. Only what the program can tell apart is made so. `response`: jq of the answer.
 */
export function asThere(program: string, response: string): string {
  const asWhole = /\.response\b(?!\.)|(^|[\s(|,;[{])\.(?![\w".])/.test(program);
  const asText = /\.body\b(?!\.[A-Za-z_"]|\[")/.test(program);
  const changes = [
    ...(asWhole || /headers/.test(program) ? [headersThere] : []),
    ...(asWhole || asText ? [bodyThere] : []),
    ...(asWhole ? ["{statusCode, headers, body}"] : []),
  ];
  return changes.length === 0 ? response : `(${response} | ${changes.join(" | ")})`;
}
const headersThere =
  '.headers |= with_entries(.key |= (split("-") | map((.[0:1] | ascii_upcase) + .[1:]) | join("-")) | .value |= (if type == "array" then . else [.] end))';
const bodyThere = '.body = (.text | . as $t | (try fromjson catch null) | if type == "object" then . else $t end)';
