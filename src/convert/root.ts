/** What the peer's programs saw beside the answer, and how it wrote durations. */
import { isRecord, parseJSON } from "../core/tools/json.ts";

/** `forProvider`, in which each text that is a JSON object is one; within lists nothing is. */
export function programRoot(parameters: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key, withObjects(value)]));
}

function withObjects(value: unknown): unknown {
  if (typeof value === "string") return jsonObject(value) ?? value;
  if (!isRecord(value)) return value;
  return programRoot(value);
}

/** Whether one is written in it that no float holds. */
export function hasLargeNumber(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if ("rawJSON" in value) return true;
  return Object.values(value).some(hasLargeNumber);
}

/** Undefined for what is no JSON object. */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseJSON(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  μs: 0.001,
  ns: 0.000_001,
};

/** Go's text of a duration as Gateway API writes it, rounded up to milliseconds; undefined: it is none, or none that fits. */
export function durationHere(text: string): string | undefined {
  if (text.length > 64 || !/^\+?(\d{1,19}(\.\d{0,19})?(h|ms|m|s|us|µs|μs|ns))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d{1,19}(?:\.\d{0,19})?)(h|ms|m|s|us|µs|μs|ns)/g))
    total += Number(amount) * (unitMs[unit ?? ""] ?? 0);
  let left = Math.ceil(Number(total.toFixed(6)));
  if (left <= 0 || left >= 100_000 * 3_600_000) return undefined;
  const parts = (["h", "m", "s", "ms"] as const).map((unit) => {
    const size = unitMs[unit] ?? 1;
    const count = Math.floor(left / size);
    left -= count * size;
    return count > 0 ? `${count}${unit}` : "";
  });
  return parts.join("");
}

/** As deep as a body may be that is written as JSON. */
export const mostDeep = 200;
/** Whether text that is JSON is nested deeper than that. */
export function isDeep(json: string): boolean {
  let [depth, quoted] = [0, false];
  for (let at = 0; at < json.length && depth <= mostDeep; at += 1) {
    const character = json[at];
    if (quoted && character === "\\") at += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === "{" || character === "[")) depth += 1;
    else if (!quoted && (character === "}" || character === "]")) depth -= 1;
  }
  return depth > mostDeep;
}
