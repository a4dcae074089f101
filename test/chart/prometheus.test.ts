/**
 * Prometheus scrapes the chart's controller as its ServiceMonitor says, while that does all it can do: an expression of a
 * dashboard or an alert that names what there is not returns nothing, and fails.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { accepted } from "../support/accepted.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { declaredRequests, isReady, stateOf, type DeclaredRequests } from "../support/declared-requests.ts";
import { freePorts } from "../support/free-ports.ts";
import { loopbackServer, rawServer } from "../support/loopback.ts";
import { documentedRules, numberOf, queryOf, startAdapter } from "./adapter.ts";
import { chart, createHelm, describeWithPrometheus, pick, podOf, podTemplateOf, testWithAdapter, type Manifest } from "./helm.ts";
import { runContainer, type PodProcess } from "./pod-process.ts";
import { elsewhere, scrapeConfig, startPrometheus, type Prometheus } from "./prometheus.ts";
import { chartTools } from "./tools.ts";
import { until } from "./until.ts";

const namespace = "holdfast-system";

describeWithPrometheus("Prometheus, by the chart's own objects", () => {
  let plane: ControlPlane;
  let manifests: readonly Manifest[];
  let prometheus: Prometheus;
  let requests: DeclaredRequests;
  let metricsPort: number;
  const started = new AsyncDisposableStack();

  beforeAll(async () => {
    plane = started.use(await startControlPlane());
    const helm = started.use(await createHelm(plane.kubeconfigs.admin));
    const crds = ["servicemonitors", "prometheusrules"].flatMap((name) => [
      "-f",
      `${chartTools().prometheusCRDs}/monitoring.coreos.com_${name}.yaml`,
    ]);
    await plane.kubectl("apply", "--server-side", ...crds);
    await plane.admin("POST", "/api/v1/namespaces", { metadata: { name: "team-a" } });
    const [metrics = 0, health = 0] = await freePorts(2);
    metricsPort = metrics;
    const values = {
      controller: {
        metricsAddress: `127.0.0.1:${metrics}`,
        healthAddress: `127.0.0.1:${health}`,
        watchIdleTimeout: "2s", // so that watch sessions end
        keepAliveTimeout: "30s",
        slots: 2, // which have panels of their own
      },
      metrics: { serviceMonitor: { enabled: true } },
      prometheusRule: { enabled: true },
      dashboards: { enabled: true },
      autoscaling: { enabled: true },
    };
    await helm.done(["install", "holdfast", chart, "--namespace", namespace, "--create-namespace"], values);
    manifests = await helm.installed("holdfast", namespace);
    started.use(await runningController(manifests));
    const { groups } = pick(manifests, "PrometheusRule").spec as { groups: unknown };
    prometheus = started.use(await startPrometheus(scrapeConfig(manifests), groups));
    // What happens before the first scrape is no part of any rate.
    await until(
      async () => (await prometheus.query("holdfast_http_clients")).length === 1,
      () => "Prometheus has not scraped the controller",
    );
    requests = declaredRequests(plane, "team-a");
  });
  afterAll(() => started.disposeAsync());

  async function tokenOf(account: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const { body } = await plane.admin("POST", path, { spec: { expirationSeconds: 3600 } });
    return (body as { status: { token: string } }).status.token;
  }
  async function runningController(rendered: readonly Manifest[]): Promise<PodProcess> {
    const { spec, container } = podOf(rendered);
    const token = await tokenOf(spec.serviceAccountName);
    // The origins of tests are on loopback, which is closed.
    const opened = { ...container, args: [...container.args, "--egress-unsafe-allow=127.0.0.0/8"] };
    return runContainer(spec, opened, { server: new URL(plane.url), ca: plane.certificate.cert, token, namespace });
  }

  /** What each asks, with what Grafana fills in. */
  function panels(): readonly { readonly name: string; readonly expr: string }[] {
    const { data } = pick(manifests, "ConfigMap", "holdfast-dashboards") as unknown as { data: Readonly<Record<string, string>> };
    return Object.values(data).flatMap((file) => {
      const dashboard = JSON.parse(file) as { title: string; panels: { title: string; targets: { expr: string }[] }[] };
      return dashboard.panels.flatMap(({ title, targets }) =>
        targets.map(({ expr }) => ({ name: `${dashboard.title} / ${title}`, expr })),
      );
    });
  }
  const filledIn = (expr: string): string =>
    expr
      .replaceAll(/\$job|\$namespace/g, (name) => (name === "$job" ? "holdfast-metrics" : namespace))
      .replaceAll(/\$__rate_interval|\$__range/g, "5m");
  /** What it compares, without the comparison: whether it fires is promtool's to try. */
  function compared(): readonly { readonly name: string; readonly expr: string }[] {
    const { groups } = pick(manifests, "PrometheusRule").spec as { groups: { rules: { alert: string; expr: string }[] }[] };
    return groups
      .flatMap(({ rules }) => rules)
      .map(({ alert, expr }) => ({
        name: alert,
        expr: expr.replaceAll(/ (==|>) [\d.e+]+/g, "").replaceAll("absent(", "("),
      }));
  }
  async function withoutData(
    expressions: readonly { readonly name: string; readonly expr: string }[],
  ): Promise<readonly string[]> {
    const found = await Promise.all(
      expressions.map(async ({ name, expr }) => {
        const samples = await prometheus.query(filledIn(expr));
        return samples.some(({ value }) => value[1] !== "NaN") ? [] : [`${name}: ${expr}`];
      }),
    );
    return found.flat();
  }
  async function allReturnData(expressions: readonly { readonly name: string; readonly expr: string }[]): Promise<void> {
    let empty: readonly string[] = [];
    await until(
      async () => (empty = await withoutData(expressions)).length === 0,
      () => `no data:\n${empty.join("\n")}`,
    );
  }

  test("scrapes the controller while requests end in every way", async () => {
    await using origin = await loopbackServer(({ url }, response) => {
      if (url === "/moved") response.writeHead(302, { location: "/ok" });
      if (url === "/broken") response.writeHead(500);
      if (url === "/slow") return;
      if (url === "/lost") return void response.socket?.resetAndDestroy();
      response.end("{}");
    });
    // Its second request on a connection finds it closed.
    await using stale = await rawServer((socket) => {
      let received = 0;
      socket.on("data", () => {
        received += 1;
        if (received > 1) socket.resetAndDestroy();
        else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      });
    });
    const once = { retry: { limit: 0 } };
    await requests.create("first", { url: `${stale.url}/first` });
    await requests.until("first", (all) => isReady(all.get("first")));
    await requests.create("stale", { url: `${stale.url}/second` });
    await requests.create("ok", { url: `${origin.url}/ok` });
    await requests.create("moved", { url: `${origin.url}/moved` });
    await requests.create("broken", { url: `${origin.url}/broken`, ...once });
    const shop = { metadata: { name: "shop" }, spec: { baseURL: origin.url } };
    await accepted(plane, "POST", "/apis/holdfast.dev/v1alpha1/namespaces/team-a/httpendpoints", {
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "HTTPEndpoint",
      ...shop,
    });
    await requests.create("by-endpoint", { endpointRef: { name: "shop" }, path: "/broken", ...once });
    await requests.create("slow", { url: `${origin.url}/slow`, timeout: "1s", ...once });
    await requests.create("refused", { url: "http://127.0.0.1:9/", ...once });
    await requests.create("denied", { url: "http://169.254.169.254/", ...once });
    await requests.create("lost", { url: `${origin.url}/lost`, method: "POST" });
    await requests.until("all have ended", (all) => [...all.values()].every((one) => stateOf(one) !== ""));
    const counted = {
      'holdfast_http_requests_total{method="GET",code="2xx"}': 4,
      'holdfast_http_requests_total{code="5xx"}': 2,
      'holdfast_endpoint_requests_total{http_endpoint="team-a/shop",code="5xx"}': 1,
      'holdfast_http_requests_total{reason="Timeout"}': 1,
      'holdfast_http_requests_total{reason="ConnectionRefused"}': 1,
      holdfast_outcome_unknown_total: 1,
      holdfast_egress_denied_total: 1,
      holdfast_http_retries_total: 1,
      'holdfast_http_redirects_total{code="302"}': 1,
    };
    async function areCounted(all: Readonly<Record<string, number>>): Promise<void> {
      for (const [series, least] of Object.entries(all)) {
        const isCounted = async (): Promise<boolean> => Number((await prometheus.query(`sum(${series})`))[0]?.value[1]) >= least;
        await until(isCounted, () => `${series} is not ${least}`);
      }
    }
    await areCounted(counted);
    // An endpoint's series begins with its first request: a rate needs one more.
    await requests.create("by-endpoint-again", { endpointRef: { name: "shop" }, path: "/broken", ...once });
    await areCounted({ 'holdfast_endpoint_requests_total{http_endpoint="team-a/shop",code="5xx"}': 2 });
  });

  test("has data for every panel of every dashboard", async () => {
    expect(panels().length).toBeGreaterThan(50);
    await allReturnData(panels());
  });

  test("has data for what every alert looks at, and an error in none", async () => {
    await allReturnData(compared());
    const { groups } = (await prometheus.get("rules")) as { groups: { rules: { name: string; health: string }[] }[] };
    const unwell = groups.flatMap(({ rules }) => rules).filter(({ health }) => health !== "ok");
    expect(unwell).toEqual([]);
  });

  test("has data for controller-runtime's public dashboard, as it is", async () => {
    await allReturnData(elsewhere.map((expr) => ({ name: "controller-runtime", expr })));
  });

  test("fires the alert of the unknown outcome", async () => {
    const firing = 'ALERTS{alertname="HoldfastOutcomeUnknown",alertstate="firing",kind="HTTPRequest"}';
    await until(
      async () => (await prometheus.query(firing)).length === 1,
      () => "it does not fire",
    );
  });

  test("scrapes guarded metrics with its own token, once it may", async () => {
    await using helm = await createHelm(plane.kubeconfigs.admin);
    const [metrics = 0, health = 0] = await freePorts(2);
    const values = {
      controller: { metricsAddress: `127.0.0.1:${metrics}`, healthAddress: `127.0.0.1:${health}` },
      metrics: { secure: { enabled: true }, serviceMonitor: { enabled: true } },
      crds: { install: false },
    };
    await helm.done(["install", "guarded", chart, "--namespace", namespace], values);
    const rendered = await helm.installed("guarded", namespace);
    await using guarded = await runningController(rendered);
    await plane.admin("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "prometheus" } });
    const token = join(plane.address.folder, "prometheus-token");
    await writeFile(token, await tokenOf("prometheus"));
    await using its = await startPrometheus(scrapeConfig(rendered, { token }), []);
    const up = async (): Promise<string | undefined> => (await its.query("up"))[0]?.value[1];
    const lastLines = (): string => guarded.log.slice(-5).join("\n");
    await until(async () => (await up()) === "0", lastLines);
    const grant = ["create", "clusterrolebinding", "reader", "--clusterrole=guarded-holdfast-metrics-reader"];
    await plane.kubectl(...grant, `--serviceaccount=${namespace}:prometheus`);
    await until(async () => (await up()) === "1", lastLines);
  });

  describe("the documented rule of prometheus-adapter", () => {
    const pod = "holdfast-0";
    async function askedMetric(): Promise<string> {
      const { metrics } = pick(manifests, "HorizontalPodAutoscaler").spec as {
        metrics: { pods: { metric: { name: string } } }[];
      };
      return metrics[0]?.pods.metric.name ?? "";
    }
    /** More than a namespace has workers, to servers that do not answer, each with its ten: what is left waits for a worker. */
    async function queueUp(...urls: readonly string[]): Promise<void> {
      for (let nth = 0; nth < 40; nth += 1)
        await requests.create(`waits-${nth}`, { url: urls[nth % urls.length], timeout: "60s", retry: { limit: 0 } });
    }

    test("gives the queue's age of each Pod, by the name that the HorizontalPodAutoscaler asks for", async () => {
      const [rule] = (await documentedRules()).custom;
      expect(rule.seriesQuery.split("{")[0]).toBe(await askedMetric());
      expect((await prometheus.query(rule.seriesQuery)).map(({ metric }) => metric["pod"])).toEqual([pod]);
      const samples = await prometheus.query(queryOf(rule, namespace, pod));
      expect(samples.map(({ metric }) => metric)).toEqual([{ pod }]);
    });

    testWithAdapter("is answered by the adapter itself, while keys wait and before", async () => {
      const { metadata, spec } = podTemplateOf(manifests);
      const { labels } = metadata;
      const path = `/api/v1/namespaces/${namespace}/pods`;
      await accepted(plane, "POST", path, { apiVersion: "v1", kind: "Pod", metadata: { name: pod, labels }, spec });
      await using adapter = await startAdapter(plane, prometheus.url);
      const selector = Object.entries(labels)
        .map((label) => label.join("="))
        .join(",");
      const metric = await askedMetric();
      let said: unknown;
      async function isSaid(isRight: (secs: number) => boolean): Promise<boolean> {
        const items = await adapter.podMetric(namespace, metric, selector);
        said = items;
        if (typeof items === "string" || items.length !== 1) return false;
        expect(items[0]?.describedObject).toMatchObject({ kind: "Pod", name: pod });
        return isRight(numberOf(items[0]?.value ?? ""));
      }
      const otherwise = (): string => `the adapter says ${JSON.stringify(said)}`;
      await until(() => isSaid((secs) => secs < 1), otherwise);
      await using one = await loopbackServer(() => {});
      await using other = await loopbackServer(() => {});
      await queueUp(one.url, other.url);
      await until(() => isSaid((secs) => secs > 2), otherwise);
    });
  });

  test("finds nothing to mend in the metrics", async () => {
    const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
    const child = spawn(chartTools().promtool ?? "", ["check", "metrics"], { stdio: "pipe" });
    child.stdin.end(await response.text());
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    expect([child.exitCode, stdout, stderr]).toEqual([0, "", ""]);
  });
});
