/** All metrics, in one registry. Invariant: what the gauges show is read at each scrape, and nothing is counted twice. */
import { totalmem } from "node:os";
import { collectDefaultMetrics, Registry } from "prom-client";
import { createEngineMetrics, type EngineSources } from "./engine-metrics.ts";
import { createHTTPMetrics, type HTTPSources } from "./http-metrics.ts";
import { createInstruments } from "./instruments.ts";
import { createPlaceMetrics } from "./place-metrics.ts";
import { createKubernetesMetrics, type WatchSource } from "./kubernetes-metrics.ts";

/** What is read at each scrape. */
interface Sources extends EngineSources, HTTPSources {}

export type Metrics = ReturnType<typeof createMetrics>;

/**
 * In a registry of its own, with prom-client's metrics of the process. `kinds` are the values that their label can have; gauges
 * say 0, or nothing, until `observe` and `observeWatches` have said where to read.
 */
export function createMetrics({
  kinds,
  concurrency,
  maxSeries = 200,
}: {
  readonly kinds: readonly string[];
  readonly concurrency: number;
  /** Of a metric whose labels are names that tenants give. */
  readonly maxSeries?: number;
}) {
  const registry = new Registry();
  const instruments = createInstruments(registry);
  let sources: Sources | undefined;
  let watches: () => readonly WatchSource[] = () => [];

  collectDefaultMetrics({ register: registry });
  // Gauges with a counter's name, which promtool refuses.
  for (const name of ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"])
    registry.removeSingleMetric(name);
  // Without a limit of its control group, Node says 0 or more than there is.
  instruments.gauge(
    "holdfast_memory_limit_bytes",
    "Memory that the process may use: its control group's limit, or all there is.",
    [],
    (g) => g.set(Math.min(process.constrainedMemory() || Infinity, totalmem())),
  );

  return {
    registry,
    /** Says where the gauges read from. */
    observe: (from: Sources): void => {
      sources = from;
    },
    observeWatches: (from: typeof watches): void => {
      watches = from;
    },
    ...createEngineMetrics(instruments, { kinds, concurrency, sources: () => sources }),
    ...createHTTPMetrics(instruments, () => sources),
    ...createPlaceMetrics(instruments, { maxSeries, sources: () => sources }),
    ...createKubernetesMetrics(instruments, () => watches()),
  };
}
