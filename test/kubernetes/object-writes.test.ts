/** An annotation, and the end of an object, on the real API server: over nobody's word, and what is left is told. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Resource } from "../../src/core/resource.ts";
import { toResource } from "../../src/kubernetes/objects.ts";
import { ChangedError, createWrites } from "../../src/cli/serve/writes.ts";
import type { Manifest } from "../../src/convert/translation.ts";
import { createApiClient, type ApiClient } from "../../src/kubernetes/api-client.ts";
import { loadKubeConfig } from "../../src/kubernetes/credentials.ts";
import { createKubernetesStore, type KubernetesStore } from "../../src/kubernetes/store.ts";
import { requestObjects, requestType, type RequestObjects } from "../support/request-objects.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const annotation = { name: "holdfast.dev/external-id", value: "ours" };
const { name } = annotation;

describeWithControlPlane("what is written of an object beside its status", (plane) => {
  let client: ApiClient;
  let store: KubernetesStore;
  let objects: RequestObjects;
  const stack = new AsyncDisposableStack();
  const { signal } = new AbortController();

  beforeAll(async () => {
    objects = requestObjects(plane, await plane.createNamespace("object-writes"));
    const emit = (): void => {};
    client = stack.use(createApiClient({ loadKubeConfig: () => loadKubeConfig(plane.kubeconfigs.admin), emit }));
    store = createKubernetesStore({ client, emit, random: () => 0 });
  });
  afterAll(() => stack.disposeAsync());

  test("an annotation lands where something else has changed since it was read", async () => {
    const seen = toResource(await objects.create("changed"));
    await objects.patch("changed", { metadata: { annotations: { other: "1" } }, spec: { method: "PUT" } });
    const written = await store.annotate(requestType, seen, annotation, signal);
    expect(written).toMatchObject({ type: "written", resource: { metadata: { generation: 2 } } });
    expect((await objects.get("changed")).metadata.annotations).toEqual({ other: "1", [name]: "ours" });
  });

  test.each([
    ["written", undefined, "theirs"],
    ["changed", "before", "theirs"],
    ["taken away", "before", null],
    ["written as it was to be written", undefined, "ours"],
  ])("one that somebody has %s meanwhile stays as it is", async (what, before, theirs) => {
    const object = `annotated-${what.replaceAll(" ", "-")}`;
    await objects.create(object);
    const seen = toResource(await objects.patch(object, { metadata: { annotations: { other: "1", [name]: before ?? null } } }));
    await objects.patch(object, { metadata: { annotations: { [name]: theirs } } });
    expect(await store.annotate(requestType, seen, annotation, signal)).toEqual({ type: "conflict" });
    expect((await objects.get(object)).metadata.annotations).toEqual({ other: "1", ...(theirs !== null && { [name]: theirs }) });
  });

  test("none lands on another object of the same name, nor by a process that may not write any more", async () => {
    const seen = toResource(await objects.create("again"));
    const deposed = () => false;
    expect(await store.annotate(requestType, seen, annotation, signal, deposed)).toEqual({ type: "conflict" });
    await objects.delete("again");
    expect(await store.annotate(requestType, seen, annotation, signal)).toEqual({ type: "conflict" });
    await objects.create("again");
    expect(await store.annotate(requestType, seen, annotation, signal)).toEqual({ type: "conflict" });
    expect((await objects.get("again")).metadata.annotations).toBeUndefined();
  });

  test("a shadow that has sent something since it was looked at is not written anew", async () => {
    await objects.create("shadow");
    const seen = toResource(await objects.patch("shadow", { metadata: { annotations: { other: "1" } } }));
    const shadow = {
      metadata: { namespace: seen.metadata.namespace, name: "shadow" },
      spec: { ...(seen.spec as object), method: "PUT" },
    };
    const replace = (known: Resource): Promise<Resource> =>
      createWrites(client, () => true).replace(requestType, known, shadow as unknown as Manifest, signal);
    await store.writeStatus(requestType, seen, { completedRuns: 1 }, { type: "unchanged" }, signal);
    await expect(replace(seen)).rejects.toThrow(ChangedError);
    expect((await objects.get("shadow")).spec).toEqual(seen.spec);
    expect((await replace(toResource(await objects.get("shadow")))).spec).toMatchObject({ method: "PUT" });
  });

  test("what is deleted is gone, or is told as a finalizer keeps it", async () => {
    const plain = toResource(await objects.create("plain"));
    expect(await store.remove(requestType, plain, signal)).toEqual({ type: "removed" });
    await expect(objects.get("plain")).rejects.toThrow("answered 404");
    await objects.create("kept");
    const kept = toResource(await objects.patch("kept", { metadata: { finalizers: ["example.com/theirs"] } }));
    const removed = await store.remove(requestType, kept, signal);
    const live = toResource(await objects.get("kept"));
    expect(live.metadata.deletionTimestamp).toBeDefined();
    expect(removed).toEqual({ type: "removed", left: live });
  });
});
