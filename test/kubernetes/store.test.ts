/** Reading references and writing statuses on the real API server: what lands, and what must not. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { Transform } from "node:stream";
import type { Precondition, WatchEvent } from "../../src/core/ports.ts";
import { configMapType, secretType, type Resource } from "../../src/core/resource.ts";
import { createApiClient, type ApiClient } from "../../src/kubernetes/api-client.ts";
import { loadKubeConfig } from "../../src/kubernetes/credentials.ts";
import { toResource } from "../../src/kubernetes/objects.ts";
import { createKubernetesStore, type KubernetesStore } from "../../src/kubernetes/store.ts";
import { startInterposer, type Answer, type ApiInterposer } from "../support/api-interposer.ts";
import type { User } from "../support/control-plane-client.ts";
import { requestObjects, requestType, type RequestObjects } from "../support/request-objects.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const unchanged: Precondition = { type: "unchanged" };
const attemptOf = (id: string, sender: string): Precondition => ({ type: "attempt", id, sender });
function inFlight(id: string, sender: string): object {
  const attempt = { id, digest: "d", phase: "InFlight", sender, startedAt: "2026-01-01T00:00:00Z", tries: 1 };
  return { observedGeneration: 1, attempt };
}
const done = { observedGeneration: 1, completedRuns: 1 };

describeWithControlPlane("the store", (plane) => {
  let interposer: ApiInterposer;
  let clients: readonly ApiClient[];
  let store: KubernetesStore;
  let visitorsStore: KubernetesStore;
  let namespace: string;
  let objects: RequestObjects;
  const { signal } = new AbortController();

  beforeAll(async () => {
    interposer = await startInterposer(plane);
    const emit = (): void => {};
    const clientOf = async (user: User): Promise<ApiClient> => {
      const kubeconfig = await plane.kubeconfigVia(user, interposer.url);
      return createApiClient({ loadKubeConfig: () => loadKubeConfig(kubeconfig), emit });
    };
    clients = [await clientOf("holdfast"), await clientOf("visitor")];
    [store, visitorsStore] = clients.map((client) => createKubernetesStore({ client, emit, random: () => 0 })) as [
      KubernetesStore,
      KubernetesStore,
    ];
    namespace = await plane.createNamespace("store");
    objects = requestObjects(plane, namespace);
  });
  afterAll(async () => {
    for (const client of clients) await client[Symbol.asyncDispose]();
    await interposer[Symbol.asyncDispose]();
  });

  async function created(name: string, status?: object): Promise<Resource> {
    const object = await objects.create(name);
    return toResource(status ? await objects.patchStatus(name, status) : object);
  }
  async function patches(name: string): Promise<number> {
    return (await plane.auditEvents()).filter(
      (event) => event.user === "holdfast" && event.namespace === namespace && event.name === name && event.verb === "patch",
    ).length;
  }

  describe("reading", () => {
    test("gives a Secret's bytes and a ConfigMap's text and bytes", async () => {
      await plane.admin("POST", `/api/v1/namespaces/${namespace}/secrets`, {
        metadata: { name: "s" },
        data: { token: "c2VjcmV0", bytes: "/wA=" },
      });
      await plane.admin("POST", `/api/v1/namespaces/${namespace}/configmaps`, {
        metadata: { name: "c" },
        data: { text: "größer" },
        binaryData: { bytes: "/wA=" },
      });
      const secret = await store.read({ type: secretType, key: { namespace, name: "s" } }, signal);
      const configMap = await store.read({ type: configMapType, key: { namespace, name: "c" } }, signal);
      expect(secret).toMatchObject({ type: "found", resource: { metadata: { name: "s", namespace } } });
      expect(dataOf(secret)).toEqual({ token: "secret", bytes: [255, 0] });
      expect(dataOf(configMap)).toEqual({ text: "größer", bytes: [255, 0] });
    });

    test("tells absent from forbidden", async () => {
      const reference = { type: secretType, key: { namespace, name: "nowhere" } };
      expect(await store.read(reference, signal)).toEqual({ type: "absent" });
      expect(await visitorsStore.read(reference, signal)).toEqual({ type: "forbidden" });
    });

    test("asks for no name that an object cannot have", async () => {
      const before = interposer.requests.length;
      for (const name of ["..", ".", "../configmaps/c", "a/b", "a%2fb", "A", ""]) {
        expect(await store.read({ type: secretType, key: { namespace, name } }, signal)).toEqual({ type: "absent" });
      }
      expect(interposer.requests.length).toBe(before);
    });
  });

  describe("a watch of Secrets", () => {
    test("tells which there are and which have changed, and nothing of what they hold, on the wire neither", async () => {
      const where = await plane.createNamespace("secrets");
      const put = async (token: string): Promise<void> => {
        const object = { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: where }, stringData: { token } };
        await plane.apply(JSON.stringify(object));
      };
      await put("s3cr3t-v4lue");
      let received = "";
      interposer.rewrite = ({ path }) => {
        if (!path.includes(`${where}/secrets`)) return undefined;
        return new Transform({
          transform(chunk: Buffer, _encoding, done) {
            received += chunk.toString();
            done(null, chunk);
          },
        });
      };
      const stop = new AbortController();
      const told: WatchEvent[] = [];
      for await (const event of store.watchData?.(secretType, where, stop.signal) ?? []) {
        told.push(event);
        if (told.length === 1) await put("r0tated-v4lue");
        else stop.abort();
      }
      interposer.rewrite = () => undefined;
      const metadata = expect.objectContaining({ name: "s", namespace: where }) as object;
      expect(told).toMatchObject([
        { type: "listed", resources: [{ metadata }] },
        { type: "applied", resource: { metadata } },
      ]);
      expect(received).toContain("PartialObjectMetadata");
      for (const text of ["s3cr3t-v4lue", "r0tated-v4lue"])
        for (const form of [text, Buffer.from(text).toString("base64")]) {
          expect(JSON.stringify(told)).not.toContain(form);
          expect(received).not.toContain(form);
        }
      expect(store.readiness()).toEqual([]); // it is no part of readiness
    });
  });

  describe("a status written where it is unchanged", () => {
    test("replaces the whole status and answers with the object as it is then", async () => {
      const resource = await created("whole", { completedRuns: 7, lastHandledReconcileAt: "x" });
      const result = await store.writeStatus(requestType, resource, done, unchanged, signal);
      expect(result).toMatchObject({ type: "written", resource: { metadata: { uid: resource.metadata.uid }, status: done } });
      const live = await objects.get("whole");
      expect(live.status).toEqual(done);
      expect(result.type === "written" && result.resource.metadata.resourceVersion).toBe(live.metadata.resourceVersion);
      expect(store.isNewer(live.metadata.resourceVersion, resource.metadata.resourceVersion)).toBe(true);
    });

    test("is a conflict when somebody else has written the status", async () => {
      const resource = await created("stale");
      await objects.patchStatus("stale", { completedRuns: 3 });
      expect(await store.writeStatus(requestType, resource, done, unchanged, signal)).toEqual({ type: "conflict" });
      expect((await objects.get("stale")).status).toEqual({ observedGeneration: -1, completedRuns: 3 });
    });

    test("lands when only something else about the object has changed, and keeps that", async () => {
      const resource = await created("labelled", { completedRuns: 3 });
      await objects.patch("labelled", { metadata: { labels: { colour: "blue" } }, spec: { suspend: true } });
      const result = await store.writeStatus(requestType, resource, done, unchanged, signal);
      expect(result).toMatchObject({ type: "written", resource: { metadata: { labels: { colour: "blue" } }, status: done } });
      expect((await objects.get("labelled")).spec).toMatchObject({ suspend: true });
    });

    test("is a conflict when the object has been deleted, or made anew under its name", async () => {
      const resource = await created("again");
      await objects.delete("again");
      expect(await store.writeStatus(requestType, resource, done, unchanged, signal)).toEqual({ type: "conflict" });
      await objects.create("again");
      expect(await store.writeStatus(requestType, resource, done, unchanged, signal)).toEqual({ type: "conflict" });
      expect((await objects.get("again")).status).toEqual({ observedGeneration: -1 });
    });

    test("throws when the status itself is refused, naming the field and not its value", async () => {
      const resource = await created("invalid");
      const wrong = { attempt: { ...(inFlight("i", "s") as { attempt: object }).attempt, phase: "Nonsense-4711" } };
      const writing = store.writeStatus(requestType, resource, wrong, unchanged, signal);
      await expect(writing).rejects.toMatchObject({
        name: "ApiError",
        status: 422,
        message: expect.stringContaining("status.attempt.phase"),
      });
      await expect(writing).rejects.not.toMatchObject({ message: expect.stringContaining("4711") });
    });

    test("is tried until the API server is well again", async () => {
      const resource = await created("trouble");
      const answers: (Answer | "reset")[] = [{ status: 503 }, "reset", { status: 401 }, { status: 403 }];
      interposer.answer = ({ path }) => (path.includes("/trouble/status") ? answers.shift() : undefined);
      const result = await store.writeStatus(requestType, resource, done, unchanged, signal);
      interposer.answer = () => undefined;
      expect(answers).toEqual([]);
      expect(result).toMatchObject({ type: "written", resource: { status: done } });
      expect(await patches("trouble")).toBe(1);
    });

    test("counts as written when it had landed and only the reply was lost", async () => {
      const resource = await created("reply-lost");
      let lost = 0;
      interposer.answer = ({ path }) =>
        path.includes("/reply-lost/status") && lost++ === 0 ? { status: 504, afterwards: true } : undefined;
      const result = await store.writeStatus(requestType, resource, done, unchanged, signal);
      interposer.answer = () => undefined;
      expect(result).toMatchObject({ type: "written", resource: { status: done } });
    });

    test("throws when this process may not write it for long, so that a namespace without the right holds up no other", async () => {
      const resource = await created("forbidden");
      interposer.answer = ({ path }) => (path.includes("/forbidden/status") ? { status: 403 } : undefined);
      await expect(store.writeStatus(requestType, resource, done, unchanged, signal)).rejects.toMatchObject({ status: 403 });
      interposer.answer = () => undefined;
      expect(await patches("forbidden")).toBe(0);
    });
  });

  describe("an attempt's outcome", () => {
    test("lands while the attempt is in flight, whatever else has changed", async () => {
      const resource = await created("outcome", inFlight("id-1", "me"));
      await objects.patch("outcome", { metadata: { labels: { colour: "blue" } }, spec: { suspend: true } });
      await objects.patchStatus("outcome", { lastHandledReconcileAt: "x" });
      const result = await store.writeStatus(requestType, resource, done, attemptOf("id-1", "me"), signal);
      expect(result).toMatchObject({ type: "written", resource: { status: done } });
      expect((await objects.get("outcome")).status).toEqual(done);
      expect(await patches("outcome")).toBe(1);
    });

    test.each([
      ["another attempt", inFlight("id-2", "me")],
      ["another sender", inFlight("id-1", "you")],
      ["none", { observedGeneration: 1, completedRuns: 3 }],
    ])("is a conflict when the object carries %s", async (name, status) => {
      const resource = await created(name.replace(" ", "-"), status);
      expect(await store.writeStatus(requestType, resource, done, attemptOf("id-1", "me"), signal)).toEqual({ type: "conflict" });
      expect((await objects.get(resource.metadata.name)).status).toEqual(status);
    });

    test("never lands on an object made anew under the same name, even with the same attempt", async () => {
      const resource = await created("recreated", inFlight("id-1", "me"));
      await objects.delete("recreated");
      const other = await created("recreated", inFlight("id-1", "me"));
      expect(await store.writeStatus(requestType, resource, done, attemptOf("id-1", "me"), signal)).toEqual({ type: "conflict" });
      expect((await objects.get("recreated")).status).toEqual(other.status);
    });

    test("throws when the status itself is refused, and does not try again", async () => {
      const resource = await created("refused", inFlight("id-1", "me"));
      const writing = store.writeStatus(requestType, resource, { completedRuns: -1 }, attemptOf("id-1", "me"), signal);
      await expect(writing).rejects.toMatchObject({ status: 422 });
      expect(await patches("refused")).toBe(1);
    });

    test("is tried until the API server is well again, obeying Retry-After", async () => {
      const resource = await created("patient", inFlight("id-1", "me"));
      const answers = [{ status: 500 }, { status: 429, headers: { "retry-after": "2" } }, { status: 403 }];
      const atMs: number[] = [];
      interposer.answer = ({ path }) => {
        if (!path.includes("/patient/status")) return undefined;
        atMs.push(performance.now());
        return answers.shift();
      };
      const result = await store.writeStatus(requestType, resource, done, attemptOf("id-1", "me"), signal);
      interposer.answer = () => undefined;
      expect(result).toMatchObject({ type: "written", resource: { status: done } });
      expect(atMs).toHaveLength(4);
      expect((atMs[2] ?? 0) - (atMs[1] ?? 0)).toBeGreaterThanOrEqual(1_990);
    });

    test("counts as written when it had landed and only the reply was lost", async () => {
      const resource = await created("lost-reply", inFlight("id-1", "me"));
      let lost = 0;
      interposer.answer = ({ path }) =>
        path.includes("/lost-reply/status") && lost++ === 0 ? { status: 504, afterwards: true } : undefined;
      const result = await store.writeStatus(requestType, resource, done, attemptOf("id-1", "me"), signal);
      interposer.answer = () => undefined;
      expect(result).toMatchObject({ type: "written", resource: { status: done } });
      expect((await objects.get("lost-reply")).status).toEqual(done);
    });

    test("stops being tried when the signal aborts", async () => {
      const resource = await created("given-up", inFlight("id-1", "me"));
      interposer.answer = ({ path }) => (path.includes("/given-up/status") ? { status: 500 } : undefined);
      const ending = new AbortController();
      const writing = store.writeStatus(requestType, resource, done, attemptOf("id-1", "me"), ending.signal);
      void sleep(100).then(() => ending.abort());
      await expect(writing).rejects.toMatchObject({ name: "AbortError" });
      interposer.answer = () => undefined;
    });
  });
});

function dataOf(result: Awaited<ReturnType<KubernetesStore["read"]>>): object {
  if (result.type !== "found") return {};
  const { bytes, ...texts } = result.resource.data;
  const decoded = Object.entries(texts).map(([key, value]) => [key, Buffer.from(value).toString("utf8")]);
  return { ...(Object.fromEntries(decoded) as object), bytes: [...(bytes ?? [])] };
}
