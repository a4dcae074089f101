/** Numbers over time as a small SVG: no script, no axis but zero and the greatest. */
import { html, type Html } from "./html.ts";

interface Line {
  readonly name: string;
  readonly className: string;
  /** Oldest first. */
  readonly values: readonly number[];
}

const [width, height] = [600, 90];

/** All lines on one scale, which begins at zero. */
export function linePlot(title: string, lines: readonly Line[]): Html {
  const most = Math.max(1, ...lines.flatMap(({ values }) => values));
  const drawn = lines.map(({ className, values }) => {
    const step = width / Math.max(1, values.length - 1);
    const points = values.map(
      (value, index) => `${(index * step).toFixed(1)},${(height - 2 - (value / most) * (height - 6)).toFixed(1)}`,
    );
    return html`<polyline class="${className}" points="${points.join(" ")}" />`;
  });
  const legend = lines.map(
    ({ name, className, values }) =>
      html`<b class="${className}">${values.at(-1) ?? 0}</b> ${name}, at most ${Math.max(0, ...values)}. `,
  );
  return html`<figure>
    <svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="${title}">${drawn}</svg>
    <figcaption>${legend}</figcaption>
  </figure>`;
}
