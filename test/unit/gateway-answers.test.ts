/** Answers of what stands before the API server: they say nothing of an object, neither that it is gone nor that it has changed. */
import { expect, test } from "@jest/globals";
import type { OutputObject } from "../../src/core/output.ts";
import { redact } from "../../src/core/redacted.ts";
import { secretType } from "../../src/core/resource.ts";
import { createWrites } from "../../src/cli/serve/writes.ts";
import type { ApiClient } from "../../src/kubernetes/api-client.ts";
import { ApiError } from "../../src/kubernetes/api-error.ts";
import { createDigestKey } from "../../src/kubernetes/digest-key.ts";
import { createInjectionStore } from "../../src/kubernetes/injections.ts";
import { createLeaseClient } from "../../src/kubernetes/lease-client.ts";
import { createKubernetesStore } from "../../src/kubernetes/store.ts";
import { thing, type } from "../support/memory-store.ts";

const { signal } = new AbortController();
const resource = { ...thing("a"), status: { attempt: { id: "i", sender: "me" } } };
const secret = { namespace: "n", name: "s" };
const output: OutputObject = { field: "spec.outputs[0].secret", type: secretType, name: "s", labels: {}, annotations: {} };
const mayWrite = (): boolean => true;

interface Asking {
  readonly client: ApiClient;
}
/** What is asked of the API server, and what it says where the object is gone, as each of them tells it. */
const calls: readonly (readonly [string, (asking: Asking) => Promise<unknown>, unknown])[] = [
  ["a Secret", (asking) => storeOf(asking).read({ type: secretType, key: secret }, signal), { type: "absent" }],
  ["a token of a ServiceAccount", (asking) => storeOf(asking).serviceAccountToken(accountToken, signal), { type: "absent" }],
  ["the object itself", (asking) => storeOf(asking).readLive(type, resource, signal), undefined],
  ["a lease", (asking) => leaseOf(asking).read(signal), undefined],
  ["the renewal of a lease", (asking) => leaseOf(asking).write({ ...resource, spec: {} }, {}, signal), "conflict"],
  ["a finalizer", (asking) => storeOf(asking).setFinalizer(type, resource, { name: "f/f", present: true }, signal), conflict()],
  ["a hold", (asking) => storeOf(asking).hold(type, resource, "f/f", signal), conflict()],
  ["an annotation", (asking) => storeOf(asking).annotate(type, resource, { name: "a", value: "b" }, signal), conflict()],
  ["a removal", (asking) => storeOf(asking).remove(type, resource, signal), conflict()],
  [
    "an outcome",
    (asking) => storeOf(asking).writeStatus(type, resource, {}, { type: "attempt", id: "i", sender: "me" }, signal),
    conflict(),
  ],
  ["a status", (asking) => storeOf(asking).writeStatus(type, resource, {}, { type: "unchanged" }, signal), conflict()],
  ["a shadow", (asking) => writesOf(asking).exists(type, resource.metadata, signal), false],
];
const accountToken = { namespace: "n", name: "sa", audience: "a", expirationSeconds: 600 };

function conflict(): object {
  return { type: "conflict" };
}
function storeOf({ client }: Asking) {
  return createKubernetesStore({ client, emit: () => {}, random: () => 0 });
}
function leaseOf({ client }: Asking) {
  return createLeaseClient({ client, namespace: "n", name: "l", timeoutMs: 1_000 });
}
function writesOf({ client }: Asking) {
  return createWrites(client, mayWrite, () => 0);
}
/** Answers everything so; `asked` are the methods. */
function answering(status: number, body: unknown) {
  const asked: string[] = [];
  const call: ApiClient["call"] = async ({ method, path }) => {
    asked.push(method);
    throw new ApiError(`${method} ${path}`, status, body);
  };
  return { client: { call } as ApiClient, asked };
}

test.each(calls)("%s that the API server says is not there is gone", async (_what, ask, gone) => {
  const { client } = answering(404, { kind: "Status", reason: "NotFound" });
  expect(await ask({ client })).toEqual(gone);
});

const pages: readonly (readonly [string, number, unknown])[] = [
  ["a page", 404, undefined],
  ["JSON of its own", 404, { error: "no such route" }],
  ["another status", 410, undefined],
];
test.each(pages.flatMap((page) => calls.map(([what, ask]) => [...page, what, ask] as const)))(
  "%s (%d, %j) in place of the API server's answer says nothing of %s",
  async (_name, status, body, _what, ask) => {
    const { client } = answering(status, body);
    const ended = await ask({ client }).then(
      (value) => value,
      () => "thrown",
    );
    // 410 counts among what a webhook may answer to a write: it is refused, which is not that it is gone.
    const says = typeof ended === "object" && ended !== null && "type" in ended ? ended.type : ended;
    expect(status === 410 && says === "forbidden" ? "thrown" : says).toBe("thrown");
  },
);

test.each(pages)("%s (%d, %j) in place of a Secret that is to be written has none created", async (_name, status, body) => {
  const { client, asked } = answering(status, body);
  const owner = { type, metadata: resource.metadata };
  expect(await storeOf({ client }).writeOutput(owner, output, redact({ a: "1" }), signal)).toMatchObject({ mayPass: true });
  const injections = createInjectionStore({ client, random: () => 0, denial: () => ({}) });
  const injected = await injections.write(output, { ...secret, keys: [] }, redact({ a: "1" }), signal, mayWrite);
  expect(injected).toMatchObject({ type: "refusal" });
  expect(await createDigestKey({ client, namespace: "n", emit: () => {} })()).toBeUndefined();
  expect(asked).toEqual(["GET", "GET", "GET"]);
});

test.each([409, 404])("a bare %d to what is created or removed is told, and not taken for a change", async (status) => {
  const { client } = answering(status, undefined);
  const manifest = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPRequest", metadata: { ...secret }, spec: {} } as const;
  await expect(writesOf({ client }).create(type, manifest, signal)).rejects.toMatchObject({ name: "ApiError" });
  await expect(storeOf({ client }).remove(type, resource, signal)).rejects.toMatchObject({ name: "ApiError" });
});
