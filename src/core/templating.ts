/**
 * Templates: text in which jq expressions stand between `${` and its balanced `}`.
 *
 * Text that an expression yields is data: nothing in this file ever looks for expressions in it again.
 */
import { oncePer, oncePerText } from "./tools/once-per.ts";
import type { BodyTemplate, ByteSource, Located, RequestTemplate } from "./request-template.ts";

export type Part = { readonly type: "text"; readonly text: string } | { readonly type: "expression"; readonly text: string };
type Template =
  { readonly type: "template"; readonly parts: readonly Part[] } | { readonly type: "invalid"; readonly message: string };

/** Characters: as in fields that are an expression as a whole. */
const longestExpression = 8192;

/** `$${` is a literal `${`. Strings inside an expression are jq's, so a `}` in one ends nothing. Comments are not looked at. */
export function parseTemplate(source: string): Template {
  if (!source.includes("$")) return { type: "template", parts: source === "" ? [] : [{ type: "text", text: source }] };
  return parseParts(source);
}
const parseParts = oncePerText((source): Template => {
  const parts: Part[] = [];
  let text = "";
  let position = 0;
  while (position < source.length) {
    const next = source.indexOf("$", position);
    if (next === -1) break;
    text += source.slice(position, next);
    if (source.startsWith("$${", next)) {
      text += "${";
      position = next + 3;
    } else if (source.startsWith("${", next)) {
      const end = expressionEnd(source, next + 2);
      if (end === -1) return { type: "invalid", message: "an expression that starts with ${ has no closing }" };
      const expression = source.slice(next + 2, end).trim();
      if (expression === "") return { type: "invalid", message: "an expression is empty: ${ }" };
      if (expression.length > longestExpression)
        return { type: "invalid", message: `an expression is longer than ${longestExpression} characters` };
      if (text !== "") parts.push({ type: "text", text });
      parts.push({ type: "expression", text: expression });
      text = "";
      position = end + 1;
    } else {
      text += "$";
      position = next + 1;
    }
  }
  text += source.slice(position);
  if (text !== "") parts.push({ type: "text", text });
  return { type: "template", parts };
});

/** The expressions in a text, each once; none of one that is no template. */
export function expressionsOfText(text: string): readonly string[] {
  return text.includes("$") ? expressionsOfParts(text) : none;
}
const none: readonly string[] = [];
const expressionsOfParts = oncePerText(
  (text): readonly string[] => {
    const template = parseTemplate(text);
    if (template.type !== "template") return none;
    return [...new Set(template.parts.flatMap(({ type, text }) => (type === "expression" ? [text] : [])))];
  },
  { longest: Infinity, costOf: (expressions, text) => expressions.reduce((sum, { length }) => sum + length, text.length) },
);

/** The expression that makes up the whole template, whose value keeps its type. */
export function wholeExpression(parts: readonly Part[]): string | undefined {
  const [only] = parts;
  return parts.length === 1 && only?.type === "expression" ? only.text : undefined;
}

/** The index of the `}` that balances the one before `start`, or -1. */
function expressionEnd(source: string, start: number): number {
  const open: ("{" | "(" | '"')[] = ["{"];
  for (let index = start; index < source.length; index += 1) {
    const character = source[index];
    const innermost = open.at(-1);
    if (innermost === '"') {
      if (character === '"') open.pop();
      if (character !== "\\") continue;
      index += 1;
      if (source[index] === "(") open.push("("); // jq's interpolation, \( … ), in which parentheses are counted
    } else if (character === '"' || character === "{" || (character === "(" && innermost === "(")) {
      open.push(character);
    } else if ((character === "}" && innermost === "{") || (character === ")" && innermost === "(")) {
      open.pop();
      if (open.length === 0) return index;
    }
  }
  return -1;
}

const rawJSON = JSON as unknown as { isRawJSON(value: unknown): boolean };

interface Frame {
  readonly fields: Readonly<Record<string | number, unknown>>;
  /** Undefined: it is a list. */
  readonly keys: readonly string[] | undefined;
  readonly length: number;
  next: number;
  readonly parent: Frame | undefined;
  /** Its key in its parent. */
  readonly key: string | number;
  /** Where it stands, once somebody has asked. */
  path: string | undefined;
}

/**
 * A JSON value's text, in which each string's text is what `replace` returns for it. Keys are not replaced.
 *
 * Neither depth nor a key named `__proto__` harms: it keeps its own stack and builds text, never objects. What holds no string
 * costs little, since paths are made for strings alone.
 */
export function stringifyWith(value: unknown, replace: (text: string, field: string) => string, field = ""): string {
  const out: string[] = [];
  let frame: Frame | undefined;
  function write(one: unknown, parent: Frame | undefined, key: string | number): void {
    if (typeof one === "string") out.push(replace(one, parent ? pathOf(parent, field) + jsonStep(key) : field));
    else if (one === null || typeof one !== "object" || rawJSON.isRawJSON(one)) out.push(JSON.stringify(one) ?? "null");
    else frame = open(one, parent, key);
  }
  function open(one: object, parent: Frame | undefined, key: string | number): Frame | undefined {
    const keys = Array.isArray(one) ? undefined : Object.keys(one).filter((name) => (one as Frame["fields"])[name] !== undefined);
    const { length } = keys ?? (one as readonly unknown[]);
    out.push(length === 0 ? (keys ? "{}" : "[]") : keys ? "{" : "[");
    return length === 0 ? frame : { fields: one as Frame["fields"], keys, length, next: 0, parent, key, path: undefined };
  }
  write(value, undefined, "");
  while (frame) {
    const current: Frame = frame;
    const { keys, fields, next } = current;
    if (next === current.length) {
      out.push(keys ? "}" : "]");
      frame = current.parent;
      continue;
    }
    current.next += 1;
    const key = keys ? (keys[next] as string) : next;
    if (next > 0) out.push(",");
    if (keys) out.push(JSON.stringify(key), ":");
    write(fields[key], current, key);
  }
  return out.join("");
}
function pathOf(frame: Frame, field: string): string {
  const unknown: Frame[] = [];
  let known: Frame | undefined = frame;
  for (; known && known.path === undefined; known = known.parent) unknown.push(known);
  let path = known?.path ?? field;
  for (const one of unknown.toReversed()) {
    if (one.parent) path += jsonStep(one.key);
    one.path = path;
  }
  return path;
}

/** One step of a path into JSON, as jq and people write it: `.name`, `[0]`, `["a key"]`. */
export function jsonStep(key: string | number): string {
  if (typeof key === "number") return `[${key}]`;
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** Every string of a JSON value, in the order of its text. */
export function stringsIn(value: unknown, field: string): Located[] {
  const found: Located[] = [];
  stringifyWith(
    value,
    (text, field) => {
      found.push({ field, text });
      return "";
    },
    field,
  );
  return found;
}

/** Every template of a request. */
export const templatesOf = oncePer(({ url, location, query, headers, body }: RequestTemplate): readonly Located[] => {
  const own = url.type === "absolute" ? [url] : url.path ? [url.path] : [];
  return [...own, ...(location ? [location] : []), ...query, ...headers, ...templatesInBody(body)].map(({ field, text }) => ({
    field,
    text,
  }));
});

/** Of a part of a spec, which is where it is for good. */
function stringsInPart(part: object, field: string): readonly Located[] {
  const byField = stringsByField(part);
  const known = byField.get(field) ?? stringsIn(part, field);
  byField.set(field, known);
  return known;
}
const stringsByField = oncePer((_part: object) => new Map<string, readonly Located[]>());

export function templatesInBody(body: BodyTemplate | undefined): readonly Located[] {
  switch (body?.type) {
    case undefined:
    case "bytes":
      return [];
    case "text":
      return [body];
    case "json":
    case "mergePatch":
      return typeof body.value === "object" && body.value !== null
        ? stringsInPart(body.value, body.field)
        : stringsIn(body.value, body.field);
    case "form":
      return body.fields;
    case "multipart":
      return body.parts.flatMap(({ content }) => (content.type === "text" ? [content] : []));
  }
}

/** Whatever of a body is sent byte by byte, without being looked at. */
export function bytesInBody(body: BodyTemplate | undefined): readonly ByteSource[] {
  if (body?.type === "bytes") return [body.source];
  if (body?.type !== "multipart") return [];
  return body.parts.flatMap(({ content }) => (content.type === "bytes" ? [content.source] : []));
}

/** What stays the same for the life of an object: labels and annotations do not. */
const fixedPath =
  /^\.(metadata\.(name|namespace|uid)|(parameters|externalID)(\.[A-Za-z_][A-Za-z0-9_]*|\."[^"\\]*"|\["[^"\\]*"\]|\[\d+\])*)$/;

/**
 * Whether the rendered request can differ between two tries of an attempt, through an input, the time, or metadata that
 * changes. Conservative: false only where every expression is a plain path to something that is fixed.
 */
export function dependsOnInputs(request: RequestTemplate): boolean {
  return !templatesOf(request).every(isFixed) || readsBytes(request.body);
}
/** Whether a body is the same for the life of an object. */
export function isFixedBody(body: BodyTemplate | undefined): boolean {
  return templatesInBody(body).every(isFixed) && !readsBytes(body);
}
/** Whether a part of a body is kept in a Secret or ConfigMap, where it can change. */
function readsBytes(body: BodyTemplate | undefined): boolean {
  return bytesInBody(body).some(({ type }) => type !== "base64");
}
/** Whether a template yields the same for the life of an object. */
export function isFixed({ text }: Pick<Located, "text">): boolean {
  const template = parseTemplate(text);
  return template.type === "template" && template.parts.every((part) => part.type === "text" || fixedPath.test(part.text));
}

/** A template that yields just this text: nothing in it is an expression. */
export function escapeTemplate(text: string): string {
  return text.replaceAll("${", () => "$${"); // a function, since $$ in a replacement is one $
}
