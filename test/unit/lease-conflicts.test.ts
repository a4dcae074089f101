/** A lease whose writes are answered as conflicts for ever: it is tried again in periods, and told of once. */
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { ApiClient, ApiRequest } from "../../src/kubernetes/api-client.ts";
import { ApiError } from "../../src/kubernetes/api-error.ts";
import { createLeadership } from "../../src/kubernetes/lease.ts";
import { until } from "../support/memory-store.ts";

const times = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 100 };
const lease = { metadata: { namespace: "n", name: "l", uid: "u", resourceVersion: "5" }, spec: { leaseDurationSeconds: 1 } };

type Call = (request: ApiRequest, signal: AbortSignal) => Promise<{ status: number; body: unknown }>;
/** Competes for the lease until `isOver`. The notes that it makes. */
async function compete(call: Call, durations: typeof times, isOver: () => boolean): Promise<readonly string[]> {
  const notes: string[] = [];
  const leadership = createLeadership({
    ...durations,
    client: { call } as Partial<ApiClient> as ApiClient,
    emit: (event) => void (event.type === "note" && notes.push(event.message)),
    namespace: "n",
    name: "l",
    identity: "me",
  });
  const stop = new AbortController();
  const ended = leadership.run({ stop: stop.signal, ended: stop.signal }, () => {});
  await until(isOver);
  stop.abort();
  await ended;
  return notes;
}

test.concurrent.each([
  ["a webhook's conflict", 409, { kind: "Status", reason: "Conflict" }],
  ["a bare conflict", 409, undefined],
  ["a gateway without that method", 404, undefined],
  ["an object that is gone, though it can be read", 404, { kind: "Status", reason: "NotFound" }],
])("the write of a free lease that is answered by %s (%d) is tried again in periods, and told once", async (_, status, body) => {
  const writtenMs: number[] = [];
  async function call({ method, path }: ApiRequest, signal: AbortSignal): Promise<{ status: number; body: unknown }> {
    await turn(undefined, { signal });
    if (method === "GET") return { status: 200, body: lease };
    writtenMs.push(performance.now());
    throw new ApiError(`${method} ${path}`, status, body);
  }
  const notes = await compete(call, times, () => writtenMs.length > 7);
  const pausesMs = writtenMs.slice(1).map((atMs, nth) => atMs - (writtenMs[nth] ?? 0));
  // The first one is tried again at once; timers are a millisecond early at most.
  expect(pausesMs.slice(1).filter((pauseMs) => pauseMs < times.retryPeriodMs - 2)).toEqual([]);
  expect(notes).toEqual(["the lease cannot be read or written"]);
});

test("whoever is slower than others, time and again, looks again at once, and says nothing of that", async () => {
  let version = 5;
  let writes = 0;
  async function call({ method, path }: ApiRequest, signal: AbortSignal): Promise<{ status: number; body: unknown }> {
    await turn(undefined, { signal });
    const metadata = { ...lease.metadata, resourceVersion: String(version) };
    if (method === "GET") return { status: 200, body: { ...lease, metadata } };
    writes += 1;
    version += 1;
    throw new ApiError(`${method} ${path}`, 409, { kind: "Status", reason: "Conflict" });
  }
  // A pause would be longer than the test.
  const long = { retryPeriodMs: 500_000, renewDeadlineMs: 1_000_000, leaseDurationMs: 2_000_000 };
  expect(await compete(call, long, () => writes > 7)).toEqual([]);
});
