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
  list,
  namespaceName,
  nat64Prefix,
  objectName,
} from "./flag-values.ts";
import type { LogFormat, LogLevel } from "./telemetry/log.ts";

interface LogSettings {
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}
/** What every command that sends requests can be told. Durations are milliseconds. */
export interface SendSettings extends LogSettings {
  readonly concurrency: number;
  readonly maxResponseBytes: number;
  readonly minResponseRate: number;
  readonly maxInFlightPerReconcile: number;
  readonly maxExchangesPerReconcile: number;
  readonly maxInFlightPerOrigin: number;
  readonly expressionTimeout: number;
  readonly shutdownTimeout: number;
  readonly reconcileTimeout: number;
  readonly connectionsPerOrigin: number;
  readonly maxClients: number;
  readonly clientIdleTimeout: number;
  readonly clientIsolation: "none" | "namespace";
  readonly keepAliveTimeout: number;
  readonly keepAliveMaxTimeout: number;
}
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
  readonly leaderElect: boolean;
  readonly leaseNamespace?: string;
  readonly leaseName?: string;
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

function setting(flags: string, text: string): Option {
  const option = new Option(flags, text);
  return option.env(`HOLDFAST_${option.name().replaceAll("-", "_").toUpperCase()}`);
}

function logSettings(logFormat: LogFormat, logLevel: LogLevel): readonly Option[] {
  return [
    setting("--log-level <level>", "the least severe level that is logged")
      .choices(["error", "warn", "info", "debug"])
      .default(logLevel),
    setting("--log-format <format>", "one JSON object a line, or text").choices(["json", "text"]).default(logFormat),
  ];
}

const sendSettings: readonly Option[] = [
  setting("--concurrency <n>", "how many resources are reconciled at once; one namespace alone gets three quarters of it")
    .argParser(integer(1, 1_000))
    .default(20),
  setting("--max-response-bytes <bytes>", "a longer response is a failure")
    .argParser(integer(1, 1 << 30))
    .default(1 << 20, "1048576"),
  setting("--min-response-rate <bytes>", "content that comes more slowly, a second, over 10 s, is a failure; 0: any rate")
    .argParser(integer(0, 1 << 30))
    .default(100),
  setting("--max-in-flight-per-reconcile <n>", "how many requests of one reconcile may be in flight at once; more wait")
    .argParser(integer(1, 1_000))
    .default(6),
  setting("--max-exchanges-per-reconcile <n>", "how many requests one reconcile may send, redirects and retries among them")
    .argParser(integer(1, 10_000))
    .default(50),
  setting(
    "--max-in-flight-per-origin <n>",
    "how many resources may be at one origin at once, and requests in flight to it; below --concurrency, a slow one leaves workers to the others",
  )
    .argParser(integer(1, 10_000))
    .default(10),
  setting("--expression-timeout <duration>", "limit on one evaluation of a resource's expressions, as time of a processor")
    .argParser(duration)
    .default(1_000, "1s"),
  setting("--reconcile-timeout <duration>", "limit on one reconcile, with all that it sends")
    .argParser(duration)
    .default(600_000, "10m"),
  setting("--shutdown-timeout <duration>", "how long requests under way may take to end after SIGTERM")
    .argParser(duration)
    .default(25_000, "25s"),
  setting("--connections-per-origin <n>", "most connections of one client to one scheme, host and port")
    .argParser(integer(1, 1_000))
    .default(6),
  setting("--max-clients <n>", "how many clients are kept; above it the least recently used goes first")
    .argParser(integer(1, 10_000))
    .default(256),
  setting("--client-idle-timeout <duration>", "a client that nobody has used for so long is closed")
    .argParser(duration)
    .default(300_000, "5m"),
  setting("--client-isolation <what>", "namespace: no two namespaces share a connection")
    .choices(["none", "namespace"])
    .default("none"),
  setting("--keep-alive-timeout <duration>", "how long an idle connection is kept where the server gives no hint")
    .argParser(duration)
    .default(4_000, "4s"),
  setting("--keep-alive-max-timeout <duration>", "how long it is kept at most, whatever the server's hint says")
    .argParser(duration)
    .default(60_000, "1m"),
];

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
  setting("--leader-elect <true|false>", "work only while holding the lease; false: never run a second process beside this one")
    .argParser(boolean)
    .default(true),
  setting("--lease-namespace <name>", "where the lease is; without it the namespace of the Pod or of the kubeconfig").argParser(
    namespaceName,
  ),
  setting(
    "--lease-name <name>",
    "what the lease is called; without it holdfast, or with a selector holdfast- and a digest of it",
  ).argParser(objectName),
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
    "how many calls to the API server may be under way at once, and as many more to record what came of requests; without it as many as --concurrency",
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
