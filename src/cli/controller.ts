/** `holdfast controller`: runs against a Kubernetes API server until it is told to stop. Without the lease it stands by. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { ControllerSettings } from "../config.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { loadKubeConfig } from "../kubernetes/credentials.ts";
import { createEvents } from "../kubernetes/events.ts";
import { createDigestKey } from "../kubernetes/digest-key.ts";
import { openOutcomeJournal } from "../kubernetes/outcome-journal.ts";
import { healthRoutes, metricsRoutes, serve } from "../telemetry/server.ts";
import { clusterEgress } from "./egress.ts";
import { createSlowest, serveAdmin } from "./admin.ts";
import { slottedReplica, wholeReplica } from "./replica.ts";
import { createReconcileHistory } from "./reconcile-history.ts";
import { guardFor } from "./guard.ts";
import { ownNamespace } from "./leadership.ts";
import { createShutdown } from "./shutdown.ts";
import { startTelemetry } from "./telemetry.ts";
import { version } from "./version.ts";

/** Returns the exit code. */
export async function runController(settings: ControllerSettings): Promise<number> {
  const { secrets, metrics, emit: tell, runInContext } = startTelemetry(settings);
  const slowest = createSlowest();
  const history = createReconcileHistory();
  const emit: EmitTelemetry = (event) => {
    slowest.note(event);
    history.note(event);
    tell(event);
  };
  using shutdown = createShutdown(settings.shutdownTimeout);
  await using resources = new AsyncDisposableStack();
  const client = resources.use(
    createApiClient({
      loadKubeConfig: () => loadKubeConfig(settings.kubeconfig),
      emit,
      userAgent: `holdfast/${version}`,
      connections: settings.apiConnections ?? settings.concurrency * settings.slots,
    }),
  );
  const identity = `${hostname()}_${randomUUID()}`;
  const { announce } = resources.use(createEvents({ client, emit, instance: identity }));
  const storeSettings = {
    client,
    emit,
    namespaces: settings.namespace,
    optionalKinds: ["ClusterHTTPEndpoint"],
    idleTimeoutMs: settings.watchIdleTimeout,
    ...(settings.watchLabelSelector !== undefined && { labelSelector: settings.watchLabelSelector }),
    ...(settings.secretGrant !== undefined && { secretGrant: settings.secretGrant }),
    ...(settings.outputGrant !== undefined && { outputGrant: settings.outputGrant }),
    ...(settings.serviceAccountTokenGrant !== undefined && { serviceAccountTokenGrant: settings.serviceAccountTokenGrant }),
    ...(settings.impersonationGrant !== undefined && { impersonationGrant: settings.impersonationGrant }),
  };
  const egress = resources.use(await clusterEgress(settings, emit));
  const given = {
    emit,
    metrics,
    secrets,
    runInContext,
    journal: settings.journal === undefined ? undefined : resources.use(openOutcomeJournal(settings.journal)),
    egress,
    announce,
    requireServiceAccount: settings.requireServiceAccount,
    resumes: true,
    mirrorsIDs: settings.mirrorExternalId,
    isPartial: settings.namespace.length > 0 || settings.watchLabelSelector !== undefined,
    seesOnly: settings.watchLabelSelector,
    ...(settings.secretDigests && { digestKey: createDigestKey({ client, namespace: ownNamespace(settings, client), emit }) }),
  };
  const parts = { client, emit, identity, storeSettings, given };
  const replica = resources.use(settings.slots > 1 ? slottedReplica(settings, parts) : wholeReplica(settings, parts));
  metrics.observeWatches(() => replica.watches());
  const metricsServer = resources.use(
    await serve(settings.metricsAddress, metricsRoutes(metrics.registry), {
      flag: "--metrics-address",
      guard: guardFor(settings, { client, emit }),
    }),
  );
  const healthServer = resources.use(
    await serve(settings.healthAddress, healthRoutes({ notReady: replica.notReady, notLive: replica.notLive }), {
      flag: "--health-address",
    }),
  );
  resources.use(await serveAdmin(settings, { replica, emit, slowest, history, identity, scrub: secrets.scrub }));
  emit({
    type: "note",
    level: "info",
    message: "serving",
    fields: { version, metricsPort: metricsServer.port, healthPort: healthServer.port },
  });

  await replica.run(shutdown);
  emit({ type: "note", level: "info", message: "stopped" });
  return 0;
}
