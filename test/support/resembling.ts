/** Values for property tests that look like what a schema describes. */
import * as fc from "fast-check";
import type { Schema } from "../../src/api/schema.ts";
import { validator } from "../../src/api/validate.ts";

/** For every field of ours there is one here that is right, and several that just are not. */
const samples: readonly unknown[] = [
  [
    "arn:aws:iam::1:role/a",
    "http://h/",
    "https://h:1/a",
    "ftp://h/",
    "http://u@h/",
    "http://h/?q",
    "${ .inputs.a }",
    "/p",
    "p",
    "",
  ],
  ["a", "A", "a.b-c", "-a", "é", "\u{1f600}", "a\nb", "a\u00a0b", "Host", "x".repeat(254)],
  [
    "10.0.0.0/8",
    "fd00::/8",
    "*.example.com",
    "30s",
    "5m",
    "access_token",
    "1h30m",
    "0s",
    "3 days",
    "99999h",
    "404",
    "2xx",
    "200-204",
    "600",
  ],
  ["AAEC\nAw==\n", "AAE", "AA=A", 'a"b', "text/plain; charset=utf-8", "text/plain;\n"],
  ["0 3 * * *", "@daily", "0 3 * *", "Europe/Berlin", "Europe//Berlin"],
  [".a", '["a b"].c[0]', "Moved"],
  ["metadata.name", "metadata.labels['a']", "metadata.labels[a]"],
  ["2026-01-31T09:30:00Z", "2026-01-31", 0, 5, 404, 3600, 101, -1, 2 ** 31, 2 ** 53, 1.5, true, false],
].flat();

/** Values that a schema allows, but for rules across fields; with `noise` here and there in their place. */
export function resembling(schema: Schema, noise?: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const allowed = allowedBy(schema, noise);
  return noise ? fc.oneof({ weight: 20, arbitrary: allowed }, { weight: 1, arbitrary: noise }) : allowed;
}
function allowedBy(schema: Schema, noise?: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  if (schema.type === undefined) return fc.jsonValue().filter((value) => value !== null);
  switch (schema.type) {
    case "string":
    case "integer":
    case "boolean": {
      const check = validator(schema);
      const named = ("enum" in schema ? schema.enum : undefined) ?? [];
      const isRight = (sample: unknown): boolean => check(sample).problems.length === 0;
      const right = fc.constantFrom(...[...named, ...samples].filter(isRight));
      return noise ? fc.oneof({ weight: 10, arbitrary: right }, { weight: 1, arbitrary: fc.constantFrom(...samples) }) : right;
    }
    case "array":
      return fc.array(resembling(schema.items, noise), { minLength: schema.minItems ?? 0, maxLength: 2 });
    case "object": {
      if ("additionalProperties" in schema)
        return fc.dictionary(fc.constantFrom("a", "b", "constructor"), resembling(schema.additionalProperties, noise), {
          maxKeys: 2,
        });
      const fields = Object.entries(schema.properties);
      const drawn = new Map(fields.map(([name, field]) => [name, resembling(field, noise)]));
      const { required = [], minProperties = 0, maxProperties = fields.length } = schema;
      const optional = fields.map(([name]) => name).filter((name) => !required.includes(name));
      const range = { minLength: Math.max(0, minProperties - required.length), maxLength: maxProperties - required.length };
      // Of many fields a few are more often right together.
      const few = { ...range, maxLength: Math.max(range.minLength, Math.min(range.maxLength, 3)) };
      return fc.oneof(fc.subarray(optional, range), fc.subarray(optional, few)).chain((chosen) => {
        const isPresent = (name: string): boolean => required.includes(name) || chosen.includes(name);
        return fc.record(Object.fromEntries([...drawn].filter(([name]) => isPresent(name))));
      });
    }
  }
}
