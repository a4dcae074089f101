/** `holdfast controller`: runs against a Kubernetes API server until it is told to stop. Without the lease it stands by. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { ControllerSettings } from "../config.ts";
import type { EmitTelemetry } from "../core/telemetry-event.ts";
import { createApiClient } from "../kubernetes/api-client.ts";
import { loadKubeConfig } from "../kubernetes/credentials.ts";
import { createEvents } from "../kubernetes/events.ts";
import { createDigestKey } from "../kubernetes/digest-key.ts";
import type { Controller } from "../engine/controller.ts";
import type { Leadership } from "../kubernetes/lease.ts";
import { openOutcomeJournal } from "../kubernetes/outcome-journal.ts";
import { createKubernetesStore, type KubernetesStore } from "../kubernetes/store.ts";
import { healthRoutes, metricsRoutes, serve } from "../telemetry/server.ts";
import { clusterEgress } from "./egress.ts";
import { createSlowest, serveAdmin } from "./admin.ts";
import { createReconcileHistory } from "./reconcile-history.ts";
import { guardFor } from "./guard.ts";
import { leadershipFor, ownNamespace } from "./leadership.ts";
import { createRuntime } from "./runtime.ts";
import { createShutdown, type Shutdown } from "./shutdown.ts";
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
      connections: settings.apiConnections ?? settings.concurrency,
    }),
  );
  const identity = `${hostname()}_${randomUUID()}`;
  const leadership = leadershipFor(settings, { client, emit, identity });
  const { announce } = resources.use(createEvents({ client, emit, instance: identity }));
  const store = createKubernetesStore({
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
  });
  metrics.observeWatches(() => store.readiness());
  const egress = resources.use(await clusterEgress(settings, emit));
  const runtime = createRuntime(settings, {
    store,
    emit,
    metrics,
    secrets,
    runInContext,
    journal: settings.journal === undefined ? undefined : resources.use(openOutcomeJournal(settings.journal)),
    egress,
    announce,
    requireServiceAccount: settings.requireServiceAccount,
    term: leadership.term,
    ledSinceVersion: leadership.ledSinceVersion,
    ledSinceMs: leadership.ledSinceMs,
    unbrokenSince: leadership.unbrokenSince,
    resumes: true,
    mirrorsIDs: settings.mirrorExternalId,
    isPartial: settings.namespace.length > 0 || settings.watchLabelSelector !== undefined,
    ...(settings.secretDigests && { digestKey: createDigestKey({ client, namespace: ownNamespace(settings, client), emit }) }),
  });
  const { controller, liveness } = resources.use(runtime);
  const notReady = (): readonly string[] => findNotReady(controller, store);
  const metricsServer = resources.use(
    await serve(settings.metricsAddress, metricsRoutes(metrics.registry), {
      flag: "--metrics-address",
      guard: guardFor(settings, { client, emit }),
    }),
  );
  const healthServer = resources.use(
    await serve(settings.healthAddress, healthRoutes({ notReady, notLive: liveness.failing }), { flag: "--health-address" }),
  );
  const leads = (): boolean => leadership.term() !== undefined;
  resources.use(await serveAdmin(settings, { runtime, store, emit, slowest, history, identity, leads, scrub: secrets.scrub }));
  emit({
    type: "note",
    level: "info",
    message: "serving",
    fields: { version, metricsPort: metricsServer.port, healthPort: healthServer.port },
  });

  await work(controller, leadership, shutdown);
  emit({ type: "note", level: "info", message: "stopped" });
  return 0;
}

/** Until it is told to stop. Rejects with StoreWentBackError, and for mistakes of ours. */
async function work(controller: Controller, leadership: Leadership, shutdown: Shutdown): Promise<void> {
  // The lease is kept until what was under way has ended, so that a successor does not begin before that.
  const ended = new AbortController();
  const working = controller.run(shutdown.stop, shutdown.drain).finally(() => ended.abort());
  /** One that could not work yet does not take the lease from one that can. */
  async function lead(): Promise<void> {
    await Promise.race([controller.warm, working]);
    if (shutdown.stop.aborted) return;
    try {
      await leadership.run({ stop: shutdown.stop, ended: ended.signal }, controller.queueAll);
    } catch (error) {
      shutdown.begin(); // what is under way ends in peace, and then the process
      await working;
      throw error;
    }
  }
  await Promise.all([working, lead()]);
}

/** What keeps it from its work, as sentences. */
function findNotReady(controller: Controller, store: Pick<KubernetesStore, "readiness">): readonly string[] {
  const watches = store.readiness().filter(({ ready }) => !ready);
  const unwritable = controller.unrecorded.problem();
  return [
    ...watches.map(({ text }) => text),
    ...(watches.length > 0 ? [] : controller.waitingFor().map((kind) => `${kind} has not been listed yet`)),
    ...(unwritable === undefined ? [] : [unwritable]),
  ];
}
