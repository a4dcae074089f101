/**
 * A program of the peer as it stands, over a document that is made to look as it did there: exact, and not pretty. For programs
 * that ask something of an answer, and for those that make something of it.
 */
import { isRecord } from "../core/tools/json.ts";
import { pathStep, put } from "./examine.ts";
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
    const sets: string[] = [];
    const paths = pathsOfRoot(program, root);
    for (const path of paths) {
      const value = valueAt(root, path);
      put(needed, path, withoutPlaceholders(value, path.map(pathStep).join(""), inputs, sets));
    }
    if (paths.length === 0) return undefined;
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

/** Those of the root that the program names, as deep as it names them and there is anything; all of it where it takes it as a whole. */
function pathsOfRoot(program: string, root: Readonly<Record<string, unknown>>): readonly (readonly string[])[] {
  const named = program.replaceAll(/\. as \$\w+/g, "");
  if (takesWhole.test(named)) return Object.keys(root).map((key) => [key]);
  const paths = [...program.matchAll(/(?<![\w"\])])(?:\$\w{1,64})?((?:\.[A-Za-z_]\w*){1,16})/g)].map(([, path = ""]) =>
    path.slice(1).split("."),
  );
  return paths.flatMap((path) => {
    const [key = ""] = path;
    if (!Object.hasOwn(root, key)) return [];
    const end = path.findIndex((_, index) => !isRecord(valueAt(root, path.slice(0, index + 1))));
    const whole = end === -1 ? path : path.slice(0, end + 1);
    return [valueAt(root, whole) === undefined ? whole.slice(0, -1) : whole];
  });
}
/** A dot with nothing after it: what it is taken for is not known. */
const takesWhole = /(^|[\s(|,;[{])\.(?![\w".])/;

function valueAt(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined), root);
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
  const asWhole = /\.response\b(?!\.)/.test(program) || takesWhole.test(program);
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
