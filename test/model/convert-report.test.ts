/** What is said of a translation as a whole: the sum of all objects, and the exit code. */
import { expect, test } from "@jest/globals";
import type { Level } from "../../src/convert/findings.ts";
import { exitCodeOf, sumOf, type Told } from "../../src/convert/report.ts";

const told = (...levels: readonly Level[]): Told => ({
  place: "a.yaml:1",
  from: "Request here/one",
  to: "HTTPResource here/one",
  findings: levels.map((level) => ({ level, field: "f", message: "m" })),
});

test.each<[Level, string, number]>([
  ["INFO", "1 the same", 0],
  ["FIX", "1 the same", 0],
  ["CHOOSE", "1 the same", 0],
  ["CHANGE", "1 that behave otherwise", 2],
  ["DROP", "1 with something dropped", 2],
  ["STEP", "1 with something to do", 2],
  ["WARN", "1 to be looked at before they run", 2],
  ["HARD", "1 with something that could not be translated", 1],
])(
  "an object with a %s alone is one of the sum's, and --strict says whether it is certain to be as it was",
  (level, part, code) => {
    const counts = sumOf([told(level)])
      .replace("1 objects: ", "")
      .split(", ");
    expect(counts.filter((one) => !one.startsWith("0 "))).toEqual([part]);
    expect(exitCodeOf([told("INFO"), told(level)], true)).toBe(code);
    expect(exitCodeOf([told(level)], false)).toBe(level === "HARD" ? 1 : 0);
  },
);
