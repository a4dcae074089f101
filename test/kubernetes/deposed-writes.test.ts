/**
 * A leader that is deposed while the API server takes no writes: what it had decided is not written when the server is back,
 * since another may have decided since. Only what came of a declared attempt is still its own to record.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { redact } from "../../src/core/redacted.ts";
import type { Precondition } from "../../src/core/ports.ts";
import { secretType, type Resource } from "../../src/core/resource.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { loadKubeConfig } from "../../src/kubernetes/credentials.ts";
import { toResource } from "../../src/kubernetes/objects.ts";
import { createKubernetesStore, type KubernetesStore } from "../../src/kubernetes/store.ts";
import { startInterposer, type ApiInterposer } from "../support/api-interposer.ts";
import { requestObjects, requestType, type RequestObjects } from "../support/request-objects.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const status = { observedGeneration: 1, completedRuns: 1 };
const attempt = { id: "id-1", digest: "d", phase: "InFlight", sender: "me", startedAt: "2026-01-01T00:00:00Z", tries: 1 };
const unchanged: Precondition = { type: "unchanged" };

describeWithControlPlane("a leader that is deposed while nothing can be written", (plane) => {
  const stack = new AsyncDisposableStack();
  const { signal } = new AbortController();
  let interposer: ApiInterposer;
  let store: KubernetesStore;
  let objects: RequestObjects;

  beforeAll(async () => {
    interposer = stack.use(await startInterposer(plane));
    const kubeconfig = await plane.kubeconfigVia("holdfast", interposer.url);
    const emit = (): void => {};
    const client = stack.use(createApiClient({ loadKubeConfig: () => loadKubeConfig(kubeconfig), emit }));
    store = createKubernetesStore({ client, emit, random: () => 0 });
    objects = requestObjects(plane, await plane.createNamespace("deposed"));
  });
  afterAll(() => stack.disposeAsync());

  /** Writes are refused twice, and from the second time on this process leads no more; then all is well. */
  async function through(name: string, write: (resource: Resource, mayWrite: () => boolean) => Promise<unknown>) {
    const resource = toResource(await objects.patchStatus((await objects.create(name)).metadata.name, { attempt }));
    let refused = 0;
    interposer.answer = ({ method, path }) =>
      method !== "GET" && path.includes(`/${resource.metadata.namespace}/`) && refused < 2
        ? ((refused += 1), { status: 503 })
        : undefined;
    const result = await write(resource, () => refused < 2);
    interposer.answer = () => undefined;
    expect(refused).toBe(2);
    const { namespace } = resource.metadata;
    const writes = (await plane.auditEvents()).filter(
      (event) => event.user === "holdfast" && event.namespace === namespace && !["get", "list", "watch"].includes(event.verb),
    );
    return { result, writes: writes.filter((event) => event.name === name).length };
  }

  test("F8, F10: does not write a status", async () => {
    const put = through("status", (resource, mayWrite) =>
      store.writeStatus(requestType, resource, status, unchanged, signal, mayWrite),
    );
    expect(await put).toEqual({ result: { type: "conflict" }, writes: 0 });
  });

  test("does not put on a finalizer", async () => {
    const finalizer = { name: "holdfast.dev/release", present: true };
    const put = through("finalizer", (resource, mayWrite) =>
      store.setFinalizer(requestType, resource, finalizer, signal, mayWrite),
    );
    expect(await put).toEqual({ result: { type: "conflict" }, writes: 0 });
  });

  test("does not write an output", async () => {
    const output = {
      field: "spec.outputs[0]",
      type: secretType,
      name: "output",
      secretType: "Opaque",
      labels: {},
      annotations: {},
    };
    // What fails behind a read that was answered is tried again by whoever keeps the answer.
    const put = through("output", async ({ metadata }, mayWrite) => {
      for (;;) {
        const written = await store.writeOutput({ type: requestType, metadata }, output, redact({ a: "1" }), signal, mayWrite);
        if (written.type !== "refusal") return written;
        expect(written).toMatchObject({ mayPass: true });
      }
    });
    expect(await put).toEqual({ result: { type: "conflict" }, writes: 0 });
  });

  test("records what came of an attempt that it declared", async () => {
    const mine: Precondition = { type: "attempt", id: attempt.id, sender: attempt.sender };
    const put = await through("outcome", (resource, mayWrite) =>
      store.writeStatus(requestType, resource, status, mine, signal, mayWrite),
    );
    expect(put).toMatchObject({ result: { type: "written", resource: { status } }, writes: 1 });
  });
});
