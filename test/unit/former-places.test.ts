/** What a merge patch has delivered, and is declared no more. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { differences, mergePatch } from "../../src/core/difference.ts";
import { placesOf, withoutFormer } from "../../src/core/former-places.ts";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";

test("places are those of values, as people write them, where a status has room for them", () => {
  expect(placesOf({ a: 1, b: { c: [1], "d e": "x", none: null }, empty: {} })).toEqual([".a", ".b.c", '.b["d e"]', ".empty"]);
  expect(placesOf({ 'quo"te': 1, back: { "\\": 1 } })).toEqual([]);
  expect(placesOf({})).toEqual([]);
  expect(placesOf("text")).toEqual([]);
  expect(placesOf(Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`name${index}`, 1])))).toBeUndefined();
});

describe("what was delivered and is declared no more", () => {
  test.each<[string, unknown, unknown, string[], unknown]>([
    ["is null where something is observed", { a: 1 }, { a: 1, b: 2 }, [".a", ".b"], { a: 1, b: null }],
    ["is not where nothing is", { a: 1 }, { a: 1, b: null }, [".b", ".c", ".d.e"], { a: 1 }],
    ["is not where the server has put something else", { a: 1 }, { a: 1, other: 2 }, [".a"], { a: 1 }],
    ["takes with it nothing that was not delivered", {}, { a: { b: 1, others: 2 } }, [".a.b"], { a: { b: null } }],
    ["is not null below what is another value now", { a: "x" }, { a: { b: 1 } }, [".a.b"], { a: "x" }],
    ["is not null where something is declared below", { a: { c: 1 } }, { a: 1 }, [".a"], { a: { c: 1 } }],
    ["is null beside what is declared", { a: { c: 1 } }, { a: { b: 1, c: 1 } }, [".a.b", ".a.c"], { a: { b: null, c: 1 } }],
    ["is looked for in no list and in no text", { a: [1] }, "text", [".b"], { a: [1] }],
    ["is of whoever declares null already", { a: null }, { a: 1 }, [".a"], { a: null }],
  ])("%s", (_, wanted, observed, former, expected) => {
    expect(withoutFormer(wanted, observed, former)).toEqual(expected);
  });

  test(
    "is gone once the patch is applied, and all else is as it was or as declared, whatever is declared",
    () => {
      const leaf = fc.constantFrom<unknown>("x", 1, [1]);
      const fields = <T>(value: fc.Arbitrary<T>) => fc.dictionary(fc.constantFrom("a", "b", "c"), value);
      const object = fields(fc.oneof(leaf, fields(fc.oneof(leaf, fields(leaf)))));
      fc.assert(
        fc.property(object, object, object, (before, now, others) => {
          const former = placesOf(before) ?? [];
          const observed = applied(others, before);
          const wanted = withoutFormer(now, observed, former);
          const after = applied(observed, mergePatch(wanted, observed) ?? {});
          expect(differences(now, after, now)).toEqual([]);
          expect(withoutFormer(now, after, former)).toEqual(now);
        }),
        runs(1_000),
      );
    },
    fuzzTimeoutMs,
  );
});

/** RFC 7396. */
function applied(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const own = typeof target === "object" && target !== null && !Array.isArray(target) ? { ...target } : {};
  const made = new Map<string, unknown>(Object.entries(own));
  for (const [name, value] of Object.entries(patch))
    if (value === null) made.delete(name);
    else made.set(name, applied(made.get(name), value));
  return Object.fromEntries(made);
}
