import { expect, test } from "@jest/globals";
import { Registry } from "prom-client";
import { createInstruments } from "../../src/telemetry/instruments.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createEmit } from "../../src/telemetry/emit.ts";
import type { Log } from "../../src/telemetry/log.ts";

const metrics = () => createMetrics({ kinds: ["HTTPRequest", "HTTPEndpoint"], concurrency: 5 });

test("has every series whose labels are known at zero from the start", async () => {
  const text = await metrics().registry.metrics();
  for (const series of [
    'controller_runtime_reconcile_total{controller="httprequest",result="error"} 0',
    'controller_runtime_reconcile_panics_total{controller="httpendpoint"} 0',
    'workqueue_adds_total{name="holdfast"} 0',
    'holdfast_http_client_acquisitions_total{result="reused"} 0',
    "holdfast_http_sockets_opened_total 0",
    'holdfast_http_requests_total{method="POST",code="5xx",reason=""} 0',
    'holdfast_http_requests_total{method="GET",code="",reason="PortsExhausted"} 0',
    'holdfast_outcome_unknown_total{kind="HTTPRequest"} 0',
    'holdfast_resources{kind="HTTPRequest",condition="Stalled",status="True"} 0',
  ]) {
    expect(text.split("\n")).toContain(series);
  }
});

test("shows no backlog of one that stands by, whose keys are another's to work on", async () => {
  const measured = metrics();
  let leads = false;
  measured.observe({
    clients: () => 0,
    sockets: () => ({ active: 0, idle: 0 }),
    requestsInFlight: () => 0,
    requestsQueued: () => 0,
    queue: () => ({ depth: 150, oldestSecs: 4, working: new Map() }),
    unrecorded: () => ({ count: 0, oldestSecs: 0 }),
    postponed: () => new Map([["OriginBusy", 20_000]]),
    unwatchedNamespaces: () => 0,
    leads: () => new Map([["holdfast", leads]]),
    slots: () => new Map([[2, { resources: 7, depth: 3, oldestSecs: 1.5 }]]),
    resources: () => [],
  });
  expect(await measured.registry.metrics()).toContain('workqueue_depth{name="holdfast"} 0\n');
  leads = true;
  expect(await measured.registry.metrics()).toContain('workqueue_depth{name="holdfast"} 150\n');
  expect(await measured.registry.metrics()).toContain("holdfast_queue_age_seconds 4\n");
  expect(await measured.registry.metrics()).toContain('holdfast_slot_queue_age_seconds{slot="2"} 1.5\n');
  expect(await measured.registry.metrics()).toContain('holdfast_postponed{reason="OriginBusy"} 20000\n');
});

test("shows the most silent of a resource's watches, where each namespace has one", async () => {
  const measured = metrics();
  const ages = [3, 400, 7].map((silentSecs) => ({ resource: "httprequests.holdfast.dev", silentSecs }));
  measured.observeWatches(() => ages);
  expect(await measured.registry.metrics()).toContain(
    'holdfast_watch_last_event_age_seconds{resource="httprequests.holdfast.dev"} 400\n',
  );
});

test("names only counters _total, and describes every metric", async () => {
  for (const { name, help, type } of await metrics().registry.getMetricsAsJSON()) {
    expect([name, name.endsWith("_total")]).toEqual([name, String(type) === "counter"]);
    expect(help).not.toBe("");
  }
});

test("labels are of closed sets, or of bounded ones: no name, URL or error text", () => {
  const closed = [
    "slot",
    "controller",
    "result",
    "name",
    "code",
    "method",
    "host",
    "state",
    "reason",
    "resource",
    "kind",
    "condition",
    "status",
    "rule",
    // As many as --metrics-series says.
    "resource_namespace",
    "http_endpoint",
    "by",
  ];
  const ours = metrics()
    .registry.getMetricsAsArray()
    .filter(({ name }) => !/^(nodejs|process)_/.test(name));
  const labels = ours.flatMap((metric) => (metric as unknown as { labelNames: string[] }).labelNames);
  expect(ours.length).toBeGreaterThan(20);
  expect(labels.filter((label) => !closed.includes(label))).toEqual([]);
});

test("F20: counts a plan that throws, and work that does not end, as a panic", async () => {
  const measured = metrics();
  const emit = createEmit({ wants: () => true, write: () => {} }, measured);
  const about = { type: "reconciled", kind: "HTTPRequest", namespace: "n", name: "a", durationMs: 1, result: "error" } as const;
  emit({ ...about, reason: "Error", error: new Error("a mistake"), panicked: true });
  emit({ ...about, reason: "Stuck", panicked: true });
  emit({ ...about, reason: "Error", error: new Error("the API server is away") });
  const text = await measured.registry.metrics();
  expect(text).toContain('controller_runtime_reconcile_panics_total{controller="httprequest"} 2');
  expect(text).toContain('controller_runtime_reconcile_errors_total{controller="httprequest"} 3');
});

test("counts a reconcile, a request and an unknown outcome from the same occurrence that is logged", async () => {
  const lines: [string, string, Readonly<Record<string, unknown>>][] = [];
  const log: Log = { wants: () => true, write: (...line) => void lines.push(line) };
  const measured = metrics();
  const emit = createEmit(log, measured);
  emit({
    type: "reconciled",
    kind: "HTTPRequest",
    namespace: "n",
    name: "a",
    durationMs: 12.3,
    result: "stalled",
    reason: "OutcomeUnknown",
  });
  emit({ type: "exchanged", method: "POST", namespace: "n", name: "a", durationMs: 5, reason: "Timeout" });
  const text = await measured.registry.metrics();
  expect(text).toContain('holdfast_outcome_unknown_total{kind="HTTPRequest"} 1');
  expect(text).toContain('controller_runtime_reconcile_total{controller="httprequest",result="success"} 1');
  expect(text).toContain('holdfast_http_requests_total{method="POST",code="",reason="Timeout"} 1');
  expect(lines).toEqual([
    [
      "warn",
      "reconciled",
      { kind: "HTTPRequest", namespace: "n", name: "a", durationMs: 12, result: "stalled", reason: "OutcomeUnknown" },
    ],
    ["warn", "exchanged", { method: "POST", namespace: "n", name: "a", durationMs: 5, reason: "Timeout" }],
  ]);
});

test("a counter says at each scrape what it has been told by then, each series for itself", async () => {
  const registry = new Registry();
  const { counter } = createInstruments(registry);
  const counted = counter("told_total", "Told.", { a: ["x"], b: [] });
  const plain = counter("plain_total", "Plain.");
  const lines = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split("\n").filter((line) => /^\w+_total/.test(line));
  expect(await lines()).toEqual(["plain_total 0"]);
  const series = [
    { a: "x", b: "y" },
    { a: "x,b:y", b: "" },
    { a: "", b: "x,b:y" },
    { a: "__proto__", b: "constructor" },
  ];
  for (let scrape = 1; scrape <= 3; scrape += 1) {
    for (const [index, one] of series.entries()) counted.inc(one, index + 1);
    counted.inc({ a: "x", b: "y" });
    plain.inc();
    expect(await lines()).toEqual([
      `told_total{a="x",b="y"} ${2 * scrape}`,
      `told_total{a="x,b:y",b=""} ${2 * scrape}`,
      `told_total{a="",b="x,b:y"} ${3 * scrape}`,
      `told_total{a="__proto__",b="constructor"} ${4 * scrape}`,
      `plain_total ${scrape}`,
    ]);
  }
});

test("a histogram says at each scrape all that it has been told by then, each series for itself", async () => {
  const registry = new Registry();
  const { histogram } = createInstruments(registry);
  const took = histogram("took_secs", "How long.", [1, 10], { method: ["GET", "POST"] });
  const shown = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split("\n").filter((line) => /^took_secs_(sum|count|bucket\{le="1")/.test(line));
  let told = 0;
  for (const more of [0, 1, 99, 100, 101, 250]) {
    for (let left = more; left > 0; left -= 1) {
      took.observe({ method: "GET" }, 0.5);
      took.observe({ method: "POST" }, 4);
    }
    told += more;
    expect(await shown()).toEqual([
      `took_secs_bucket{le="1",method="GET"} ${told}`,
      `took_secs_sum{method="GET"} ${told / 2}`,
      `took_secs_count{method="GET"} ${told}`,
      'took_secs_bucket{le="1",method="POST"} 0',
      `took_secs_sum{method="POST"} ${told * 4}`,
      `took_secs_count{method="POST"} ${told}`,
    ]);
  }
});
