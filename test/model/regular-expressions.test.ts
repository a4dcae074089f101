/**
 * One that backtracks over a tenant's or a server's text stops the whole process. Whatever `src` has, and each pattern of a
 * schema, is run over long texts that are made to keep it busy: what takes more than linear time has not ended when it is cut off.
 */
import { runInNewContext } from "node:vm";
import { expect, test } from "@jest/globals";
import { definitions } from "../../src/api/definitions.ts";
import { re2 } from "../../src/api/re2.ts";
import { attacksOn, regularExpressionsIn, type Found } from "../support/regular-expressions.ts";

/** Quadratic time would be some 2^36 steps for each text, linear time less than a millisecond. */
const longest = 1 << 18;
const cutOffMs = 1_500;

/** Whether all texts were looked through in time. */
function ends(expression: Pick<Found, "source" | "flags">, length = longest): boolean {
  const pattern = new RegExp(expression.source, expression.flags);
  return attacksOn(expression, length).every((text) => endsOver(pattern, text));
}
/** One that was cut off after less processor time than that was kept waiting by the machine, and is run again. */
function endsOver(pattern: RegExp, text: string): boolean {
  const before = process.cpuUsage();
  try {
    runInNewContext('pattern.global ? text.replace(pattern, "") : pattern.test(text)', { pattern, text }, { timeout: cutOffMs });
    return true;
  } catch {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000 < cutOffMs / 2 && endsOver(pattern, text);
  }
}

interface Pattern {
  readonly pattern: string;
  /** Characters of what it is matched with. */
  readonly most: number;
}
/** The patterns of a schema, and those that its rules match with. */
function patternsIn(schema: unknown, most = longest): readonly Pattern[] {
  if (typeof schema !== "object" || schema === null) return [];
  const own = "maxLength" in schema && typeof schema.maxLength === "number" ? Math.min(schema.maxLength, longest) : most;
  return Object.entries(schema).flatMap(([key, value]: [string, unknown]) => {
    if (typeof value !== "string") return patternsIn(value, own);
    if (key === "pattern") return [{ pattern: value, most: own }];
    return key === "rule" ? patternsOfRule(value).map((pattern) => ({ pattern, most: own })) : [];
  });
}
function patternsOfRule(rule: string): readonly string[] {
  const texts = [...rule.matchAll(/\.matches\('((?:[^'\\]|\\.)*)'\)/g)];
  return texts.map(([, text = ""]) => text.replaceAll(/\\(.)/g, "$1"));
}

const { literals, made } = regularExpressionsIn("src");
const distinct = [...new Map(literals.map((found) => [`/${found.source}/${found.flags}`, found])).values()];
const patterns = [...new Map(patternsIn(definitions).map((one) => [`${one.pattern} ${one.most}`, one])).values()];

test("this finds expressions that take more than linear time, and no others", () => {
  const slow = [/\/+$/, /^(a+)+$/, /; x=.*$/, /^s \(.*\) and s \(.*\) no$/s, /^([a-z]{4}\s*)*\s*$/, /\.a\b[\w.]*\.id\b/g];
  expect(slow.filter((one) => ends(one)).map(String)).toEqual([]);
  const quick = [/^a+b/, /[a-z]{1,64}/g, /^(\.[a-z]+)*$/, /\s+/g, /^"[^"]*"$/];
  expect(quick.filter((one) => !ends(one)).map(String)).toEqual([]);
});

test("those in the source take linear time, whatever text they get", () => {
  expect(distinct.length).toBeGreaterThan(50);
  expect(distinct.filter((found) => !ends(found)).map(({ at, source }) => `${at}: /${source}/`)).toEqual([]);
}, 600_000);

test("so do the patterns of schemas and of their rules, as standalone mode reads them", () => {
  expect(patterns.length).toBeGreaterThan(20);
  expect(patterns.filter(({ pattern, most }) => !ends(re2(pattern), most))).toEqual([]);
}, 600_000);

test("none is made of anybody's text", () => {
  expect(made).toEqual(["src/api/re2.ts", "src/flag-values.ts"]); // of the schemas' own, and of the names of settings
});
