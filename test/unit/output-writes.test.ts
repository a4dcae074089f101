/** What the API server says of an output that is written: what may be taken later, and what for nothing is tried again. */
import { expect, test } from "@jest/globals";
import type { OutputObject } from "../../src/core/output.ts";
import { redact } from "../../src/core/redacted.ts";
import { secretType } from "../../src/core/resource.ts";
import type { ApiClient } from "../../src/kubernetes/api-client.ts";
import { ApiError, ApiUnreachableError } from "../../src/kubernetes/api-error.ts";
import { createOutputStore } from "../../src/kubernetes/outputs.ts";
import { thing, type } from "../support/memory-store.ts";

const object: OutputObject = { field: "spec.outputs[0].secret", type: secretType, name: "s", labels: {}, annotations: {} };
const { signal } = new AbortController();
const causes = [{ field: "data" }];

/** There is the Secret, or none; each write is answered so. */
async function write(status: number | "TIMEOUT", answer: object, present?: object) {
  const asked: string[] = [];
  const call: ApiClient["call"] = async ({ method, path }) => {
    asked.push(method);
    if (method === "GET" && present) return { status: 200, body: present };
    if (method !== "GET" && status === "TIMEOUT") throw new ApiUnreachableError(`${method} ${path}`, status);
    throw new ApiError(
      `${method} ${path}`,
      ...(method === "GET" ? ([404, { reason: "NotFound" }] as const) : ([Number(status), answer] as const)),
    );
  };
  const store = createOutputStore({ client: { call } as ApiClient, random: () => 0, denial: async () => ({}) });
  const owner = { type, metadata: thing("a").metadata };
  return { result: await store.writeOutput(owner, object, redact({ a: "1" }), signal), asked };
}

test.each<[string, number | "TIMEOUT", object, number]>([
  ["a right", 403, { reason: "Forbidden" }, 2],
  ["a policy", 422, { reason: "Invalid", details: { causes: [{ message: "no" }] } }, 2],
  ["a webhook that denies", 400, { reason: "BadRequest" }, 2],
  ["a webhook that is not there", 500, { reason: "InternalError", message: "failed calling webhook" }, 2],
  ["a webhook that fails", 500, { message: "it failed" }, 2],
  ["a webhook that is busy", 429, { reason: "TooManyRequests" }, 2],
  ["a webhook that does not answer in time", "TIMEOUT", {}, 2],
  ["a quota that is counted by many at once", 409, { reason: "Conflict" }, 10],
])("refused by %s it may be taken later, which is for whoever keeps the answer", async (_, status, answer, calls) => {
  const { result, asked } = await write(status, answer);
  expect(result).toMatchObject({ type: "refusal", mayPass: true });
  expect(asked).toHaveLength(calls);
});

const ownerReferences = [{ apiVersion: "g/v1", kind: type.kind, name: "a", uid: "a", controller: true }];
test.each([
  ["somebody else's", {}],
  ["being deleted", { deletionTimestamp: "2026-01-01T00:00:00Z", ownerReferences }],
])("that is %s may be gone later", async (_, metadata) => {
  const present = { metadata: { ...thing("s").metadata, ...metadata } };
  expect((await write(500, {}, present)).result).toMatchObject({ reason: "OutputConflict", mayPass: true });
});

test.each([
  ["by fields that are named", 422, { reason: "Invalid", details: { causes } }],
  ["by its size", 413, {}],
  ["by its size, as etcd says it", 500, { reason: "InternalError", message: "etcdserver: request is too large" }],
])("refused for what it holds, %s, it is not taken later, either", async (_, status, answer) => {
  const { result } = await write(status, answer);
  expect(result).toMatchObject({ reason: "OutputRefused" });
  expect(result).not.toHaveProperty("mayPass");
});
