/** jq's operators and ways into a value. Each answers as jq does, gives up, or fails. */
import type { Operator } from "./syntax.ts";
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
  keysOf,
  type Meter,
  type Value,
} from "./values.ts";

export const operations: Readonly<Record<Operator, (left: Value, right: Value, meter: Meter) => Value>> = {
  "==": equal,
  "!=": (left, right, meter) => !equal(left, right, meter),
  "<": (left, right, meter) => compare(left, right, meter) < 0,
  "<=": (left, right, meter) => compare(left, right, meter) <= 0,
  ">": (left, right, meter) => compare(left, right, meter) > 0,
  ">=": (left, right, meter) => compare(left, right, meter) >= 0,
  "+": add,
  "-": (left, right, meter) => {
    if (isInteger(left) && isInteger(right)) return exactly(left - right);
    if (isList(left) && isList(right)) {
      meter.spend(left.length);
      return left.filter((item) => !right.some((other) => equal(item, other, meter)));
    }
    return isNumber(left) || isNumber(right) ? giveUp() : fail();
  },
  "*": (left, right) => (isInteger(left) && isInteger(right) ? exactly(left * right) : giveUp()),
  "/": (left, right) => {
    if (!isInteger(left) || !isInteger(right) || right === 0) return giveUp();
    return Number.isInteger(left / right) ? exactly(left / right) : giveUp();
  },
  "%": giveUp,
};

/** jq computes with doubles and prints 17 digits; below that an integer is itself. */
function exactly(value: number): number {
  return Math.abs(value) < 1e15 && !Object.is(value, -0) ? value : giveUp();
}
function isNumber(value: Value): boolean {
  return typeof value === "number" || value instanceof ExactNumber;
}

export function add(left: Value, right: Value, meter: Meter): Value {
  if (left === null) return right;
  if (right === null) return left;
  if (isInteger(left) && isInteger(right)) return exactly(left + right);
  if (isNumber(left) || isNumber(right)) return giveUp();
  if (typeof left === "string" && typeof right === "string") {
    meter.spendText(left.length + right.length);
    return left + right;
  }
  if (isList(left) && isList(right)) {
    meter.spend(left.length + right.length);
    return [...left, ...right];
  }
  if (!isFields(left) || !isFields(right)) return fail();
  meter.spend(keysOf(left, meter).length + keysOf(right, meter).length);
  return { ...left, ...right };
}

export function index(value: Value, key: Value, meter: Meter): Value {
  if (typeof key === "string") {
    if (value === null) return null;
    meter.spendText(key.length);
    if (!isFields(value)) return fail();
    return Object.hasOwn(value, key) ? (value[key] ?? null) : null;
  }
  if (!isInteger(key)) return giveUp();
  if (value === null) return null;
  return isList(value) ? (value.at(key) ?? null) : fail();
}

/** `from` and `to`: null for an end that is not given. */
export function slice(value: Value, from: Value, to: Value, meter: Meter): Value {
  if ((from !== null && !isInteger(from)) || (to !== null && !isInteger(to))) return giveUp();
  if (value === null) return null;
  if (typeof value === "string") {
    meter.spendText(value.length);
    return hasSurrogates(value) ? giveUp() : value.slice(from ?? 0, to ?? undefined);
  }
  return isList(value) ? giveUp() : fail(); // jq takes two slices of one list for equal if they are of one length
}

/** `.[]`. */
export function itemsOf(value: Value, meter: Meter): readonly Value[] {
  if (!isList(value)) return isFields(value) ? entriesOf(value, meter).map(([, item]) => item) : fail();
  meter.spend(value.length);
  return value;
}
