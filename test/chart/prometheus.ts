/** A real Prometheus on loopback, set up as the Prometheus operator would from the chart's own objects. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "../support/child-process.ts";
import { freePorts } from "../support/free-ports.ts";
import { pick, podOf, type Manifest } from "./helm.ts";
import { chartTools } from "./tools.ts";
import { until } from "./until.ts";

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}
export interface Prometheus extends AsyncDisposable {
  readonly url: string;
  /** An instant query. Throws what Prometheus says of it. */
  query(expr: string): Promise<readonly Sample[]>;
  /** `path` below /api/v1/: its data. */
  get(path: string): Promise<unknown>;
}

interface Endpoint {
  readonly port: string;
  readonly path: string;
  readonly scheme?: string;
  readonly bearerTokenFile?: string;
  readonly tlsConfig?: { readonly caFile?: string; readonly serverName?: string; readonly insecureSkipVerify?: boolean };
}

/**
 * The target that the operator makes of the ServiceMonitor, the Service and one Pod: see "relabel_configs" of
 * https://prometheus-operator.dev/docs/developer/getting-started/. But for its interval, which is a second here.
 * `files`: where the token and the CA are that the operator would mount.
 */
export function scrapeConfig(
  manifests: readonly Manifest[],
  files: { readonly token?: string; readonly ca?: string } = {},
): object {
  const { metadata, spec } = pick(manifests, "ServiceMonitor");
  const { endpoints, selector } = spec as {
    readonly endpoints: readonly Endpoint[];
    readonly selector: { readonly matchLabels: object };
  };
  const service = manifests.find(
    ({ kind, metadata }) =>
      kind === "Service" && Object.entries(selector.matchLabels).every(([name, value]) => metadata.labels[name] === value),
  );
  const [endpoint] = endpoints;
  const ports = (service?.spec as { readonly ports: readonly { readonly name: string }[] } | undefined)?.ports ?? [];
  if (!service || !endpoint || !ports.some(({ name }) => name === endpoint.port))
    throw new Error("the ServiceMonitor selects no port of a Service");
  const { container } = podOf(manifests);
  const { containerPort } = container.ports.find(({ name }) => name === "metrics") ?? {};
  const { bearerTokenFile, tlsConfig } = endpoint;
  return {
    job_name: `serviceMonitor/${metadata.namespace}/${metadata.name}/0`,
    honor_labels: false,
    metrics_path: endpoint.path,
    scheme: endpoint.scheme ?? "http",
    scrape_interval: "1s",
    scrape_timeout: "1s",
    ...(bearerTokenFile !== undefined && { authorization: { credentials_file: files.token } }),
    ...(tlsConfig && {
      tls_config: {
        ...(tlsConfig.caFile !== undefined && { ca_file: files.ca }),
        ...(tlsConfig.serverName !== undefined && { server_name: tlsConfig.serverName }),
        ...(tlsConfig.insecureSkipVerify !== undefined && { insecure_skip_verify: tlsConfig.insecureSkipVerify }),
      },
    }),
    static_configs: [
      {
        targets: [`127.0.0.1:${containerPort}`],
        labels: {
          job: service.metadata.name,
          service: service.metadata.name,
          namespace: service.metadata.namespace,
          endpoint: endpoint.port,
          pod: "holdfast-0",
          container: "controller",
        },
      },
    ],
  };
}

/** What the dashboard of kubebuilder's plugin "grafana" reads (controller-runtime-metrics.json), as it asks for it. */
export const elsewhere = [
  "controller_runtime_active_workers{$release}",
  "sum(rate(controller_runtime_reconcile_total{$release}[5m])) by (instance, pod)",
  "sum(rate(controller_runtime_reconcile_errors_total{$release}[5m])) by (instance, pod)",
  "workqueue_depth{$release}",
  "histogram_quantile(0.99, sum(rate(workqueue_queue_duration_seconds_bucket{$release}[5m])) by (instance, name, le))",
  "sum(rate(workqueue_adds_total{$release}[5m])) by (instance, name)",
  "rate(workqueue_unfinished_work_seconds{$release}[5m])",
  "histogram_quantile(0.99, sum(rate(workqueue_work_duration_seconds_bucket{$release}[5m])) by (instance, name, le))",
  "sum(rate(workqueue_retries_total{$release}[5m])) by (instance, name)",
  "sum(rate(controller_runtime_reconcile_time_seconds_bucket{$release}[5m])) by (le)",
  "rate(process_cpu_seconds_total{$release}[5m]) * 100",
  "process_resident_memory_bytes{$release}",
].map((expr) => expr.replace("$release", 'job=~"$job", namespace=~"$namespace"'));

/** Returns once it answers. */
export async function startPrometheus(scrape: object, groups: unknown): Promise<Prometheus> {
  const started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-prometheus-"));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const config = { global: { evaluation_interval: "1s" }, rule_files: ["rules.yaml"], scrape_configs: [scrape] };
  await writeFile(join(folder, "rules.yaml"), JSON.stringify({ groups }));
  await writeFile(join(folder, "prometheus.yaml"), JSON.stringify(config));
  const [port = 0] = await freePorts(1);
  const args = ["--config.file=prometheus.yaml", "--storage.tsdb.path=data", `--web.listen-address=127.0.0.1:${port}`];
  const absolute = args.map((arg) => arg.replace(/=(prometheus.yaml|data)$/, `=${folder}/$1`));
  started.use(await startChild(chartTools().prometheus ?? "", absolute, join(folder, "log")));
  const address = `http://127.0.0.1:${port}`;

  async function get(path: string): Promise<unknown> {
    const response = await fetch(`${address}/api/v1/${path}`, { signal: AbortSignal.timeout(60_000) });
    const { data, error } = (await response.json()) as { readonly data?: unknown; readonly error?: string };
    if (error !== undefined) throw new Error(`${decodeURIComponent(path)}: ${error}`);
    return data;
  }
  const isReady = (): Promise<boolean> =>
    fetch(`${address}/-/ready`, { signal: AbortSignal.timeout(2_000) })
      .then(({ ok }) => ok)
      .catch(() => false);
  await until(isReady, () => "Prometheus is not ready");
  return {
    url: address,
    get,
    async query(expr) {
      const { result } = (await get(`query?query=${encodeURIComponent(expr)}`)) as { readonly result: readonly Sample[] };
      return result;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
