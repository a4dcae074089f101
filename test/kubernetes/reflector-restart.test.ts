/** What only happens when the API server itself goes away, or does not know the kind yet: on a control plane of its own. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { TelemetryEvent } from "../../src/core/telemetry-event.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { loadKubeConfig } from "../../src/kubernetes/credentials.ts";
import { createKubernetesStore, type KubernetesStoreSettings } from "../../src/kubernetes/store.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { installCRDs } from "../support/install.ts";
import { requestObjects, requestType } from "../support/request-objects.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { recordWatch } from "../support/watch-recorder.ts";

describeWithControlPlane("a watch, when the API server goes away", () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await startControlPlane();
  });
  afterAll(() => plane.stop());

  function watchAll(settings: Partial<KubernetesStoreSettings> = {}) {
    const occurrences: TelemetryEvent[] = [];
    const emit = (occurrence: TelemetryEvent): void => void occurrences.push(occurrence);
    const client = createApiClient({ loadKubeConfig: () => loadKubeConfig(plane.kubeconfigs.admin), emit });
    const store = createKubernetesStore({ client, emit, random: () => 0, ...settings }); // the shortest pauses
    const watch = recordWatch((signal) => store.watch(requestType, signal));
    return {
      store,
      watch,
      of: <T extends TelemetryEvent["type"]>(type: T) =>
        occurrences.filter((occurrence): occurrence is Extract<TelemetryEvent, { type: T }> => occurrence.type === type),
      async [Symbol.asyncDispose]() {
        await watch[Symbol.asyncDispose]();
        await client[Symbol.asyncDispose]();
      },
    };
  }

  test("waits for the CRDs, says so, and begins when they are installed", async () => {
    await using run = watchAll();
    while (run.of("watchEnded").length === 0) await sleep(20);
    expect(run.store.readiness()).toMatchObject([
      {
        resource: "httprequests.holdfast.dev",
        ready: false,
        text: "waiting: the API server has no httprequests.holdfast.dev: are the CRDs installed?",
      },
    ]);
    await installCRDs(plane);
    await run.watch.until("the first listing", () => run.watch.events.length > 0);
    expect(run.store.readiness()).toMatchObject([{ ready: true }]);
  });

  test("lists once, and sees what was deleted, when etcd has compacted what it missed", async () => {
    const namespace = await plane.createNamespace("compaction");
    const objects = requestObjects(plane, namespace);
    await objects.create("stays");
    await objects.create("goes");
    await using streamed = watchAll({ initialState: "watchList" });
    await using paged = watchAll({ initialState: "pagedLists" });
    const runs = [streamed, paged];
    for (const { watch } of runs) await watch.until("the first listing", () => watch.resources.has("goes"));
    await plane.stopAPIServer();
    await plane.deleteFromEtcd(`/registry/holdfast.dev/httprequests/${namespace}/goes`);
    await plane.compact();
    await plane.startAPIServer();
    for (const { watch } of runs) await watch.until("the delete", () => !watch.resources.has("goes"));
    await objects.create("later");
    for (const { watch, of } of runs) {
      await watch.until("a change afterwards", () => watch.resources.has("later"));
      expect(watch.resources.has("stays")).toBe(true);
      expect(of("listed").map(({ reason }) => reason)).toEqual(["start", "expired"]);
      expect(of("watchEnded").map(({ reason }) => reason)).toContain("expired");
    }
  });
});
