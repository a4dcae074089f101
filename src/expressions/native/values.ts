/**
 * JSON values as jq has them, and the bounds of one evaluation.
 *
 * Invariant: each function answers as jq does, or gives up, or fails where jq fails. What takes time or makes text is paid for
 * in steps, before it happens.
 */
import { hasMoreBrackets } from "../../core/tools/json.ts";

/** A number is a JavaScript one only where that writes it as it stood. */
export type Value = null | boolean | number | string | ExactNumber | readonly Value[] | Fields;
export interface Fields {
  readonly [key: string]: Value;
}

/** A number of the document that JavaScript would write in another way: nothing is computed with it. */
export class ExactNumber {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

/** jq knows, and is asked. */
export class GiveUpError extends Error {
  override readonly name = "GiveUpError";
}
/** jq would say an error here. Which one is left to it. */
export class FailedError extends Error {
  override readonly name = "FailedError";
}
// Made once: a stack trace costs more than most evaluations.
const unknown = new GiveUpError("left to jq");
const failed = new FailedError("an error");
export function giveUp(): never {
  throw unknown;
}
export function fail(): never {
  throw failed;
}

/** What an evaluation may still cost. */
export class Meter {
  #left: number;
  constructor(steps: number) {
    this.#left = steps;
  }
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) giveUp();
  }
  /** For text that is made or read through. */
  spendText(length: number): void {
    this.spend(1 + Math.floor(length / 64));
  }
}

export function isFields(value: Value): value is Fields {
  return typeof value === "object" && value !== null && !isList(value) && !(value instanceof ExactNumber);
}
export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
/** One that can be computed with. */
export function isInteger(value: Value): value is number {
  return Number.isSafeInteger(value);
}
export function isTrue(value: Value): boolean {
  return value !== null && value !== false;
}
export function typeOf(value: Value): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  if (value instanceof ExactNumber) return "number";
  return isList(value) ? "array" : "object";
}

/** Only this walk of an object tells how much is to be paid for it. */
export function keysOf(fields: Fields, meter: Meter): readonly string[] {
  const keys = Object.keys(fields);
  meter.spend(keys.length);
  return keys;
}
/** The fields in the document's order. JavaScript puts keys first that are integers below 2^32. */
export function entriesOf(fields: Fields, meter: Meter): readonly (readonly [string, Value])[] {
  const entries = Object.entries(fields);
  meter.spend(2 * entries.length);
  return entries.length > 1 && /^\d{1,10}$/.test(entries[0]?.[0] ?? "") ? giveUp() : entries;
}
export function sortedKeys(fields: Fields, meter: Meter): readonly string[] {
  return keysOf(fields, meter).toSorted((a, b) => compareText(a, b, meter));
}

/** JSON text, as `tojson` has it. */
export function toJSON(value: Value, meter: Meter): string {
  const hasExact = payFor(value, meter, 0);
  const text = hasExact ? JSON.stringify(value, rawNumber) : JSON.stringify(value);
  return text.includes("\u007f") ? giveUp() : text; // jq escapes it
}
export function toText(value: Value, meter: Meter): string {
  return typeof value === "string" ? value : toJSON(value, meter);
}
const deepest = 200;
/** Pays for all that stands in it, and gives up on what JavaScript writes in another way. Whether an exact number is in it. */
function payFor(value: Value, meter: Meter, depth: number): boolean {
  if (typeof value === "string") meter.spendText(value.length);
  else meter.spend(1);
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof ExactNumber) return isPlainInteger(value) || giveUp();
  if (depth > deepest) giveUp();
  let hasExact = false;
  if (isList(value)) for (const item of value) hasExact = payFor(item, meter, depth + 1) || hasExact;
  else
    for (const [key, item] of entriesOf(value, meter)) {
      meter.spendText(key.length);
      hasExact = payFor(item, meter, depth + 1) || hasExact;
    }
  return hasExact;
}
/** jq prints it as it stood. */
function isPlainInteger({ source }: ExactNumber): boolean {
  return source.length <= 30 && /^-?[1-9]\d*$/.test(source);
}
const exact = JSON as unknown as { rawJSON(text: string): unknown };
function rawNumber(_key: string, value: unknown): unknown {
  return value instanceof ExactNumber ? exact.rawJSON(value.source) : value;
}

const ranks: Readonly<Record<string, number>> = { null: 0, boolean: 1, number: 3, string: 4, array: 5, object: 6 };
function rankOf(value: Value): number {
  return value === true ? 2 : (ranks[typeOf(value)] ?? giveUp());
}
/** jq's order: negative where `a` comes first. */
export function compare(a: Value, b: Value, meter: Meter): number {
  meter.spend(1);
  const byType = rankOf(a) - rankOf(b);
  if (byType !== 0) return byType;
  if (a instanceof ExactNumber || b instanceof ExactNumber) return giveUp();
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a === "string" && typeof b === "string") return compareText(a, b, meter);
  if (isList(a) && isList(b)) return compareLists(a, b, meter);
  return isFields(a) && isFields(b) ? compareFields(a, b, meter) : 0;
}
/** By code points; JavaScript compares UTF-16, which is the same where there are no surrogates. */
function compareText(a: string, b: string, meter: Meter): number {
  meter.spendText(a.length + b.length);
  if (hasSurrogates(a) || hasSurrogates(b)) giveUp();
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
function compareLists(a: readonly Value[], b: readonly Value[], meter: Meter): number {
  for (const [index, item] of a.entries()) {
    if (index >= b.length) break;
    const order = compare(item, b[index] ?? null, meter);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
function compareFields(a: Fields, b: Fields, meter: Meter): number {
  const [keys, others] = [sortedKeys(a, meter), sortedKeys(b, meter)];
  const byKeys = compareLists(keys, others, meter);
  if (byKeys !== 0) return byKeys;
  for (const key of keys) {
    const order = compare(a[key] ?? null, b[key] ?? null, meter);
    if (order !== 0) return order;
  }
  return 0;
}
export function equal(a: Value, b: Value, meter: Meter): boolean {
  if (typeof a === "string" && typeof b === "string") {
    meter.spendText(a.length === b.length ? a.length : 0);
    return a === b;
  }
  meter.spend(1);
  if (a instanceof ExactNumber || b instanceof ExactNumber) return typeOf(a) === typeOf(b) && giveUp();
  if (isList(a) && isList(b)) return a.length === b.length && a.every((item, index) => equal(item, b[index] ?? null, meter));
  if (!isFields(a) || !isFields(b)) return a === b;
  const keys = keysOf(a, meter);
  return (
    keys.length === keysOf(b, meter).length &&
    keys.every((key) => Object.hasOwn(b, key) && equal(a[key] ?? null, b[key] ?? null, meter))
  );
}
export function hasSurrogates(text: string): boolean {
  return /[\ud800-\udfff]/.test(text);
}

/** Longer ones are not looked at here, since they would keep the event loop. */
export const longestDocument = 64 * 1024;
const mostBrackets = 5_000;
/** `undefined`: it is jq's. The text is JSON. */
export function parseDocument(text: string): { readonly value: Value } | undefined {
  if (text.length > longestDocument || !text.isWellFormed()) return undefined;
  if (/\\u(?:0000|[dD][89a-fA-F])|\u007f/.test(text)) return undefined;
  // It could be deeper than jq reads.
  if (hasMoreBrackets(text, mostBrackets)) return undefined;
  try {
    return { value: (mayHoldExact.test(text) ? parseWithSource(text, exactNumber) : JSON.parse(text)) as Value };
  } catch {
    return undefined; // jq takes more for JSON
  }
}
/** A number that is long, or has a fraction or an exponent, or minus zero: where none is, the reviver is spared. Times are none. */
const mayHoldExact = /(?:^|[:,[\s])(?:-0|-?(?:\d{16,}|\d+\.\d+|\d+(?:\.\d+)?[eE][+-]?\d+))(?=[\s,\]}]|$)/;
const parseWithSource = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;
function exactNumber(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== "number" || source === undefined) return value;
  return source.length <= 16 && /^-?[\d.]+$/.test(source) && String(value) === source ? value : new ExactNumber(source);
}
