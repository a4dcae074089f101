/** How fast something grows whose samples are above what is measured, by what differs from one to the next. */

export interface Sample {
  readonly atMs: number;
  readonly value: number;
}
/** In units an hour, with its standard error: what the samples' own scatter makes of a line that is level. */
export interface Slope {
  readonly perHour: number;
  readonly errorPerHour: number;
}

const hourMs = 3_600_000;

/** Least squares over the lowest sample of each stretch of `stretchMs`: what is above that, of memory say, is not collected yet. */
export function slopeOf(samples: readonly Sample[], stretchMs: number): Slope {
  const floors = [...Map.groupBy(samples, ({ atMs }) => Math.floor(atMs / stretchMs)).values()].map((some) =>
    some.reduce((lowest, one) => (one.value < lowest.value ? one : lowest)),
  );
  const mean = (of: (sample: Sample) => number): number => floors.reduce((sum, one) => sum + of(one), 0) / floors.length;
  const [meanMs, meanValue] = [mean(({ atMs }) => atMs), mean(({ value }) => value)];
  const spread = mean(({ atMs }) => (atMs - meanMs) ** 2);
  if (spread === 0) return { perHour: 0, errorPerHour: Infinity };
  const perMs = mean(({ atMs, value }) => (atMs - meanMs) * (value - meanValue)) / spread;
  const unexplained = mean(({ atMs, value }) => (value - meanValue - perMs * (atMs - meanMs)) ** 2);
  const errorPerMs = floors.length > 2 ? Math.sqrt(unexplained / spread / (floors.length - 2)) : Infinity;
  return { perHour: perMs * hourMs, errorPerHour: errorPerMs * hourMs };
}
