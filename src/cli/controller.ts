/** `holdfast controller`: runs against a Kubernetes API server until it is told to stop. */
import type { ControllerSettings } from "../config.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { loadKubeConfig } from "../kubernetes/credentials.ts";
import { createKubernetesStore } from "../kubernetes/store.ts";
import { createLog } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { createRecord } from "../telemetry/record.ts";
import { healthRoutes, metricsRoutes, serve } from "../telemetry/server.ts";
import { createRuntime, kindNames } from "./runtime.ts";
import { onShutdown } from "./shutdown.ts";
import { version } from "./version.ts";

export async function runController(settings: ControllerSettings): Promise<number> {
  const log = createLog({ level: settings.logLevel, format: settings.logFormat });
  const metrics = createMetrics({ kinds: kindNames, concurrency: settings.concurrency });
  const record = createRecord(log, metrics);
  using shutdown = onShutdown(settings.shutdownTimeout);
  await using resources = new AsyncDisposableStack();
  const client = resources.use(
    createApiClient({ loadKubeConfig: () => loadKubeConfig(settings.kubeconfig), record, userAgent: `holdfast/${version}` }),
  );
  const store = createKubernetesStore({ client, record, namespaces: settings.namespace });
  const { controller } = resources.use(createRuntime(settings, { store, record, metrics }));
  const notReady = (): readonly string[] => {
    const waiting = controller.waitingFor();
    const watches = store.readiness().filter(({ ready }) => !ready);
    return watches.length > 0 || waiting.length === 0
      ? watches.map(({ text }) => text)
      : waiting.map((kind) => `${kind} has not been listed yet`);
  };
  const metricsServer = resources.use(await serve(settings.metricsAddress, metricsRoutes(metrics.registry)));
  const healthServer = resources.use(await serve(settings.healthAddress, healthRoutes(notReady)));
  record({
    type: "note",
    level: "info",
    message: "serving",
    fields: { version, metricsPort: metricsServer.port, healthPort: healthServer.port },
  });
  await controller.run(shutdown.stop, shutdown.drain);
  record({ type: "note", level: "info", message: "stopped" });
  return 0;
}
