/** One telemetry event, its log line and its metrics: the only place where either is made. */
import type { TelemetryEvent, EmitTelemetry } from "../core/telemetry-event.ts";
import { methodLabel } from "./http-metrics.ts";
import { errorFields, type Log, type LogLevel } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { createWatchFailures, type WatchFailures } from "./watch-failures.ts";
import { withContext, type ReconcileContexts } from "./reconcile-context.ts";

/** What every part of the process is given to say what happened. `context`: the reconcile that is under way where it is asked. */
export function createEmit(log: Log, metrics: Metrics, context: ReconcileContexts["current"] = () => undefined): EmitTelemetry {
  const contextual: Log = {
    wants: (level) => log.wants(level),
    write: (level, message, fields) => log.write(level, message, withContext(fields, context())),
  };
  const watchFailures = createWatchFailures();
  return (event) => {
    measure(metrics, event);
    tell(contextual, event, watchFailures);
  };
}

function measure(metrics: Metrics, event: TelemetryEvent): void {
  switch (event.type) {
    case "reconciled": {
      const { kind, durationMs, result, reason } = event;
      const controller = kind.toLowerCase();
      metrics.reconciles.inc({ controller, result: reconcileResult(result) });
      metrics.reconcileTime.observe({ controller }, durationMs / 1000);
      metrics.workTime.observe({ name: "holdfast" }, durationMs / 1000);
      if (result === "error") metrics.reconcileErrors.inc({ controller });
      if (event.panicked) metrics.reconcilePanics.inc({ controller });
      if (result === "error" || result === "conflict") metrics.queueRetries.inc({ name: "holdfast" });
      if (result === "stalled" && reason === "OutcomeUnknown") metrics.outcomeUnknown.inc({ kind });
      return;
    }
    case "exchanged": {
      const { durationMs, statusCode, reason = "", endpoint = "" } = event;
      const method = methodLabel(event.method);
      const ended = { code: statusCode === undefined ? "" : `${Math.floor(statusCode / 100)}xx`, reason };
      metrics.requests.inc({ method, ...ended });
      metrics.noteEndpointRequest(endpoint, ended);
      metrics.requestTime.observe({ method }, durationMs / 1000);
      return;
    }
    case "retried":
      return metrics.retries.inc({ reason: event.reason });
    case "redirected":
      return metrics.redirects.inc({ code: `${event.statusCode}` });
    case "responseCancelled":
      return metrics.responsesCancelled.inc({ reason: event.reason });
    case "egressDenied":
      return metrics.egressDenied.inc({ rule: event.rule });
    case "identityChanged":
      return metrics.identityChanges.inc({ by: event.by });
    case "replacement":
      return metrics.replacements.inc({ result: event.result });
    case "clientAcquired":
      return metrics.acquisitions.inc({ result: event.result });
    case "socketOpened":
      return metrics.socketsOpened.inc();
    case "socketClosed":
      return metrics.socketsClosed.inc();
    case "watchEnded":
      metrics.watchSessions.inc({ resource: event.resource, reason: event.reason });
      return metrics.watchTime.observe({ resource: event.resource }, event.sessionDurationSecs);
    case "listed":
      return metrics.relists.inc({ resource: event.resource, reason: event.reason });
    case "apiCalled":
      return metrics.apiRequests.inc({ code: event.code, method: event.method, host: event.host });
    case "watchConnected":
    case "note":
      return;
  }
}

function reconcileResult(result: Extract<TelemetryEvent, { type: "reconciled" }>["result"]): string {
  switch (result) {
    case "error":
      return "error";
    case "conflict":
      return "requeue";
    case "waiting":
    case "postponed":
    case "retrying":
      return "requeue_after";
    case "unchanged":
    case "succeeded":
    case "failed":
    case "stalled":
    case "suspended":
    case "gone":
      return "success";
  }
}

function tell(log: Log, event: TelemetryEvent, watchFailures: WatchFailures): void {
  switch (event.type) {
    case "reconciled": {
      if (!log.wants(reconcileLevel(event.result))) return;
      const { type: _, error, ...fields } = event;
      return log.write(reconcileLevel(fields.result), "reconciled", { ...roundDuration(fields), ...failure(error) });
    }
    case "exchanged": {
      const level = event.reason === undefined ? "info" : "warn";
      if (!log.wants(level)) return;
      const { type: _, ...fields } = event;
      return log.write(level, "exchanged", roundDuration(fields));
    }
    case "egressDenied": {
      const { type: _, ...fields } = event;
      return log.write("warn", "egress denied", fields);
    }
    case "identityChanged":
      return log.write("info", "remote object has another id", { by: event.by });
    case "replacement":
      return log.write("info", "remote object is replaced", { result: event.result });
    case "watchConnected":
      watchFailures.connected(event.resource);
      return log.write("info", "watch connected", { resource: event.resource });
    case "watchEnded": {
      const { resource, reason, sessionDurationSecs, delayMs, error } = event;
      const together = sessionDurationSecs === 0 && reason !== "closed" ? watchFailures.failed(resource, reason, error) : {};
      if (!together) return;
      const fields = { resource, reason, session_duration_secs: sessionDurationSecs, delayMs: Math.round(delayMs) };
      return log.write(reason === "closed" ? "info" : "warn", "watch ended", { ...fields, ...together, ...failure(error) });
    }
    case "listed": {
      const { type: _, ...fields } = event;
      return log.write("info", "listed", roundDuration(fields));
    }
    case "note":
      return log.write(event.level, event.message, { ...event.fields, ...failure(event.error) });
    case "retried":
    case "redirected":
    case "responseCancelled":
    case "clientAcquired":
    case "socketOpened":
    case "socketClosed":
    case "apiCalled":
      return; // as often as requests: counted, not told
  }
}

function reconcileLevel(result: Extract<TelemetryEvent, { type: "reconciled" }>["result"]): LogLevel {
  if (result === "error") return "error";
  if (result === "failed" || result === "stalled" || result === "retrying") return "warn";
  return result === "unchanged" || result === "postponed" ? "debug" : "info";
}
function failure(error: unknown): Readonly<Record<string, unknown>> {
  return error === undefined ? {} : errorFields(error);
}
function roundDuration<T extends { durationMs: number }>(fields: T): T {
  return { ...fields, durationMs: Math.round(fields.durationMs) };
}
