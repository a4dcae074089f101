/** Every schema, given JSON of any shape. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { definitions } from "../../src/api/definitions.ts";
import { validator } from "../../src/api/validate.ts";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";
import { resembling } from "../support/resembling.ts";

describe.each(
  definitions.flatMap(({ kind, spec, status }) => [
    { name: `${kind}'s spec`, schema: spec },
    { name: `${kind}'s status`, schema: status },
  ]),
)("the schema of $name, whatever JSON it is given,", ({ schema }) => {
  const validate = validator(schema);
  const anything = fc.jsonValue({ depthSize: "medium" });

  test(
    "never makes the validator throw",
    () => {
      fc.assert(
        fc.property(anything, (value) => void validate(value)),
        runs(50),
      );
      fc.assert(
        fc.property(resembling(schema, anything), (value) => void validate(value)),
        runs(50),
      );
    },
    fuzzTimeoutMs,
  );

  test(
    "lets a valid value, once it has its defaults, through unchanged",
    () => {
      let valid = 0;
      fc.assert(
        fc.property(resembling(schema), (value) => {
          const first = validate(value);
          if (first.problems.length > 0) return;
          valid++;
          expect(validate(first.value)).toEqual(first);
        }),
        runs(1000),
      );
      expect(valid).toBeGreaterThan(0); // a spec of many parts seldom is
    },
    fuzzTimeoutMs,
  );
});
