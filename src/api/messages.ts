/**
 * The texts of problems. They begin as the API server's do, and say what to do.
 *
 * None quotes a value, but for strings where the schema allows only short ones: an enum, a duration.
 */
import { jsonType, type JSONType } from "./json-type.ts";
import type { Schema, StringSchema } from "./schema.ts";

export function wrongType(schema: Schema, value: unknown): string {
  const expected = schema.type ?? "any";
  return `Invalid value: must be of type ${expected}, not ${jsonType(value)}${quotesHint(expected, value)}`;
}
/** YAML takes `on`, `NO` and `0777` for something else than text. */
function quotesHint(expected: string, value: unknown): string {
  const scalars: readonly JSONType[] = ["boolean", "integer", "number"];
  if (expected === "string" && scalars.includes(jsonType(value))) return "; write it in quotes";
  if (typeof value !== "string") return "";
  const bare = expected === "integer" ? /^-?\d+$/ : expected === "boolean" ? /^(true|false)$/ : undefined;
  return bare?.test(value) ? "; write it without quotes" : "";
}

export function missingText(schema: Schema | undefined): string {
  return `Required value${hintText(schema)}`;
}
export function unknownField(known: readonly string[]): string {
  return `unknown field; the fields here are ${known.join(", ")}`;
}
const character: Noun = { one: "character", many: "characters" };
export function tooLong(max: number): string {
  return `Too long: may not be more than ${plural(max, character)}`;
}
export function tooShort(min: number): string {
  return `Invalid value: must have at least ${plural(min, character)}`;
}
export function unsupportedText(schema: StringSchema, value: string): string {
  return `Unsupported value${quotedText(schema, value)}: supported values are ${(schema.enum ?? []).join(", ")}`;
}
export function mismatchText(schema: StringSchema, value: string): string {
  return `Invalid value${quotedText(schema, value)}: must match ${schema.pattern ?? ""}${hintText(schema)}`;
}
export const notADateTime = "Invalid value: must be a date and time of RFC 3339, for example 2026-01-31T09:30:00Z";

export function outOfRange(word: "greater" | "less", limit: number | bigint): string {
  return `Invalid value: must be ${word} than or equal to ${limit}`;
}
interface Noun {
  readonly one: string;
  readonly many: string;
}
/** The problems with a number of items, fields or entries. */
export function sizeMessages(count: number, noun: Noun, min = 0, max = Infinity): readonly string[] {
  if (count < min) return [`Invalid value: must have at least ${plural(min, noun)}`];
  return count > max ? [`Too many: ${count}: must have at most ${plural(max, noun)}`] : [];
}
export const duplicate = "Duplicate value: it is in the list already";
export function tooDeep(max: number): string {
  return `Invalid value: must not be nested deeper than ${plural(max, { one: "level", many: "levels" })}`;
}

const shortLength = 64;
function quotedText(schema: StringSchema, value: string): string {
  const short = schema.enum !== undefined || (schema.maxLength ?? Infinity) <= shortLength;
  return short && value.length <= shortLength ? ` ${JSON.stringify(value)}` : "";
}
/** The first sentence of the description: it says what belongs there. */
function hintText(schema: Schema | undefined): string {
  const sentence = schema?.description?.match(/^.*?(?=\.(\s|$)|$)/su)?.[0];
  return sentence ? ` (${sentence})` : "";
}
function plural(count: number, { one, many }: Noun): string {
  return `${count} ${count === 1 ? one : many}`;
}
