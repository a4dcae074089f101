/** Makes metrics in one registry. Invariant: a series whose labels are known is there at zero, so that a rate never misses its first event. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** By label its values; a label with none has values that are not known, and the metric starts without a series. */
type Labels<L extends string> = Readonly<Record<L, readonly string[]>>;

export interface Instruments {
  readonly counter: <L extends string = never>(name: string, help: string, labels?: Labels<L>) => Counted<L>;
  readonly histogram: <L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: Labels<L>,
  ) => Observed<L>;
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

/** Observations are handed to prom-client together, which takes less time than one now and then; a scrape finds all of them. */
const mostWaiting = 100;

/** A name may be given once for each registry; prom-client throws for the second. */
export function createInstruments(registry: Registry): Instruments {
  const registers = [registry];
  return {
    counter<L extends string>(name: string, help: string, labels = {} as Labels<L>) {
      const labelNames = namesOf(labels);
      const tally = createTally<L>(labelNames);
      const counter = new Counter({ name, help, labelNames, registers, collect: () => tally.moveTo(add) });
      const add = counter.inc.bind(counter) as (series: Record<L, string>, count: number) => void;
      for (const series of combinations(labels)) add(series, 0);
      return {
        inc: tally.inc,
        forget(value) {
          for (const series of tally.forget(value)) counter.remove(series);
        },
      };
    },
    histogram<L extends string>(name: string, help: string, buckets: readonly number[], labels = {} as Labels<L>) {
      const waiting: { readonly series: Readonly<Record<L, string>>; readonly value: number }[] = [];
      const collect = (): void => {
        for (const { series, value } of waiting.splice(0)) histogram.observe(series, value);
      };
      const histogram = new Histogram({ name, help, buckets: [...buckets], labelNames: namesOf(labels), registers, collect });
      for (const series of combinations(labels)) histogram.zero(series);
      return {
        observe(series: Readonly<Record<L, string>>, value: number) {
          waiting.push({ series, value });
          if (waiting.length === mostWaiting) collect();
        },
      };
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

/** A counter. */
export interface Counted<L extends string> {
  inc(series?: Readonly<Record<L, string>>, count?: number): void;
  /** Takes away the series of which the first label has this value. */
  forget(value: string): void;
}
/** A histogram. */
export interface Observed<L extends string> {
  observe(series: Readonly<Record<L, string>>, value: number): void;
}
interface Count<L extends string> {
  readonly series: Readonly<Record<L, string>>;
  count: number;
}
interface Tally<L extends string> extends Pick<Counted<L>, "inc"> {
  forget(value: string): readonly Readonly<Record<L, string>>[];
  moveTo(add: (series: Readonly<Record<L, string>>, count: number) => void): void;
}
interface Branch<L extends string> {
  readonly below: Map<string | undefined, Branch<L>>;
  at?: Count<L>;
}
/** Counts until a scrape, found by one value after another: prom-client puts a text together for each that it adds. */
function createTally<L extends string>(labelNames: readonly L[]): Tally<L> {
  const root: Branch<L> = { below: new Map() };
  let counts: Count<L>[] = [];
  function countOf(series: Readonly<Record<L, string>>): Count<L> {
    let branch = root;
    for (const name of labelNames) {
      let next = branch.below.get(series[name]);
      if (!next) branch.below.set(series[name], (next = { below: new Map() }));
      branch = next;
    }
    if (!branch.at) counts.push((branch.at = { series, count: 0 }));
    return branch.at;
  }
  return {
    inc(series = {} as Readonly<Record<L, string>>, count = 1) {
      countOf(series).count += count;
    },
    forget(value) {
      const [first] = labelNames;
      const isGone = ({ series }: Count<L>): boolean => first !== undefined && series[first] === value;
      const gone = counts.filter(isGone);
      root.below.delete(value);
      counts = counts.filter((one) => !isGone(one));
      return gone.map(({ series }) => series);
    },
    moveTo(add) {
      for (const one of counts) {
        add(one.series, one.count);
        one.count = 0;
      }
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
