/** jq's functions of no parameter, and of one that is evaluated first. Each answers as jq does, gives up, or fails. */
import { add, index, itemsOf } from "./operations.ts";
import {
  compare,
  entriesOf,
  equal,
  ExactNumber,
  fail,
  giveUp,
  hasSurrogates,
  isFields,
  isInteger,
  isList,
  isTrue,
  keysOf,
  sortedKeys,
  toJSON,
  toText,
  typeOf,
  type Meter,
  type Value,
} from "./values.ts";

/** By name; a format begins with `@`. */
export const plainFunctions: Readonly<Record<string, (input: Value, meter: Meter) => Value>> = {
  not: (input) => !isTrue(input),
  env: () => ({}),
  type: typeOf,
  length,
  utf8bytelength: (input, meter) => {
    const text = textOf(input);
    meter.spendText(text.length);
    return Buffer.byteLength(text);
  },
  tostring: toText,
  tojson: toJSON,
  tonumber: (input) => {
    if (typeof input === "number" || input instanceof ExactNumber) return input;
    if (typeof input !== "string") return fail();
    return /^(?:0|-?[1-9]\d{0,14})$/.test(input) ? Number(input) : giveUp();
  },
  ascii_downcase: (input, meter) => mapText(input, meter, /[A-Z]+/g, (found) => found.toLowerCase()),
  ascii_upcase: (input, meter) => mapText(input, meter, /[a-z]+/g, (found) => found.toUpperCase()),
  keys: (input, meter) => (isFields(input) ? sortedKeys(input, meter) : indices(input, meter)),
  keys_unsorted: (input, meter) => (isFields(input) ? entriesOf(input, meter).map(([key]) => key) : indices(input, meter)),
  to_entries: (input, meter) => (isFields(input) ? entriesOf(input, meter).map(([key, value]) => ({ key, value })) : giveUp()),
  add: (input, meter) => (isList(input) ? itemsOf(input, meter).reduce((sum, item) => add(sum, item, meter), null) : giveUp()),
  any: (input, meter) => itemsOf(input, meter).some(isTrue),
  all: (input, meter) => itemsOf(input, meter).every(isTrue),
  first: (input, meter) => index(input, 0, meter),
  last: (input, meter) => index(input, -1, meter),
  reverse: (input, meter) => {
    if (input === null) return [];
    return isList(input) ? itemsOf(input, meter).toReversed() : giveUp();
  },
  sort: (input, meter) => sorted(input, meter),
  unique: (input, meter) =>
    sorted(input, meter).filter((item, at, all) => at === 0 || compare(all[at - 1] ?? null, item, meter) !== 0),
  min: (input, meter) =>
    listOf(input, meter).reduce((least, item, at) => (at === 0 || compare(item, least, meter) < 0 ? item : least), null),
  max: (input, meter) =>
    listOf(input, meter).reduce((most, item, at) => (at === 0 || compare(item, most, meter) >= 0 ? item : most), null),
  "@text": toText,
  "@json": toJSON,
  "@base64": (input, meter) => {
    const text = toText(input, meter);
    meter.spendText(text.length);
    return Buffer.from(text).toString("base64");
  },
  "@base64d": (input, meter) => decodeBase64(toText(input, meter), meter),
  "@uri": (input, meter) => {
    const text = toText(input, meter);
    meter.spendText(3 * text.length);
    const encoded = encodeURIComponent(text);
    if (!/[!'()*]/.test(encoded)) return encoded;
    meter.spend(encoded.length); // each may be one of them
    return encoded.replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
  },
};

/** Those that let some inputs through and no others. */
export const filters: Readonly<Record<string, (input: Value) => boolean>> = {
  empty: () => false,
  values: (input) => input !== null,
  nulls: (input) => input === null,
  strings: (input) => typeof input === "string",
  booleans: (input) => typeof input === "boolean",
  numbers: (input) => typeOf(input) === "number",
  arrays: isList,
  objects: isFields,
  iterables: (input) => isList(input) || isFields(input),
  scalars: (input) => !isList(input) && !isFields(input),
};

/** By name; `argument` is each output of the parameter. */
export const functionsOfOne: Readonly<Record<string, (input: Value, argument: Value, meter: Meter) => Value>> = {
  has: (input, key, meter) => {
    if (isFields(input) && typeof key === "string") {
      meter.spendText(key.length);
      return Object.hasOwn(input, key);
    }
    if (isList(input) && isInteger(key)) return key >= 0 && key < input.length;
    return giveUp();
  },
  startswith: (input, part, meter) => textOf(input).startsWith(paidText(textOf(part), meter)),
  endswith: (input, part, meter) => textOf(input).endsWith(paidText(textOf(part), meter)),
  ltrimstr: (input, part, meter) => {
    const [text, cut] = bothTexts(input, part, meter);
    return text.startsWith(cut) ? text.slice(cut.length) : text;
  },
  rtrimstr: (input, part, meter) => {
    const [text, cut] = bothTexts(input, part, meter);
    return cut !== "" && text.endsWith(cut) ? text.slice(0, -cut.length) : text;
  },
  contains,
  inside: (input, whole, meter) => contains(whole, input, meter),
  split: (input, separator, meter) => {
    const [text, by] = [textOf(input), textOf(separator)];
    if (by === "") return giveUp();
    if (text === "") return [];
    paySearch(text, by, meter);
    const parts = text.split(by);
    meter.spend(parts.length);
    return parts;
  },
  join: (input, separator, meter) => {
    if (!isList(input) || typeof separator !== "string") return giveUp();
    const parts = itemsOf(input, meter).map((item) => joined(item));
    for (const part of parts) meter.spendText(part.length + separator.length);
    return parts.join(separator);
  },
  test: (input, pattern, meter) => {
    if (typeof input !== "string") return fail();
    if (typeof pattern === "string") meter.spendText(pattern.length);
    if (typeof pattern !== "string" || !/^\^?[A-Za-z0-9 _/:@-]+$/.test(pattern)) return giveUp();
    if (pattern.startsWith("^")) return input.startsWith(pattern.slice(1));
    paySearch(input, pattern, meter);
    return input.includes(pattern);
  },
};

function textOf(value: Value): string {
  return typeof value === "string" ? value : fail();
}
function bothTexts(text: Value, part: Value, meter: Meter): readonly [string, string] {
  return typeof text === "string" && typeof part === "string" ? [text, paidText(part, meter)] : giveUp();
}
function paidText(text: string, meter: Meter): string {
  meter.spendText(text.length);
  return text;
}
function listOf(value: Value, meter: Meter): readonly Value[] {
  return isList(value) ? itemsOf(value, meter) : fail();
}
function indices(value: Value, meter: Meter): readonly number[] {
  return [...listOf(value, meter).keys()];
}
function sorted(value: Value, meter: Meter): readonly Value[] {
  return listOf(value, meter).toSorted((a, b) => compare(a, b, meter));
}
function length(input: Value, meter: Meter): Value {
  if (input === null) return 0;
  if (typeof input === "string") return countCharacters(input, meter);
  if (isList(input)) return input.length;
  if (isFields(input)) return keysOf(input, meter).length;
  if (isInteger(input)) return Math.abs(input);
  return typeof input === "boolean" ? fail() : giveUp();
}
function countCharacters(text: string, meter: Meter): number {
  meter.spendText(text.length);
  if (!hasSurrogates(text)) return text.length;
  meter.spendText(8 * text.length);
  let count = 0;
  for (let at = 0; at < text.length; at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) count += 1;
  return count;
}
function mapText(input: Value, meter: Meter, pattern: RegExp, change: (found: string) => string): string {
  const text = textOf(input);
  meter.spendText(8 * text.length);
  return text.replace(pattern, change);
}
/** A search may take as long as both are, one times the other. */
function paySearch(text: string, part: string, meter: Meter): void {
  meter.spend(1 + Math.floor((text.length * part.length + text.length + part.length) / 256));
}
function joined(item: Value): string {
  if (item === null) return "";
  if (typeof item === "string") return item;
  return typeof item === "boolean" || isInteger(item) ? String(item) : giveUp();
}
/** Of what is encoded as RFC 4648, section 4, has it, and is text. */
function decodeBase64(text: string, meter: Meter): string {
  meter.spendText(2 * text.length);
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return giveUp();
  const bytes = Buffer.from(text, "base64");
  const decoded = bytes.toString();
  return bytes.toString("base64") === text && !decoded.includes("\ufffd") ? decoded : giveUp();
}
function contains(whole: Value, part: Value, meter: Meter): boolean {
  meter.spend(1);
  if (typeOf(whole) !== typeOf(part)) return fail();
  if (isFields(whole) && isFields(part))
    return keysOf(part, meter).every(
      (key) => Object.hasOwn(whole, key) && containsItem(whole[key] ?? null, part[key] ?? null, meter),
    );
  if (isList(whole) && isList(part)) return part.every((item) => whole.some((one) => containsItem(one, item, meter)));
  if (typeof whole === "string" && typeof part === "string") {
    paySearch(whole, part, meter);
    return whole.includes(part);
  }
  return typeof whole === "boolean" ? giveUp() : equal(whole, part, meter);
}
function containsItem(whole: Value, part: Value, meter: Meter): boolean {
  meter.spend(1);
  return typeOf(whole) === typeOf(part) && contains(whole, part, meter);
}
