/**
 * Every setting, once: its flag, environment variable, default, unit and text. A wrong value is one line on stderr that
 * says what is wrong, and exit code 2.
 */
import { Option } from "commander";
import {
  address,
  boolean,
  cidr,
  duration,
  integer,
  labelSelector,
  leaseReference,
  list,
  namespaceName,
  namespaceOrAll,
  nat64Prefix,
  objectName,
} from "./flag-values.ts";
import { logSettings, sendSettings, setting, type SendSettings } from "./send-settings.ts";

export interface ControllerSettings extends SendSettings {
  readonly kubeconfig?: string;
  readonly namespace: readonly string[];
  readonly watchLabelSelector?: string;
  readonly secretGrant?: string;
  readonly outputGrant?: string;
  readonly serviceAccountTokenGrant?: string;
  readonly impersonationGrant?: string;
  readonly requireServiceAccount: boolean;
  readonly secretDigests: boolean;
  readonly mirrorExternalId: boolean;
  readonly serveProviderHttp: "off" | "annotated" | "all";
  /** `namespace/name`, or `none`. */
  readonly providerHttpLease?: string;
  readonly serveNamespace?: string;
  readonly serveSecretNamespace: readonly string[];
  readonly leaderElect: boolean;
  readonly leaseNamespace?: string;
  readonly leaseName?: string;
  /** 1: the work is not divided. */
  readonly slots: number;
  readonly leaseDuration: number;
  readonly renewDeadline: number;
  readonly retryPeriod: number;
  readonly watchIdleTimeout: number;
  /** As many as `concurrency` where not given. */
  readonly apiConnections?: number;
  readonly journal?: string;
  readonly egressDefault: "allow-public" | "deny";
  readonly egressUnsafeAllow: readonly string[];
  readonly nat64Prefix: readonly string[];
  readonly clusterDomain: string;
  readonly metricsAddress: string;
  readonly metricsSecure: boolean;
  readonly metricsCertFile?: string;
  readonly metricsKeyFile?: string;
  readonly healthAddress: string;
  /** Empty: nowhere. */
  readonly adminAddress: string;
}
export interface OrphanSettings extends Pick<ControllerSettings, "kubeconfig"> {
  readonly all?: boolean;
  readonly namespace?: string;
}
export interface GetSettings {
  readonly data: string;
  readonly namespace?: string;
  readonly output?: "json" | "yaml" | "wide";
}
export interface OutputsSettings extends Pick<GetSettings, "data" | "namespace"> {
  readonly output?: "json" | "yaml";
  readonly showSecrets: boolean;
}
export interface RunSettings extends SendSettings {
  readonly file: readonly string[];
  readonly data?: string;
  readonly once: boolean;
  readonly metricsAddress?: string;
}

export const controllerSettings: readonly Option[] = [
  setting(
    "--kubeconfig <file>",
    "the cluster and who to be there; without it KUBECONFIG, ~/.kube/config, or the pod's service account",
  ),
  setting("--namespace <name>", "watch this namespace only; may be repeated, or a list with commas")
    .argParser(list(namespaceName))
    .default([], "all namespaces"),
  setting(
    "--watch-label-selector <selector>",
    "watch only what has these labels, endpoints included; each selector has a leader of its own",
  ).argParser(labelSelector),
  setting(
    "--secret-grant <arguments>",
    "what kubectl create rolebinding needs to let this process read a namespace's Secrets; quoted where that is forbidden",
  ),
  setting(
    "--output-grant <arguments>",
    "what kubectl create rolebinding needs to let this process write a namespace's outputs; quoted where that is forbidden",
  ),
  setting(
    "--service-account-token-grant <arguments>",
    "what kubectl create rolebinding needs to let this process make tokens of a namespace's ServiceAccounts; quoted where that is forbidden",
  ),
  setting(
    "--impersonation-grant <arguments>",
    "what kubectl create rolebinding needs to let this process act as a namespace's ServiceAccounts; quoted where that is forbidden",
  ),
  setting(
    "--require-service-account <true|false>",
    "send nothing without spec.serviceAccountName, so that every reference is read by rights of its own namespace",
  )
    .argParser(boolean)
    .default(false),
  setting(
    "--secret-digests <true|false>",
    "keep keyed digests of Secrets that updates read, so that one that changes is sent; the key is in the Secret holdfast-digest-key beside the lease",
  )
    .argParser(boolean)
    .default(true),
  setting(
    "--mirror-external-id <true|false>",
    "keep the id of each remote object in the annotation holdfast.dev/external-id of its HTTPResource, too, so that it outlives a status that is lost",
  )
    .argParser(boolean)
    .default(false),
  setting(
    "--serve-provider-http <which>",
    "do what Crossplane's provider-http did for its Requests and DisposableRequests: for none, for those that are annotated with holdfast.dev/serve, or for all",
  )
    .choices(["off", "annotated", "all"])
    .default("off"),
  setting(
    "--provider-http-lease <namespace/name|none>",
    "with --serve-provider-http all: provider-http's own lease, which is held so that it does not act, too; none: it is not running",
  ).argParser(leaseReference),
  setting(
    "--serve-namespace <name>",
    "where what stands for objects of the cluster is made; without it the namespace of the Pod or of the kubeconfig",
  ).argParser(namespaceName),
  setting(
    "--serve-secret-namespace <namespace>",
    "let served objects of other namespaces use the Secrets of this one, as provider-http did; * for all; may be repeated",
  )
    .argParser(list(namespaceOrAll))
    .default([], "none"),
  setting("--leader-elect <true|false>", "work only while holding the lease; false: never run a second process beside this one")
    .argParser(boolean)
    .default(true),
  setting("--lease-namespace <name>", "where the lease is; without it the namespace of the Pod or of the kubeconfig").argParser(
    namespaceName,
  ),
  setting(
    "--lease-name <name>",
    "what the lease is called; without it holdfast, with --kubeconfig holdfast-try, and with a selector that, a dash and a digest of it",
  ).argParser(objectName),
  setting(
    "--slots <n>",
    "divide the work by namespace into so many slots, each with a lease, which all replicas share evenly; 1: it is not divided",
  )
    .argParser(integer(1, 64))
    .default(1),
  setting("--lease-duration <duration>", "how long others wait after the last renewal before they take the lease")
    .argParser(duration)
    .default(15_000, "15s"),
  setting("--renew-deadline <duration>", "how long after its last renewal the leader stops sending and deciding")
    .argParser(duration)
    .default(10_000, "10s"),
  setting("--retry-period <duration>", "how often the lease is renewed, and tried for again")
    .argParser(duration)
    .default(2_000, "2s"),
  setting(
    "--watch-idle-timeout <duration>",
    "a watch that has been silent for so long is opened again: three of the API server's bookmarks, which come each minute",
  )
    .argParser(duration)
    .default(180_000, "3m"),
  setting("--journal <folder>", "a folder on a volume for outcomes that cannot be recorded yet; the next process records them"),
  setting(
    "--api-connections <n>",
    "how many calls to the API server may be under way at once, and as many more to record what came of requests; without it as many as --concurrency, for each of --slots",
  ).argParser(integer(1, 1_000)),
  setting(
    "--egress-default <what>",
    "what becomes of requests that no EgressPolicy speaks of; private addresses are closed in any case",
  )
    .choices(["allow-public", "deny"])
    .default("allow-public"),
  setting("--egress-unsafe-allow <cidr>", "for tests: open this network to everybody, even loopback; may be repeated")
    .argParser(list(cidr))
    .default([], "none"),
  setting(
    "--nat64-prefix <prefix>",
    "where this network's own NAT64 has IPv4 addresses in IPv6 ones (RFC 6052): they are judged as those IPv4 addresses; may be repeated",
  )
    .argParser(list(nat64Prefix))
    .default([], "none but 64:ff9b::/96"),
  setting("--cluster-domain <name>", "what follows .svc in the names that the cluster's DNS answers for")
    .argParser(objectName)
    .default("cluster.local"),
  setting("--metrics-address <address>", "where /metrics is served").argParser(address).default(":8080"),
  setting(
    "--metrics-secure <true|false>",
    "serve /metrics over HTTPS, to whoever the API server says may get it: by TokenReview and SubjectAccessReview",
  )
    .argParser(boolean)
    .default(false),
  setting("--metrics-cert-file <file>", "its certificate, in PEM, taken up anew when it changes; without it one is made"),
  setting("--metrics-key-file <file>", "the certificate's key, in PEM"),
  setting("--health-address <address>", "where /healthz and /readyz are served").argParser(address).default(":8081"),
  setting(
    "--admin-address <address|off>",
    "where the admin page is served, to whoever can connect; off: nowhere. Reach it by kubectl port-forward",
  )
    .argParser((text: string) => (text === "off" || text === "" ? "" : address(text)))
    .default("127.0.0.1:8082"),
  ...sendSettings,
  ...logSettings("json", "info"),
];

export const orphanSettings: readonly Option[] = [
  setting("--kubeconfig <file>", "the cluster and who to be there; without it KUBECONFIG or ~/.kube/config"),
  setting("--all", "in all namespaces"),
  setting("--namespace <name>", "in this namespace").argParser(namespaceName),
];

/** Not optional; but Commander would miss it before it sees that another flag is misspelt. */
export const fileSetting = setting("-f, --file <path...>", "manifests: files, or folders with .yaml, .yml and .json files");

export const runSettings: readonly Option[] = [
  fileSetting,
  setting("--data <file>", "remember what was sent in this SQLite file; without it, in memory only"),
  setting("--once", "end when all has been done; exit code 1 if a request did not end as declared").default(false),
  setting("--metrics-address <address>", "serve /metrics there").argParser(address),
  ...sendSettings,
  ...logSettings("text", "warn"),
];

const stateSettings: readonly Option[] = [
  setting("--data <file>", "the state file of holdfast run --data").makeOptionMandatory(),
  new Option("-n, --namespace <name>", "of this namespace; without it of all").argParser(namespaceName),
];
export const getSettings: readonly Option[] = [
  ...stateSettings,
  new Option("-o, --output <format>", "json or yaml: all that is known; wide: a message, too").choices(["json", "yaml", "wide"]),
];
export const outputsSettings: readonly Option[] = [
  ...stateSettings,
  new Option("-o, --output <format>", "whole objects").choices(["json", "yaml"]),
  new Option("--show-secrets", "print the values of Secrets, in base64 as kubectl does; without it three asterisks").default(
    false,
  ),
];
