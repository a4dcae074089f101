/** What becomes of an expression's value, which arrives as JSON text, where it stands inside other text. */
import type { Located } from "../../core/request-template.ts";
import { parseTemplate, type Part } from "../../core/templating.ts";
import { excerpt, refuse } from "../refusal.ts";

/** The JSON text that an expression yields. */
export type ValueOf = (expression: string) => string;

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
  if (!found) return contentText(json);
  return refuse(
    "ExpressionFailed",
    `${field}: the expression \${ ${excerpt(expression)} } yields ${found}; a text or number is needed`,
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

/** One path segment or query value, percent-encoded (RFC 3986, section 2). */
export function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
