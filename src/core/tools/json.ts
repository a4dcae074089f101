/**
 * JSON that keeps integers beyond 2^53, for example 12345678901234567890, exactly as they were written.
 *
 * `JSON.parse` rounds them. Its reviver sees each number's source, at five times the cost, so only a text that has a
 * long run of digits takes that way. Such a number becomes a `JSON.rawJSON` object, which `JSON.stringify` writes back
 * as it was. https://github.com/tc39/proposal-json-parse-with-source
 */
interface RawJSON {
  readonly rawJSON: string;
}
interface ExactJSON {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): RawJSON;
  isRawJSON(value: unknown): value is RawJSON;
}
const exact = JSON as unknown as ExactJSON;

/** Throws SyntaxError, whose message quotes the text: never pass it on. */
export function parseJSON(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text) as unknown;
  return exact.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && /^-?\d{16,}$/.test(source) && String(value) !== source
      ? exact.rawJSON(source)
      : value,
  );
}

/** Equal as JSON values: the order of keys does not matter, and exact integers compare by their digits. */
export function sameJSON(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, index) => sameJSON(item, b[index]));
  if (!isRecord(a) || !isRecord(b)) return canonicalJSON(a) === canonicalJSON(b);
  const present = (fields: Readonly<Record<string, unknown>>): readonly string[] =>
    Object.keys(fields).filter((key) => fields[key] !== undefined);
  const keys = present(a);
  const others = new Set(present(b));
  return keys.length === others.size && keys.every((key) => others.has(key) && sameJSON(a[key], b[key]));
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
