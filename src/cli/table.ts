/** Tables of text, as kubectl prints them. */

/** Each row as a line whose cells stand below each other; the last is as long as it is. No cell can speak to the terminal. */
export function tableLines(texts: readonly (readonly string[])[], gap = "   "): string[] {
  // oxlint-disable-next-line no-control-regex -- control characters are what it takes out
  const rows = texts.map((cells) => cells.map((cell) => cell.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ")));
  const widths = rows.reduce<number[]>((all, cells) => cells.map((cell, index) => Math.max(all[index] ?? 0, cell.length)), []);
  return rows.map((cells) =>
    cells
      .map((cell, index) => (index === cells.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join(gap)
      .trimEnd(),
  );
}

const units = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;

/** A stretch of time in at most two units: `45s`, `4m10s`, `3h`, `5d2h`. */
export function ageText(secs: number): string {
  const first = units.findIndex(([, size]) => secs >= size);
  if (first === -1) return "0s";
  const [[unit, size] = ["s", 1], [nextUnit, nextSize] = ["", Infinity]] = units.slice(first);
  const whole = Math.floor(secs / size);
  const rest = whole < 10 ? Math.floor((secs - whole * size) / nextSize) : 0;
  return `${whole}${unit}${rest > 0 ? `${rest}${nextUnit}` : ""}`;
}
