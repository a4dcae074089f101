/** The write of what came of a request, where its object's status is no longer what the request was sent on. */
import { expect, test } from "@jest/globals";
import type { Resource } from "../../src/core/resource.ts";
import type { ApiClient } from "../../src/kubernetes/api-client.ts";
import { ApiError } from "../../src/kubernetes/api-error.ts";
import { writeAnnotation } from "../../src/kubernetes/annotate.ts";
import { removeObject } from "../../src/kubernetes/remove.ts";
import { createKubernetesStore } from "../../src/kubernetes/store.ts";
import { writeAttempt } from "../../src/kubernetes/status-write.ts";
import { thing, type } from "../support/memory-store.ts";

const { signal } = new AbortController();
const inFlight = { attempt: { id: "i", phase: "InFlight", sender: "me" } };
const done = { attempt: { id: "i", phase: "Done", sender: "me" } };
const later = { attempt: { id: "later", phase: "InFlight", sender: "me" } };

interface Operation {
  readonly op: "test" | "replace" | "add";
  readonly path: string;
  readonly value: unknown;
}

/** An API server that has one object, or none, and takes JSON Patches. */
function serverOf(first: Resource | undefined) {
  let live = first;
  const asked: string[] = [];
  function valueAt(path: string): unknown {
    let value: unknown = live;
    for (const name of path.split("/").slice(1)) value = (value as Record<string, unknown> | undefined)?.[name];
    return value;
  }
  function change(status: object): void {
    if (!live) return;
    const resourceVersion = String(Number(live.metadata.resourceVersion) + 1);
    live = { ...live, status, metadata: { ...live.metadata, resourceVersion } };
  }
  const call: ApiClient["call"] = async ({ method, path, body, accept }) => {
    asked.push(method);
    if (!live) throw new ApiError(`${method} ${path}`, 404, { kind: "Status", reason: "NotFound" });
    if (method === "GET") {
      return { status: 200, body: live };
    }
    for (const { op, path: at, value } of body as readonly Operation[]) {
      if (op === "replace" && valueAt(at) !== value)
        throw new ApiError(`${method} ${path}`, 409, { kind: "Status", reason: "Conflict" });
      if (op === "test" && valueAt(at) !== value)
        throw new ApiError(`${method} ${path}`, 422, { kind: "Status", reason: "Invalid" });
      if (op === "add") change(value as object);
    }
    const isPartial = accept?.includes("PartialObjectMetadata") === true;
    return { status: 200, body: isPartial ? { kind: "PartialObjectMetadata", metadata: live.metadata } : live };
  };
  return { client: { call } as ApiClient, asked, change, status: () => live?.status };
}
function record(client: ApiClient) {
  const write = { type, resource: { ...thing("a"), status: inFlight }, status: done };
  return writeAttempt({ client, random: () => 0.99 }, write, { type: "attempt", id: "i", sender: "me" }, signal);
}

test("is recorded on a status as it was when it was sent", async () => {
  const server = serverOf({ ...thing("a"), status: inFlight });
  expect(await record(server.client)).toMatchObject({ type: "written", resource: { status: done } });
  expect(server.status()).toEqual(done);
});

test("asks for nothing but the new metadata, and keeps the spec that is known as the very same object", async () => {
  const server = serverOf({ ...thing("a"), status: inFlight });
  const resource = { ...thing("a"), status: inFlight };
  const write = { type, resource, status: { ...done, absent: undefined } };
  const attempt = { type: "attempt", id: "i", sender: "me" } as const;
  const result = await writeAttempt({ client: server.client, random: () => 0.99 }, write, attempt, signal);
  expect(server.asked).toEqual(["PATCH"]);
  expect(result).toEqual({
    type: "written",
    resource: { ...resource, status: done, metadata: { ...resource.metadata, resourceVersion: "2" } },
  });
  expect(result.type === "written" && result.resource.spec).toBe(resource.spec);
});

test("keeps kubectl's copy of the manifest where the spec may read it, as a watch does", async () => {
  const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{}" };
  const { metadata } = thing("a");
  const kept = async (spec: object): Promise<unknown> => {
    const resource = { metadata: { ...metadata, annotations }, spec, status: inFlight };
    const { client } = serverOf(resource);
    const attempt = { type: "attempt", id: "i", sender: "me" } as const;
    const result = await writeAttempt({ client, random: () => 0.99 }, { type, resource, status: done }, attempt, signal);
    return result.type === "written" && result.resource.metadata.annotations;
  };
  expect(await kept({ body: { json: "${ .metadata | tojson }" } })).toEqual(annotations);
  expect(await kept({ body: { json: "${ .inputs }" } })).toEqual({});
});

test("reads the object anew where its spec has changed since it was read", async () => {
  const changed = thing("a", 2, 7);
  const server = serverOf({ ...changed, spec: { changed: true }, status: inFlight });
  expect(await record(server.client)).toMatchObject({ type: "written", resource: { spec: { changed: true }, status: done } });
  expect(server.asked).toEqual(["PATCH", "GET"]);
});

test.each([
  ["taken away", thing("a", 1, 2)],
  ["made empty", { ...thing("a", 1, 2), status: {} }],
  ["left with others' fields only", { ...thing("a", 1, 2), status: { conditions: [] } }],
])("is recorded where the status was %s meanwhile, since nobody else knows of it", async (_, live) => {
  const server = serverOf(live);
  expect(await record(server.client)).toMatchObject({ type: "written", resource: { status: done } });
  expect(server.status()).toEqual(done);
});

test("is not recorded over what another records in that moment", async () => {
  const server = serverOf(thing("a", 1, 2));
  const call: ApiClient["call"] = async (request, aborting) => {
    const answer = await server.client.call(request, aborting);
    if (request.method === "GET") server.change(later);
    return answer;
  };
  expect(await record({ call } as ApiClient)).toEqual({ type: "conflict" });
  expect(server.status()).toEqual(later);
});

test.each([
  ["whose status tells of another attempt", { ...thing("a", 1, 2), status: later }],
  [
    "whose attempt another process took over",
    { ...thing("a", 1, 2), status: { attempt: { ...inFlight.attempt, sender: "other" } } },
  ],
  ["that was made anew under its name", { ...thing("a"), metadata: { ...thing("a").metadata, uid: "another" } }],
  ["whose status says that it was looked at, and of no attempt", { ...thing("a", 1, 2), status: { observedGeneration: 1 } }],
  ["that is gone", undefined],
])("is not recorded on an object %s", async (_, live) => {
  const server = serverOf(live);
  expect(await record(server.client)).toEqual({ type: "conflict" });
  expect(server.status()).toEqual(live?.status);
});

test.each([
  [400, "forbidden"],
  [403, "forbidden"],
  [413, "forbidden"],
  [422, "forbidden"],
  [404, "conflict", "NotFound"],
  [409, "conflict", "Conflict"],
  [404, "thrown"],
  [410, "forbidden"],
  [401, "thrown"],
  [429, "thrown"],
  [500, "thrown"],
])("a write that is answered %d is %s", async (status, meaning, reason = "Why") => {
  const call: ApiClient["call"] = async ({ method }) => {
    if (method === "GET") throw new ApiError("GET /x", 404, { kind: "Status", reason: "NotFound" });
    throw new ApiError(`${method} /x`, status, { kind: "Status", reason });
  };
  const client = { call } as ApiClient;
  const annotation = { name: "a", value: "b" };
  const write = { type, resource: thing("a"), mayWrite: () => true };
  const ended = [writeAnnotation(client, { ...write, annotation }, signal), removeObject(client, write, signal)];
  const meanings = await Promise.all(ended.map((one) => one.then(({ type: said }) => said).catch(() => "thrown")));
  expect(meanings).toEqual([meaning, meaning]);
});

test.each([400, 403, 422])(
  "where another object may not be held (%d), all goes on without",
  async (status) => {
    const held = { metadata: { ...thing("a").metadata }, spec: {} };
    const call: ApiClient["call"] = async ({ method }) => {
      if (method !== "GET") throw new ApiError("PATCH /x", status, { kind: "Status", reason: "Why" });
      return { status: 200, body: held };
    };
    const emit = (): void => {};
    const store = createKubernetesStore({ client: { call } as ApiClient, emit, random: () => 0 });
    expect(await store.hold(type, thing("a"), "holdfast.dev/in-use", signal)).toEqual({ type: "forbidden" });
  },
  30_000,
);
