/** The JSON type of a value, as a schema names it. An integer that a double cannot hold comes as `JSON.rawJSON`. */
export type JSONType = "null" | "boolean" | "string" | "array" | "object" | "integer" | "number";

interface RawJSON {
  readonly rawJSON: string;
}
const isRawJSON = (value: unknown): value is RawJSON =>
  (JSON as unknown as { isRawJSON(value: unknown): boolean }).isRawJSON(value);

/** Integers are those of 64 bits; larger ones are numbers, as for the API server. */
export function jsonType(value: unknown): JSONType {
  if (value === null || value === undefined) return "null";
  if (typeof value === "string" || typeof value === "boolean") return typeof value as "string" | "boolean";
  if (Array.isArray(value)) return "array";
  if (isFields(value)) return "object";
  return integerOf(value) === undefined ? "number" : "integer";
}

/** Whether it is a JSON object: no array, no null, and no number that is kept as text by `JSON.rawJSON`. */
export function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawJSON(value);
}

/** The value as an integer of 64 bits, exactly; undefined for anything else. */
export function integerOf(value: unknown): bigint | undefined {
  const exact = isRawJSON(value) ? integerOfText(value.rawJSON) : Number.isInteger(value) ? BigInt(value as number) : undefined;
  return exact !== undefined && BigInt.asIntN(64, exact) === exact ? exact : undefined;
}
function integerOfText(text: string): bigint | undefined {
  return /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
}
