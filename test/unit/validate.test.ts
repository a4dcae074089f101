import { describe, expect, test } from "@jest/globals";
import { pathText } from "../../src/api/problem.ts";
import type { Schema } from "../../src/api/schema.ts";
import { validator } from "../../src/api/validate.ts";
import { parseJSON } from "../../src/core/tools/json.ts";

function told(schema: Schema, value: unknown): readonly string[] {
  return validator(schema)(value).problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
}
/** As JSON, so that prototypes do not matter. */
function defaulted(schema: Schema, value: unknown): unknown {
  return JSON.parse(JSON.stringify(validator(schema)(value).value));
}
const text = { type: "string" } as const satisfies Schema;

describe("strings", () => {
  test("are counted in characters, not in UTF-16 units", () => {
    const schema = { type: "string", minLength: 2, maxLength: 3 } as const;
    expect(told(schema, "😀😀😀")).toEqual([]);
    expect(told(schema, "😀")).toEqual(["Invalid value: must have at least 2 characters"]);
    expect(told(schema, "😀😀😀😀")).toEqual(["Too long: may not be more than 3 characters"]);
  });

  test("match patterns as RE2 does", () => {
    const matches = (pattern: string, value: string): boolean => told({ type: "string", pattern }, value).length === 0;
    expect(matches("^.$", "😀")).toBe(true);
    expect(matches("^.$", "\r")).toBe(true);
    expect(matches("^.$", "\n")).toBe(false);
    expect(matches("^[.]$", "x")).toBe(false);
    expect(matches("^\\s$", "\u00a0")).toBe(false);
    expect(matches("^[^\\s]$", "\u00a0")).toBe(true);
    expect(matches("^\\s[\\s]$", "\t ")).toBe(true);
    expect(matches("^a$", "a\n")).toBe(false);
    expect(matches("b", "abc")).toBe(true);
    expect(() => validator({ type: "string", pattern: "\\p{L}" })).toThrow("not supported");
  });

  test("of an enum are quoted when they are short, others never", () => {
    expect(told({ type: "string", enum: ["A", "B"] }, "C")).toEqual(['Unsupported value "C": supported values are A, B']);
    expect(told({ type: "string", enum: ["A"] }, "C".repeat(65))[0]).not.toContain("CC");
    expect(told({ type: "string", pattern: "^a$", maxLength: 8192 }, "hunter2")[0]).not.toContain("hunter2");
  });

  test.each([
    ["2026-01-31T09:30:00Z", true],
    ["2026-01-31T09:30:00.123+02:00", true],
    ["2026-01-31", false],
    ["2026-13-31T09:30:00Z", false],
    ["soon", false],
  ])("of a date and time: %s", (value, isValid) => {
    expect(told({ type: "string", format: "date-time" }, value)).toHaveLength(isValid ? 0 : 1);
  });
});

describe("integers", () => {
  const exact = (digits: string): unknown => parseJSON(digits);

  test.each([["9007199254740993"], ["9223372036854775807"], ["-9223372036854775808"]])(
    "of 64 bits are kept exactly: %s",
    (digits) => {
      const checked = validator({ type: "integer" })(exact(digits));
      expect(checked.problems).toEqual([]);
      expect(JSON.stringify(checked.value)).toBe(digits);
    },
  );

  test.each([["9223372036854775808"], ["-9223372036854775809"], ["12345678901234567890123"], ["1.5"], ["1e300"]])(
    "are not what does not fit into 64 bits: %s",
    (digits) => {
      expect(told({ type: "integer" }, exact(digits))).toEqual(["Invalid value: must be of type integer, not number"]);
    },
  );

  test("are compared exactly with their limits", () => {
    const schema = { type: "integer", minimum: 1, maximum: 9007199254740992 } as const;
    expect(told(schema, exact("9007199254740993"))).toEqual(["Invalid value: must be less than or equal to 9007199254740992"]);
    expect(told(schema, 0)).toEqual(["Invalid value: must be greater than or equal to 1"]);
    expect(told({ type: "integer", format: "int32" }, 2 ** 31)).toEqual([
      "Invalid value: must be less than or equal to 2147483647",
    ]);
  });

  test("are not taken from text, whose quotes are to be removed", () => {
    expect(told({ type: "integer" }, "5")).toEqual([
      "Invalid value: must be of type integer, not string; write it without quotes",
    ]);
    expect(told({ type: "boolean" }, "true")).toEqual([
      "Invalid value: must be of type boolean, not string; write it without quotes",
    ]);
    expect(told({ type: "integer" }, "five")).toEqual(["Invalid value: must be of type integer, not string"]);
  });
});

describe("objects", () => {
  const schema = {
    type: "object",
    properties: {
      name: text,
      deep: { type: "object", default: {}, properties: { level: { type: "integer", default: 3 }, free: text } },
      shallow: { type: "object", properties: { level: { type: "integer", default: 3 } } },
    },
    required: ["name"],
  } as const satisfies Schema;

  test("get defaults at every level that is there or has a default itself, before they are judged", () => {
    expect(defaulted(schema, { name: "a" })).toEqual({ name: "a", deep: { level: 3 } });
    expect(defaulted(schema, { name: "a", deep: { level: 1 }, shallow: {} })).toEqual({
      name: "a",
      deep: { level: 1 },
      shallow: { level: 3 },
    });
    const required = { type: "object", properties: { x: { ...text, default: "x" } }, required: ["x"] } as const;
    expect(told(required, {})).toEqual([]);
  });

  test("take a null for nothing: it gives way to the default, or goes", () => {
    expect(defaulted(schema, { name: "a", deep: null, shallow: null })).toEqual({ name: "a", deep: { level: 3 } });
    expect(told(schema, { name: null })).toEqual(["name: Required value"]);
    expect(defaulted({ type: "object", maxProperties: 3, additionalProperties: text }, { a: null, b: "b" })).toEqual({ b: "b" });
  });

  test("refuse what they do not know, at any level, and say what there is", () => {
    expect(told(schema, { name: "a", nmae: "b", deep: { x: 1 } })).toEqual([
      "deep.x: unknown field; the fields here are level, free",
      "nmae: unknown field; the fields here are name, deep, shallow",
    ]);
  });

  test("count their fields", () => {
    const choice = { type: "object", properties: { a: text, b: text }, minProperties: 1, maxProperties: 1 } as const;
    expect(told(choice, {})).toEqual(["Invalid value: must have at least 1 field (a, b)"]);
    expect(told(choice, { a: "", b: "" })).toEqual(["Too many: 2: must have at most 1 field (a, b)"]);
    expect(told(choice, { a: "" })).toEqual([]);
    expect(told({ type: "object", maxProperties: 1, additionalProperties: text }, { a: "", b: "" })).toEqual([
      "Too many: 2: must have at most 1 entry",
    ]);
  });

  test("take __proto__, constructor and the like for keys like any other", () => {
    const map = { type: "object", maxProperties: 9, additionalProperties: text } as const;
    const value = JSON.parse('{"__proto__":"p","constructor":"c","toString":"t"}') as unknown;
    const checked = validator(map)(value);
    expect(checked.problems).toEqual([]);
    expect(Object.keys(checked.value as object)).toEqual(["__proto__", "constructor", "toString"]);
    expect(told(schema, JSON.parse('{"__proto__":{"name":"a"}}'))).toEqual([
      expect.stringContaining("__proto__: unknown field"),
      "name: Required value",
    ]);
    expect(told({ type: "object", properties: { constructor: text }, required: ["constructor"] }, {})).toEqual([
      "constructor: Required value",
    ]);
    expect(({} as Record<string, unknown>)["name"]).toBeUndefined();
  });

  test("are not changed", () => {
    const value = { name: "a", deep: { level: 1 } };
    validator(schema)(value);
    expect(value).toEqual({ name: "a", deep: { level: 1 } });
  });
});

describe("lists", () => {
  const list = { type: "array", maxItems: 3, "x-kubernetes-list-type": "set", items: text } as const;

  test("have a size, and a longer one is not looked into", () => {
    expect(told({ ...list, minItems: 1 }, [])).toEqual(["Invalid value: must have at least 1 item"]);
    expect(told(list, [1, 2, 3, 4])).toEqual(["Too many: 4: must have at most 3 items"]);
  });

  test("that are sets have each item once", () => {
    expect(told(list, ["a", "b", "a"])).toEqual(["[2]: Duplicate value: it is in the list already"]);
    expect(told({ ...list, "x-kubernetes-list-type": "atomic" as const }, ["a", "a"])).toEqual([]);
  });

  test("that are maps have each key once", () => {
    const schema = {
      type: "array",
      maxItems: 9,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
      items: { type: "object", properties: { type: text, x: { type: "integer", default: 1 } } },
    } as const satisfies Schema;
    expect(told(schema, [{ type: "a" }, { type: "a", x: 2 }, { type: "b" }])).toEqual([
      "[1]: Duplicate value: it is in the list already",
    ]);
    expect(defaulted(schema, [{ type: "a" }])).toEqual([{ type: "a", x: 1 }]);
  });

  test("have no null as an item", () => {
    expect(told(list, [null])).toEqual(["[0]: Invalid value: must be of type string, not null"]);
  });
});

describe("rules", () => {
  const ruled = (rule: string, more: object = {}): Schema => ({
    type: "object",
    properties: {
      a: { type: "integer" },
      b: text,
      any: { "x-kubernetes-preserve-unknown-fields": true },
      map: { type: "object", maxProperties: 9, additionalProperties: text },
    },
    "x-kubernetes-validations": [{ rule, message: "says so", ...more }],
  });

  test.each([
    ["has(self.a)", {}],
    ["!has(self.b)", { b: "x" }],
    ["self.a > 9007199254740992", { a: 1 }],
    ["self.map.all(key, key.matches('^x'))", { map: { xa: "", b: "" } }],
    ["self.b.lowerAscii() in ['x', 'y']", { b: "Z" }],
    ["duration(self.b) > duration('1m')", { b: "59s" }],
    ["self.b.startsWith('a') && self.b.contains('b')", { b: "ac" }],
  ])("that are broken are told with their message: %s", (rule, value) => {
    expect(told(ruled(rule), value)).toEqual(["Invalid value: says so"]);
    expect(told(ruled(`!(${rule})`), value)).toEqual([]);
  });

  test("see integers exactly", () => {
    expect(told(ruled("self.a == 9007199254740993"), { a: parseJSON("9007199254740993") })).toEqual([]);
  });

  test("do not see a free-form field", () => {
    expect(told(ruled("!has(self.any)"), { any: { a: 1 } })).toEqual([]);
  });

  test("that cannot be evaluated count as broken, unless something else is wrong that explains it", () => {
    expect(told(ruled("duration(self.b) > duration('1m')"), { b: "soon" })).toEqual(["Invalid value: says so"]);
    expect(told(ruled("self.a > 1"), { a: "one" })).toEqual(["a: Invalid value: must be of type integer, not string"]);
  });

  test("can name the field that they speak of", () => {
    expect(told(ruled("has(self.a)", { fieldPath: ".map.x" }), {})).toEqual(["map.x: Invalid value: says so"]);
  });

  test("are compiled at once: a mistake in a schema is found where it is made", () => {
    expect(() => validator(ruled("has(self.a"))).toThrow();
  });
});

describe("paths", () => {
  test("read as people write them, odd keys in brackets", () => {
    expect(pathText(["spec", "headers", 0, "name"])).toBe("spec.headers[0].name");
    expect(pathText(["data", "tls.crt", ""])).toBe('data["tls.crt"][""]');
    expect(pathText([])).toBe("");
    expect(pathText(["x".repeat(1000)]).length).toBeLessThan(100);
  });
});

describe("free-form values", () => {
  const free = { "x-kubernetes-preserve-unknown-fields": true } as const;
  test("are taken as they are", () => {
    const value = { a: [1, null, { b: "c" }] };
    expect(validator(free)(value)).toEqual({ value, problems: [] });
  });
  test("are nested at most 200 levels deep", () => {
    const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
    expect(told(free, nested(200))).toEqual([]);
    expect(told(free, nested(5000))).toEqual(["Invalid value: must not be nested deeper than 200 levels"]);
  });
});
