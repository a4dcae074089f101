/** What an object's expressions cost before anything is evaluated: it grows with their text, to a bound, whatever they say. */
import { expect, test } from "@jest/globals";
import { areFew } from "../../src/core/expression-reads.ts";
import { costOf, pathsReadBy } from "../../src/core/jq/paths.ts";
import { dependenciesOf } from "../../src/kinds/request/dependencies.ts";
import { findUndeclared } from "../../src/kinds/http-request/references.ts";
import { inputsReadBy } from "../../src/kinds/http-resource/inputs-read.ts";
import { httpRequest } from "../support/request-plan.ts";

/** Steps, and paths, of one expression. */
const [mostSteps, mostPaths] = [4_000, 500];
const times = (count: number, make: (index: number) => string, between = ""): string =>
  Array.from({ length: count }, (_, index) => make(index)).join(between);
const conditions = times(300, (n) => `elif .c${n} then .b${n}`, " ");
const variables = times(400, (n) => `.a as $v${n} | `);
const functions = times(300, (n) => `def f${n}: .a${n}; `) + times(300, (n) => `f${n}`, ",");
const longPath = times(3_000, () => ".a");
const manyPaths = times(1_200, (n) => `.a${n}`, ",");
/** Each makes much of little, or of much. */
const greedy: readonly (readonly [string, (seed: number) => string])[] = [
  ["calls of calls", (seed) => `def f: .a,.b; def g: f,f,f,f; def h: g,g,g,g; def i: h,h,h,h; def j: i,i,i,i; j, j, .x${seed}`],
  ["paths of paths", (seed) => `def f: .a,.b; ${times(12, () => "f", "|")} | .x${seed}`],
  ["calls of themselves", (seed) => `def f: .a | f; f, .x${seed}`],
  ["conditions of conditions", (seed) => `if .x${seed} then .a ${conditions} else . end`],
  ["variables", (seed) => variables + `.x${seed}`],
  ["functions", (seed) => `${functions}, .x${seed}`],
  ["a long path", (seed) => `.x${seed}${longPath}`],
  ["many paths", (seed) => `.x${seed}, ${manyPaths}`],
  ["nests", (seed) => "(".repeat(190) + `.x${seed}` + ")".repeat(190)],
];

test.each(greedy)(
  "%s cost no more than their text and a number of steps, and tell of no more paths than may be",
  (_name, make) => {
    const text = make(0);
    expect(costOf(text)).toBeLessThanOrEqual(text.length + 2 * mostSteps);
    expect(pathsReadBy(text)?.length ?? 0).toBeLessThanOrEqual(mostPaths);
  },
);

test.each(greedy)(
  "an object with thousands of %s is refused, and what waits for others takes them for reading everything",
  (_name, make) => {
    const texts = Array.from({ length: 1_000 }, (_, index) => make(index));
    expect(areFew(texts)).toBe(false);
    const body = { json: texts.map((text) => `\${ ${text} }`) };
    expect(findUndeclared(httpRequest({ body }))?.message).toContain(
      "spec: its expressions are together longer than 65536 characters",
    );
    const dependsOn = texts.slice(0, 32).map((that) => ({ kind: "HTTPRequest", name: "a", that }) as const);
    expect(dependenciesOf(httpRequest({ dependsOn }))).toHaveLength(1);
    expect(
      inputsReadBy({ body: { json: texts.map((text) => `\${ .inputs | ${text} }`) } }, { a: { value: 1 }, b: { value: 2 } }),
    ).toEqual({
      a: { value: 1 },
      b: { value: 2 },
    });
  },
);

test("the same expression counts once, however often it stands there", () => {
  const json = Array.from({ length: 9_000 }, () => "${ .inputs.a | ascii_downcase | .[1:] }");
  expect(findUndeclared(httpRequest({ inputs: { a: { value: "x" } }, body: { json } }))).toBe(undefined);
});
