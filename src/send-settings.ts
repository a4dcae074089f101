/** Settings of every command that sends requests, and of its log. */
import { Option } from "commander";
import { boolean, duration, integer } from "./flag-values.ts";
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
  readonly nativeExpressions: boolean;
  readonly shutdownTimeout: number;
  readonly reconcileTimeout: number;
  readonly connectionsPerOrigin: number;
  readonly maxClients: number;
  readonly clientIdleTimeout: number;
  readonly clientIsolation: "none" | "namespace";
  readonly keepAliveTimeout: number;
  readonly keepAliveMaxTimeout: number;
  readonly metricsSeries: number;
}
/** One that an environment variable can say, too: HOLDFAST_ and the flag in capitals. */
export function setting(flags: string, text: string): Option {
  const option = new Option(flags, text);
  return option.env(`HOLDFAST_${option.name().replaceAll("-", "_").toUpperCase()}`);
}

export function logSettings(logFormat: LogFormat, logLevel: LogLevel): readonly Option[] {
  return [
    setting("--log-level <level>", "the least severe level that is logged")
      .choices(["error", "warn", "info", "debug"])
      .default(logLevel),
    setting("--log-format <format>", "one JSON object a line, or text").choices(["json", "text"]).default(logFormat),
  ];
}

export const sendSettings: readonly Option[] = [
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
  setting(
    "--metrics-series <n>",
    "how many series there are at most by namespace and reason, and how many endpoints have some; what is beyond is counted as other",
  )
    .argParser(integer(0, 10_000))
    .default(200),
  setting("--expression-timeout <duration>", "limit on one evaluation of a resource's expressions, as time of a processor")
    .argParser(duration)
    .default(1_000, "1s"),
  setting(
    "--native-expressions <true|false>",
    "evaluate simple expressions without jq; false: each by jq, which answers the same",
  )
    .argParser(boolean)
    .default(true),
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
