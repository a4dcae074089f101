/** A leader whose renewals are lost on an API server that a test plays: what it does until its term is over. */
import { expect, test } from "@jest/globals";
import type { ApiClient, ApiRequest } from "../../src/kubernetes/api-client.ts";
import { ApiError, ApiUnreachableError } from "../../src/kubernetes/api-error.ts";
import { createLeadership } from "../../src/kubernetes/lease.ts";
import { StoreWentBackError } from "../../src/kubernetes/store-version.ts";
import { until } from "../support/memory-store.ts";

const times = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 100 };

type Lost = "reset" | "conflict";

/** Takes each write, and loses the answer to each renewal, or says that it is a conflict. `read` answers once there is a lease. */
function losing(read: (lease: object, signal: AbortSignal) => Promise<object>, lost: Lost = "reset") {
  let lease: object | undefined;
  let version = 0;
  let renewals = 0;
  async function call({ method, path, body }: ApiRequest, signal: AbortSignal): Promise<{ status: number; body: unknown }> {
    if (method === "GET" && lease) return { status: 200, body: await read(lease, signal) };
    if (method === "GET") return { status: 200, body: leaseOf({}) };
    lease = leaseOf((body as { spec: object }).spec);
    renewals += 1;
    if (renewals > 1 && lost === "conflict") throw new ApiError(`${method} ${path}`, 409, { kind: "Status", reason: "Conflict" });
    if (renewals > 1) throw new ApiUnreachableError(`${method} ${path}`, "ECONNRESET");
    return { status: 200, body: lease };
  }
  function leaseOf(spec: object): object {
    version += 1;
    return { metadata: { namespace: "n", name: "holdfast", uid: "u", resourceVersion: String(version) }, spec };
  }
  return { client: { call } as ApiClient, renewals: () => renewals };
}
function leading(client: ApiClient, more: { readonly isShared?: boolean } = {}) {
  const notes: string[] = [];
  const leadership = createLeadership({
    ...times,
    ...more,
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

test.concurrent.each<Lost>(["reset", "conflict"])(
  "asks what became of a renewal (%s) no longer than its term, and says then that it has lost the lease",
  async (how) => {
    let brokenOff = 0;
    const hangs = (_lease: object, signal: AbortSignal): Promise<object> =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => {
          brokenOff += 1;
          reject(signal.reason as Error);
        }),
      );
    const { client } = losing(hangs, how);
    const { leadership, notes, stop, ended } = leading(client);
    await until(() => notes.includes(lost));
    expect(brokenOff).toBeGreaterThan(0);
    expect(leadership.term()).toBeUndefined();
    expect(leadership.ledSinceMs()).toBeUndefined();
    stop.abort();
    await ended;
  },
);

test.concurrent("goes on leading by renewals whose answers are lost, where it reads that they landed", async () => {
  const { client, renewals } = losing((lease) => Promise.resolve(lease));
  const { leadership, notes, stop, ended } = leading(client);
  await until(() => renewals() > 22); // 2.2 s, which is longer than a term
  expect([leadership.term(), notes.includes(lost)]).toEqual([1, false]);
  stop.abort();
  await ended;
});

test("tells by the clock since when it leads, and by the lease since which version", async () => {
  const { client } = losing((lease) => Promise.resolve(lease));
  const beganMs = Date.now();
  const { leadership, stop, ended } = leading(client);
  await until(() => leadership.term() !== undefined);
  expect(leadership.ledSinceMs()).toBeGreaterThanOrEqual(beganMs);
  expect(leadership.ledSinceMs()).toBeLessThanOrEqual(Date.now());
  expect(Number(leadership.ledSinceVersion())).toBeGreaterThan(0);
  stop.abort();
  await ended;
});

/** Has a lease taken, and then answers each call as `after` does; `asked` counts those. */
function takenOnce(after: (request: ApiRequest) => { readonly version: string } | Error) {
  let spec: object | undefined;
  let asked = 0;
  const leaseOf = (version: string): object => ({
    metadata: { namespace: "n", name: "holdfast", uid: "u", resourceVersion: version },
    spec: spec ?? {},
  });
  async function call(request: ApiRequest): Promise<{ status: number; body: unknown }> {
    if (spec) {
      asked += 1;
      const answer = after(request);
      if (answer instanceof Error) throw answer;
      return { status: 200, body: leaseOf(answer.version) };
    }
    if (request.method === "GET") return { status: 200, body: leaseOf("8") };
    ({ spec } = request.body as { spec: object });
    return { status: 200, body: leaseOf("9") };
  }
  return { client: { call: call as ApiClient["call"] } as ApiClient, asked: () => asked };
}

test("leads no more when what a conflict has it read is older than what it knew: the store was restored", async () => {
  // Others have written since: a write of the lease as it is now gets a version that is later than any that was known.
  const { client } = takenOnce(({ method, path, body }) => {
    if (method === "GET") return { version: "4" };
    const { metadata } = body as { metadata: { resourceVersion: string } };
    if (metadata.resourceVersion === "4") return { version: "20" };
    return new ApiError(`${method} ${path}`, 409, { kind: "Status", reason: "Conflict" });
  });
  const { leadership, stop, ended } = leading(client);
  let reason: unknown;
  void ended.catch((error: unknown) => (reason = error));
  await until(() => reason !== undefined);
  stop.abort();
  expect(reason).toBeInstanceOf(StoreWentBackError);
  expect(leadership.term()).toBeUndefined();
});

test.each([
  ["its own", false],
  ["one that others hold by its name", true],
])("%s that cannot be read is asked for once in each retry period", async (_whose, isShared) => {
  const { client, asked } = takenOnce(({ method, path }) => new ApiUnreachableError(`${method} ${path}`, "ECONNREFUSED"));
  const { notes, stop, ended } = leading(client, { isShared });
  await until(() => notes.includes(lost));
  const rounds = times.renewDeadlineMs / times.retryPeriodMs;
  expect(asked()).toBeLessThan(4 * rounds); // each a write and a look at what became of it; and the first ones to take it anew
  stop.abort();
  await ended;
});

/** A lease that is taken; while `between` gives one, that is the answer to each call. */
function behindGateway() {
  let lease: { metadata: object; spec: object } | undefined;
  let version = 0;
  let asked = 0;
  const gateway: { between: ApiError | undefined } = { between: undefined };
  async function call({ method, path, body }: ApiRequest): Promise<{ status: number; body: unknown }> {
    asked += 1;
    if (gateway.between) throw gateway.between;
    if (method === "GET" && !lease) throw new ApiError(`${method} ${path}`, 404, { kind: "Status", reason: "NotFound" });
    if (method === "GET") return { status: 200, body: lease };
    version += 1;
    const spec = { ...lease?.spec, ...(body as { spec: object }).spec };
    lease = { metadata: { namespace: "n", name: "holdfast", uid: "u", resourceVersion: String(version) }, spec };
    return { status: 200, body: lease };
  }
  async function stream({ method, path }: ApiRequest): Promise<never> {
    throw new ApiError(`${method} ${path}`, 404, undefined);
  }
  return { client: { call: call as ApiClient["call"], stream } as Partial<ApiClient> as ApiClient, gateway, asked: () => asked };
}
test.concurrent.each([
  ["a gateway's page", 404, undefined, true],
  ["a gateway's JSON", 404, { message: "no route" }, true],
  ["a gateway's other page", 410, undefined, true],
  ["a gateway's conflict", 409, undefined, true],
  ["the API server, since it was deleted", 404, { kind: "Status", reason: "NotFound" }, false],
])(
  "in place of the lease, %s (%d, %j) for longer than a term: nobody else can have led is %j",
  async (_, status, body, isUnbroken) => {
    const { client, gateway, asked } = behindGateway();
    const { leadership, notes, stop, ended } = leading(client);
    await until(() => leadership.term() !== undefined);
    gateway.between = new ApiError("GET /lease", status, body);
    await until(() => notes.includes(lost));
    const then = asked();
    await until(() => asked() > then + 5); // it has looked for it, as one that stands by
    gateway.between = undefined;
    await until(() => leadership.term() !== undefined);
    expect([leadership.term(), leadership.unbrokenSince() === 1]).toEqual([2, isUnbroken]);
    stop.abort();
    await ended;
  },
);
