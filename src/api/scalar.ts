/** Checks strings, integers and booleans against their schemas. */
import type { CelValue } from "./cel.ts";
import { integerOf } from "./json-type.ts";
import { mismatchText, notADateTime, outOfRange, tooLong, tooShort, unsupportedText, wrongType } from "./messages.ts";
import { re2 } from "./re2.ts";
import type { BooleanSchema, IntegerSchema, StringSchema } from "./schema.ts";

/** `cel`: the value as rules see it; null where its type is wrong. */
interface CheckedScalar {
  readonly cel: CelValue;
  readonly messages: readonly string[];
}
type CheckScalar = (value: unknown) => CheckedScalar;

/** What checks values against the schema: bounds, pattern, enum and format are made ready once. It never throws. */
export function compileScalar(schema: StringSchema | IntegerSchema | BooleanSchema): CheckScalar {
  switch (schema.type) {
    case "string":
      return compileString(schema);
    case "integer":
      return compileInteger(schema);
    case "boolean":
      return (value) => (typeof value === "boolean" ? { cel: value, messages: [] } : refuseType(schema, value));
  }
}

function refuseType(schema: StringSchema | IntegerSchema | BooleanSchema, value: unknown): CheckedScalar {
  return { cel: null, messages: [wrongType(schema, value)] };
}

function compileString(schema: StringSchema): CheckScalar {
  const pattern = schema.pattern === undefined ? undefined : re2(schema.pattern);
  const { minLength = 0, maxLength = Infinity } = schema;
  return (value) => {
    if (typeof value !== "string") return refuseType(schema, value);
    // Too long a text is not matched: the time that a pattern takes is bounded by the schema's limit.
    if (value.length > maxLength && codePoints(value) > maxLength) return { cel: value, messages: [tooLong(maxLength)] };
    const messages = [
      ...(value.length < 2 * minLength && codePoints(value) < minLength ? [tooShort(minLength)] : []),
      ...(schema.enum && !schema.enum.includes(value) ? [unsupportedText(schema, value)] : []),
      ...(pattern && !pattern.test(value) ? [mismatchText(schema, value)] : []),
      ...(schema.format === "date-time" && !isDateTime(value) ? [notADateTime] : []),
    ];
    return { cel: value, messages };
  };
}
/** The API server counts characters, not UTF-16 units. */
function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
function isDateTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

function compileInteger(schema: IntegerSchema): CheckScalar {
  const bits = schema.format === "int32" ? 31n : 63n;
  const minimum = schema.minimum ?? -(2n ** bits);
  const maximum = schema.maximum ?? 2n ** bits - 1n;
  return (value) => {
    const integer = integerOf(value);
    if (integer === undefined) return refuseType(schema, value);
    const messages = [
      ...(integer < minimum ? [outOfRange("greater", minimum)] : []),
      ...(integer > maximum ? [outOfRange("less", maximum)] : []),
    ];
    return { cel: integer, messages };
  };
}
