/** prometheus-adapter as it really is, with the rule of the documentation: what a HorizontalPodAutoscaler asks, it answers. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, request } from "undici";
import { parse } from "yaml";
import { startChild } from "../support/child-process.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { freePorts } from "../support/free-ports.ts";
import { chartTools } from "./tools.ts";
import { until } from "./until.ts";

interface Rule {
  readonly seriesQuery: string;
  readonly metricsQuery: string;
}
interface MetricValue {
  readonly describedObject: { readonly kind: string; readonly name: string };
  /** A quantity. */
  readonly value: string;
}
export interface Adapter extends AsyncDisposable {
  /** Of each Pod with these labels; what the adapter says instead where it has none. */
  podMetric(namespace: string, metric: string, labelSelector: string): Promise<readonly MetricValue[] | string>;
}

/** The adapter's values as docs/operations.md has them. */
export async function documentedRules(): Promise<{ readonly custom: readonly [Rule] }> {
  const page = await readFile(join(import.meta.dirname, "../../docs/operations.md"), "utf8");
  const block = page
    .split("```yaml\n")
    .slice(1)
    .map((rest) => rest.split("```")[0] ?? "")
    .find((text) => text.includes("metricsQuery"));
  return (parse(block ?? "") as { rules: { custom: [Rule] } }).rules;
}

/** What the adapter asks Prometheus by a rule, for one Pod. */
export function queryOf({ seriesQuery, metricsQuery }: Rule, namespace: string, pod: string): string {
  return metricsQuery
    .replaceAll("<<.Series>>", seriesQuery.split("{")[0] ?? "")
    .replaceAll("<<.LabelMatchers>>", `namespace="${namespace}",pod=~"${pod}"`)
    .replaceAll("<<.GroupBy>>", "pod");
}

/** Of a quantity of the Kubernetes API that is a number, with or without the suffix for thousandths. */
export function numberOf(quantity: string): number {
  return quantity.endsWith("m") ? Number(quantity.slice(0, -1)) / 1000 : Number(quantity);
}

export async function startAdapter(plane: ControlPlane, prometheusUrl: string): Promise<Adapter> {
  const started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-adapter-"));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  // The chart of the adapter puts its values' `rules.custom` there.
  await writeFile(join(folder, "config.yaml"), JSON.stringify({ rules: (await documentedRules()).custom }));
  const [port = 0] = await freePorts(1);
  const { admin } = plane.kubeconfigs;
  const args = [
    `--config=${join(folder, "config.yaml")}`,
    `--prometheus-url=${prometheusUrl}`,
    "--metrics-relist-interval=1s",
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    `--cert-dir=${folder}`,
    `--lister-kubeconfig=${admin}`,
    `--authentication-kubeconfig=${admin}`,
    `--authorization-kubeconfig=${admin}`,
    "--authentication-skip-lookup=true",
  ];
  const log = join(folder, "log");
  const adapter = started.use(await startChild(chartTools().prometheusAdapter ?? "", args, log));
  const agent = new Agent({ connect: { rejectUnauthorized: false } }); // it signs its certificate itself
  started.defer(() => agent.destroy());
  async function get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const headers = { authorization: `Bearer ${plane.adminToken}` };
    const { statusCode, body } = await request(`https://127.0.0.1:${port}${path}`, { dispatcher: agent, headers });
    return { status: statusCode, text: await body.text() };
  }
  let said = "";
  await until(
    async () => {
      if (adapter.ended) throw new Error(`prometheus-adapter ended:\n${await readFile(log, "utf8")}`);
      const { status, text } = await get("/readyz").catch((error: unknown) => ({ status: 0, text: String(error) }));
      said = text;
      return status === 200;
    },
    () => `prometheus-adapter is not ready: ${said}`,
  );
  return {
    async podMetric(namespace, metric, labelSelector) {
      const of = `namespaces/${namespace}/pods/*/${metric}?labelSelector=${encodeURIComponent(labelSelector)}`;
      const { status, text } = await get(`/apis/custom.metrics.k8s.io/v1beta2/${of}`);
      return status === 200 ? (JSON.parse(text) as { items: MetricValue[] }).items : text;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
