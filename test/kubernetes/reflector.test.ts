/** Watches against the real API server, through a proxy that does to them what networks do. */
import { expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import type { TelemetryEvent } from "../../src/core/telemetry-event.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { loadKubeConfig } from "../../src/kubernetes/credentials.ts";
import { createKubernetesStore, type KubernetesStoreSettings } from "../../src/kubernetes/store.ts";
import type { ControlPlaneClient, User } from "../support/control-plane-client.ts";
import { grantController } from "../support/chart-rights.ts";
import { until } from "../support/fault-world.ts";
import { requestObjects, requestType } from "../support/request-objects.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { recordWatch } from "../support/watch-recorder.ts";

/** A watch of one namespace of its own, through a proxy of its own, with all that a test looks at. */
async function watched(plane: ControlPlaneClient, settings: Partial<KubernetesStoreSettings> & { readonly user?: User } = {}) {
  const { user = "holdfast", ...storeSettings } = settings;
  await using cleanup = new AsyncDisposableStack();
  const namespace = await plane.createNamespace("reflector");
  const proxy = cleanup.use(await startTcpProxy(plane.url));
  const kubeconfig = await plane.kubeconfigVia(user, `https://127.0.0.1:${proxy.port}`);
  const occurrences: TelemetryEvent[] = [];
  const emit = (occurrence: TelemetryEvent): void => void occurrences.push(occurrence);
  const client = cleanup.use(createApiClient({ loadKubeConfig: () => loadKubeConfig(kubeconfig), emit }));
  const store = createKubernetesStore({ client, emit, namespaces: [namespace], ...storeSettings });
  const watch = cleanup.use(recordWatch((signal) => store.watch(requestType, signal)));
  const running = cleanup.move();
  return {
    namespace,
    proxy,
    store,
    watch,
    objects: requestObjects(plane, namespace),
    of: <T extends TelemetryEvent["type"]>(type: T) =>
      occurrences.filter((occurrence): occurrence is Extract<TelemetryEvent, { type: T }> => occurrence.type === type),
    /** Lists and watches of this namespace that the API server saw. */
    requests: async () => (await plane.auditEvents()).filter((event) => event.user === user && event.namespace === namespace),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

describeWithControlPlane("a watch", (plane) => {
  test.each(["watchList", "pagedLists"] as const)(
    "begins with what there is and tells every change (%s)",
    async (initialState) => {
      await using run = await watched(plane, { initialState });
      await run.watch.until("the first listing", () => run.watch.events.length === 1);
      expect(run.watch.events[0]).toMatchObject({ type: "listed", resources: [] });
      await run.objects.create("a");
      await run.objects.create("b");
      await run.objects.patch("a", { metadata: { labels: { seen: "yes" } } });
      await run.objects.delete("b");
      await run.watch.until("the delete", () => run.watch.events.length === 5);
      expect(run.watch.events.slice(1).map(({ type }) => type)).toEqual(["applied", "applied", "applied", "deleted"]);
      expect(run.watch.resources.get("a")?.metadata.labels).toEqual({ seen: "yes" });
      expect(JSON.stringify(run.watch.events)).not.toContain("managedFields");
      expect(run.of("listed")).toMatchObject([{ count: 0, reason: "start", resource: "httprequests.holdfast.dev" }]);
      expect(run.of("watchConnected")).toHaveLength(1);
      expect(run.store.readiness()).toMatchObject([{ ready: true, resource: "httprequests.holdfast.dev" }]);
    },
  );

  test("reads more than one page, at one resourceVersion, and watches on from there", async () => {
    await using seed = await watched(plane);
    await seed.objects.createMany(1001);
    const { namespace } = seed;
    for (const initialState of ["pagedLists", "watchList"] as const) {
      await using run = await watched(plane, { initialState, namespaces: [namespace] });
      await run.watch.until("the listing", () => run.watch.events.length > 0);
      expect(run.watch.resources.size).toBe(1001);
      const before = run.watch.events.length;
      await seed.objects.patch("many-7", { metadata: { labels: { by: initialState } } });
      await run.watch.until("the change", () => run.watch.events.length > before);
      expect(run.watch.events[before]).toMatchObject({ type: "applied", resource: { metadata: { name: "many-7" } } });
    }
    const lists = (await seed.requests()).filter(({ verb }) => verb === "list");
    expect(lists.map(({ uri }) => new URL(uri, "http://x").searchParams.get("limit"))).toEqual(["500", "500", "500"]);
    expect(lists.map(({ uri }) => uri.includes("continue="))).toEqual([false, true, true]);
    expect((await seed.requests()).some(({ uri }) => /resourceVersion=0(&|$)/.test(uri))).toBe(false);
  });

  test("resumes after a reset without listing again", async () => {
    await using run = await watched(plane, { initialState: "pagedLists" });
    await run.watch.until("the first listing", () => run.watch.events.length === 1);
    const { metadata } = await run.objects.create("a");
    await run.watch.until("the object", () => run.watch.resources.has("a"));
    run.proxy.newConnections = "refuse";
    run.proxy.reset();
    await run.objects.create("b");
    await run.objects.delete("a");
    run.proxy.newConnections = "pass";
    await run.watch.until("what happened in the gap", () => run.watch.resources.has("b") && !run.watch.resources.has("a"));
    expect((await run.requests()).filter(({ verb }) => verb === "list")).toHaveLength(1);
    expect(run.of("listed")).toHaveLength(1);
    const [ended] = run.of("watchEnded");
    expect(ended).toMatchObject({ reason: "network", resource: "httprequests.holdfast.dev" });
    expect(ended?.delayMs).toBeGreaterThanOrEqual(500);
    expect(ended?.delayMs).toBeLessThanOrEqual(1_000);
    expect(run.of("watchConnected").length).toBe(2);
    const watches = (await run.requests()).filter(({ verb }) => verb === "watch");
    expect(watches.at(-1)?.uri).toContain(`resourceVersion=${metadata.resourceVersion}`);
  });

  test("reopens a connection that has gone silent, from where it was, within the idle timeout", async () => {
    await using run = await watched(plane, { idleTimeoutMs: 1_500 });
    await run.objects.create("a");
    await run.watch.until("the object", () => run.watch.resources.has("a"));
    run.proxy.blackHole();
    await run.objects.create("b");
    await run.watch.until("the object behind the black hole", () => run.watch.resources.has("b"));
    expect(run.of("listed")).toHaveLength(1);
    const silent = run.of("watchEnded").find(({ reason }) => reason === "silent");
    expect(silent?.sessionDurationSecs).toBeGreaterThanOrEqual(1.4);
    expect(silent?.delayMs).toBeLessThanOrEqual(1_000);
    expect(run.proxy.open).toBeLessThanOrEqual(2); // the dead connection was destroyed
  });

  test("keeps trying while it may not list, says so, and heals when it may", async () => {
    await using run = await watched(plane, { user: "newcomer" });
    while (run.of("watchEnded").length === 0) await sleep(20);
    expect(run.store.readiness()[0]).toMatchObject({ ready: false, text: expect.stringContaining("is its role bound?") });
    expect(run.watch.events).toHaveLength(0);
    await grantController(plane, "newcomer");
    await run.watch.until("the first listing", () => run.watch.events.length > 0);
    expect(run.store.readiness()[0]).toMatchObject({ ready: true });
    await run.objects.create("a");
    await run.watch.until("the object", () => run.watch.resources.has("a"));

    await plane.admin("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/holdfast-newcomer");
    while (run.store.readiness()[0]?.ready === true) {
      run.proxy.reset();
      await sleep(50);
    }
    await run.objects.create("b");
    await grantController(plane, "newcomer");
    await run.watch.until("what happened meanwhile", () => run.watch.resources.has("b")); // a pause is up to 30 s
    expect(run.of("listed")).toHaveLength(1);
    expect(run.of("watchEnded").map(({ reason }) => reason)).toContain("refused");
  });

  test("keeps integers of 64 bits exact", async () => {
    await using run = await watched(plane);
    const namespace = run.namespace;
    await plane.apply(
      `{"apiVersion":"holdfast.dev/v1alpha1","kind":"HTTPRequest","metadata":{"name":"big","namespace":"${namespace}"},` +
        `"spec":{"url":"http://127.0.0.1:1/","body":{"json":{"max":9223372036854775807,"min":-9223372036854775808,"odd":9007199254740993}}}}`,
    );
    await run.watch.until("the object", () => run.watch.resources.has("big"));
    expect(JSON.stringify(run.watch.resources.get("big")?.spec)).toContain(
      '{"max":9223372036854775807,"min":-9223372036854775808,"odd":9007199254740993}',
    );
  });

  test("of several namespaces tells one listing of all of them", async () => {
    const namespaces = [await plane.createNamespace("first"), await plane.createNamespace("second")];
    const [first, second] = namespaces.map((namespace) => requestObjects(plane, namespace));
    await first?.create("in-first");
    await second?.create("in-second");
    await using run = await watched(plane, { namespaces });
    await run.watch.until("the listing", () => run.watch.events.length > 0);
    expect(run.watch.events[0]?.type).toBe("listed");
    expect([...run.watch.resources.keys()].toSorted()).toEqual(["in-first", "in-second"]);
    await run.objects.create("elsewhere");
    await second?.create("later");
    await run.watch.until("the change", () => run.watch.resources.has("later"));
    expect(run.watch.resources.has("elsewhere")).toBe(false);
    expect(run.store.readiness()).toHaveLength(2);
  });

  test("ends when it is left or its signal aborts, and leaves no connection behind", async () => {
    await using run = await watched(plane);
    await run.watch.until("the first listing", () => run.watch.events.length === 1);
    for await (const event of run.store.watch(requestType, AbortSignal.timeout(5_000))) {
      expect(event.type).toBe("listed");
      break;
    }
    await run.watch[Symbol.asyncDispose]();
    expect(run.store.readiness()).toEqual([]);
    await until("no connection is open", () => run.proxy.open === 0);
  });
});
