/**
 * Every alert, once: the chart's PrometheusRule, its values and the list of runbooks are made from this.
 *
 * Invariant: an expression speaks of one release, `{$release}`, and adds nothing up that every replica reports.
 */
import { countBy } from "./resource-count.ts";

export interface Alert {
  readonly name: string;
  /** PromQL; `$release` is the release's matchers, `$threshold` the number below. */
  readonly expr: string;
  /** For how long it must hold. */
  readonly for: string;
  readonly severity: "critical" | "warning" | "info";
  readonly summary: string;
  readonly description: string;
  readonly threshold?: { readonly value: number; readonly description: string };
}

const requests = "sum(rate(holdfast_http_requests_total{$release}[10m]))";
const failed = 'sum(rate(holdfast_http_requests_total{$release,code=~"|5xx"}[10m]))';
/** `more`: further matchers. Of those without an endpoint HoldfastRequestErrors tells. */
const byEndpoint = (more = ""): string =>
  `sum by (http_endpoint) (rate(holdfast_endpoint_requests_total{$release,http_endpoint!=""${more}}[10m]))`;
const unknown = "holdfast_outcome_unknown_total{$release}";
const opened = "sum(rate(holdfast_http_sockets_opened_total{$release}[10m]))";

export const alerts: readonly Alert[] = [
  {
    name: "HoldfastDown",
    expr: "absent(up{$release} == 1)",
    for: "5m",
    severity: "critical",
    summary: "No controller can be scraped",
    description: "Prometheus has reached no Pod of this release for five minutes. Nothing is sent while none runs.",
  },
  {
    name: "HoldfastNoLeader",
    expr: "min(sum by (name) (leader_election_master_status{$release})) == 0 or min(absent(leader_election_master_status{$release}) and on() up{$release} == 1)",
    for: "2m",
    severity: "critical",
    summary: "No controller leads",
    description:
      "Controllers run, and none of them holds the lease, or that of a slot. Nothing is sent, or nothing of that slot.",
  },
  {
    name: "HoldfastTwoLeaders",
    expr: "max(sum by (name) (leader_election_master_status{$release})) > 1",
    for: "2m",
    severity: "critical",
    summary: "{{ $value }} controllers lead at once",
    description: "Two leaders of one lease are two that send. What a fence does not stop may be sent twice.",
  },
  {
    name: "HoldfastWatchStalled",
    expr: "max by (resource) (holdfast_watch_last_event_age_seconds{$release}) > $threshold",
    for: "2m",
    severity: "warning",
    summary: "The watch of {{ $labels.resource }} has been silent for {{ $value | humanizeDuration }}",
    description: "The API server sends a bookmark each minute. What people declare is not seen while it is silent.",
    threshold: { value: 300, description: "Seconds of silence; more than `controller.watchIdleTimeout`, which reopens it." },
  },
  {
    name: "HoldfastRelistStorm",
    // Each namespace has its own watch of Secrets, and of ConfigMaps, which begins when something comes to refer to one.
    expr: 'sum by (resource) (increase(holdfast_relists_total{$release,resource!~"secrets|configmaps"}[15m])) > $threshold',
    for: "0s",
    severity: "warning",
    summary: "{{ $labels.resource }} was listed {{ $value | humanize }} times in 15 minutes",
    description: "A full listing costs the API server and this controller far more than a watch.",
    threshold: { value: 5, description: "Full listings of one resource in 15 minutes." },
  },
  {
    name: "HoldfastStatusesUnwritable",
    expr: "max(holdfast_unrecorded_outcome_age_seconds{$release}) > $threshold",
    for: "0s",
    severity: "critical",
    summary: "What came of a request has not been recorded for {{ $value | humanizeDuration }}",
    description:
      "The API server refuses statuses, or is away. What was sent is not sent again while the Pod lives; a Pod that is killed now forgets it.",
    threshold: { value: 60, description: "Seconds for which the outcome of a request that was sent could not be written." },
  },
  {
    name: "HoldfastQueueBacklog",
    expr: 'max(sum by (pod) ({__name__=~"workqueue_depth|holdfast_postponed",$release})) > $threshold',
    for: "10m",
    severity: "warning",
    summary: "{{ $value }} resources are due and wait for a worker, their origin, a turn or a token",
    description:
      "They have been more than the threshold for ten minutes. What somebody changes now goes first, but what is due again is late.",
    threshold: { value: 100, description: "Resources that are due and wait." },
  },
  {
    name: "HoldfastWorkersSaturated",
    expr: "max(avg_over_time(controller_runtime_active_workers{$release}[10m]) / controller_runtime_max_concurrent_reconciles{$release}) > $threshold",
    for: "10m",
    severity: "warning",
    summary: "{{ $value | humanizePercentage }} of the workers are busy",
    description: "A change that somebody makes now waits until one is free.",
    threshold: { value: 0.7, description: "Share of the workers, on average over ten minutes. One namespace alone gets 0.75." },
  },
  {
    name: "HoldfastReconcileErrors",
    expr: "sum(rate(controller_runtime_reconcile_errors_total{$release}[10m])) / sum(rate(controller_runtime_reconcile_total{$release}[10m])) > $threshold",
    for: "10m",
    severity: "warning",
    summary: "{{ $value | humanizePercentage }} of the reconciles could not decide",
    description: "An error of a reconcile is the API server's or a mistake in Holdfast; what an origin answers is none.",
    threshold: { value: 0.1, description: "Share of the reconciles." },
  },
  {
    name: "HoldfastRequestErrors",
    expr: `${failed} / ${requests} > $threshold`,
    for: "15m",
    severity: "warning",
    summary: "{{ $value | humanizePercentage }} of the requests failed, or were answered 5xx",
    description: "Of all origins together. The dashboard HTTP has them by reason and by endpoint.",
    threshold: { value: 0.5, description: "Share of the requests." },
  },
  {
    name: "HoldfastEndpointErrors",
    expr: `${byEndpoint(',code=~"|5xx"')} / ${byEndpoint()} > $threshold`,
    for: "15m",
    severity: "warning",
    summary:
      "{{ $value | humanizePercentage }} of the requests of endpoint {{ $labels.http_endpoint }} failed, or were answered 5xx",
    description:
      "Of one HTTPEndpoint (`namespace/name`) or ClusterHTTPEndpoint (`/name`); `other` is whatever is beyond --metrics-series.",
    threshold: { value: 0.5, description: "Share of the requests of one endpoint." },
  },
  {
    name: "HoldfastResourcesStalled",
    expr: `${countBy("kind", ',condition="Stalled",status="True"')} > $threshold`,
    for: "15m",
    severity: "warning",
    summary: "{{ $value }} resources of kind {{ $labels.kind }} are stalled",
    description:
      "Only a change of a person's helps them. Where and why: `topk(10, holdfast_resources_not_ready)`, by namespace and reason, as the dashboard shows.",
    threshold: { value: 0, description: "Stalled resources of one kind." },
  },
  {
    name: "HoldfastContested",
    expr: `${countBy("kind", ',condition="Contested",status="True"')} > $threshold`,
    for: "1h",
    severity: "warning",
    summary: "{{ $value }} remote objects are corrected again and again",
    description: "Their servers keep what they are sent in another form, or somebody else sets it.",
    threshold: { value: 0, description: "Contested resources of one kind." },
  },
  {
    name: "HoldfastOutcomeUnknown",
    // A new process finds what its predecessor left before it is first scraped: of a new series, all counts.
    expr: `sum by (kind) ((increase(${unknown}[15m]) and ${unknown} offset 15m) or ${unknown}) > $threshold`,
    for: "0s",
    severity: "warning",
    summary: "{{ $value | humanize }} requests may or may not have arrived",
    description: "They are not sent again until somebody has looked at the server and says so.",
    threshold: { value: 0, description: "Unknown outcomes of one kind in 15 minutes." },
  },
  {
    name: "HoldfastSocketsNotReused",
    expr: `${opened} / (${requests} > 1) > $threshold`,
    for: "15m",
    severity: "warning",
    summary: "{{ $value | humanize }} sockets are opened for each request",
    description: "At more than one request a second, a connection is meant to carry many.",
    threshold: { value: 0.8, description: "Sockets opened for each request." },
  },
  {
    name: "HoldfastTimeWait",
    expr: 'max(holdfast_tcp_sockets{$release,state="time_wait"}) > $threshold',
    for: "10m",
    severity: "warning",
    summary: "{{ $value }} sockets of the Pod are in TIME_WAIT",
    description: "Each keeps a local port from its origin for a minute; there are about 28,000.",
    threshold: { value: 5_000, description: "Sockets in TIME_WAIT in the Pod's network namespace." },
  },
  {
    name: "HoldfastPoolExhausted",
    expr: 'sum by (reason) (increase(holdfast_http_requests_total{$release,reason=~"PortsExhausted|TooManyFiles"}[15m])) > $threshold',
    for: "0s",
    severity: "critical",
    summary: "{{ $value | humanize }} requests found no port or file descriptor ({{ $labels.reason }})",
    description: "The Pod has no room for another connection.",
    threshold: { value: 0, description: "Such failures in 15 minutes." },
  },
  {
    name: "HoldfastRequestsQueued",
    expr: "max(holdfast_http_requests_queued{$release}) > $threshold",
    for: "10m",
    severity: "warning",
    summary: "{{ $value }} requests wait for a connection, or a place at their origin",
    description: "An origin answers more slowly than it is asked, over as many connections as it may have.",
    threshold: { value: 50, description: "Requests that wait." },
  },
  {
    name: "HoldfastEgressDenied",
    expr: "sum by (rule) (increase(holdfast_egress_denied_total{$release}[15m])) > $threshold",
    for: "0s",
    severity: "warning",
    summary: "Requests were denied their address {{ $value | humanize }} times ({{ $labels.rule }})",
    description: "They were not sent: the egress policy denies where they were to go.",
    threshold: { value: 100, description: "Denials by one rule in 15 minutes. What stays denied is looked at each minute: 15." },
  },
  {
    name: "HoldfastEventLoopLag",
    expr: "max(nodejs_eventloop_lag_p99_seconds{$release}) > $threshold",
    for: "10m",
    severity: "warning",
    summary: "The event loop is late by {{ $value | humanizeDuration }}",
    description: "Everything in the process waits as long: requests, watches, the lease.",
    threshold: { value: 0.5, description: "Seconds, the 99th percentile." },
  },
  {
    name: "HoldfastMemoryNearLimit",
    expr: "max(process_resident_memory_bytes{$release} / holdfast_memory_limit_bytes{$release}) > $threshold",
    for: "10m",
    severity: "warning",
    summary: "A controller uses {{ $value | humanizePercentage }} of its memory limit",
    description: "At the limit the kernel kills it; a request that is under way then ends as OutcomeUnknown.",
    threshold: { value: 0.9, description: "Share of the limit." },
  },
];
