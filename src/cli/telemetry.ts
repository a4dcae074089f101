/** What both `controller` and `run` start with: the log, the metrics, and the registry of what the log hides. */
import type { ControllerSettings, RunSettings } from "../config.ts";
import type { EmitTelemetry, RunInContext } from "../core/telemetry-event.ts";
import { createLog } from "../telemetry/log.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics.ts";
import { createEmit } from "../telemetry/emit.ts";
import { createReconcileContexts } from "../telemetry/reconcile-context.ts";
import { createSecretRegistry, type SecretRegistry } from "../telemetry/secret-registry.ts";
import { onCrash } from "./crash.ts";
import { kindNames } from "./engine.ts";

export interface Telemetry {
  /** Whatever is added to it, the log does not show. */
  readonly secrets: SecretRegistry;
  readonly metrics: Metrics;
  /** Writes a log line and counts. */
  readonly emit: EmitTelemetry;
  /** Runs a reconcile so that each line of the log about its object says which it is of. */
  readonly runInContext: RunInContext;
}

/** A crash is logged from here on. `around` does the writing of each line. */
export function startTelemetry(settings: ControllerSettings | RunSettings, around?: (write: () => void) => void): Telemetry {
  const secrets = createSecretRegistry();
  const log = createLog({ level: settings.logLevel, format: settings.logFormat, scrub: secrets.scrub, around });
  onCrash(log);
  const metrics = createMetrics({ kinds: kindNames, concurrency: settings.concurrency, maxSeries: settings.metricsSeries });
  const contexts = createReconcileContexts();
  return { secrets, metrics, emit: createEmit(log, metrics, contexts.current), runInContext: contexts.run };
}
