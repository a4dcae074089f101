/** What is made once of what never changes. */
import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { oncePer, oncePerText } from "../../src/core/tools/once-per.ts";
import { attemptUUID, digest } from "../../src/core/tools/digest.ts";

describe("once per", () => {
  test("makes what an object gives once for that object, and anew for one that is equal", () => {
    let made = 0;
    const sizeOf = oncePer((of: { readonly a: number }) => ((made += 1), of.a));
    const one = { a: 1 };
    expect([sizeOf(one), sizeOf(one), sizeOf({ a: 1 })]).toEqual([1, 1, 1]);
    expect(made).toBe(2);
  });

  test("gives a copy what is its own, shows nothing of what it keeps, and takes what is frozen", () => {
    const sizeOf = oncePer((of: { readonly a: number }) => of.a);
    const doubleOf = oncePer((of: { readonly a: number }) => 2 * of.a);
    const one = { a: 1 };
    expect([sizeOf(one), doubleOf(one)]).toEqual([1, 2]);
    expect([sizeOf({ ...one, a: 2 }), doubleOf(structuredClone({ ...one, a: 3 }))]).toEqual([2, 6]);
    expect([JSON.stringify(one), Object.keys(one), { ...one }]).toEqual(['{"a":1}', ["a"], { a: 1 }]);
    expect(inspect(one)).toBe("{ a: 1 }");
    const frozen = Object.freeze({ a: 4 });
    expect([sizeOf(frozen), doubleOf(frozen), sizeOf(frozen)]).toEqual([4, 8, 4]);
  });

  test("keeps nothing as well as something", () => {
    let made = 0;
    const nothing = oncePer((_of: object) => void (made += 1));
    const one = {};
    expect([nothing(one), nothing(one)]).toEqual([undefined, undefined]);
    expect(made).toBe(1);
  });

  test("tries again what threw", () => {
    let tries = 0;
    const fail = oncePer((_of: object) => {
      tries += 1;
      throw new Error("no");
    });
    const one = {};
    expect(() => fail(one)).toThrow("no");
    expect(() => fail(one)).toThrow("no");
    expect(tries).toBe(2);
  });

  test("keeps as much as it costs, long texts too, where it is said what that is", () => {
    let made = 0;
    const lengthOf = oncePerText((text) => ((made += 1), text.length), { longest: Infinity, costOf: (length) => length * 100 });
    const long = "x".repeat(5_000);
    expect([lengthOf(long), lengthOf(long), made]).toEqual([5_000, 5_000, 1]);
    lengthOf("y".repeat(6_000)); // more than a million, so that the first is forgotten
    lengthOf(long);
    expect(made).toBe(3);
    const tooLong = "z".repeat(10_001);
    lengthOf(tooLong);
    lengthOf(tooLong);
    expect(made).toBe(5);
  });

  test("makes what a text gives once, keeps few texts, and no long ones", () => {
    let made = 0;
    const lengthOf = oncePerText((text) => ((made += 1), text.length));
    expect([lengthOf("abc"), lengthOf("abc")]).toEqual([3, 3]);
    expect(made).toBe(1);
    const long = "x".repeat(1_001);
    lengthOf(long);
    lengthOf(long);
    expect(made).toBe(3);
    for (let n = 0; n < 10_000; n += 1) lengthOf(`${n}`);
    expect(made).toBe(10_003);
    expect(lengthOf("abc")).toBe(3); // forgotten meanwhile, and right all the same
    expect(made).toBe(10_004);
  });
});

describe("digest", () => {
  test("makes UUIDs of version 5 and the RFC's variant", () => {
    expect(attemptUUID(["uid", "0", "digest"])).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
  test("tells lists of parts apart that read alike when joined", () => {
    expect(attemptUUID(["a", "bc"])).not.toBe(attemptUUID(["ab", "c"]));
  });
  test("is the SHA-256 of the canonical text", () => {
    expect(digest({ b: 1, a: undefined })).toBe(createHash("sha256").update('{"b":1}').digest("hex"));
  });
});
