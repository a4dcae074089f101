/** What becomes of an expression's value, which arrives as JSON text, where it stands inside other text. */
import type { Located, LocatedPair } from "../../core/request-template.ts";
import { parseTemplate, stringifyWith, wholeExpression, type Part } from "../../core/templating.ts";
import { parseJSON } from "../../core/tools/json.ts";
import { excerpt, refuse } from "../refusal.ts";

/** The JSON text that an expression yields. */
export type ValueOf = (expression: string) => string;

/** An expression's value as text; refuses what is none there. */
export type TextOf = (json: string, field: string, expression: string) => string;

/** Characters for a place in a URL, query or header. */
const longestScalar = 65_536;
/** Characters that all values of a request have together, each counted as often as it is used. */
const mostFilled = 4_194_304;

/** The same values for one request. It throws `RefusedError` where they make more of it than it may be. */
export function meterValues(valueOf: ValueOf, templates: readonly Located[]): ValueOf {
  let filled = 0;
  return (expression) => {
    const json = valueOf(expression);
    filled += json.length;
    if (filled <= mostFilled) return json;
    const { field } = templates.find(({ text }) => text.includes(expression)) ?? { field: "spec" };
    return refuse(
      "InvalidRequest",
      `${field}: what the request's expressions yield makes more than ${mostFilled} characters of it`,
    );
  };
}

/** The template's parts. Throws `RefusedError`. */
export function partsOf({ field, text }: Located): readonly Part[] {
  const template = parseTemplate(text);
  return template.type === "template" ? template.parts : refuse("InvalidExpression", `${field}: ${template.message}`);
}

/** Strings as they are, everything else as compact JSON: for bodies. */
export function contentText(json: string): string {
  return json.startsWith('"') ? (JSON.parse(json) as string) : json;
}

/** Text for a place that holds one text or number: a URL, query or header. Throws `RefusedError`. */
export function scalarText(json: string, field: string, expression: string): string {
  const found = json === "null" ? "null" : json.startsWith("[") ? "an array" : json.startsWith("{") ? "an object" : undefined;
  if (found)
    return refuse(
      "ExpressionFailed",
      `${field}: the expression \${ ${excerpt(expression)} } yields ${found}; a text or number is needed`,
    );
  const text = contentText(json);
  if (text.length <= longestScalar) return text;
  return refuse(
    "ExpressionFailed",
    `${field}: the expression \${ ${excerpt(expression)} } yields more than ${longestScalar} characters`,
  );
}

/** Text for a place where nothing and `null` are not the same: a form's field, a part. Throws `RefusedError`. */
export function definedText(json: string, field: string, expression: string): string {
  if (json !== "null") return contentText(json);
  return refuse("ExpressionFailed", `${field}: the expression \${ ${excerpt(expression)} } yields null`);
}

/** The template with each value converted by `convert`. Throws `RefusedError`. */
export function fillTemplate(template: Located, convert: (expression: string) => string): string {
  return partsOf(template)
    .map((part) => (part.type === "text" ? part.text : convert(part.text)))
    .join("");
}

/**
 * Query parameters, or fields of a form, as they are sent: where a value is one whole expression that yields a list, the name is
 * repeated for each of its items. Throws `RefusedError`.
 */
export function expandPairs(
  pairs: readonly LocatedPair[],
  valueOf: ValueOf,
  textOf: TextOf,
  most = mostFilled,
): [string, string][] {
  let made = 0;
  return pairs.flatMap((pair) => {
    const { name, field } = pair;
    const whole = wholeExpression(partsOf(pair));
    const json = whole === undefined ? "" : valueOf(whole);
    if (whole === undefined || !json.startsWith("["))
      return [[name, fillTemplate(pair, (expression) => textOf(valueOf(expression), field, expression))]];
    const items = itemsOf(json);
    made += json.length + items.length * name.length; // the name is repeated, which no value's meter knows
    if (made > most) refuse("InvalidRequest", `${field}: its list makes more than ${most} characters of the request`);
    return items.map((item): [string, string] => [name, textOf(item, field, whole)]);
  });
}

/** The JSON text of each item of a list, with numbers as they are written. */
function itemsOf(json: string): readonly string[] {
  const list = parseJSON(json) as readonly unknown[];
  return list.map((item) => stringifyWith(item, (text) => JSON.stringify(text)));
}

/** One path segment or query value, percent-encoded (RFC 3986, section 2). */
export function encodeComponent(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
