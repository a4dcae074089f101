/** How many cases a fuzz test tries: a few each time, many times more by `make fuzz`, and then other ones each time. */
import { array, integer, type Arbitrary, type Parameters } from "fast-check";

const factor = Number(process.env["HOLDFAST_FUZZ_FACTOR"] ?? 1);

export function runs(usually: number): Parameters<unknown> {
  return { numRuns: usually * factor, ...(factor === 1 && { seed: 1 }) };
}
/** For jest, milliseconds: what any test has, for each of as many. */
export const fuzzTimeoutMs = 180_000 * factor;

/** Any character. fast-check's own unit "binary" lists them all first, which takes longer than a test with it. */
export const anyCharacter = integer({ min: 0, max: 0x10_ffff - 0x800 }).map((n) =>
  String.fromCodePoint(n < 0xd800 ? n : n + 0x800),
);
/** Any text of any characters. */
export function anyText(maxLength?: number): Arbitrary<string> {
  return array(anyCharacter, maxLength === undefined ? {} : { maxLength }).map((characters) => characters.join(""));
}
