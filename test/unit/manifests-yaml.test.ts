import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { resolveScalar } from "../../src/standalone/yaml-scalar.ts";
import { readYAML } from "../../src/standalone/yaml.ts";
import { runs } from "../support/fuzz.ts";

/** JSON text, in which exact integers show as they are. */
function read(text: string): string {
  const { documents, errors } = readYAML(text);
  expect(errors).toEqual([]);
  return JSON.stringify(documents[0]?.value);
}

/** Each pair as kubectl's own YAML package (sigs.k8s.io/yaml 1.6) answers it. */
test.each([
  ["y Y yes Yes YES true True TRUE on On ON", "true"],
  ["n N no No NO false False FALSE off Off OFF", "false"],
  ["~ null Null NULL", "null"],
  ["yEs tRue oN nUll NaN inf e5 . .. .e5 - + _1 0b2 0x 0o8 1e 0xg", "text"],
  ["2026-01-02 2026-01-02T03:04:05Z 1:30 190:20:30 1.2.3 1-2 12:30:45 5_ms", "text"],
  ["1e400 -1e400 ._5 .5_0 0x1FFFFFFFFFFFFFFFFF -0xFFFFFFFFFFFFFFFFF", "text"],
  ["511 0777 0o777 0O777 0x1ff 0X1FF 0b111111111 0B111111111 +511 5_1_1 511. 5.11e2 51100E-2 0_777", "511"],
  ["8 08 008 8.0 0_8 +8", "8"],
  ["0 -0 00 +0 0x0 .0 0. 0e5", "0"],
  ["-9 -0b1001 -011 -0x9 -9.0", "-9"],
  ["0.5 .5 +.5 5e-1 0.5_0", "0.5"],
  ["9007199254740993 0x20000000000001 9_007_199_254_740_993", "9007199254740993"],
  ["18446744073709551615 0xFFFFFFFFFFFFFFFF", "18446744073709551615"],
  ["-9223372036854775808", "-9223372036854775808"],
])("the unquoted scalars %s are %s", (scalars, expected) => {
  for (const scalar of scalars.split(" ")) {
    const json = JSON.stringify(resolveScalar(scalar));
    expect([scalar, json]).toEqual([scalar, expected === "text" ? JSON.stringify(scalar) : expected]);
  }
});

test("integers beyond 64 bits, which kubectl rounds, stay exact", () => {
  expect(read("a: 123456789012345678901234567890\n")).toBe('{"a":123456789012345678901234567890}');
});

test("quotes make text, and so do block scalars and !!str", () => {
  expect(read("a: 'yes'\nb: \"0777\"\nc: |\n  on\nd: >-\n  no\ne: !!str 1\nf: ! 2\n")).toBe(
    '{"a":"yes","b":"0777","c":"on\\n","d":"no","e":"1","f":"2"}',
  );
});

test("other tags of YAML's own say what a value must be", () => {
  expect(read("a: !!int '5'\nb: !!float 5\nc: !!bool yes\nd: !!null ''\ne: !!map {}\nf: !!seq []\n")).toBe(
    '{"a":5,"b":5,"c":true,"d":null,"e":{},"f":[]}',
  );
  for (const text of ["a: !!int x\n", "a: !!binary aGk=\n", "a: !mine {}\n", "a: !!set {b}\n"])
    expect(readYAML(text).errors).toMatchObject([
      { line: 1, message: expect.stringMatching(/^the tag is not known, or does not fit its value/) },
    ]);
});

test("keys are text, made of integers and booleans where they are such", () => {
  expect(read("on: 1\n0x10: 2\n'x': 3\n__proto__: 4\n")).toBe('{"16":2,"true":1,"x":3,"__proto__":4}');
  for (const key of ["1.5", "~", "[a]", "{a: b}", ""]) expect(readYAML(`? ${key}\n: 1\n`).errors).toHaveLength(1);
});

test("merge keys apply in order, as kubectl has it, and the first of a list wins", () => {
  expect(read("b: &b {x: 1, z: 2}\nc: {<<: *b, z: 3}\nd: {z: 3, <<: *b}\n")).toBe(
    '{"b":{"x":1,"z":2},"c":{"x":1,"z":3},"d":{"z":2,"x":1}}',
  );
  expect(read("a: &a {x: 1}\nb: &b {x: 2, w: 3}\nc: {<<: [*a, *b]}\n")).toContain('"c":{"x":1,"w":3}');
  expect(readYAML("a: {<<: 5}\n").errors).toEqual([{ line: 1, column: 9, message: "`<<` takes a map or a list of maps" }]);
});

test("an anchor means what it meant last", () => {
  expect(read("a: &x 1\nb: *x\nc: &x 2\nd: *x\n")).toBe('{"a":1,"b":1,"c":2,"d":2}');
});

test("lines are those of the fields, also where an alias or a merge key brought them in", () => {
  const [document] = readYAML("base: &b\n  x: 1\nlist:\n- a\n-\n  k: 1\nsame: *b\nmerged:\n  <<: *b\n  y1: 2\n").documents;
  const line = (...path: readonly (string | number)[]): number | undefined => document?.lineOf(path);
  expect([line("base", "x"), line("list", 0), line("list", 1, "k")]).toEqual([2, 4, 6]);
  expect([line("same"), line("same", "x"), line("merged", "x"), line("merged", "y1")]).toEqual([7, 2, 2, 10]);
  expect([line(), line("none"), line("list", 7), line("list", 0, "deeper")]).toEqual([1, 1, 3, 4]);
});

describe("whatever text it is given", () => {
  test("it reads JSON as JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2, "\t"), (value, indent) => {
        const text = JSON.stringify({ value }, undefined, indent);
        expect(JSON.parse(read(text))).toEqual(JSON.parse(text));
      }),
      runs(100),
    );
  });

  test("it never throws", () => {
    const line = fc.constantFrom(
      "a: 1",
      "- b",
      "  c: |",
      "? ",
      "*x",
      "&x ",
      "[",
      "}",
      '"',
      "<<: *x",
      "---",
      "...",
      "!!set",
      "%TAG",
      "\t",
      "#",
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => void readYAML(lines.join("\n"))),
      runs(100),
    );
    fc.assert(
      fc.property(fc.string(), (text) => void readYAML(text)),
      runs(100),
    );
  });
});
