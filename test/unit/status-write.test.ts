/** The write of what came of a request, where its object's status is no longer what the request was sent on. */
import { expect, test } from "@jest/globals";
import type { Resource } from "../../src/core/resource.ts";
import type { ApiClient } from "../../src/kubernetes/api-client.ts";
import { ApiError } from "../../src/kubernetes/api-error.ts";
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

/** An API server that has one object, or none, and takes JSON Patches. `onRead`: what happens after it has answered a read. */
function serverOf(first: Resource | undefined, onRead = (): void => {}) {
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
  const call: ApiClient["call"] = async ({ method, path, body }) => {
    asked.push(method);
    if (!live) throw new ApiError(`${method} ${path}`, 404, { kind: "Status", reason: "NotFound" });
    if (method === "GET") {
      const answer = { status: 200, body: live };
      onRead();
      return answer;
    }
    for (const { op, path: at, value } of body as readonly Operation[]) {
      if (op === "test" && valueAt(at) !== value)
        throw new ApiError(`${method} ${path}`, 422, { kind: "Status", reason: "Invalid" });
      if (op === "add") change(value as object);
    }
    return { status: 200, body: live };
  };
  return { client: { call } as ApiClient, asked, change, status: () => live?.status };
}
function record(client: ApiClient) {
  const write = { type, resource: { ...thing("a"), status: inFlight }, status: done };
  return writeAttempt({ client, random: () => 0.99 }, write, { type: "attempt", id: "i", sender: "me" }, signal);
}

test.each([
  ["as it was when it was sent", { ...thing("a"), status: inFlight }],
  ["taken away whole", thing("a", 1, 2)],
  ["made empty", { ...thing("a", 1, 2), status: {} }],
  ["of others' fields only", { ...thing("a", 1, 2), status: { conditions: [] } }],
])("is recorded on a status %s", async (_, live) => {
  const server = serverOf(live);
  expect(await record(server.client)).toMatchObject({ type: "written", resource: { status: done } });
  expect(server.status()).toEqual(done);
});

test.each([
  ["whose status tells of another attempt", { ...thing("a", 1, 2), status: later }],
  [
    "whose attempt another process took over",
    { ...thing("a", 1, 2), status: { attempt: { ...inFlight.attempt, sender: "other" } } },
  ],
  ["that was made anew under its name", { ...thing("a"), metadata: { ...thing("a").metadata, uid: "another" } }],
  ["that is gone", undefined],
])("is not recorded on an object %s", async (_, live) => {
  const server = serverOf(live);
  expect(await record(server.client)).toEqual({ type: "conflict" });
  expect(server.status()).toEqual(live?.status);
});

test("is not recorded where another attempt is recorded on the status that was taken away, before this one is", async () => {
  let reads = 0;
  const server = serverOf(thing("a", 1, 2), () => {
    reads += 1;
    if (reads === 1) server.change(later);
  });
  expect(await record(server.client)).toEqual({ type: "conflict" });
  expect(server.status()).toEqual(later);
});

test("is recorded where something else about the object changes, before it is", async () => {
  let reads = 0;
  const server = serverOf(thing("a", 1, 2), () => {
    reads += 1;
    if (reads === 1) server.change({ conditions: [] });
  });
  expect(await record(server.client)).toMatchObject({ type: "written" });
  expect(server.status()).toEqual(done);
  expect(server.asked).toEqual(["PATCH", "GET", "PATCH", "PATCH", "GET", "PATCH"]);
});
