/** Makes metrics in one registry. Invariant: a series whose labels are known is there at zero, so that a rate never misses its first event. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** By label its values; a label with none has values that are not known, and the metric starts without a series. */
type Labels<L extends string> = Readonly<Record<L, readonly string[]>>;

export interface Instruments {
  readonly counter: <L extends string = never>(name: string, help: string, labels?: Labels<L>) => Counter<L>;
  readonly histogram: <L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: Labels<L>,
  ) => Histogram<L>;
  /** `collect` sets it at each scrape. */
  readonly gauge: <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    collect: (gauge: Gauge<L>) => void | Promise<void>,
  ) => void;
}

/** Buckets, seconds, of what waits for a server. */
export const latencySecs = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** A name may be given once for each registry; prom-client throws for the second. */
export function createInstruments(registry: Registry): Instruments {
  const registers = [registry];
  return {
    counter<L extends string>(name: string, help: string, labels = {} as Labels<L>) {
      const counter = new Counter({ name, help, labelNames: namesOf(labels), registers });
      for (const series of combinations(labels)) counter.inc(series, 0);
      return counter;
    },
    histogram<L extends string>(name: string, help: string, buckets: readonly number[], labels = {} as Labels<L>) {
      const histogram = new Histogram({ name, help, buckets: [...buckets], labelNames: namesOf(labels), registers });
      for (const series of combinations(labels)) histogram.zero(series);
      return histogram;
    },
    gauge<L extends string>(
      name: string,
      help: string,
      labelNames: readonly L[],
      collect: (gauge: Gauge<L>) => void | Promise<void>,
    ) {
      void new Gauge({
        name,
        help,
        labelNames,
        registers,
        async collect() {
          await collect(this);
        },
      });
    },
  };
}

function namesOf<L extends string>(labels: Labels<L>): L[] {
  return Object.keys(labels) as L[];
}

/** Each value of each label with each of the others'. */
function combinations<L extends string>(labels: Labels<L>): Record<L, string>[] {
  return namesOf(labels).reduce(
    (all, label) => all.flatMap((series) => labels[label].map((value) => ({ ...series, [label]: value }))),
    [{} as Record<L, string>],
  );
}
