/** A finalizer on the real API server: it lands on the object that was meant, and touches no other. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { httpResourceType } from "../../src/kinds/types.ts";
import type { Resource } from "../../src/core/resource.ts";
import { createApiClient } from "../../src/kubernetes/api-client.ts";
import { loadKubeConfig } from "../../src/kubernetes/credentials.ts";
import { toResource } from "../../src/kubernetes/objects.ts";
import { createKubernetesStore, type KubernetesStore } from "../../src/kubernetes/store.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const ours = "holdfast.dev/release";

describeWithControlPlane("a finalizer", (plane) => {
  let store: KubernetesStore;
  let collection: string;
  const stack = new AsyncDisposableStack();
  const { signal } = new AbortController();

  beforeAll(async () => {
    const namespace = await plane.createNamespace("finalizers");
    collection = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httpresources`;
    const emit = (): void => {};
    const client = stack.use(createApiClient({ loadKubeConfig: () => loadKubeConfig(plane.kubeconfigs.holdfast), emit }));
    store = createKubernetesStore({ client, emit, random: () => 0 });
  });
  afterAll(() => stack.disposeAsync());

  async function created(name: string, finalizers?: readonly string[]): Promise<Resource> {
    const object = {
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "HTTPResource",
      metadata: { name, ...(finalizers && { finalizers }) },
      spec: { observe: { url: "http://localhost:1/" } },
    };
    return toResource((await plane.admin("POST", collection, object)).body);
  }
  async function live(name: string): Promise<Resource | undefined> {
    const { status, body } = await plane.admin("GET", `${collection}/${name}`);
    return status === 200 ? toResource(body) : undefined;
  }
  const set = (resource: Resource, present: boolean) =>
    store.setFinalizer(httpResourceType, resource, { name: ours, present }, signal);

  test("is put on and taken off beside another's, and asked for twice it is written once", async () => {
    const object = await created("beside", ["example.com/theirs"]);
    const put = await set(object, true);
    expect(put).toMatchObject({ type: "written", resource: { metadata: { finalizers: ["example.com/theirs", ours] } } });
    const again = await set((await live("beside")) as Resource, true);
    expect(again).toMatchObject({
      resource: { metadata: { resourceVersion: (await live("beside"))?.metadata.resourceVersion } },
    });
    await set((await live("beside")) as Resource, false);
    expect((await live("beside"))?.metadata.finalizers).toEqual(["example.com/theirs"]);
    expect((await live("beside"))?.metadata.generation).toBe(1);
  });
  test("lands although the object has changed since it was read, and on what others put there meanwhile", async () => {
    const object = await created("changed");
    await plane.adminPatch(`${collection}/changed`, { metadata: { labels: { a: "b" }, finalizers: ["example.com/theirs"] } });
    expect((await set(object, true)).type).toBe("written");
    expect((await live("changed"))?.metadata.finalizers).toEqual(["example.com/theirs", ours]);
  });
  test("is not put beside a status that somebody else wrote meanwhile, nor taken off", async () => {
    const object = await created("decided");
    const put = await set(object, true);
    if (put.type === "conflict") throw new Error("nobody else has written");
    const status = { observedGeneration: 1 };
    await store.writeStatus(httpResourceType, put.resource, status, { type: "unchanged" }, signal);
    expect(await set(put.resource, false)).toEqual({ type: "conflict" });
    const now = (await live("decided")) as Resource;
    expect(now).toMatchObject({ metadata: { finalizers: [ours] }, status });
    expect(await set(now, false)).toMatchObject({ type: "written" });
    expect(await set(object, true)).toEqual({ type: "conflict" });
  });
  test("does not land on another object of the same name, nor on one that is gone", async () => {
    const object = await created("again");
    await plane.admin("DELETE", `${collection}/again`);
    expect(await set(object, true)).toEqual({ type: "conflict" });
    await created("again");
    expect(await set(object, true)).toEqual({ type: "conflict" });
    expect((await live("again"))?.metadata.finalizers).toBeUndefined();
  });
  test("ends the object when the last one goes, and is not put on one that is being deleted", async () => {
    const object = await created("leaving", [ours]);
    await plane.admin("DELETE", `${collection}/leaving`);
    expect((await live("leaving"))?.metadata.deletionTimestamp).toBeDefined();
    expect((await set(object, false)).type).toBe("written");
    expect(await live("leaving")).toBeUndefined();
  });
});
