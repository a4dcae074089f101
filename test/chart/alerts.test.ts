/** The chart's alerts: promtool, not we, says when one fires. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { alerts } from "../../tools/generate/monitoring/alerts.ts";
import { createHelm, describeWithPrometheus, pick, type Helm } from "./helm.ts";
import { chartTools } from "./tools.ts";

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
/** Series of the release, and promtool's notation of their values: one a minute, for 40 minutes. */
type Series = Readonly<Record<string, string>>;
interface Case {
  readonly name: string;
  readonly fires: readonly Series[];
  readonly not: readonly Series[];
  /** Its summary in the first case that fires. */
  readonly says: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** When it is looked at, where that is not after 40 minutes. */
  readonly at?: string;
}

const other = 'leader_election_master_status{job="blue-holdfast-metrics",namespace="holdfast-system",pod="c"}';
const leadsSlot = (slot: number, pod: string): string => `leader_election_master_status{name="slot-${slot}-of-2",pod="${pod}"}`;
const contested = 'holdfast_resources{kind="HTTPResource",condition="Contested",status="True",pod=';
const stalled = 'holdfast_resources{kind="HTTPRequest",condition="Stalled",status="True",pod=';
const requests = "holdfast_http_requests_total";
const ofEndpoint = "holdfast_endpoint_requests_total{http_endpoint=";
const unknown = 'holdfast_outcome_unknown_total{kind="HTTPRequest"}';
const opened = "holdfast_http_sockets_opened_total{}";

const cases: readonly Case[] = [
  {
    name: "HoldfastDown",
    fires: [{ 'up{pod="a"}': "0x40" }, {}],
    not: [{ 'up{pod="a"}': "0x40", 'up{pod="b"}': "1x40" }, { 'up{pod="a"}': "0x37 1x3" }],
    says: "No controller can be scraped",
  },
  {
    name: "HoldfastNoLeader",
    fires: [
      { 'leader_election_master_status{pod="a"}': "0x40", 'leader_election_master_status{pod="b"}': "0x40" },
      { [leadsSlot(0, "a")]: "1x40", [leadsSlot(1, "a")]: "0x40", [leadsSlot(0, "b")]: "0x40", [leadsSlot(1, "b")]: "0x40" },
      { 'up{pod="a"}': "1x40" },
    ],
    not: [
      { 'leader_election_master_status{pod="a"}': "1x40", 'leader_election_master_status{pod="b"}': "0x40" },
      { [leadsSlot(0, "a")]: "1x40", [leadsSlot(1, "a")]: "0x40", [leadsSlot(0, "b")]: "0x40", [leadsSlot(1, "b")]: "1x40" },
    ],
    says: "No controller leads",
  },
  {
    name: "HoldfastTwoLeaders",
    fires: [
      { 'leader_election_master_status{pod="a"}': "1x40", 'leader_election_master_status{pod="b"}': "1x40" },
      { [leadsSlot(0, "a")]: "1x40", [leadsSlot(0, "b")]: "1x40", [leadsSlot(1, "b")]: "1x40" },
    ],
    not: [
      { 'leader_election_master_status{pod="a"}': "1x40", [other]: "1x40" },
      { [leadsSlot(0, "a")]: "1x40", [leadsSlot(1, "a")]: "1x40", [leadsSlot(2, "b")]: "1x40" },
    ],
    says: "2 controllers lead at once",
  },
  {
    name: "HoldfastWatchStalled",
    fires: [{ 'holdfast_watch_last_event_age_seconds{resource="httprequests"}': "0+60x40" }],
    not: [{ 'holdfast_watch_last_event_age_seconds{resource="httprequests"}': "60x40" }],
    says: "The watch of httprequests has been silent for 40m 0s",
    labels: { resource: "httprequests" },
  },
  {
    name: "HoldfastRelistStorm",
    fires: [{ 'holdfast_relists_total{resource="httprequests",reason="expired"}': "0+1x40" }],
    not: [
      { 'holdfast_relists_total{resource="httprequests",reason="expired"}': "3x40" },
      { 'holdfast_relists_total{resource="secrets",reason="start"}': "0+1x40" },
    ],
    says: "httprequests was listed 15 times in 15 minutes",
    labels: { resource: "httprequests" },
  },
  {
    name: "HoldfastStatusesUnwritable",
    fires: [{ 'holdfast_unrecorded_outcome_age_seconds{pod="a"}': "0+60x40" }],
    not: [{ 'holdfast_unrecorded_outcome_age_seconds{pod="a"}': "0x10 50x2 0x27" }],
    says: "What came of a request has not been recorded for 40m 0s",
  },
  {
    name: "HoldfastQueueBacklog",
    fires: [
      { 'workqueue_depth{name="holdfast"}': "150x40" },
      { 'workqueue_depth{name="holdfast"}': "0x40", 'holdfast_postponed{reason="OriginBusy"}': "150x40" },
    ],
    not: [{ 'workqueue_depth{name="holdfast"}': "0x35 150x5", 'holdfast_postponed{reason="OriginBusy"}': "60x40" }],
    says: "150 resources are due and wait for a worker, their origin, a turn or a token",
  },
  {
    name: "HoldfastWorkersSaturated",
    fires: [{ "controller_runtime_active_workers{}": "19x40", "controller_runtime_max_concurrent_reconciles{}": "20x40" }],
    not: [{ "controller_runtime_active_workers{}": "10x35 20x5", "controller_runtime_max_concurrent_reconciles{}": "20x40" }],
    says: "95% of the workers are busy",
  },
  {
    name: "HoldfastReconcileErrors",
    fires: [
      {
        "controller_runtime_reconcile_errors_total{}": "0+5x40",
        'controller_runtime_reconcile_total{result="error"}': "0+10x40",
      },
    ],
    not: [
      {
        "controller_runtime_reconcile_errors_total{}": "0+1x40",
        'controller_runtime_reconcile_total{result="error"}': "0+20x40",
      },
    ],
    says: "50% of the reconciles could not decide",
  },
  {
    name: "HoldfastRequestErrors",
    fires: [
      {
        [`${requests}{code="",reason="Timeout"}`]: "0+30x40",
        [`${requests}{code="5xx"}`]: "0+30x40",
        [`${requests}{code="2xx"}`]: "0+40x40",
      },
    ],
    not: [{ [`${requests}{code="4xx"}`]: "0+60x40", [`${requests}{code="2xx"}`]: "0+40x40" }],
    says: "60% of the requests failed, or were answered 5xx",
  },
  {
    name: "HoldfastEndpointErrors",
    fires: [
      {
        [`${ofEndpoint}"team-a/users",code="",reason="Timeout"}`]: "0+30x40",
        [`${ofEndpoint}"team-a/users",code="2xx"}`]: "0+10x40",
        [`${ofEndpoint}"/shared",code="2xx"}`]: "0+90x40",
      },
    ],
    not: [{ [`${ofEndpoint}"",code="5xx"}`]: "0+60x40", [`${ofEndpoint}"/shared",code="2xx"}`]: "0+40x40" }],
    says: "75% of the requests of endpoint team-a/users failed, or were answered 5xx",
    labels: { http_endpoint: "team-a/users" },
  },
  {
    name: "HoldfastResourcesStalled",
    fires: [
      { [`${stalled}"a"}`]: "2x40", [`${stalled}"b"}`]: "2x40" },
      { [`${stalled}"a",slot="0"}`]: "1x40", [`${stalled}"b",slot="1"}`]: "1x40" },
    ],
    not: [{ [`${stalled}"a"}`]: "0x30 2x10" }],
    says: "2 resources of kind HTTPRequest are stalled",
    labels: { kind: "HTTPRequest" },
  },
  {
    name: "HoldfastContested",
    fires: [{ [`${contested}"a"}`]: "1x90" }],
    not: [{ [`${contested}"a"}`]: "1x50 0x40" }],
    says: "1 remote objects are corrected again and again",
    at: "80m",
    labels: { kind: "HTTPResource" },
  },
  {
    name: "HoldfastOutcomeUnknown",
    fires: [{ [unknown]: "_x35 1x5" }, { [unknown]: "4x35 5x5" }],
    not: [{ [unknown]: "1x40" }, { [unknown]: "_x35 0x5" }],
    says: "1 requests may or may not have arrived",
    labels: { kind: "HTTPRequest" },
  },
  {
    name: "HoldfastSocketsNotReused",
    fires: [{ [opened]: "0+120x40", [`${requests}{code="2xx"}`]: "0+120x40" }],
    not: [
      { [opened]: "0+1x40", [`${requests}{code="2xx"}`]: "0+120x40" },
      { [opened]: "0+6x40", [`${requests}{code="2xx"}`]: "0+6x40" },
    ],
    says: "1 sockets are opened for each request",
  },
  {
    name: "HoldfastTimeWait",
    fires: [{ 'holdfast_tcp_sockets{state="time_wait"}': "6000x40" }],
    not: [{ 'holdfast_tcp_sockets{state="time_wait"}': "100x40", 'holdfast_tcp_sockets{state="established"}': "6000x40" }],
    says: "6000 sockets of the Pod are in TIME_WAIT",
  },
  {
    name: "HoldfastPoolExhausted",
    fires: [{ [`${requests}{code="",reason="PortsExhausted"}`]: "0+1x40" }],
    not: [{ [`${requests}{code="",reason="PortsExhausted"}`]: "7x40", [`${requests}{code="",reason="Timeout"}`]: "0+1x40" }],
    says: "15 requests found no port or file descriptor (PortsExhausted)",
    labels: { reason: "PortsExhausted" },
  },
  {
    name: "HoldfastRequestsQueued",
    fires: [{ "holdfast_http_requests_queued{}": "60x40" }],
    not: [{ "holdfast_http_requests_queued{}": "0x35 60x5" }],
    says: "60 requests wait for a connection, or a place at their origin",
  },
  {
    name: "HoldfastEgressDenied",
    fires: [{ 'holdfast_egress_denied_total{rule="private"}': "0+10x40" }],
    // One that stays denied is looked at each minute.
    not: [
      { 'holdfast_egress_denied_total{rule="private"}': "0x36 50x4" },
      { 'holdfast_egress_denied_total{rule="private"}': "0+1x40" },
    ],
    says: "Requests were denied their address 150 times (private)",
    labels: { rule: "private" },
  },
  {
    name: "HoldfastEventLoopLag",
    fires: [{ "nodejs_eventloop_lag_p99_seconds{}": "2x40" }],
    not: [{ "nodejs_eventloop_lag_p99_seconds{}": "0.1x40" }],
    says: "The event loop is late by 2s",
  },
  {
    name: "HoldfastMemoryNearLimit",
    fires: [{ "process_resident_memory_bytes{}": "95x40", "holdfast_memory_limit_bytes{}": "100x40" }],
    not: [{ "process_resident_memory_bytes{}": "50x40", "holdfast_memory_limit_bytes{}": "100x40" }],
    says: "A controller uses 95% of its memory limit",
  },
];

describeWithPrometheus("the chart's alerts", () => {
  let helm: Helm;
  let folder: string;
  let groups: readonly { readonly rules: readonly Rule[] }[];

  beforeAll(async () => {
    helm = await createHelm();
    folder = await mkdtemp(join(tmpdir(), "holdfast-alerts-"));
    groups = await groupsWith({});
    await writeFile(join(folder, "rules.yaml"), JSON.stringify({ groups }));
  });
  afterAll(async () => {
    await helm[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  async function groupsWith(prometheusRule: object): Promise<typeof groups> {
    const manifests = await helm.render({ prometheusRule: { enabled: true, ...prometheusRule } });
    return (pick(manifests, "PrometheusRule").spec as { groups: typeof groups }).groups;
  }
  const rules = (): readonly Rule[] => groups.flatMap(({ rules }) => rules);
  /** What promtool prints. Rejects, with it, when promtool is not content. */
  async function promtool(...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(chartTools().promtool ?? "", args, { cwd: folder });
    return stdout;
  }
  /** Of this release, unless it says which. */
  function inputs(series: Series): readonly object[] {
    return Object.entries(series).map(([name, values]) => ({
      series: name.includes("job=") ? name : name.replace("{", '{job="holdfast-metrics",namespace="holdfast-system",'),
      values,
    }));
  }

  test("are rules that promtool takes", async () => {
    expect(await promtool("check", "rules", "rules.yaml")).toContain(`${alerts.length} rules found`);
  });

  test("F34: are each tried below, and have a runbook that is about them", async () => {
    const names = rules().map(({ alert }) => alert);
    expect(cases.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    const runbooks = join(import.meta.dirname, "../../docs/runbooks");
    const pages = (await readdir(runbooks)).filter((page) => page !== "README.md");
    expect(pages.toSorted()).toEqual(names.map((name) => `${name}.md`).toSorted());
    for (const page of pages) expect(await readFile(join(runbooks, page), "utf8")).toMatch(`# ${page.slice(0, -3)}\n`);
  });

  test.each(cases)(
    "$name fires where it should, says so, and not elsewhere",
    async ({ name, fires, not, says, labels = {}, at = "40m" }) => {
      const rule = rules().find(({ alert }) => alert === name);
      const firing = (summary: string): object => ({
        exp_labels: { ...labels, ...rule?.labels },
        exp_annotations: { ...rule?.annotations, summary },
      });
      const unit = (series: Series, expected: readonly object[]): object => ({
        interval: "1m",
        input_series: inputs(series),
        alert_rule_test: [{ eval_time: at, alertname: name, exp_alerts: expected }],
      });
      const tests = [...fires.map((series) => unit(series, [firing(says)])), ...not.map((series) => unit(series, []))];
      const file = join(folder, `${name}.json`);
      await writeFile(file, JSON.stringify({ rule_files: ["rules.yaml"], evaluation_interval: "1m", tests }));
      expect(await promtool("test", "rules", file)).toContain("SUCCESS");
    },
  );

  test("take thresholds, labels and the address of the runbooks, and can be left out", async () => {
    const rendered = await groupsWith({
      thresholds: { HoldfastTimeWait: 1_000_000 },
      disabled: ["HoldfastDown"],
      alertLabels: { team: "platform" },
      runbookURL: "https://example.com/runbooks/",
    });
    const found = rendered.flatMap(({ rules }) => rules);
    expect(found).toHaveLength(alerts.length - 1);
    expect(found.find(({ alert }) => alert === "HoldfastTimeWait")).toMatchObject({
      expr: 'max(holdfast_tcp_sockets{job="holdfast-metrics",namespace="holdfast-system",state="time_wait"}) > 1e+06',
      labels: { team: "platform", severity: "warning" },
      annotations: { runbook_url: "https://example.com/runbooks/HoldfastTimeWait.md" },
    });
  });

  test("speak of the job that a PodMonitor makes, where that is the one", async () => {
    const values = { prometheusRule: { enabled: true }, metrics: { podMonitor: { enabled: true } } };
    const { spec } = pick(await helm.render(values), "PrometheusRule");
    expect(JSON.stringify(spec)).toContain('up{job=\\"holdfast-system/holdfast\\",namespace=\\"holdfast-system\\"}');
  });
});
