/** The Grafana dashboards as a table: what each panel shows, in which unit. How a panel looks is in grafana.ts. */

import { countBy } from "./resource-count.ts";

export interface Panel {
  readonly title: string;
  /** Grafana's name of it: https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/#unit */
  readonly unit: string;
  /** PromQL by legend; `$release` is the matchers of what was chosen above the panels. */
  readonly series: Readonly<Record<string, string>>;
  /** A number instead of lines. */
  readonly isNumber?: true;
  /** What it tells, or how to read it. */
  readonly description: string;
}
export interface Dashboard {
  readonly title: string;
  readonly panels: readonly Panel[];
}

function rate(metric: string, matchers = ""): string {
  return `rate(${metric}{$release${matchers}}[$__rate_interval])`;
}
function sumBy(labels: string, expression: string): string {
  return `sum by (${labels}) (${expression})`;
}
function quantiles(metric: string): Readonly<Record<string, string>> {
  const buckets = sumBy("le", rate(`${metric}_bucket`));
  return Object.fromEntries(["0.5", "0.9", "0.99"].map((q) => [`p${Number(q) * 100}`, `histogram_quantile(${q}, ${buckets})`]));
}

const overview: Dashboard = {
  title: "Overview",
  panels: [
    {
      title: "Controllers",
      unit: "none",
      isNumber: true,
      description: "Processes that Prometheus could scrape; standbys are among them.",
      series: { up: "sum(up{$release})" },
    },
    {
      title: "Leaders",
      unit: "none",
      isNumber: true,
      description: "One for each release, whatever the number of its replicas; with slots one for each slot.",
      series: { leaders: "sum(leader_election_master_status{$release})" },
    },
    {
      title: "Not ready",
      unit: "none",
      isNumber: true,
      description: "Resources whose condition Ready is not True, by kind.",
      series: {
        "{{kind}}": countBy("kind", ',condition="Ready",status!="True"'),
      },
    },
    {
      title: "Stalled",
      unit: "none",
      isNumber: true,
      description: "Only a change of a person's helps them.",
      series: { "{{kind}}": countBy("kind", ',condition="Stalled",status="True"') },
    },
    {
      title: "Outcome unknown",
      unit: "none",
      isNumber: true,
      description: "Requests that may or may not have arrived, in the time that is shown.",
      series: { requests: "sum(increase(holdfast_outcome_unknown_total{$release}[$__range]))" },
    },
    {
      title: "Requests",
      unit: "reqps",
      isNumber: true,
      description: "What was sent, retries among it.",
      series: { requests: `sum(${rate("holdfast_http_requests_total")})` },
    },
    {
      title: "Reconciles",
      unit: "ops",
      description: "How often a resource was looked at, by what came of it.",
      series: { "{{result}}": sumBy("result", rate("controller_runtime_reconcile_total")) },
    },
    {
      title: "Errors",
      unit: "ops",
      description: "Reconciles that failed for a reason of the API server's or of Holdfast's, not of what was declared.",
      series: {
        "errors {{controller}}": sumBy("controller", rate("controller_runtime_reconcile_errors_total")),
        "panics {{controller}}": sumBy("controller", rate("controller_runtime_reconcile_panics_total")),
        "queued again": `sum(${rate("workqueue_retries_total")})`,
      },
    },
    {
      title: "Duration of a reconcile",
      unit: "s",
      description: "With all that it sends: a slow server shows here, too.",
      series: quantiles("controller_runtime_reconcile_time_seconds"),
    },
    {
      title: "Queue",
      unit: "none",
      description: "Resources that are due and wait for a worker, or for something else: an origin, a turn, a token.",
      series: {
        "due {{pod}}": "workqueue_depth{$release}",
        "{{reason}}": "sum by (reason) (holdfast_postponed{$release})",
        "became due, a second": `sum(${rate("workqueue_adds_total")})`,
      },
    },
    {
      title: "Wait for a worker",
      unit: "s",
      description: "How long what is due waits. Long with all workers busy: too few of them, or too slow servers.",
      series: quantiles("workqueue_queue_duration_seconds"),
    },
    {
      title: "Workers",
      unit: "none",
      description: "Busy ones, and how many there are (controller.concurrency).",
      series: {
        "busy {{pod}}": "controller_runtime_active_workers{$release}",
        "there are": "max(controller_runtime_max_concurrent_reconciles{$release})",
      },
    },
    {
      title: "Remote objects",
      unit: "none",
      description:
        "Those that are contested now; in the time that is shown, those that got another id, or were deleted and created anew.",
      series: {
        contested: countBy("kind", ',kind="HTTPResource",condition="Contested",status="True"'),
        "other id, by {{by}}": "sum by (by) (increase(holdfast_identity_changes_total{$release}[$__range]))",
        replaced: 'sum(increase(holdfast_replacements_total{$release,result="deleted"}[$__range]))',
      },
    },
    {
      title: "Readiness by kind",
      unit: "none",
      description: "Resources by their condition Ready.",
      series: { "{{kind}} {{status}}": countBy("kind, status", ',condition="Ready"') },
    },
    {
      title: "Not ready, where and why",
      unit: "none",
      description: "The ten namespaces and reasons with the most resources that are not Ready.",
      series: {
        "{{resource_namespace}} {{kind}} {{reason}}":
          "topk(10, max by (resource_namespace, kind, reason) (holdfast_resources_not_ready{$release}))",
      },
    },
    {
      title: "Reconciling and stalled",
      unit: "none",
      description: "What is under way, and what waits for a person.",
      series: {
        "{{kind}} {{condition}}": countBy("kind, condition", ',condition=~"Reconciling|Stalled",status="True"'),
      },
    },
    {
      title: "The longest reconcile now",
      unit: "s",
      description: "One that grows for minutes is held up by a server, or stuck.",
      series: {
        "the longest": "max(workqueue_longest_running_processor_seconds{$release})",
        "all together": "sum(workqueue_unfinished_work_seconds{$release})",
      },
    },
  ],
};

const requests = "holdfast_http_requests_total";
const http: Dashboard = {
  title: "HTTP",
  panels: [
    {
      title: "Answers",
      unit: "reqps",
      description: "By the class of their status.",
      series: { "{{code}}": sumBy("code", rate(requests, ',code!=""')) },
    },
    {
      title: "No answer, by reason",
      unit: "reqps",
      description: "What never got a status: timeouts, resets, names that do not resolve.",
      series: { "{{reason}}": sumBy("reason", rate(requests, ',reason!=""')) },
    },
    {
      title: "Failures by endpoint",
      unit: "reqps",
      description: "No answer, or a 5xx; `namespace/name`, of a ClusterHTTPEndpoint `/name`.",
      series: {
        "{{http_endpoint}}": `topk(10, ${sumBy("http_endpoint", rate("holdfast_endpoint_requests_total", ',code=~"|5xx"'))})`,
      },
    },
    {
      title: "Requests by method",
      unit: "reqps",
      description: "Whatever came of them.",
      series: { "{{method}}": sumBy("method", rate(requests)) },
    },
    {
      title: "Latency",
      unit: "s",
      description: "From the request to the last byte of its answer.",
      series: quantiles("holdfast_http_request_duration_seconds"),
    },
    {
      title: "Under way",
      unit: "none",
      description: "Requests in flight, and those that wait since all connections to their server are taken.",
      series: {
        "in flight {{pod}}": "holdfast_http_requests_in_flight{$release}",
        "waiting for a connection {{pod}}": "holdfast_http_requests_queued{$release}",
      },
    },
    {
      title: "Retries and redirects",
      unit: "reqps",
      description: "Sent once more since its connection was dead; redirects that were followed; answers that were closed unread.",
      series: {
        "retried: {{reason}}": sumBy("reason", rate("holdfast_http_retries_total")),
        "redirected: {{code}}": sumBy("code", rate("holdfast_http_redirects_total")),
        "cancelled: {{reason}}": sumBy("reason", rate("holdfast_http_responses_cancelled_total")),
      },
    },
    {
      title: "Open sockets",
      unit: "none",
      description: "Active ones have a request on them; idle ones wait for the next.",
      series: { "{{state}}": sumBy("state", "holdfast_http_sockets{$release}") },
    },
    {
      title: "Sockets opened and closed",
      unit: "ops",
      description: "Both well below the rate of requests where connections are reused.",
      series: {
        opened: `sum(${rate("holdfast_http_sockets_opened_total")})`,
        closed: `sum(${rate("holdfast_http_sockets_closed_total")})`,
      },
    },
    {
      title: "Sockets opened for each request",
      unit: "none",
      description: "Well below 1 where connections are reused.",
      series: { ratio: `sum(${rate("holdfast_http_sockets_opened_total")}) / sum(${rate(requests)})` },
    },
    {
      title: "Clients in the Map",
      unit: "none",
      description: "One for each TLS setting, timeout and proxy.",
      series: { "{{pod}}": "holdfast_http_clients{$release}" },
    },
    {
      title: "Clients asked of the Map",
      unit: "ops",
      description: "Hits reuse a client with its connections; each miss makes one.",
      series: { "{{result}}": sumBy("result", rate("holdfast_http_client_acquisitions_total")) },
    },
    {
      title: "Denied by egress rules",
      unit: "reqps",
      description: "Requests that were not sent, by the rule that forbids them.",
      series: { "{{rule}}": sumBy("rule", rate("holdfast_egress_denied_total")) },
    },
    {
      title: "The kernel's sockets",
      unit: "none",
      description: "Of the Pod's network namespace: whoever opened them.",
      series: { "{{state}} {{pod}}": 'holdfast_tcp_sockets{$release,state=~"established|time_wait|close_wait|syn_sent"}' },
    },
  ],
};

const kubernetes: Dashboard = {
  title: "Kubernetes",
  panels: [
    {
      title: "Silence of the watches",
      unit: "s",
      description: "The API server sends something at least once a minute.",
      series: { "{{resource}} {{pod}}": "holdfast_watch_last_event_age_seconds{$release}" },
    },
    {
      title: "Watch sessions that ended",
      unit: "ops",
      description:
        "The API server closes each after some minutes; the other reasons are failures, after which it is opened again.",
      series: { "{{resource}} {{reason}}": sumBy("resource, reason", rate("holdfast_watch_sessions_total")) },
    },
    {
      title: "Duration of a watch session",
      unit: "s",
      description: "Some minutes each, until the API server ends it.",
      series: quantiles("holdfast_watch_session_duration_seconds"),
    },
    {
      title: "Full listings",
      unit: "none",
      description: "One for each resource at the start, and few afterwards: each costs the API server.",
      series: {
        "{{resource}} {{reason}}": sumBy("resource, reason", "increase(holdfast_relists_total{$release}[$__rate_interval])"),
      },
    },
    {
      title: "Leader",
      unit: "none",
      description: "1 for the process that works; with slots, for each slot.",
      series: { "{{name}} {{pod}}": "leader_election_master_status{$release}" },
    },
    {
      title: "Slots",
      unit: "none",
      description: "Resources of each slot, where the work is divided: how even the slots are.",
      series: { "slot {{slot}}": "max by (slot) (holdfast_slot_resources{$release})" },
    },
    {
      title: "Slots' queues",
      unit: "s",
      description: "For how long the oldest key of each slot has been due.",
      series: { "slot {{slot}}": "max by (slot) (holdfast_slot_queue_age_seconds{$release})" },
    },
    {
      title: "API requests",
      unit: "reqps",
      description: "What Holdfast asks of the API server, by method and status.",
      series: { "{{method}} {{code}}": sumBy("method, code", rate("rest_client_requests_total")) },
    },
  ],
};

const processes: Dashboard = {
  title: "Process",
  panels: [
    {
      title: "CPU",
      unit: "none",
      description: "Cores that are used. JavaScript has one thread, jq some more.",
      series: { "{{pod}}": rate("process_cpu_seconds_total") },
    },
    {
      title: "Memory",
      unit: "bytes",
      description: "The heap is JavaScript's; buffers and sockets are beside it.",
      series: {
        "resident {{pod}}": "process_resident_memory_bytes{$release}",
        "heap {{pod}}": "nodejs_heap_size_used_bytes{$release}",
        "beside the heap {{pod}}": "nodejs_external_memory_bytes{$release}",
        limit: "min(holdfast_memory_limit_bytes{$release})",
      },
    },
    {
      title: "Event loop lag",
      unit: "s",
      description: "How long a callback waits for the thread.",
      series: {
        "p99 {{pod}}": "nodejs_eventloop_lag_p99_seconds{$release}",
        "mean {{pod}}": "nodejs_eventloop_lag_mean_seconds{$release}",
      },
    },
    {
      title: "Garbage collection",
      unit: "percentunit",
      description: "Share of the time.",
      series: { "{{kind}}": sumBy("kind", rate("nodejs_gc_duration_seconds_sum")) },
    },
    {
      title: "File descriptors",
      unit: "none",
      description: "Sockets are most of them.",
      series: { "open {{pod}}": "process_open_fds{$release}", "there may be": "min(process_max_fds{$release})" },
    },
    {
      title: "What keeps the event loop alive",
      unit: "none",
      description: "Sockets, timers and threads, by Node's own names; one that only grows is a leak.",
      series: { "{{type}}": sumBy("type", "nodejs_active_resources{$release}") },
    },
  ],
};

export const dashboards: readonly Dashboard[] = [overview, http, kubernetes, processes];
