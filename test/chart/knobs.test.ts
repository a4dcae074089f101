/** No value of the chart is without effect: each, set to something of its own, is found again in what is rendered. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { chart, createHelm, describeWithHelm, type Helm } from "./helm.ts";

/** With all that there is, so that there is a place for each value. */
const everything = {
  metrics: { serviceMonitor: { enabled: true }, podMonitor: { enabled: true, authorization: { type: "Bearer" } } },
  prometheusRule: { enabled: true },
  dashboards: { enabled: true },
  admissionPolicy: { enabled: true, httpsOnly: true },
  podDisruptionBudget: { enabled: true },
  autoscaling: { enabled: true },
  controller: { slots: 4 },
  networkPolicy: { enabled: true },
};
/** A ServiceMonitor needs the Service. */
const withoutService = merged(everything, { metrics: { serviceMonitor: { enabled: false } } });
/** Only with others, or in place of others; or what has tests of its own, in values.test.ts or roles.test.ts. */
const apart: readonly RegExp[] = [
  /^controller\./,
  /^(global|nameOverride|namespaceOverride|image\.(tag|digest)|caBundle\.secret)$/,
  /^rbac\.(scope|secrets|outputs|impersonation|tokens)$/,
  /^metrics\.secure\.(certificateSecret|createClusterRoles)$/,
  /^metrics\.\w+\.(authorization|tlsConfig.*)$/,
  /^serviceAccount\.name$/,
  /^podDisruptionBudget\.minAvailable$/,
  /^(autoscaling\.enabled|replicas)$/,
  /^rbac\.checkNamespaces$/,
  /\.renderMode$/,
];
/** What is no text or number; `MARK` is the value's own. */
const samples: Readonly<Record<string, unknown>> = {
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: "MARK", operator: "Exists" }] }],
      },
    },
  },
  "admissionPolicy.actions": ["Audit"],
  "admissionPolicy.namespaceSelector": { matchLabels: { tenant: "MARK" } },
  dnsConfig: { options: [{ name: "MARK" }] },
  "autoscaling.maxReplicas": 4713,
  dnsPolicy: "Default",
  extraContainers: [{ name: "MARK", image: "a" }],
  hostAliases: [{ ip: "10.0.0.1", hostnames: ["MARK"] }],
  hostUsers: false,
  initContainers: [{ name: "MARK", image: "a" }],
  "networkPolicy.ingress": [{ from: [{ podSelector: { matchLabels: { app: "MARK" } } }] }],
  "podDisruptionBudget.unhealthyPodEvictionPolicy": "AlwaysAllow",
  revisionHistoryLimit: 4712,
  strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "MARK" } },
  extraArgs: ["--log-format=MARK"],
  extraEnv: [{ name: "MARK", valueFrom: { secretKeyRef: { name: "proxy", key: "url" } } }],
  extraObjects: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "MARK" } }],
  extraVolumeMounts: [{ name: "more", mountPath: "/MARK" }],
  extraVolumes: [{ name: "MARK", emptyDir: {} }],
  imagePullSecrets: [{ name: "MARK" }],
  "image.pullPolicy": "Always",
  "node.heapPercent": 37,
  "networkPolicy.egress": [{ to: [{ podSelector: { matchLabels: { app: "MARK" } } }] }],
  "networkPolicy.metricsFrom": [{ podSelector: { matchLabels: { app: "MARK" } } }],
  "prometheusRule.disabled": ["HoldfastDown"],
  "resources.limits.memory": "517Mi",
  "resources.requests.cpu": "53m",
  "resources.requests.memory": "193Mi",
  "securityContext.capabilities.drop": ["MARK"],
  terminationGracePeriodSeconds: 4711,
  tolerations: [{ key: "MARK", operator: "Exists" }],
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "MARK", whenUnsatisfiable: "ScheduleAnyway" }],
  "metrics.serviceMonitor.interval": "71s",
  "metrics.podMonitor.interval": "72s",
  "metrics.serviceMonitor.scrapeTimeout": "11s",
  "metrics.podMonitor.scrapeTimeout": "12s",
};
for (const monitor of ["serviceMonitor", "podMonitor"])
  for (const list of ["relabelings", "metricRelabelings"])
    Object.assign(samples, { [`metrics.${monitor}.${list}`]: [{ action: "labeldrop", regex: "MARK" }] });

interface Leaf {
  readonly path: string;
  readonly value: unknown;
}
function leaves(value: unknown, path: string): readonly Leaf[] {
  const isSection = typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  if (!isSection) return [{ path, value }];
  return Object.entries(value).flatMap(([name, one]) => leaves(one, path === "" ? name : `${path}.${name}`));
}
/** Nested, as values are. */
function nested(path: string, value: unknown): Record<string, unknown> {
  return path.split(/\.(?!io\/)/).reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Record<string, unknown>;
}
function merged(a: unknown, b: unknown): unknown {
  const isObject = (one: unknown): one is Record<string, unknown> =>
    typeof one === "object" && one !== null && !Array.isArray(one);
  if (!isObject(a) || !isObject(b)) return b;
  return { ...a, ...Object.fromEntries(Object.entries(b).map(([name, one]) => [name, merged(a[name], one)])) };
}

describeWithHelm("each value of the chart", () => {
  let helm: Helm;
  let all: readonly Leaf[];
  beforeAll(async () => {
    helm = await createHelm();
    all = leaves(parse(await helm.done(["show", "values", chart])), "").filter(
      ({ path }) => !apart.some((pattern) => pattern.test(path)),
    );
  });
  afterAll(async () => helm[Symbol.asyncDispose]());
  const rendered = (values: unknown): Promise<string> =>
    helm.done(["template", "holdfast", chart, "--namespace", "holdfast-system"], values as object);

  test("that is no switch is found in what is rendered", async () => {
    const given = all
      .filter(({ value }) => typeof value !== "boolean")
      .map(({ path, value }, index) => ({ path, ...sampled(path, value, index) }));
    expect(given.length).toBeGreaterThan(60);
    const values = given.reduce<unknown>((sum, { path, value }) => merged(sum, nested(path, value)), everything);
    const text = await rendered(values);
    expect(given.filter(({ mark }) => !text.includes(mark)).map(({ path }) => path)).toEqual([]);
  });
  function sampled(path: string, value: unknown, index: number): { readonly mark: string; readonly value: unknown } {
    const mark = typeof value === "number" ? String(value < 1 ? Number(`0.${index}1`) : 4000 + index) : `mark-${index}`;
    if (typeof value === "number" && samples[path] === undefined) return { mark, value: Number(mark) };
    const sample = JSON.stringify(samples[path] ?? (typeof value === "string" ? "MARK" : { name: "MARK" }));
    return { mark: sample.includes("MARK") ? mark : "", value: JSON.parse(sample.replaceAll("MARK", mark)) as unknown };
  }

  test("that is a switch or one of few changes what is rendered", async () => {
    const others = all.filter(
      ({ path, value }) => typeof value === "boolean" || !JSON.stringify(samples[path] ?? "MARK").includes("MARK"),
    );
    expect(others.length).toBeGreaterThan(20);
    const [base, baseWithoutService] = [await rendered(everything), await rendered(withoutService)];
    const without: string[] = [];
    for (const { path, value } of others) {
      const isOn = path.split(".").reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], everything);
      const change = nested(path, samples[path] ?? !(isOn ?? value));
      const changed =
        path === "metrics.service.create"
          ? (await rendered(merged(withoutService, change))) !== baseWithoutService
          : (await rendered(merged(everything, change))) !== base;
      if (!changed) without.push(path);
    }
    expect(without).toEqual([]);
  });
});
