/** The chart's values for its Pods: what Kubernetes would refuse of them is refused before anything is installed. */
import { unsafeArgument, unsafeVariable } from "./flags.ts";
import { integer, kubernetes, labels, list, text, texts, toggle, typed, typedItems, type Value } from "./schema.ts";

/** RFC 1123: of an object, or empty for none. */
const optionalName = { pattern: "^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$" };
export const named = { type: "object", required: ["name"], properties: { name: { type: "string", minLength: 1 } } };
const anObject = { type: "object" };

/** An object of which Kubernetes knows these fields, and no others. */
function fields(names: string, more: object = {}): object {
  const all = Object.fromEntries(names.split(" ").flatMap((name) => (name === "" ? [] : [[name, {}]])));
  return { type: "object", additionalProperties: false, properties: { ...all, ...more } };
}
function probe(what: string, value: object): Value {
  const seconds = { type: "integer", minimum: 1 };
  const timing = {
    initialDelaySeconds: { type: "integer", minimum: 0 },
    periodSeconds: seconds,
    timeoutSeconds: seconds,
    failureThreshold: seconds,
    successThreshold: seconds,
    terminationGracePeriodSeconds: seconds,
  };
  return typed(only(kubernetes(`The ${what} probe's timing.`, value), "", timing), "Probe");
}
/** The same, where it has a default, which Helm merges: the schema looks at what comes of it. */
function only(value: Value, names: string, more: object = {}): Value {
  return { ...value, allOf: [fields(names, more)] };
}

const quantities = {
  type: "object",
  additionalProperties: {
    type: ["string", "number", "null"],
    pattern: "^[0-9]+([.][0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|e[0-9]+)?$",
  },
};
const operator = { enum: ["Exists", "Equal", "Lt", "Gt"] };
const effect = { enum: ["NoSchedule", "PreferNoSchedule", "NoExecute"] };

export const podValues: Readonly<Record<string, Value>> = {
  resources: typed(
    only(
      kubernetes(
        "Requests and limits. What tenants and servers can fill of memory follows from its limit: docs/operations.md has the arithmetic.",
        { requests: { cpu: "50m", memory: "192Mi" }, limits: { memory: "512Mi" } },
      ),
      "claims",
      { requests: quantities, limits: quantities },
    ),
    "ResourceRequirements",
  ),
};

export const schedulingValues: Readonly<Record<string, Value>> = {
  deploymentAnnotations: texts("Annotations of the Deployment."),
  revisionHistoryLimit: integer("How many old ReplicaSets are kept; Kubernetes keeps 10.", null),
  strategy: typed(
    only(
      kubernetes(
        "How Pods are replaced: a DeploymentStrategy. Without it one more runs meanwhile, or without leader election none.",
      ),
      "rollingUpdate",
      { type: { enum: ["RollingUpdate", "Recreate"] } },
    ),
    "DeploymentStrategy",
  ),
  podLabels: labels("Labels of the Pods."),
  podAnnotations: texts("Annotations of the Pods."),
  podSecurityContext: typed(
    kubernetes("The Pods' security context.", {
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      fsGroup: 65_532,
      seccompProfile: { type: "RuntimeDefault" },
    }),
    "PodSecurityContext",
  ),
  securityContext: typed(
    kubernetes("The container's security context.", {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    }),
    "SecurityContext",
  ),
  openshift: toggle("True: user, group and fsGroup are left to OpenShift, which refuses any but its own.", false),
  livenessProbe: probe("liveness", { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }),
  readinessProbe: probe("readiness", { periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 2 }),
  startupProbe: probe("startup", { periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 30 }),
  terminationGracePeriodSeconds: integer(
    "Must be longer than `controller.shutdownTimeout`; ten seconds longer by default.",
    null,
    1,
  ),
  nodeSelector: labels("Labels of the nodes that may run it.", { "kubernetes.io/os": "linux" }),
  affinity: typed(only(kubernetes("Affinity."), "nodeAffinity podAffinity podAntiAffinity"), "Affinity"),
  tolerations: typedItems(list("Tolerations.", fields("key value tolerationSeconds", { operator, effect })), "Toleration"),
  topologySpreadConstraints: typedItems(
    list("Topology spread; a constraint without a labelSelector gets the Pods' own.", {
      type: "object",
      required: ["maxSkew", "topologyKey", "whenUnsatisfiable"],
      properties: {
        maxSkew: { type: "integer", minimum: 1 },
        whenUnsatisfiable: { enum: ["DoNotSchedule", "ScheduleAnyway"] },
      },
    }),
    "TopologySpreadConstraint",
  ),
  priorityClassName: text("A PriorityClass.", "", optionalName),
  runtimeClassName: text("A RuntimeClass.", "", optionalName),
  schedulerName: text("The scheduler; Kubernetes' own where empty."),
  hostAliases: typedItems(
    list("Entries of /etc/hosts: `[{ip: …, hostnames: […]}]`.", {
      ...fields("", { ip: { type: "string", minLength: 2 }, hostnames: { type: "array", items: { type: "string" } } }),
      required: ["ip"],
    }),
    "HostAlias",
  ),
  hostUsers: {
    description: "False: root in the container is nobody on the node, where that has user namespaces.",
    type: ["boolean", "null"],
    default: null,
  },
  dnsPolicy: text("Where names are looked up; ClusterFirst where empty.", "", {
    enum: ["", "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
  }),
  dnsConfig: typed(only(kubernetes("Further DNS settings: a PodDNSConfig."), "nameservers searches options"), "PodDNSConfig"),
  enableServiceLinks: toggle("Variables for each Service of the namespace, which nothing here reads.", false),
  initContainers: typedItems(list("Containers that run first, as Kubernetes has them.", named), "Container"),
  extraContainers: typedItems(list("Containers that run beside, as Kubernetes has them.", named), "Container"),
  extraArgs: list("Further arguments.", { type: "string", not: { pattern: unsafeArgument } }),
  extraEnv: typedItems(
    list("Further environment variables, as EnvVars.", {
      type: "object",
      required: ["name"],
      properties: { name: { type: "string", not: { pattern: unsafeVariable } } },
    }),
    "EnvVar",
  ),
  extraVolumes: typedItems(list("Further volumes.", named), "Volume"),
  extraVolumeMounts: typedItems(
    list("Further volume mounts.", {
      type: "object",
      required: ["name", "mountPath"],
      properties: { name: { type: "string", minLength: 1 }, mountPath: { type: "string", minLength: 1 } },
    }),
    "VolumeMount",
  ),
  extraObjects: list("Further objects, as YAML or as text, in which templates are expanded.", {
    type: ["object", "string"],
    required: ["apiVersion", "kind", "metadata"],
    properties: { apiVersion: { type: "string" }, kind: { type: "string" }, metadata: { type: "object" } },
  }),
};

/** What Kubernetes takes as a list of objects. */
export function objects(description: string, value: readonly object[] = []): Value {
  return { ...kubernetes(description, value), items: anObject };
}
