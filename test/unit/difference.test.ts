import { describe, expect, test } from "@jest/globals";
import { array, assert, constantFrom, dictionary, jsonValue, letrec, oneof, property, string } from "fast-check";
import { differences, mergePatch } from "../../src/core/difference.ts";
import { jsonStep } from "../../src/core/templating.ts";
import { isRecord, parseJSON, sameJSON } from "../../src/core/tools/json.ts";

const json = jsonValue({ maxDepth: 4 });

/** RFC 7396, section 2, as it is written there. */
function patched(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result = new Map(Object.entries(isRecord(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, patched(result.get(key), value));
  }
  return Object.fromEntries(result);
}
/** Adds what a server would: a key of its own in every object. */
function embellished(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(embellished);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).map(([key, field]): [string, unknown] => [key, embellished(field)]);
  return Object.fromEntries([...entries, ["added by the server", 1]]);
}

/** As its words say, in the simplest way. */
function differingPaths(wanted: unknown, observed: unknown, path = ""): string[] {
  if (wanted === null) return observed === null || observed === undefined ? [] : [path || "."];
  const isList = Array.isArray(wanted) && Array.isArray(observed) && wanted.length === observed.length;
  if (isList || (isRecord(wanted) && isRecord(observed)))
    return Object.entries(wanted).flatMap(([key, value]) => {
      const seen: unknown = Object.entries(observed as object).find(([other]) => other === key)?.[1];
      return differingPaths(value, seen, `${path}${jsonStep(isList ? Number(key) : key)}`);
    });
  return typeof wanted !== "object" && sameJSON(wanted, observed) ? [] : [path || "."];
}
function simplePatch(wanted: unknown, observed: unknown): unknown {
  if (differingPaths(wanted, observed).length === 0) return undefined;
  if (!isRecord(wanted) || !isRecord(observed)) return wanted;
  const changes = Object.entries(wanted).map(([key, value]) => [
    key,
    simplePatch(value, Object.entries(observed).find(([other]) => other === key)?.[1]),
  ]);
  return Object.fromEntries(changes.filter(([, change]) => change !== undefined));
}
const { value: near } = letrec((tie) => ({
  value: oneof({ maxDepth: 4 }, constantFrom(null, 0, 1, "a"), array(tie("value"), { maxLength: 2 }), tie("record")),
  record: dictionary(constantFrom("a", "b", "__proto__", "toString"), tie("value"), { maxKeys: 3 }),
}));
const deep = (depth: number, leaf: unknown): unknown => {
  let value = leaf;
  for (let level = 0; level < depth; level += 1) value = { same: 1, a: value };
  return value;
};

describe("a wanted value", () => {
  test("does not differ from itself", () => {
    assert(property(json, (value) => differences(value, value, value).length === 0));
  });
  test("wish 19: does not differ from itself with what a server adds", () => {
    assert(property(json, (value) => differences(value, embellished(value), value).length === 0));
  });
  test("differs exactly where a patch would change something", () => {
    assert(
      property(json, json, (wanted, observed) => {
        const none = differences(wanted, observed, wanted).length === 0;
        return none === (mergePatch(wanted, observed) === undefined);
      }),
    );
  });
  test("wish 19: no longer differs once the patch was applied", () => {
    const object = dictionary(string(), jsonValue({ maxDepth: 3 }));
    assert(
      property(object, object, (wanted, observed) => {
        const patch = mergePatch(wanted, observed);
        if (patch === undefined) return true;
        const after = patched(observed, patch);
        // A list is replaced as a whole, so a null within one of its objects is there as it is written.
        return differences(wanted, after, wanted).length === 0;
      }),
    );
  });
  test("differs where a simple reading says so, and is patched as that says", () => {
    const limit = 1_000;
    assert(
      property(near, near, (wanted, observed) => {
        const paths = differences(wanted, observed, undefined, { limit }).map(({ path }) => path);
        expect(paths).toEqual(differingPaths(wanted, observed));
        expect(mergePatch(wanted, observed)).toEqual(simplePatch(wanted, observed));
      }),
      { numRuns: 2_000, seed: 1 },
    );
  });
  test("wish 16: compares integers beyond 2^53 by their digits", () => {
    const at = (text: string): unknown => parseJSON(text);
    expect(differences(at('{"a":12345678901234567890}'), at('{"a":12345678901234567890}'), undefined)).toEqual([]);
    expect(differences(at('{"a":12345678901234567890}'), at('{"a":12345678901234567891}'), undefined)).toHaveLength(1);
    expect(differences({ a: 1 }, at('{"a":1.0}'), undefined)).toEqual([]);
  });
  test.each([
    ["null where there is nothing", { a: null }, {}, []],
    ["null where there is something", { a: null }, { a: 1 }, [".a"]],
    ["lists of another length", { a: [1] }, { a: [1, 2] }, [".a"]],
    ["items one by one", { a: [{ b: 1 }, { b: 2 }] }, { a: [{ b: 1, id: 9 }, { b: 3 }] }, [".a[1].b"]],
    ["another type", { a: { b: 1 } }, { a: "b" }, [".a"]],
    ["a key that has to be quoted", { "a b": 1 }, {}, ['["a b"]']],
    ["a key that objects inherit", { toString: "x" }, {}, [".toString"]],
    ["no object at all", { a: 1 }, "text", ["."]],
  ])("tells %s", (_what, wanted, observed, paths) => {
    expect(differences(wanted, observed, wanted).map(({ path }) => path)).toEqual(paths);
  });
});

describe("what is told of a difference", () => {
  test("wish 10: is neither a value nor a key below an expression that may see a secret", () => {
    const template = {
      plain: 1,
      token: "${ .inputs.token }",
      config: "${ .inputs.config | fromjson }",
      age: "${ .parameters.age }",
    };
    const wanted = { plain: 1, token: "s3cret", config: { "s3cret-key": 1 }, age: { years: 36 } };
    expect(differences(wanted, { plain: 2, age: {} }, template)).toEqual([
      { path: ".plain", wanted: "1" },
      { path: ".token" },
      { path: ".config" },
      { path: ".age.years", wanted: "36" },
    ]);
    expect(JSON.stringify(differences(wanted, {}, "${ .inputs.all | fromjson }"))).not.toContain("s3cret");
  });
  test("is the place below an expression that mixes a secret in, where no key on the way comes of it", () => {
    const template = "${ .parameters + {password: .inputs.password} }";
    const wanted = { email: "A", "s3cret-key": 1, list: [{ a: 1 }], password: "s3cret" };
    const masked = { email: "A", "***-key": 1, list: [{ a: 1 }], password: "***" };
    const told = (text: string): unknown => differences(wanted, { list: [{}] }, text, { masked }).map(({ path }) => path);
    expect(told(template)).toEqual([".email", ".list[0].a"]);
    // What a server has said is not told.
    for (const other of ["${ .object + .inputs }", "${ .response.body }", "${ . }"]) expect(told(other)).toEqual(["."]);
    expect(JSON.stringify(differences(wanted, {}, template, { masked }))).not.toMatch(/s3cret|"wanted"/);
  });
  test("has an end", () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`a${index}`, index]));
    expect(differences(many, {}, many)).toHaveLength(20);
  });
});

test("a merge patch has only what differs, and null for what must go", () => {
  const wanted = { name: "ada", age: 36, tags: ["a"], address: { city: "London", zip: null } };
  const observed = { id: 1, name: "ada", age: 35, tags: ["a"], address: { city: "Paris", zip: "7", street: "x" } };
  expect(sameJSON(mergePatch(wanted, observed), { age: 36, address: { city: "London", zip: null } })).toBe(true);
  expect(mergePatch(wanted, { ...wanted, more: true })).toBeUndefined();
});

test("each value of an object is looked at once for a patch, however deep it is", () => {
  let looks = 0;
  const counted = (value: unknown): unknown => {
    if (!isRecord(value)) return value;
    const fields = Object.fromEntries(Object.entries(value).map(([key, field]) => [key, counted(field)]));
    return new Proxy(fields, { ownKeys: (target) => ((looks += 1), Reflect.ownKeys(target)) });
  };
  const wanted = counted(deep(500, 1));
  expect(mergePatch(wanted, deep(500, 1))).toBeUndefined();
  expect(looks).toBe(500);
  expect(JSON.stringify(mergePatch(wanted, deep(500, 2)))).toBe(`${'{"a":'.repeat(500)}1${"}".repeat(500)}`);
  expect(looks).toBe(1_000);
});

test("no more of what is told as one difference is looked at than a thousand values", () => {
  let looks = 0;
  const list = Array.from({ length: 20_000 }, () => 2);
  const observed = new Proxy(list, {
    get(target, key, receiver) {
      if (typeof key === "string" && /^\d+$/.test(key)) looks += 1;
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
  const wanted = list.map(() => 1);
  expect(differences(wanted, observed, "${ .inputs.list | fromjson }")).toEqual([{ path: "." }]);
  expect(looks).toBeLessThanOrEqual(1_001);
});

test("what is 2,500 levels deep is compared, and patched", () => {
  const depth = 2_500;
  expect(differences(deep(depth, 1), deep(depth, 2), "${ .inputs.all }")).toEqual([{ path: "." }]);
  expect(differences(deep(depth, 1), deep(depth, 1), "${ .inputs.all }")).toEqual([]);
  expect(mergePatch(deep(depth, 1), deep(depth, 1))).toBeUndefined();
  let patch = mergePatch(deep(depth, 1), deep(depth, 2));
  for (let level = 0; level < depth; level += 1) patch = isRecord(patch) ? patch["a"] : undefined;
  expect(patch).toBe(1);
});

test("each place that differs has a digest of what is wanted there, and of no secret", () => {
  const of = (wanted: unknown, more: object = {}): unknown =>
    differences(wanted, {}, wanted, { digests: true, ...more }).map(({ digest }) => digest);
  const [a, b] = [of({ x: "a" }), of({ x: "b" })];
  expect(a).not.toEqual(b);
  expect(of({ x: "a", y: "a" })).toEqual([...(a as string[]), ...(a as string[])]);
  expect(differences({ x: 1 }, {}, {})[0]).not.toHaveProperty("digest");
  const masked = { x: { open: 1, token: "***" } };
  const withSecret = (token: string) => of({ x: { open: 1, token } }, { masked });
  expect(withSecret("first")).toEqual(withSecret("second"));
  expect(withSecret("first")).toHaveLength(1);
});
