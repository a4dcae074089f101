/** How many cases a fuzz test tries: a few each time, many times more by `make fuzz`, and then other ones each time. */
import type { Parameters } from "fast-check";

const factor = Number(process.env["HOLDFAST_FUZZ_FACTOR"] ?? 1);

export function runs(usually: number): Parameters<unknown> {
  return { numRuns: usually * factor, ...(factor === 1 && { seed: 1 }) };
}
/** For jest, milliseconds. */
export const fuzzTimeoutMs = 10_000 * factor;
