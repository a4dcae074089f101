/**
 * JSON that keeps integers beyond 2^53, for example 12345678901234567890, exactly as they were written.
 *
 * `JSON.parse` rounds them, and its reviver costs some thirty times as much for each value, however small. So each such number
 * is made a text that occurs nowhere else, and that a `JSON.rawJSON` object, which `JSON.stringify` writes back as it was.
 * https://github.com/tc39/proposal-json-parse-with-source
 */
import { randomUUID } from "node:crypto";

interface RawJSON {
  readonly rawJSON: string;
}
interface ExactJSON {
  rawJSON(text: string): RawJSON;
  isRawJSON(value: unknown): value is RawJSON;
}
const exact = JSON as unknown as ExactJSON;

/** Throws SyntaxError, whose message quotes the text: never pass it on. */
export function parseJSON(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const [mark, sources] = [randomUUID(), [] as string[]];
  const marked = text.replace(stringOrInteger, (found) =>
    found.startsWith('"') || String(Number(found)) === found ? found : `"${mark}${sources.push(found) - 1}"`,
  );
  return sources.length === 0
    ? JSON.parse(text)
    : restore(JSON.parse(marked), (value) =>
        typeof value === "string" && value.startsWith(mark)
          ? exact.rawJSON(sources[Number(value.slice(mark.length))] ?? "")
          : value,
      );
}
/**
 * A string ends with the text at the latest, so that none is looked through twice. Of an integer that JSON does not know, or where it
 * has none, as a name, nothing is made that it would know.
 */
const stringOrInteger = /"[^"\\]*(?:\\[^][^"\\]*)*(?:"|\\?$)|(?<![\d.eE+-])-?[1-9]\d{15,}(?![\d.eE]|[ \t\n\r]*:)/g;

/** The same value with what `change` makes of what is no object, whatever its depth. */
function restore(value: unknown, change: (leaf: unknown) => unknown): unknown {
  const root = [value];
  const open: object[] = [root];
  function visit(one: object, key: string | number, before: unknown): void {
    if (typeof before === "object" && before !== null) return void open.push(before);
    const after = change(before);
    // Defined, since a key may be `__proto__`.
    if (after !== before) Object.defineProperty(one, key, { value: after, enumerable: true, configurable: true, writable: true });
  }
  for (let one = open.pop(); one; one = open.pop())
    if (Array.isArray(one)) for (let at = 0; at < one.length; at += 1) visit(one, at, one[at]);
    else for (const [key, before] of Object.entries(one)) visit(one, key, before);
  return root[0];
}

/** Equal as JSON values: the order of keys does not matter, and exact integers compare by their digits. */
export function sameJSON(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => sameJSON(item, b[index]));
  if (typeof a === "string" && typeof b === "string") return false;
  if (!isRecord(a) || !isRecord(b)) return canonicalJSON(a) === canonicalJSON(b);
  let missing = 0;
  for (const key of Object.keys(b)) if (b[key] !== undefined) missing += 1;
  for (const key of Object.keys(a)) {
    const value = a[key];
    if (value === undefined) continue;
    if (!Object.hasOwn(b, key) || b[key] === undefined || !sameJSON(value, b[key])) return false;
    missing -= 1;
  }
  return missing === 0;
}

/** JSON text in which keys are sorted and absent values left out, so that equal values have equal texts. */
export function canonicalJSON(value: unknown): string {
  if (value === null || typeof value !== "object" || exact.isRawJSON(value)) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(canonicalJSON).join(",")}]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJSON(field)}`).join(",")}}`;
}

/** Whether it is an object of fields: no array, null or exact integer. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !exact.isRawJSON(value);
}

/** Whether a JSON text has more brackets than that, those within its texts included: at most so many lists and objects are in it. */
export function hasMoreBrackets(text: string, most: number): boolean {
  return text.length > most && (text.match(/[[{]/g)?.length ?? 0) > most;
}
