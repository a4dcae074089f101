/** What the chart makes of values: the controller's own flags, parsed by the controller, are the judge of its arguments. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Command, type Option } from "commander";
import { parseAllDocuments } from "yaml";
import { canBeOff, flags, isUnsafe, setBySecureMetrics } from "../../tools/generate/chart/flags.ts";
import { controllerSettings } from "../../src/config.ts";
import {
  chart,
  createHelm,
  describeWithHelm,
  olderChart,
  pick,
  podOf,
  valuesFiles,
  type Helm,
  type Manifest,
  type PodSpec,
} from "./helm.ts";

/** A value for each flag, by what it calls its argument; not its default. */
function sample(option: Option): unknown {
  const argument = /<(.*)>/.exec(option.flags)?.[1];
  if (argument === "prefix") return ["2001:db8:64::/96", "fd64:1::/32"];
  if (Array.isArray(option.defaultValue)) return ["team-a", "team-b"];
  if (option.argChoices) return option.argChoices.find((choice) => choice !== option.defaultValue);
  switch (argument) {
    case "n":
      return 7;
    case "bytes":
      return 123_456_789; // a float would be written as 1.23456789e+08
    case "duration":
      return "1m7s";
    case "true|false":
      return option.defaultValue === false;
    case "address":
    case "address|off":
      return "127.0.0.1:7007";
    case "namespace/name|none":
      return "team-a/provider";
    case undefined:
      throw new Error(`${option.flags} has no argument`);
  }
  return "team-a";
}

/** As `holdfast controller` reads its command line. */
function parsed(args: readonly string[]): Readonly<Record<string, unknown>> {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  for (const option of controllerSettings) command.addOption(option);
  command.parse([...args], { from: "user" });
  return command.opts();
}

const scopedCrossplane = {
  rbac: { scope: "namespaces", crossplane: { create: true } },
  controller: { namespace: ["a"] },
};

describeWithHelm("the chart's values", () => {
  let helm: Helm;
  let folder: string;
  beforeAll(async () => {
    helm = await createHelm();
    folder = await mkdtemp(join(tmpdir(), "holdfast-values-"));
  });
  afterAll(async () => {
    await helm[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  test("passes Helm's strict lint, alone and with each of its values files", async () => {
    for (const file of ["/dev/null", ...(await valuesFiles())]) {
      const { code, stdout, stderr } = await helm.run(["lint", "--strict", chart, "--values", file]);
      expect([file, code, stderr]).toEqual([file, 0, ""]);
      expect(stdout).not.toMatch(/WARNING|ERROR/);
    }
  });

  test("has the version of the package, and of the only kinds of Kubernetes that are supported", async () => {
    const { version } = JSON.parse(await readFile(join(chart, "../../package.json"), "utf8")) as { version: string };
    const shown = await helm.done(["show", "chart", chart]);
    expect(shown).toContain(`appVersion: ${version}\n`);
    expect((await helm.run(["template", chart, "--kube-version", "1.29.0"])).stderr).toContain(">=1.30");
    expect((await helm.run(["template", chart, "--kube-version", "1.30.0-eks-1"])).code).toBe(0);
  });

  test("hands every flag but the unsafe ones to the controller, which reads the value that was given", async () => {
    const reachable = controllerSettings.filter(
      (option) => !isUnsafe(option.name()) && !setBySecureMetrics.includes(option.attributeName()),
    );
    expect(reachable.length).toBeGreaterThan(20);
    const given = Object.fromEntries(reachable.map((option) => [option.attributeName(), sample(option)]));
    const { container } = podOf(await helm.render({ controller: given }));
    const [command, ...args] = container.args;
    expect(command).toBe("controller");
    const own = Object.fromEntries(reachable.map((option) => [option.attributeName(), parsed(asFlag(option, given))]));
    const settings = parsed(args);
    for (const name of Object.keys(given)) expect([name, settings[name]]).toEqual([name, own[name]?.[name]]);
  });
  function asFlag(option: Option, given: Readonly<Record<string, unknown>>): readonly string[] {
    return [`${option.long}=${String(given[option.attributeName()])}`];
  }

  test("leaves to the controller what is not set", async () => {
    const { container } = podOf(await helm.render());
    expect(container.args).toEqual([
      "controller",
      "--health-address=:8081",
      "--impersonation-grant=holdfast-impersonator --clusterrole=holdfast-impersonator --serviceaccount=holdfast-system:holdfast",
      "--lease-name=holdfast",
      "--metrics-address=:8080",
      "--output-grant=holdfast-output-writer --clusterrole=holdfast-output-writer --serviceaccount=holdfast-system:holdfast",
      "--secret-grant=holdfast-secret-reader --clusterrole=holdfast-secret-reader --serviceaccount=holdfast-system:holdfast",
      "--service-account-token-grant=holdfast-token-requester --clusterrole=holdfast-token-requester --serviceaccount=holdfast-system:holdfast",
      "--shutdown-timeout=25s",
    ]);
    expect(container.env).toEqual([{ name: "NODE_OPTIONS", value: "--max-old-space-size-percentage=50" }]);
  });

  test("takes off without quotes, which is false in YAML 1.1, wherever off can be said", async () => {
    const offs = flags.filter(canBeOff).map((option) => option.attributeName());
    expect(offs).toEqual(["serveProviderHttp", "adminAddress"]);
    const file = join(folder, "off.yaml");
    await writeFile(file, `controller:\n${offs.map((name) => `  ${name}: off\n`).join("")}`);
    for (const more of [[], ["--skip-schema-validation"]]) {
      const manifests = await helm.render({}, "--values", file, ...more);
      expect(podOf(manifests).container.args).toEqual(
        expect.arrayContaining(["--serve-provider-http=off", "--admin-address=off"]),
      );
      expect(JSON.stringify(manifests)).not.toContain("http.crossplane.io");
    }
    expect(await readFile(join(chart, "values.yaml"), "utf8")).not.toMatch(/: (off|on|yes|no)$/m);
  });

  test("takes an older chart's values in place of its own, as --reuse-values gives them", async () => {
    const older = join(folder, "of-older-values");
    await cp(chart, older, { recursive: true });
    await writeFile(join(older, "values.yaml"), await helm.done(["show", "values", olderChart]));
    const everything = "metrics.podMonitor.enabled=true,metrics.serviceMonitor.enabled=true,networkPolicy.enabled=true";
    for (const sets of ["replicas=1", `podDisruptionBudget.enabled=true,${everything}`])
      expect(await helm.done(["install", "holdfast", older, "--dry-run=client", "--set", sets])).toContain("kind: Deployment");
  });

  test.each<[string, object, string]>([
    ["a value that there is not", { replica: 2 }, "replica"],
    ["a flag that there is not", { controller: { concurency: 5 } }, "concurency"],
    ["a flag that makes it unsafe", { controller: { egressUnsafeAllow: "127.0.0.0/8" } }, "egressUnsafeAllow"],
    ["an unsafe argument", { extraArgs: ["--egress-unsafe-allow=127.0.0.0/8"] }, "extraArgs"],
    ["an unsafe variable", { extraEnv: [{ name: "HOLDFAST_EGRESS_UNSAFE_ALLOW", value: "127.0.0.0/8" }] }, "extraEnv"],
    ["text for a number", { controller: { concurrency: "many" } }, "concurrency"],
    ["a number that the controller refuses", { controller: { concurrency: 0 } }, "concurrency"],
    ["a greater one than it takes", { controller: { concurrency: 1001 } }, "concurrency"],
    ["a duration without a unit", { controller: { shutdownTimeout: "25" } }, "shutdownTimeout"],
    ["what is no prefix of a NAT64", { controller: { nat64Prefix: ["2001:db8::/33"] } }, "/controller/nat64Prefix/0"],
    ["what no namespace can be called", { controller: { namespace: ["Team_A"] } }, "/controller/namespace/0"],
    ["a level that there is not", { controller: { logLevel: "trace" } }, "logLevel"],
    ["a digest that is none", { image: { digest: "latest" } }, "digest"],
    ["a scope that there is not", { rbac: { scope: "namespace" } }, "scope"],
    ["Secrets of everybody, misspelt", { rbac: { secrets: "all" } }, "secrets"],
    ["namespaces to be without their names", { rbac: { scope: "namespaces" } }, "controller.namespace"],
    [
      "Secrets of a namespace that is not watched",
      { rbac: { scope: "namespaces", secrets: ["team-b"] }, controller: { namespace: ["team-a"] } },
      "team-b",
    ],
    [
      "all Secrets with rights in some namespaces",
      { rbac: { scope: "namespaces", secrets: "cluster" }, controller: { namespace: ["a"] } },
      "contradict",
    ],
    [
      "outputs in a namespace that is not watched",
      { rbac: { scope: "namespaces", outputs: ["team-b"] }, controller: { namespace: ["team-a"] } },
      "rbac.outputs: namespace team-b",
    ],
    ["leave to act as every ServiceAccount", { rbac: { impersonation: "cluster" } }, "/rbac/impersonation"],
    ["leave to make every ServiceAccount's tokens", { rbac: { tokens: "cluster" } }, "/rbac/tokens"],
    [
      "acting in a namespace that is not watched",
      { rbac: { scope: "namespaces", impersonation: ["team-b"] }, controller: { namespace: ["team-a"] } },
      "rbac.impersonation: namespace team-b",
    ],
    [
      "guarded metrics with rights in some namespaces, with the command that lets it",
      { rbac: { scope: "namespaces" }, controller: { namespace: ["a"] }, metrics: { secure: { enabled: true } } },
      "kubectl create clusterrolebinding release-name-holdfast-metrics-auth --clusterrole=system:auth-delegator --serviceaccount=default:release-name-holdfast`, and set metrics.secure.createClusterRoles: false",
    ],
    ["two replicas that both work", { replicas: 2, controller: { leaderElect: false } }, "leaderElect"],
    ["less time to end than it takes", { terminationGracePeriodSeconds: 25 }, "terminationGracePeriodSeconds"],
    [
      "a ServiceMonitor of no Service",
      { metrics: { service: { create: false }, serviceMonitor: { enabled: true } } },
      "metrics.service",
    ],
    ["a policy that refuses nothing", { admissionPolicy: { enabled: true, noLiteralCredentials: false } }, "admissionPolicy"],
    ["two sources of CAs", { caBundle: { configMap: "a", secret: "b" } }, "caBundle"],
    ["a pull secret without its key", { imagePullSecrets: ["regcred"] }, "/imagePullSecrets/0"],
    ["the same of all charts", { global: { imagePullSecrets: ["regcred"] } }, "/global/imagePullSecrets/0"],
    ["an operator that tolerations do not have", { tolerations: [{ key: "a", operator: "In" }] }, "/tolerations/0/operator"],
    ["a misspelt affinity", { affinity: { nodeAfinity: {} } }, "nodeAfinity"],
    ["a quantity that is none", { resources: { limits: { memory: "512MB" } } }, "/resources/limits/memory"],
    ["a share that is none", { podDisruptionBudget: { minAvailable: "half" } }, "/podDisruptionBudget/minAvailable"],
    ["a label that is no word", { commonLabels: { team: "a b" } }, "/commonLabels/team"],
    ["an entry of hosts without an address", { hostAliases: [{ hostnames: ["a"] }] }, "/hostAliases/0"],
    ["a DNS policy that there is not", { dnsPolicy: "Never" }, "/dnsPolicy"],
    ["a strategy that there is not", { strategy: { type: "Rolling" } }, "/strategy/type"],
    ["two Pods at once that both work", { strategy: { type: "RollingUpdate" }, controller: { leaderElect: false } }, "Recreate"],
    ["a probe without a pause", { livenessProbe: { periodSeconds: 0 } }, "/livenessProbe/periodSeconds"],
    ["a misspelt probe", { readinessProbe: { perodSeconds: 1 } }, "perodSeconds"],
    ["a volume without a name", { extraVolumes: [{ emptyDir: {} }] }, "/extraVolumes/0"],
    ["a container without a name", { extraContainers: [{ image: "a" }] }, "/extraContainers/0"],
    ["a class that is no name", { priorityClassName: "A B" }, "/priorityClassName"],
    ["peers that are no objects", { networkPolicy: { metricsFrom: ["prometheus"] } }, "/networkPolicy/metricsFrom/0"],
    ["replicas for the queue where only one works", { autoscaling: { enabled: true } }, "autoscaling needs slots"],
    [
      "fewer Pods at most than at least",
      { autoscaling: { enabled: true, minReplicas: 5 }, controller: { slots: 4 } },
      "autoscaling.minReplicas: 5 is more than the 4",
    ],
    ["rights of Crossplane in some namespaces", scopedCrossplane, "rbac.crossplane"],
    [
      "monitors that the cluster does not have, where that is said",
      { metrics: { podMonitor: { enabled: true, renderMode: "failIfMissing" } } },
      "the cluster has no PodMonitor",
    ],
  ])("refuses %s", async (_, values, message) => {
    const { code, stderr } = await helm.run(["template", chart], values);
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
  });

  // What Kubernetes has of another type, however deep: its own types are the schema's.
  test.each<[string, object]>([
    ["/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms", deep("affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms", "a")], // prettier-ignore
    ["/affinity/podAntiAffinity", deep("affinity.podAntiAffinity", [])],
    ["/dnsConfig/nameservers", deep("dnsConfig.nameservers", "10.0.0.1")],
    ["/dnsConfig/options/0", deep("dnsConfig.options", ["ndots:2"])],
    ["/extraContainers/0/ports/0/containerPort", { extraContainers: [{ name: "a", ports: [{ containerPort: "80" }] }] }],
    ["/extraContainers/0/resources", { extraContainers: [{ name: "a", resources: [] }] }],
    ["/initContainers/0/command", { initContainers: [{ name: "a", command: "sh -c true" }] }],
    ["/initContainers/0/env/0/value", { initContainers: [{ name: "a", env: [{ name: "A", value: 1 }] }] }],
    ["/extraEnv/0/value", { extraEnv: [{ name: "A", value: 1 }] }],
    ["/extraEnv/0/value", { extraEnv: [{ name: "A", value: true }] }],
    ["/extraEnv/0/valueFrom/secretKeyRef", { extraEnv: [{ name: "A", valueFrom: { secretKeyRef: "a" } }] }],
    ["/extraVolumes/0/emptyDir", { extraVolumes: [{ name: "a", emptyDir: "" }] }],
    ["/extraVolumes/0/secret/items", { extraVolumes: [{ name: "a", secret: { secretName: "a", items: "k" } }] }],
    ["/extraVolumes/0/configMap/defaultMode", { extraVolumes: [{ name: "a", configMap: { defaultMode: "0644" } }] }],
    ["/extraVolumeMounts/0/readOnly", { extraVolumeMounts: [{ name: "a", mountPath: "/a", readOnly: "yes" }] }],
    ["/podSecurityContext/runAsUser", deep("podSecurityContext.runAsUser", "root")],
    ["/podSecurityContext/supplementalGroups", deep("podSecurityContext.supplementalGroups", 1)],
    ["/securityContext/capabilities/drop", deep("securityContext.capabilities.drop", "ALL")],
    ["/securityContext/readOnlyRootFilesystem", deep("securityContext.readOnlyRootFilesystem", "true")],
    ["/strategy/rollingUpdate", deep("strategy.rollingUpdate", "25%")],
    ["/tolerations/0/tolerationSeconds", { tolerations: [{ key: "a", operator: "Exists", tolerationSeconds: "1m" }] }],
    ["/tolerations/0/key", { tolerations: [{ key: 1 }] }],
    [
      "/topologySpreadConstraints/0/labelSelector",
      {
        topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "a", whenUnsatisfiable: "ScheduleAnyway", labelSelector: "a=b" }],
      },
    ],
    ["/networkPolicy/ingress/0/from", deep("networkPolicy.ingress", [{ from: "all" }])],
    ["/networkPolicy/egress/0/ports/0/protocol", deep("networkPolicy.egress", [{ ports: [{ protocol: 6 }] }])],
    ["/networkPolicy/metricsFrom/0/podSelector", deep("networkPolicy.metricsFrom", [{ podSelector: "a" }])],
    ["/admissionPolicy/namespaceSelector/matchLabels/a", deep("admissionPolicy.namespaceSelector.matchLabels", { a: 1 })],
    ["/metrics/podMonitor/relabelings/0/sourceLabels", deep("metrics.podMonitor.relabelings", [{ sourceLabels: "a" }])],
    ["/metrics/serviceMonitor/tlsConfig/insecureSkipVerify", deep("metrics.serviceMonitor.tlsConfig.insecureSkipVerify", "no")],
    ["/extraObjects/0", { extraObjects: [{ kind: "ConfigMap" }] }],
    ["/podAnnotations/a", { podAnnotations: { a: 1 } }],
    ["/nodeSelector/a", { nodeSelector: { a: true } }],
  ])("refuses another type at %s", async (place, values) => {
    const { code, stderr } = await helm.run(["template", chart], values);
    expect([place, code === 0]).toEqual([place, false]);
    expect(stderr).toContain(`at '${place}'`);
  });

  test.each([
    ["25s", 35],
    ["1m30s", 100],
    ["500ms", 11],
    ["1h", 3610],
  ])("leaves ten seconds more than a shutdown of %s before it is killed", async (shutdownTimeout, seconds) => {
    const { spec } = podOf(await helm.render({ controller: { shutdownTimeout } }));
    expect(spec.terminationGracePeriodSeconds).toBe(seconds);
  });

  test("adds Pods while keys wait, up to as many as there are slots, and leaves their number to that", async () => {
    const manifests = await helm.render({ autoscaling: { enabled: true }, controller: { slots: 4 } });
    expect(pick(manifests, "HorizontalPodAutoscaler").spec).toMatchObject({
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "holdfast" },
      minReplicas: 2,
      maxReplicas: 4,
      metrics: [
        {
          type: "Pods",
          pods: { metric: { name: "holdfast_queue_age_seconds" }, target: { type: "AverageValue", averageValue: "30" } },
        },
      ],
    });
    expect(pick(manifests, "Deployment").spec).not.toHaveProperty("replicas");
  });

  test("guards the metrics, with what that takes, where it is told to", async () => {
    const guarded = (secure: object): Promise<readonly Manifest[]> =>
      helm.render({ metrics: { secure: { enabled: true, ...secure }, serviceMonitor: { enabled: true } } });
    const manifests = await guarded({ certificateSecret: "our-certificate" });
    const { container } = podOf(manifests);
    expect(parsed(container.args.slice(1))).toMatchObject({
      metricsSecure: true,
      metricsCertFile: "/etc/holdfast/metrics/tls.crt",
      metricsKeyFile: "/etc/holdfast/metrics/tls.key",
    });
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toContain("/etc/holdfast/metrics");
    expect(podOf(await guarded({})).container.args.filter((arg) => arg.startsWith("--metrics-"))).toEqual([
      "--metrics-address=:8080",
      "--metrics-secure=true",
    ]);
    const bound = manifests.filter(({ kind, metadata }) => kind.endsWith("Binding") && metadata.name.includes("metrics"));
    expect(bound.map(({ metadata }) => metadata.name)).toEqual(["holdfast-metrics-auth"]);
    const byHand = await helm.render({
      rbac: { scope: "namespaces" },
      controller: { namespace: ["team-a"] },
      metrics: { secure: { enabled: true, createClusterRoles: false } },
    });
    expect(podOf(byHand).container.args).toContain("--metrics-secure=true");
    expect(byHand.filter(({ kind }) => kind.startsWith("ClusterRole"))).toEqual([]);
    const { stderr } = await helm.run(["template", chart], {
      metrics: { secure: { enabled: true }, podMonitor: { enabled: true } },
    });
    expect(stderr).toContain("authorization");
  });

  test("has Prometheus verify the certificate where it is told how, and only then", async () => {
    const tlsConfigs = async (tlsConfig?: object): Promise<readonly unknown[]> => {
      const own = { enabled: true, authorization: { credentials: { name: "a", key: "b" } }, ...(tlsConfig && { tlsConfig }) };
      const manifests = await helm.render({ metrics: { secure: { enabled: true }, serviceMonitor: own, podMonitor: own } });
      type Endpoints = readonly { readonly tlsConfig: unknown }[];
      const endpoints = ["ServiceMonitor", "PodMonitor"].flatMap((kind) =>
        Object.values(pick(manifests, kind).spec as Record<string, Endpoints>).flatMap((one) => (Array.isArray(one) ? one : [])),
      );
      return (endpoints as Endpoints).map((one) => one.tlsConfig);
    };
    expect(await tlsConfigs()).toEqual([{ insecureSkipVerify: true }, { insecureSkipVerify: true }]);
    const told = { ca: { secret: { name: "our-certificate", key: "ca.crt" } }, serverName: "holdfast-metrics" };
    expect(await tlsConfigs(told)).toEqual([told, told]);
  });

  test("asks in `helm test` at the port that the Pods listen at, as a headless Service has no other", async () => {
    const manifests = await helm.render({ controller: { metricsAddress: ":9090" }, metrics: { service: { port: 80 } } });
    expect(pick(manifests, "Service").spec).toMatchObject({ clusterIP: "None" });
    const { containers } = pick(manifests, "Pod").spec as PodSpec;
    const url = "http://holdfast-metrics.holdfast-system.svc:9090/metrics";
    expect(containers[0]?.env).toContainEqual({ name: "METRICS_URL", value: url });
  });

  test("takes a release and namespaces whose names look like numbers", async () => {
    const values = {
      rbac: { scope: "namespaces" },
      controller: { namespace: ["1e3", "0x1f"] },
      networkPolicy: { enabled: true },
    };
    const names = { "app.kubernetes.io/name": "12", "app.kubernetes.io/instance": "123" };
    const list = await helm.done(["template", "123", chart, "--namespace", "12345"], { ...values, nameOverride: "12" });
    const manifests = parseAllDocuments(list).flatMap((document) => (document.toJS() as Manifest | null) ?? []);
    for (const { kind, metadata } of manifests) expect([kind, metadata.labels]).toMatchObject([kind, names]);
    const namespaces = manifests.flatMap(({ metadata: { namespace } }) => (namespace === undefined ? [] : [namespace]));
    expect(new Set(namespaces)).toEqual(new Set(["12345", "1e3", "0x1f"]));
    const subjects = manifests.flatMap((one) => (one as { subjects?: { namespace: unknown }[] }).subjects ?? []);
    expect(new Set(subjects.map(({ namespace }) => namespace))).toEqual(new Set(["12345"]));
    expect(pick(manifests, "Deployment").spec).toMatchObject({
      selector: { matchLabels: names },
      template: { metadata: { labels: names } },
    });
  });

  test("says where policies are not looked at, although it has rights everywhere", async () => {
    const notes = (controller: object): Promise<string> =>
      helm.done(["install", "holdfast", chart, "--dry-run=client"], { controller, crds: { install: false } });
    const told = "and at no EgressPolicy";
    expect(await notes({ namespace: ["team-a"] })).toContain(told);
    expect(await notes({ namespace: ["team-a"], egressDefault: "deny" })).toContain("they are not looked at");
    expect(await notes({})).not.toContain(told);
  });

  test("names the image by its digest where there is one", async () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const image = { repository: "registry.example.com/holdfast", tag: "1.2.3" };
    expect(podOf(await helm.render({ image })).container.image).toBe("registry.example.com/holdfast:1.2.3");
    expect(podOf(await helm.render({ image: { ...image, digest } })).container.image).toBe(
      `registry.example.com/holdfast@${digest}`,
    );
  });

  test("takes the registry and pull secrets of all charts, and puts its own first", async () => {
    const global = { imageRegistry: "mirror.example.com", imagePullSecrets: [{ name: "all" }, { name: "own" }] };
    const own = { imagePullSecrets: [{ name: "own" }] };
    const { container, spec } = podOf(await helm.render({ global, ...own }));
    expect(container.image).toMatch(/^mirror\.example\.com\/holdfast:/);
    expect(spec).toMatchObject({ imagePullSecrets: [{ name: "own" }, { name: "all" }] });
    const image = { registry: "registry.example.com", repository: "team/holdfast" };
    expect(podOf(await helm.render({ global, image })).container.image).toMatch(/^registry\.example\.com\/team\/holdfast:/);
  });

  test("takes a `global:` with nothing below it", async () => {
    expect(podOf(await helm.render({ global: null })).container.image).toMatch(/^holdfast:/);
  });

  test("makes all that is not the cluster's in another namespace, where it is told to", async () => {
    const manifests = await helm.render({ namespaceOverride: "elsewhere", ...monitored });
    const namespaces = manifests.flatMap(({ metadata: { namespace } }) => (namespace === undefined ? [] : [namespace]));
    expect(new Set(namespaces)).toEqual(new Set(["elsewhere", "monitoring"]));
    expect(JSON.stringify(manifests)).not.toContain("holdfast-system");
    expect(pick(manifests, "ServiceMonitor").spec).toMatchObject({ namespaceSelector: { matchNames: ["elsewhere"] } });
  });
  const monitored = { metrics: { serviceMonitor: { enabled: true, namespace: "monitoring" } } };

  test("leaves users and groups to OpenShift", async () => {
    const manifests = await helm.render({ openshift: true });
    for (const { securityContext } of [podOf(manifests).spec, pick(manifests, "Pod").spec] as { securityContext: object }[])
      expect(securityContext).toEqual({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
  });

  test("budgets by what must be there in place of what may be away", async () => {
    const podDisruptionBudget = { enabled: true, minAvailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow" };
    const { spec } = pick(await helm.render({ podDisruptionBudget }), "PodDisruptionBudget");
    expect(spec).toMatchObject({ minAvailable: 1, unhealthyPodEvictionPolicy: "AlwaysAllow" });
    expect(spec).not.toHaveProperty("maxUnavailable");
  });

  test("leaves out what the cluster has no kind for, where it is told to", async () => {
    const settings = { enabled: true, renderMode: "skipIfMissing" };
    const values = { metrics: { serviceMonitor: settings, podMonitor: settings }, prometheusRule: settings };
    const kinds = ["ServiceMonitor", "PodMonitor", "PrometheusRule"];
    const made = async (...args: readonly string[]): Promise<readonly string[]> =>
      (await helm.render(values, ...args)).map(({ kind }) => kind).filter((kind) => kinds.includes(kind));
    expect(await made()).toEqual([]);
    const apis = kinds.flatMap((kind) => ["--api-versions", `monitoring.coreos.com/v1/${kind}`]);
    expect((await made(...apis)).toSorted()).toEqual(kinds.toSorted());
  });

  test("gives the heap no size of its own where memory has no limit", async () => {
    expect(podOf(await helm.render({ resources: { limits: null } })).container.env).toBeUndefined();
  });

  test("takes CAs, a proxy, variables, volumes and labels", async () => {
    const manifests = await helm.render({
      caBundle: { configMap: "our-ca", key: "bundle.pem" },
      proxy: { https: "http://proxy:3128", noProxy: ".svc" },
      extraEnv: [{ name: "TZ", value: "UTC" }],
      extraVolumes: [{ name: "more", emptyDir: {} }],
      extraVolumeMounts: [{ name: "more", mountPath: "/more" }],
      extraArgs: ["--log-format=text"],
      commonLabels: { team: "platform" },
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }],
      extraObjects: ["{apiVersion: v1, kind: ConfigMap, metadata: {name: '{{ .Release.Name }}-more'}}"],
    });
    const { container, spec } = podOf(manifests);
    expect(container.env).toEqual([
      { name: "NODE_OPTIONS", value: "--max-old-space-size-percentage=50" },
      { name: "NODE_EXTRA_CA_CERTS", value: "/etc/holdfast/ca/bundle.pem" },
      { name: "HTTPS_PROXY", value: "http://proxy:3128" },
      { name: "NO_PROXY", value: ".svc" },
      { name: "TZ", value: "UTC" },
    ]);
    expect(container.args.at(-1)).toBe("--log-format=text");
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toEqual([
      "/var/run/secrets/kubernetes.io/serviceaccount",
      "/etc/holdfast/ca",
      "/more",
    ]);
    expect(spec.volumes).toHaveLength(3);
    expect(spec.topologySpreadConstraints?.[0]?.labelSelector.matchLabels).toMatchObject({
      "app.kubernetes.io/instance": "holdfast",
    });
    expect(pick(manifests, "ConfigMap").metadata.name).toBe("holdfast-more");
    const ours = manifests.filter(({ kind }) => kind !== "ConfigMap");
    for (const { kind, metadata } of ours) expect([kind, metadata.labels]).toMatchObject([kind, { team: "platform" }]);
  });

  test("lets the process write its journal, and nothing else", async () => {
    const { container } = podOf(await helm.render({ controller: { journal: "/var/lib/holdfast" } }));
    expect(container.args).toContain("--journal=/var/lib/holdfast");
    expect(container.env).toEqual([
      { name: "NODE_OPTIONS", value: "--max-old-space-size-percentage=50 --allow-fs-write=/var/lib/holdfast/" },
    ]);
  });

  test("opens nothing where policies cannot be read, unless it is told to", async () => {
    const egressDefault = async (values: object): Promise<readonly string[]> =>
      podOf(await helm.render(values)).container.args.filter((arg) => arg.startsWith("--egress-default"));
    const scoped = { rbac: { scope: "namespaces" }, controller: { namespace: ["team-a"] } };
    expect(await egressDefault({})).toEqual([]);
    expect(await egressDefault(scoped)).toEqual(["--egress-default=deny"]);
    const told = { ...scoped, controller: { ...scoped.controller, egressDefault: "allow-public" } };
    expect(await egressDefault(told)).toEqual(["--egress-default=allow-public"]);
  });

  test.each([
    ["alone", []],
    ...["minimal", "ha", "restricted"].map((name) => [name, ["--values", join(chart, `ci/${name}-values.yaml`)]] as const),
  ])("gives its Pods no token of their ServiceAccount but the projected one, which lasts an hour: %s", async (_, args) => {
    const manifests = await helm.render({}, ...args);
    const pods = manifests.filter(({ kind }) => kind === "Pod").map(({ spec }) => spec as PodSpec);
    const { spec } = podOf(manifests);
    for (const pod of [spec, ...pods, pick(manifests, "ServiceAccount")])
      expect(pod).toMatchObject({ automountServiceAccountToken: false });
    const tokens = [spec, ...pods].flatMap((pod) => JSON.stringify(pod).match(/"serviceAccountToken":\{[^}]*\}/g) ?? []);
    expect(tokens).toEqual(['"serviceAccountToken":{"path":"token","expirationSeconds":3600}']);
  });
});

/** An object with this value at that path. */
function deep(path: string, value: unknown): object {
  return path.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as object;
}
