/** Metrics of reconciling: the work queue, the workers and what came of it, by controller-runtime's names where it has them. */
import { turnReasons } from "../core/outcome.ts";
import { createYieldIfLong } from "../core/tools/event-loop-yield.ts";
import { latencySecs, type Instruments } from "./instruments.ts";
import type { PlaceSources } from "./place-metrics.ts";

const reconcileResults = ["success", "requeue", "requeue_after", "error"] as const;
const postponedReasons = [...turnReasons, "CircuitHalfOpen", "StatusesUnwritable"] as const;
const conditionTypes = ["Ready", "Reconciling", "Stalled", "Contested"] as const;
const queueSecs = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];
/** The one queue, and the one lease. */
const name = "holdfast";

/** What is read at each scrape. */
export interface EngineSources extends PlaceSources {
  /** `working`: when each key that is being worked on was taken, on `performance.now`'s clock. */
  queue(): { depth: number; oldestSecs: number; working: ReadonlyMap<string, number> };
  /** What came of requests that were sent, and cannot be written; for how long the oldest could not. */
  unrecorded(): { readonly count: number; readonly oldestSecs: number };
  /** Keys that wait for something else than a worker, by why. */
  postponed(): ReadonlyMap<string, number>;
  /** Namespaces whose Secrets or ConfigMaps no watch tells of. */
  unwatchedNamespaces(): number;
  /** Whether this process leads, by the name of what it may lead: all, or each slot. None: another number of slots is at work. */
  leads(): ReadonlyMap<string, boolean>;
  /** What this process works on, by slot; none where the work is not divided. */
  slots(): ReadonlyMap<number, SlotSource>;
}
export interface SlotSource {
  readonly resources: number;
  /** Keys that are due, and for how long the oldest has been. */
  readonly depth: number;
  readonly oldestSecs: number;
}
interface EngineMetricsOptions {
  readonly kinds: readonly string[];
  readonly concurrency: number;
  /** Undefined: the engine has not started. */
  readonly sources: () => EngineSources | undefined;
}

export function createEngineMetrics(
  { counter, histogram, gauge }: Instruments,
  { kinds, concurrency, sources }: EngineMetricsOptions,
) {
  const controller = kinds.map((kind) => kind.toLowerCase());
  const working = (): ReadonlyMap<string, number> => sources()?.queue().working ?? new Map();
  const ages = (): number[] => [...working().values()].map((sinceMs) => (performance.now() - sinceMs) / 1000);

  gauge("controller_runtime_active_workers", "Workers that reconcile now.", [], (g) => g.set(working().size));
  gauge("controller_runtime_max_concurrent_reconciles", "Workers there are.", [], (g) => g.set(concurrency));
  gaugeLeadership(gauge, sources);
  gaugePostponed(gauge, sources);
  gauge("workqueue_unfinished_work_seconds", "Seconds that keys now being worked on have taken, together.", ["name"], (g) =>
    g.set(
      { name },
      ages().reduce((sum, age) => sum + age, 0),
    ),
  );
  gauge("workqueue_longest_running_processor_seconds", "Seconds that the longest of them has taken.", ["name"], (g) =>
    g.set({ name }, Math.max(0, ...ages())),
  );
  createUncertaintyGauges({ gauge }, sources);
  gaugeResources(gauge, { kinds, sources });

  return {
    reconciles: counter("controller_runtime_reconcile_total", "Reconciles, by how they ended.", {
      controller,
      result: reconcileResults,
    }),
    reconcileErrors: counter(
      "controller_runtime_reconcile_errors_total",
      "Reconciles that could not decide and are tried again.",
      { controller },
    ),
    reconcilePanics: counter(
      "controller_runtime_reconcile_panics_total",
      "Reconciles that a mistake in Holdfast ended, or that did not end.",
      { controller },
    ),
    reconcileTime: histogram("controller_runtime_reconcile_time_seconds", "Duration of a reconcile.", latencySecs, {
      controller,
    }),
    queueAdds: counter("workqueue_adds_total", "Keys that became due.", { name: [name] }),
    queueWait: histogram("workqueue_queue_duration_seconds", "How long a key was due before a worker took it.", queueSecs, {
      name: [name],
    }),
    workTime: histogram("workqueue_work_duration_seconds", "How long a worker had a key.", queueSecs, { name: [name] }),
    queueRetries: counter("workqueue_retries_total", "Keys that were queued again after an error or a conflict.", {
      name: [name],
    }),
    identityChanges: counter(
      "holdfast_identity_changes_total",
      "Remote objects that are known by another id: an update's answer gave it, observing showed it, or a person named it.",
      { by: ["update", "observation", "person"] },
    ),
    replacements: counter(
      "holdfast_replacements_total",
      "Remote objects that are deleted and created anew, since what is declared cannot be had by an update: begun, and deleted for that.",
      { result: ["begun", "deleted"] },
    ),
    outcomeUnknown: counter(
      "holdfast_outcome_unknown_total",
      "Requests that may or may not have arrived and are not sent again.",
      { kind: kinds },
    ),
  };
}

/** Whether this process leads, and what waits for it. */
function gaugeLeadership(gauge: Instruments["gauge"], sources: EngineMetricsOptions["sources"]): void {
  const leadsAny = (from: EngineSources | undefined): boolean => [...(from?.leads().values() ?? [])].includes(true);
  gauge("leader_election_master_status", "1 where this process leads, 0 where it stands by; of each slot.", ["name"], (g) => {
    g.reset();
    for (const [one, leads] of sources()?.leads() ?? [[name, false]]) g.set({ name: one }, leads ? 1 : 0);
  });
  // A standby's are for whoever leads next: counted there, they would look like a backlog for as long as it stands by.
  gauge("workqueue_depth", "Keys that are due and wait for a worker; none where this process stands by.", ["name"], (g) => {
    const from = sources();
    g.set({ name }, from && leadsAny(from) ? from.queue().depth : 0);
  });
  gauge("holdfast_queue_age_seconds", "For how long the oldest of them has been due.", [], (g) => {
    const from = sources();
    g.set(from && leadsAny(from) ? from.queue().oldestSecs : 0);
  });
  gaugeSlots(gauge, sources);
}

/** Of the slots that this process works on. */
function gaugeSlots(gauge: Instruments["gauge"], sources: EngineMetricsOptions["sources"]): void {
  function ofEach(what: string, help: string, value: (slot: SlotSource) => number): void {
    gauge(`holdfast_slot_${what}`, help, ["slot"], (g) => {
      g.reset();
      for (const [slot, source] of sources()?.slots() ?? []) g.set({ slot }, value(source));
    });
  }
  ofEach("resources", "Resources of a slot, where this process works on it.", ({ resources }) => resources);
  ofEach("queue_depth", "Keys of a slot that are due and wait for a worker.", ({ depth }) => depth);
  ofEach("queue_age_seconds", "For how long the oldest of them has been due.", ({ oldestSecs }) => oldestSecs);
}

function gaugePostponed(gauge: Instruments["gauge"], sources: EngineMetricsOptions["sources"]): void {
  gauge(
    "holdfast_postponed",
    "Resources that are due and wait for no worker: for a place at their origin, a turn under a rateLimit, a token, what comes of a circuit's trial, or until statuses can be written.",
    ["reason"],
    (g) => {
      const counts = sources()?.postponed();
      for (const reason of postponedReasons) g.set({ reason }, counts?.get(reason) ?? 0);
    },
  );
}

/** What is not known at the API server, or from it. */
function createUncertaintyGauges({ gauge }: Pick<Instruments, "gauge">, sources: EngineMetricsOptions["sources"]): void {
  gauge(
    "holdfast_unrecorded_outcomes",
    "Requests that were sent and whose outcome cannot be written; each is kept and tried again.",
    [],
    (g) => g.set(sources()?.unrecorded().count ?? 0),
  );
  gauge("holdfast_unrecorded_outcome_age_seconds", "For how long the oldest of them could not be written.", [], (g) =>
    g.set(sources()?.unrecorded().oldestSecs ?? 0),
  );
  gauge(
    "holdfast_unwatched_namespaces",
    "Namespaces whose Secrets, or ConfigMaps, are looked at in intervals only: too many for a watch each, and all may not be watched.",
    [],
    (g) => g.set(sources()?.unwatchedNamespaces() ?? 0),
  );
}

/** How many resources there are by `Kind/condition/status`; a condition that is not there is False. With pauses. */
/** Whoever stands by without slots counts all of them, too. */
function gaugeResources(gauge: Instruments["gauge"], { kinds, sources }: Pick<EngineMetricsOptions, "kinds" | "sources">): void {
  const help = "Resources, by kind and condition; where the work is divided, those of each slot.";
  gauge("holdfast_resources", help, ["kind", "condition", "status", "slot"], async (g) => {
    const from = sources();
    const counts = await countsOf(from?.resources() ?? []);
    g.reset();
    const slots = new Set([...(from?.slots().keys() ?? []), ...counts.keys()]);
    for (const slot of slots.size === 0 ? [undefined] : slots) {
      const ofSlot = slot === undefined ? {} : { slot };
      for (const kind of kinds)
        for (const condition of conditionTypes)
          for (const status of ["True", "False", "Unknown"])
            g.set({ kind, condition, status, ...ofSlot }, counts.get(slot)?.get(`${kind}/${condition}/${status}`) ?? 0);
    }
  });
}

/** By slot. */
async function countsOf(
  resources: ReturnType<EngineSources["resources"]>,
): Promise<Map<number | undefined, Map<string, number>>> {
  const bySlot = new Map<number | undefined, Map<string, number>>();
  const breathe = createYieldIfLong();
  for (const { kind, conditions, slot } of resources) {
    const counts = bySlot.get(slot) ?? new Map<string, number>();
    bySlot.set(slot, counts);
    for (const type of conditionTypes) {
      const status = conditions.find((condition) => condition.type === type)?.status ?? "False";
      const series = `${kind}/${type}/${status}`;
      counts.set(series, (counts.get(series) ?? 0) + 1);
    }
    await breathe();
  }
  return bySlot;
}
