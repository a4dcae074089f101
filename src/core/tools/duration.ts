/** Gateway API durations (GEP-2257): `1h30m`, `500ms`. */
const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Milliseconds. The text has passed the schema's pattern. */
export function durationMs(text: string): number {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d{1,5})(h|ms|m|s)/g)) total += Number(amount) * (unitMs[unit ?? ""] ?? 0);
  return total;
}
