/** Runs Helm, with a home of its own, and reads what it renders. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, test } from "@jest/globals";
import { parseAllDocuments } from "yaml";
import { chartTools, toolsVariable } from "./tools.ts";

const root = join(import.meta.dirname, "../..");
export const chart = join(root, "charts/holdfast");
/** The chart as it was once packaged, with CRDs that know less than today's. */
export const olderChart = join(import.meta.dirname, "holdfast-0.0.1.tgz");

/** `describe`, skipped where Helm cannot be had. */
export const describeWithHelm = process.env[toolsVariable] === "none" ? describe.skip : describe;
/** The same, with Prometheus and promtool. */
export const describeWithPrometheus =
  process.env[toolsVariable] === "none" || !chartTools().prometheus || !chartTools().promtool ? describe.skip : describe;

/** The same, with the Dockerfile's linter. */
export const describeWithHadolint = process.env[toolsVariable] === "none" || !chartTools().hadolint ? describe.skip : describe;

/** `test`, with prometheus-adapter, which takes minutes to build: `make prometheus-adapter` does, and CI. */
export const testWithAdapter = process.env[toolsVariable] === "none" || !chartTools().prometheusAdapter ? test.skip : test;

/** The same, with what asks kstatus, Argo CD's Lua, Flux's CEL and kubeconform. */
export const describeWithGitOps = process.env[toolsVariable] === "none" || !chartTools().gitops ? describe.skip : describe;

/** The same, with a browser. */
export const describeWithBrowser = process.env[toolsVariable] === "none" || !chartTools().chromium ? describe.skip : describe;

/** A test that needs Argo CD's gitops-engine. */
export const testWithGitOpsEngine = process.env[toolsVariable] === "none" || !chartTools().gitopsEngine ? test.skip : test;

export interface HelmResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: unknown;
  readonly rules?: unknown;
}
export interface Helm extends AsyncDisposable {
  /** Never throws for what Helm says: see `code`. `values` is given as a file. */
  run(args: readonly string[], values?: object): Promise<HelmResult>;
  /** As `run`. Throws what Helm says when it fails. */
  done(args: readonly string[], values?: object): Promise<string>;
  /** What `helm template` prints, as objects. Throws what Helm says. */
  render(values?: object, ...args: readonly string[]): Promise<readonly Manifest[]>;
  /** What a release has installed, hooks among it. */
  installed(release: string, namespace: string): Promise<readonly Manifest[]>;
}

/** `kubeconfig`: the cluster's, where there is one. */
export async function createHelm(kubeconfig = "/dev/null"): Promise<Helm> {
  const { helm } = chartTools();
  const home = await mkdtemp(join(tmpdir(), "holdfast-helm-"));
  let files = 0;

  async function run(args: readonly string[], values?: object): Promise<HelmResult> {
    const file = join(home, `values-${(files += 1)}.json`);
    if (values) await writeFile(file, JSON.stringify(values));
    const homes = { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home, KUBECONFIG: kubeconfig };
    const child = spawn(helm, [...args, ...(values ? ["--values", file] : [])], {
      stdio: "pipe",
      env: { ...process.env, ...homes },
    });
    child.stdin.end();
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { code: child.exitCode ?? -1, stdout, stderr };
  }
  async function done(args: readonly string[], values?: object): Promise<string> {
    const { code, stdout, stderr } = await run(args, values);
    if (code !== 0) throw new Error(`helm ${args[0]}: ${stderr}`);
    return stdout;
  }
  return {
    run,
    done,
    async render(values, ...args) {
      return parsed(await done(["template", "holdfast", chart, "--namespace", "holdfast-system", ...args], values));
    },
    async installed(release, namespace) {
      const kinds = ["manifest", "hooks"].map((what) => done(["get", what, release, "--namespace", namespace]));
      return (await Promise.all(kinds)).flatMap(parsed);
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true }),
  };
}

function parsed(rendered: string): readonly Manifest[] {
  return parseAllDocuments(rendered).flatMap((document) => (document.toJS() as Manifest | null) ?? []);
}

/** The values files that come with the chart: paths. */
export async function valuesFiles(): Promise<readonly string[]> {
  return (await readdir(join(chart, "ci"))).map((file) => join(chart, "ci", file));
}

export interface Container {
  readonly image: string;
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly readinessProbe: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly securityContext: { readonly readOnlyRootFilesystem: boolean };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}
export interface PodSpec {
  readonly serviceAccountName: string;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number };
  readonly containers: readonly Container[];
  readonly topologySpreadConstraints?: readonly { readonly labelSelector: { readonly matchLabels: object } }[];
  readonly volumes: readonly unknown[];
}

/** The first of a kind, or with this name. Throws where there is none. */
export function pick(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.find((one) => one.kind === kind && (name === undefined || one.metadata.name === name));
  if (!found) throw new Error(`no ${kind} ${name ?? ""} was rendered`);
  return found;
}
interface PodTemplate {
  readonly metadata: Pick<Manifest["metadata"], "labels">;
  readonly spec: PodSpec;
}
export function podTemplateOf(manifests: readonly Manifest[]): PodTemplate {
  return (pick(manifests, "Deployment").spec as { template: PodTemplate }).template;
}
export function podOf(manifests: readonly Manifest[]): { readonly spec: PodSpec; readonly container: Container } {
  const template = podTemplateOf(manifests);
  const [container] = template.spec.containers;
  if (!container) throw new Error("the Pod has no container");
  return { spec: template.spec, container };
}
