/** A leader whose renewals are lost on an API server that a test plays: what it does until its term is over. */
import { expect, test } from "@jest/globals";
import type { ApiClient, ApiRequest } from "../../src/kubernetes/api-client.ts";
import { ApiUnreachableError } from "../../src/kubernetes/api-error.ts";
import { createLeadership } from "../../src/kubernetes/lease.ts";
import { until } from "../support/memory-store.ts";

const times = { leaseDurationMs: 1_000, renewDeadlineMs: 500, retryPeriodMs: 20 };

/** Takes each write, and loses the answer to each renewal. `read` answers once there is a lease. */
function losing(read: (lease: object, signal: AbortSignal) => Promise<object>) {
  let lease: object | undefined;
  let version = 0;
  let renewals = 0;
  async function call({ method, path, body }: ApiRequest, signal: AbortSignal): Promise<{ status: number; body: unknown }> {
    if (method === "GET" && lease) return { status: 200, body: await read(lease, signal) };
    if (method === "GET") return { status: 200, body: leaseOf({}) };
    lease = leaseOf((body as { spec: object }).spec);
    if ((renewals += 1) > 1) throw new ApiUnreachableError(`${method} ${path}`, "ECONNRESET");
    return { status: 200, body: lease };
  }
  function leaseOf(spec: object): object {
    version += 1;
    return { metadata: { namespace: "n", name: "holdfast", uid: "u", resourceVersion: String(version) }, spec };
  }
  return { client: { call } as ApiClient, renewals: () => renewals };
}
function leading(client: ApiClient) {
  const notes: string[] = [];
  const leadership = createLeadership({
    ...times,
    client,
    emit: (event) => void (event.type === "note" && notes.push(event.message)),
    namespace: "n",
    name: "holdfast",
    identity: "me",
  });
  const stop = new AbortController();
  const ended = leadership.run({ stop: stop.signal, ended: stop.signal }, () => {});
  return { leadership, notes, stop, ended };
}
const lost = "lost the lease: nothing more is sent until it is won again, and what is under way is recorded";

test("asks what became of a renewal no longer than its term, says then that it has lost the lease, and competes anew", async () => {
  const isBrokenOff: boolean[] = [];
  const hangs = (lease: object, signal: AbortSignal): Promise<object> => {
    if (isBrokenOff.length > 0) return Promise.resolve(lease); // for the sake of its end
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => {
        isBrokenOff.push(true);
        reject(signal.reason as Error);
      }),
    );
  };
  const { client } = losing(hangs);
  const { leadership, notes, stop, ended } = leading(client);
  await until(() => notes.includes(lost));
  expect(isBrokenOff).toEqual([true]);
  await until(() => leadership.term() === 2);
  stop.abort();
  await ended;
});

test("goes on leading by renewals whose answers are lost, where it reads that they landed", async () => {
  const { client, renewals } = losing((lease) => Promise.resolve(lease));
  const { leadership, notes, stop, ended } = leading(client);
  await until(() => renewals() > 40); // 800 ms, which is longer than a term
  expect([leadership.term(), notes.includes(lost)]).toEqual([1, false]);
  stop.abort();
  await ended;
});
