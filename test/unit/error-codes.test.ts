import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import * as dns from "node:dns";
import { getSystemErrorMap } from "node:util";
import { errors } from "undici";
import { expect, test } from "@jest/globals";
import { errorCodes, knownCode } from "../../src/http/error-codes.ts";

const library = new URL("../../node_modules/undici/lib/", import.meta.url);

/** Every code that stands in undici's sources. */
function codesOfUndici(): readonly string[] {
  const sources = readdirSync(library, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
  const texts = sources.map((name) => readFileSync(new URL(name, library), "utf8"));
  return [...new Set(texts.flatMap((text) => text.match(/(?<=')(UND_ERR[A-Z0-9_]*|ERR_WEBASSEMBLY_[A-Z_]+)(?=')/g) ?? []))];
}
/** Every code of an error class that undici exports. */
function codesOfClasses(): readonly string[] {
  const classes = Object.values(errors) as (new (...args: unknown[]) => unknown)[];
  return classes
    .map((Class) => String((new Class("", "", {}) as { code?: unknown }).code))
    .filter((code) => code.startsWith("UND"));
}

const last = errorCodes.at(-1);
const isLookedAt = (code: string): boolean =>
  errorCodes.some((row) => row !== last && (row.codes.includes(code) || row.pattern?.test(code) === true));

test("somebody has looked at each of undici's codes", () => {
  const codes = [...codesOfUndici(), ...codesOfClasses()];
  expect(codes.length).toBeGreaterThan(40);
  expect(codes.filter((code) => !isLookedAt(code))).toEqual([]);
});

test("and at each of the system's and of DNS", () => {
  const named = Object.values(dns).filter((value) => typeof value === "string");
  const codes = [...Object.keys(constants.errno), ...[...getSystemErrorMap().values()].map(([code]) => code), ...named];
  expect(codes.length).toBeGreaterThan(150);
  expect(codes.filter((code) => code !== "UNKNOWN" && !isLookedAt(code))).toEqual([]);
});

test("no code stands in two rows", () => {
  const codes = errorCodes.flatMap((row) => row.codes);
  expect(codes).toHaveLength(new Set(codes).size);
});

test("after what nobody has looked at, bytes may have left", () => {
  for (const code of ["", "UNKNOWN", "UND_ERR_OF_TOMORROW", "constructor", "__proto__", "ERR_OF_TOMORROW"])
    expect(knownCode(code)).toMatchObject({ reason: "Unknown", comes: "after" });
});

test("an answer, and what is made of one, never counts as unsent", () => {
  for (const { reason, comes } of errorCodes)
    if (["ResponseTooLarge", "ResponseTooSlow", "CompressionRatio"].includes(reason)) expect(comes).toBe("after");
});
