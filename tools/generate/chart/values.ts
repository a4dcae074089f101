/** Every value of the chart, once: values.yaml, its schema and the chart's README are made from this. */
import { alerts } from "../monitoring/alerts.ts";
import { flagValues } from "./flags.ts";
import { named, objects, podValues, schedulingValues } from "./pod.ts";
import { integer, kubernetes, labels, list, section, text, texts, toggle, typed, typedItems, type Value } from "./schema.ts";

const podPort = { minimum: 1, maximum: 65_535 };
const namespaceName = { type: "string", pattern: "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" };
/** Where a role is bound that is not bound everywhere by the way. */
const listed = (...words: readonly string[]): readonly object[] => [
  { enum: words },
  { type: "array", minItems: 1, uniqueItems: true, items: namespaceName },
];

const share = { type: ["integer", "string", "null"], minimum: 0, pattern: "^(100|[0-9]{1,2})%$" };
const renderMode = text(
  "What becomes of it where the cluster does not have its kind: `alwaysRender`, `skipIfMissing` or `failIfMissing`.",
  "alwaysRender",
  { enum: ["alwaysRender", "skipIfMissing", "failIfMissing"] },
);

/** A RelabelConfig of the Prometheus operator. */
const relabeling = {
  type: "object",
  properties: {
    sourceLabels: { type: "array", items: { type: "string" } },
    separator: { type: "string" },
    targetLabel: { type: "string" },
    regex: { type: "string" },
    modulus: { type: "integer" },
    replacement: { type: "string" },
    action: { type: "string" },
  },
};
const keyOfSecret = {
  type: "object",
  required: ["key"],
  properties: { name: { type: "string" }, key: { type: "string" }, optional: { type: "boolean" } },
};

/** The settings that a ServiceMonitor and a PodMonitor share. */
function monitor(description: string): Value {
  return section(description, {
    enabled: toggle("Make one. The cluster needs the Prometheus operator's CRDs.", false),
    renderMode,
    namespace: text("Where it is made; the release's namespace where empty."),
    honorLabels: toggle("Labels of the metrics win over those of the target.", false),
    interval: text("How often it is scraped.", "30s"),
    scrapeTimeout: text("Prometheus' own where empty."),
    labels: labels("Labels by which Prometheus selects it."),
    relabelings: list("Relabelings of the target.", relabeling),
    metricRelabelings: list("Relabelings of what was scraped.", relabeling),
    authorization: {
      ...kubernetes("With `metrics.secure`: whose token it sends; a ServiceMonitor's default is Prometheus' own."),
      allOf: [{ properties: { type: { type: "string" }, credentials: keyOfSecret, credentialsFile: { type: "string" } } }],
    },
    tlsConfig: {
      ...kubernetes("With `metrics.secure`: how it knows the certificate. Where empty it does not ask (`insecureSkipVerify`)."),
      allOf: [
        {
          properties: {
            serverName: { type: "string" },
            insecureSkipVerify: { type: "boolean" },
            ca: { type: "object" },
            cert: { type: "object" },
            keySecret: keyOfSecret,
          },
        },
      ],
    },
  });
}

export const values: Readonly<Record<string, Value>> = {
  nameOverride: text("In place of the chart's name in names."),
  fullnameOverride: text("In place of the release's full name."),
  namespaceOverride: text("In place of the release's namespace, for all that is not the cluster's. It must be there.", "", {
    pattern: "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$",
  }),
  commonLabels: labels("Labels of every object."),
  commonAnnotations: texts("Annotations of every object."),

  image: section("The controller's image.", {
    registry: text("Before the repository: `mirror.example.org`. `global.imageRegistry` where empty."),
    repository: text("Registry and name.", "holdfast", { minLength: 1 }),
    tag: text("The chart's appVersion where empty."),
    digest: text("`sha256:…`; wins over the tag.", "", { pattern: "^(sha256:[0-9a-f]{64})?$" }),
    pullPolicy: text("When it is pulled.", "IfNotPresent", { enum: ["Always", "IfNotPresent", "Never"] }),
  }),
  imagePullSecrets: list("References to pull secrets: `[{name: …}]`.", named),

  controller: section("The controller's flags, each by its own name. What is not set is left to the controller.", flagValues()),

  replicas: integer(
    "How many Pods. One works, the others stand by; with `controller.slots` as many work as there are slots. Without leader election no more than one.",
    1,
  ),
  autoscaling: section(
    "A HorizontalPodAutoscaler in place of `replicas`, with `controller.slots` above 1. The cluster has to serve the metric.",
    {
      enabled: toggle("Make one.", false),
      minReplicas: integer("The fewest Pods.", 2, 1),
      maxReplicas: integer("The most Pods; as many as slots where empty.", null, 1),
      metric: text("A metric of Pods.", "holdfast_queue_age_seconds", { minLength: 1 }),
      queueAgeSeconds: integer("Pods are added while the average of it is above this.", 30, 1),
      scaleDownAfterSeconds: integer("For how long fewer have to be enough before there are fewer.", 600),
    },
  ),
  rbac: section("What the controller may do.", {
    create: toggle("Make roles and bindings.", true),
    scope: text(
      "`cluster`, or `namespaces`: nothing but roles in the namespaces of `controller.namespace`, which must be given then, and `deny` as `controller.egressDefault`.",
      "cluster",
      { enum: ["cluster", "namespaces"] },
    ),
    secrets: {
      description:
        "Whose Secrets it may read, by name. `none`: those of the namespaces whose admins bind the role that NOTES.txt names. `[team-a, team-b]`: those of these namespaces, too. `cluster`: all.",
      oneOf: listed("none", "cluster"),
      default: "none",
    },
    outputs: {
      description:
        "Where it may write the Secrets and ConfigMaps that requests declare as outputs, which lets it read and change all of them there. `none`, a list or `cluster`, as with `secrets`.",
      oneOf: listed("none", "cluster"),
      default: "none",
    },
    impersonation: {
      description:
        "Where it may act as ServiceAccounts, for requests with `spec.serviceAccountName`. `none`: in the namespaces whose admins bind the role that the condition names. `[team-a, team-b]`: in these namespaces, too. Never everywhere.",
      oneOf: listed("none"),
      default: "none",
    },
    tokens: {
      description:
        "Where it may make tokens of ServiceAccounts, for endpoints with `auth.serviceAccountToken`. `none` or a list, as with `impersonation`. Never everywhere.",
      oneOf: listed("none"),
      default: "none",
    },
    userRoles: section(
      "ClusterRoles for people, `…-viewer` and `…-editor`. Whoever may create an HTTPRequest in a namespace can read its Secrets.",
      {
        create: toggle("Make them. With `rbac.scope: namespaces` they are not made.", true),
        aggregateToView: toggle("Whoever has `view` also has `…-viewer`.", false),
        aggregateToEdit: toggle("Whoever has `edit` also has `…-editor`.", false),
      },
    ),
    crossplane: section("A ClusterRole `…-crossplane`, which Crossplane's own aggregates.", {
      create: toggle("Make it: compositions can then be made of Holdfast's kinds.", false),
    }),
    checkNamespaces: toggle(
      "With `rbac.scope: namespaces`: look whether they are there before anything is installed, which takes `get` on them.",
      true,
    ),
  }),
  crds: section("The CustomResourceDefinitions.", {
    install: toggle("Install and upgrade them with the chart.", true),
    keep: toggle("Keep them, and with them every resource, when the release is uninstalled.", true),
    annotations: texts("Annotations of them."),
  }),
  serviceAccount: section("Who the controller is.", {
    create: toggle("Make the ServiceAccount.", true),
    name: text("The release's full name where empty."),
    annotations: texts("Annotations of it."),
    labels: labels("Labels of it."),
  }),

  metrics: section("How Prometheus finds the metrics, which `controller.metricsAddress` serves.", {
    service: section("A headless Service.", {
      create: toggle("Make it.", true),
      port: integer("Its port.", 8080, 1, podPort),
      labels: labels("Labels of it."),
      annotations: texts("Annotations of it."),
    }),
    secure: section(
      "HTTPS, for those who may: a bearer token is asked, whose bearer has the ClusterRole `…-metrics-reader`, which is not bound to anybody.",
      {
        enabled: toggle("Make it so. The controller then may create TokenReviews and SubjectAccessReviews.", false),
        certificateSecret: text(
          "A Secret of type kubernetes.io/tls with the certificate; without one the controller makes its own.",
        ),
        createClusterRoles: toggle(
          "Make the ClusterRoles that this takes. With `rbac.scope: namespaces` it must be false, and an admin of the cluster binds `system:auth-delegator` to the controller, by the command that the chart then prints.",
          true,
        ),
      },
    ),
    serviceMonitor: monitor("A ServiceMonitor, which needs the Service."),
    podMonitor: monitor("A PodMonitor, which needs no Service."),
  }),
  prometheusRule: section("Alerts, as a PrometheusRule; each has a page in docs/runbooks.", {
    enabled: toggle("Make it. The cluster needs the Prometheus operator's CRDs.", false),
    renderMode,
    labels: labels("Labels by which Prometheus selects it."),
    alertLabels: texts("Labels of every alert, besides its severity."),
    selector: text(
      "Matchers of this release's series; by default the job and namespace that the ServiceMonitor or PodMonitor gives.",
    ),
    runbookURL: text("Where docs/runbooks can be read; the annotation `runbook_url` is made from it."),
    disabled: list("Alerts to leave out.", { enum: alerts.map(({ name }) => name) }),
    thresholds: section(
      "When an alert fires.",
      Object.fromEntries(
        alerts.flatMap(({ name, threshold }) =>
          threshold ? [[name, { description: threshold.description, type: "number", minimum: 0, default: threshold.value }]] : [],
        ),
      ),
    ),
  }),
  dashboards: section("Grafana dashboards, in a ConfigMap that Grafana's sidecar finds.", {
    enabled: toggle("Make it.", false),
    labels: labels("Labels by which the sidecar selects it.", { grafana_dashboard: "1" }),
    annotations: texts("Annotations of it, the one that names Grafana's folder say."),
    namespace: text("Where the sidecar looks; the release's namespace where empty."),
  }),
  admissionPolicy: section("A ValidatingAdmissionPolicy, for all of the cluster.", {
    enabled: toggle("Make it.", false),
    noLiteralCredentials: toggle(
      "Refuse Authorization, Proxy-Authorization, Cookie and X-API-Key as plain text in a spec.",
      true,
    ),
    httpsOnly: toggle("Refuse URLs of http that stand in a spec, but for a proxy's.", false),
    actions: { ...list("What happens then.", { enum: ["Deny", "Warn", "Audit"] }), default: ["Deny"], minItems: 1 },
    namespaceSelector: typed(kubernetes("In which namespaces; in all where empty."), "LabelSelector"),
  }),
  podDisruptionBudget: section("A PodDisruptionBudget.", {
    enabled: toggle("Make one. It is of use with two replicas.", false),
    maxUnavailable: { description: "A number or percentage.", ...share, default: 1 },
    minAvailable: { description: "In place of maxUnavailable: a number or percentage.", ...share, default: null },
    unhealthyPodEvictionPolicy: text("Whether Pods that are not ready may be evicted in any case.", "", {
      enum: ["", "IfHealthyBudget", "AlwaysAllow"],
    }),
  }),
  networkPolicy: section("A NetworkPolicy.", {
    enabled: toggle("Make one. Probes always get in.", false),
    metricsFrom: typedItems(
      objects("Who may scrape the metrics, as NetworkPolicyPeers; everybody where empty."),
      "NetworkPolicyPeer",
    ),
    ingress: typedItems(objects("Who else may get in, as NetworkPolicyIngressRules."), "NetworkPolicyIngressRule"),
    egress: typedItems(
      objects("Where the controller may go, as NetworkPolicyEgressRules; everywhere by default.", [{}]),
      "NetworkPolicyEgressRule",
    ),
  }),

  ...podValues,
  node: section("The Node.js that runs the controller.", {
    heapPercent: integer(
      "JavaScript's heap as a share of the memory limit, where there is one. The rest is for buffers, sockets and jq.",
      50,
      10,
      { maximum: 90 },
    ),
    options: text("More for NODE_OPTIONS."),
  }),
  proxy: section(
    "A proxy for outbound requests; calls of the API server never take it. Where its URL has a password, use extraEnv.",
    {
      http: text("HTTP_PROXY."),
      https: text("HTTPS_PROXY."),
      noProxy: text("NO_PROXY: names, suffixes and ports, with commas."),
    },
  ),
  caBundle: section("CAs, in PEM, that are trusted besides Node's own.", {
    configMap: text("The ConfigMap that has them."),
    secret: text("The Secret that has them."),
    key: text("Under which key.", "ca.crt", { minLength: 1 }),
  }),

  ...schedulingValues,
  global: {
    ...kubernetes(
      "Of all charts of a release: `imageRegistry` before the image's repository, and `imagePullSecrets` beside its own.",
    ),
    allOf: [{ properties: { imageRegistry: { type: "string" }, imagePullSecrets: { type: "array", items: named } } }],
  },
};
