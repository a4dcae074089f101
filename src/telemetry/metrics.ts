/**
 * The metrics, in one registry: controller-runtime's names where it has one, ours otherwise. Every series whose labels
 * are known is there at zero from the start, so that a rate never misses its first event.
 */
import { totalmem } from "node:os";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { egressLabels } from "../core/egress.ts";
import { failureReasons } from "../core/outcome.ts";
import { readTcpStates, tcpStates } from "./tcp-sockets.ts";

export const methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] as const;
const codeClasses = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;
const reconcileResults = ["success", "requeue", "requeue_after", "error"] as const;
const conditionTypes = ["Ready", "Reconciling", "Stalled"] as const;
const latencySecs = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const queueSecs = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];

/** What is read at each scrape. */
export interface Sources {
  clients(): number;
  sockets(): { active: number; idle: number };
  requestsInFlight(): number;
  requestsQueued(): number;
  /** `working`: when each key that is being worked on was taken, on `performance.now`'s clock. */
  queue(): { depth: number; working: ReadonlyMap<string, number> };
  /** Whether this process leads. */
  leads(): boolean;
  resources(): Iterable<{ kind: string; conditions: readonly { type: string; status: string }[] }>;
}

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics({ kinds, concurrency }: { kinds: readonly string[]; concurrency: number }) {
  const registry = new Registry();
  const registers = [registry];
  let sources: Sources | undefined;
  let watches: () => readonly { readonly resource: string; readonly silentSecs: number }[] = () => [];

  collectDefaultMetrics({ register: registry });
  // Gauges with a counter's name, which promtool refuses.
  for (const name of ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"])
    registry.removeSingleMetric(name);

  function counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers });
  }
  function gauge<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    collect: (gauge: Gauge<L>) => void | Promise<void>,
  ): Gauge<L> {
    return new Gauge({
      name,
      help,
      labelNames,
      registers,
      async collect() {
        await collect(this);
      },
    });
  }
  function histogram<L extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: readonly L[] = [],
  ): Histogram<L> {
    return new Histogram({ name, help, buckets, labelNames, registers });
  }

  const controllers = kinds.map((kind) => kind.toLowerCase());
  const reconciles = counter("controller_runtime_reconcile_total", "Reconciles, by how they ended.", ["controller", "result"]);
  for (const controller of controllers) for (const result of reconcileResults) reconciles.inc({ controller, result }, 0);
  const reconcileErrors = counter(
    "controller_runtime_reconcile_errors_total",
    "Reconciles that could not decide and are tried again.",
    ["controller"],
  );
  for (const controller of controllers) reconcileErrors.inc({ controller }, 0);
  const reconcilePanics = counter(
    "controller_runtime_reconcile_panics_total",
    "Reconciles that a mistake in Holdfast ended, or that did not end.",
    ["controller"],
  );
  for (const controller of controllers) reconcilePanics.inc({ controller }, 0);
  const reconcileTime = histogram("controller_runtime_reconcile_time_seconds", "Duration of a reconcile.", latencySecs, [
    "controller",
  ]);
  for (const controller of controllers) reconcileTime.zero({ controller });
  gauge("controller_runtime_active_workers", "Workers that reconcile now.", [], (g) => g.set(sources?.queue().working.size ?? 0));
  gauge("controller_runtime_max_concurrent_reconciles", "Workers there are.", [], (g) => g.set(concurrency));
  gauge("leader_election_master_status", "1 where this process leads, 0 where it stands by.", ["name"], (g) =>
    g.set({ name: "holdfast" }, sources?.leads() ? 1 : 0),
  );
  gauge("workqueue_depth", "Keys that are due and wait for a worker.", ["name"], (g) =>
    g.set({ name: "holdfast" }, sources?.queue().depth ?? 0),
  );
  const queueAdds = counter("workqueue_adds_total", "Keys that became due.", ["name"]);
  queueAdds.inc({ name: "holdfast" }, 0);
  const queueWait = histogram("workqueue_queue_duration_seconds", "How long a key was due before a worker took it.", queueSecs, [
    "name",
  ]);
  queueWait.zero({ name: "holdfast" });
  const workTime = histogram("workqueue_work_duration_seconds", "How long a worker had a key.", queueSecs, ["name"]);
  workTime.zero({ name: "holdfast" });
  const queueRetries = counter("workqueue_retries_total", "Keys that were queued again after an error or a conflict.", ["name"]);
  queueRetries.inc({ name: "holdfast" }, 0);
  const ages = (): number[] =>
    [...(sources?.queue().working.values() ?? [])].map((sinceMs) => (performance.now() - sinceMs) / 1000);
  gauge("workqueue_unfinished_work_seconds", "Seconds that keys now being worked on have taken, together.", ["name"], (g) =>
    g.set(
      { name: "holdfast" },
      ages().reduce((sum, age) => sum + age, 0),
    ),
  );
  gauge("workqueue_longest_running_processor_seconds", "Seconds that the longest of them has taken.", ["name"], (g) =>
    g.set({ name: "holdfast" }, Math.max(0, ...ages())),
  );
  const apiRequests = counter("rest_client_requests_total", "Calls to the API server.", ["code", "method", "host"]);

  gauge("holdfast_http_clients", "Clients in the Map.", [], (g) => g.set(sources?.clients() ?? 0));
  const acquisitions = counter("holdfast_http_client_acquisitions_total", "Clients asked of the Map, by whether one was there.", [
    "result",
  ]);
  for (const result of ["created", "reused"]) acquisitions.inc({ result }, 0);
  gauge("holdfast_http_sockets", "Open sockets to origins and proxies.", ["state"], (g) => {
    const { active, idle } = sources?.sockets() ?? { active: 0, idle: 0 };
    g.set({ state: "active" }, active);
    g.set({ state: "idle" }, idle);
  });
  const socketsOpened = counter("holdfast_http_sockets_opened_total", "Sockets opened to origins and proxies.");
  const socketsClosed = counter("holdfast_http_sockets_closed_total", "Sockets to origins and proxies that closed.");
  gauge("holdfast_tcp_sockets", "TCP sockets of the whole network namespace, from the kernel's table.", ["state"], async (g) => {
    const counts = await readTcpStates();
    for (const state of tcpStates) g.set({ state }, counts.get(state) ?? 0);
  });
  const requests = counter(
    "holdfast_http_requests_total",
    "Requests that ended: `code` is the status class, or `reason` why there is none.",
    ["method", "code", "reason"],
  );
  for (const method of methods) {
    for (const code of codeClasses) requests.inc({ method, code, reason: "" }, 0);
    for (const reason of failureReasons) requests.inc({ method, code: "", reason }, 0);
  }
  const requestTime = histogram(
    "holdfast_http_request_duration_seconds",
    "From the request to the last byte of its answer.",
    latencySecs,
    ["method"],
  );
  for (const method of methods) requestTime.zero({ method });
  gauge("holdfast_http_requests_in_flight", "Requests whose answer has not been read to its end.", [], (g) =>
    g.set(sources?.requestsInFlight() ?? 0),
  );
  gauge("holdfast_http_requests_queued", "Requests that wait for a connection.", [], (g) =>
    g.set(sources?.requestsQueued() ?? 0),
  );
  const retries = counter("holdfast_http_retries_total", "Requests sent once more since their connection was dead, by why.", [
    "reason",
  ]);
  for (const reason of ["stale", "unsent", "credential"]) retries.inc({ reason }, 0);
  const redirects = counter("holdfast_http_redirects_total", "Redirects that were followed, by status code.", ["code"]);
  for (const code of ["301", "302", "303", "307", "308"]) redirects.inc({ code }, 0);
  const responsesCancelled = counter(
    "holdfast_http_responses_cancelled_total",
    "Responses that nobody read and that were closed for an exchange that waited, by whose limit it was.",
    ["reason"],
  );
  for (const reason of ["reconcile", "origin"]) responsesCancelled.inc({ reason }, 0);
  const egressDenied = counter(
    "holdfast_egress_denied_total",
    "Requests that were not sent, and redirects not followed, by the rule of egress.",
    ["rule"],
  );
  for (const rule of egressLabels) egressDenied.inc({ rule }, 0);

  // Without a limit of its control group, Node says 0 or more than there is.
  gauge("holdfast_memory_limit_bytes", "Memory that the process may use: its control group's limit, or all there is.", [], (g) =>
    g.set(Math.min(process.constrainedMemory() || Infinity, totalmem())),
  );
  const watchSessions = counter("holdfast_watch_sessions_total", "Watch sessions that ended, by why.", ["resource", "reason"]);
  const watchTime = histogram(
    "holdfast_watch_session_duration_seconds",
    "How long a watch session lasted.",
    [1, 10, 60, 300, 1800, 3600],
    ["resource"],
  );
  gauge("holdfast_watch_last_event_age_seconds", "Seconds since the API server was last heard on a watch.", ["resource"], (g) => {
    for (const { resource, silentSecs } of watches()) g.set({ resource }, silentSecs);
  });
  const relists = counter("holdfast_relists_total", "Full listings, by why.", ["resource", "reason"]);
  const outcomeUnknown = counter(
    "holdfast_outcome_unknown_total",
    "Requests that may or may not have arrived and are not sent again.",
    ["kind"],
  );
  for (const kind of kinds) outcomeUnknown.inc({ kind }, 0);
  gauge("holdfast_resources", "Resources, by kind and condition.", ["kind", "condition", "status"], (g) => {
    const counts = new Map<string, number>();
    for (const { kind, conditions } of sources?.resources() ?? []) {
      for (const type of conditionTypes) {
        const status = conditions.find((condition) => condition.type === type)?.status ?? "False";
        const series = `${kind}/${type}/${status}`;
        counts.set(series, (counts.get(series) ?? 0) + 1);
      }
    }
    for (const kind of kinds) {
      for (const condition of conditionTypes) {
        for (const status of ["True", "False", "Unknown"])
          g.set({ kind, condition, status }, counts.get(`${kind}/${condition}/${status}`) ?? 0);
      }
    }
  });

  return {
    registry,
    /** Says where the gauges read from. */
    observe: (from: Sources): void => {
      sources = from;
    },
    observeWatches: (from: typeof watches): void => {
      watches = from;
    },
    reconciles,
    reconcileErrors,
    reconcilePanics,
    reconcileTime,
    queueAdds,
    queueWait,
    workTime,
    queueRetries,
    apiRequests,
    acquisitions,
    socketsOpened,
    socketsClosed,
    requests,
    requestTime,
    retries,
    redirects,
    responsesCancelled,
    egressDenied,
    watchSessions,
    watchTime,
    relists,
    outcomeUnknown,
  };
}
