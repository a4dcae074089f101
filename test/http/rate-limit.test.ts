/** What a server sees of an endpoint with a rate limit, counted by the server. */
import { expect, test } from "@jest/globals";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import type { Busy } from "../../src/core/ports.ts";
import type { HTTPRequester } from "../../src/http/requester.ts";
import type { HTTPRequests } from "../../src/http/requests.ts";
import { exchange, never, reader, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { loopbackServer, type LoopbackServer, type ReceivedRequest } from "../support/loopback.ts";

type Limit = NonNullable<NonNullable<Exchange["endpoint"]>["rateLimit"]>;
interface Timed extends AsyncDisposable {
  readonly server: LoopbackServer;
  /** When each request came, in order, milliseconds. */
  readonly seen: readonly { readonly url: string; readonly atMs: number }[];
}
async function timed(
  answer: (request: ReceivedRequest) => readonly [number, Record<string, string>?] = () => [200],
): Promise<Timed> {
  const seen: { url: string; atMs: number }[] = [];
  const server = await loopbackServer((request, response) => {
    seen.push({ url: request.url, atMs: performance.now() });
    const [status, headers] = answer(request);
    response.writeHead(status, headers).end("{}");
  });
  return { server, seen, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
function limited(url: string, rateLimit: Limit, changes: Partial<Exchange> = {}): Exchange {
  const key = { namespace: "team-a", name: "paced" };
  return { ...exchange({ url, endpoint: { key, credentialNamespace: "team-a", title: "paced", rateLimit } }), ...changes };
}
/** All of them are prepared before any is sent, as the items of a list are. */
async function sendAll(requests: HTTPRequests, exchanges: readonly Exchange[], signal = never): Promise<readonly Outcome[]> {
  const all = [];
  for (const one of exchanges) {
    const prepared = await requests.prepare(one, reader({}), signal);
    if (prepared.type === "busy") throw new Error(prepared.reason);
    all.push(prepared);
  }
  return Promise.all(all.map(async (one) => (one.type === "refusal" ? one : await one.send(signal))));
}
/** One request of a resource, which is told to wait for its turn and comes again. */
async function sendOne({ requester }: TestRequester, resource: string, one: Exchange, onBusy = (): void => {}): Promise<Outcome> {
  for (;;) {
    const tried = await tryOne(requester, resource, one);
    if (tried.type !== "busy") return tried;
    onBusy();
    await tried.free;
  }
}
async function tryOne(requester: HTTPRequester, resource: string, one: Exchange): Promise<Outcome | Busy> {
  using requests = requester.begin(resource);
  const prepared = await requests.prepare(one, reader({}), never);
  return prepared.type === "prepared" ? await prepared.send(never) : prepared;
}
/** Turns are exact, but on its way a request may be held up for longer than one that comes after it. */
const jitter = 0.5;
function expectWithin({ requests, perMs }: Limit, seen: Timed["seen"]): void {
  for (const [index, { atMs }] of seen.entries())
    expect((seen[index + requests]?.atMs ?? Infinity) - atMs).toBeGreaterThan(perMs * (1 - jitter));
}
const many = (url: string, count: number, limit: Limit, changes?: Partial<Exchange>): Exchange[] =>
  Array.from({ length: count }, (_, index) => limited(`${url}/${index}`, limit, changes));

test("the server never sees more than the limit of a list's 40 items, and another object has its turn in between", async () => {
  await using origin = await timed();
  await using http = testRequester();
  const limit = { requests: 20, perMs: 1_500, burst: 5 };
  using requests = http.requester.begin("HTTPRequest/team-a/list");
  // A timeout that is shorter than what the last one waits.
  const list = sendAll(requests, many(`${origin.server.url}/list`, 40, limit, { timeoutMs: 1_500 }));
  while (origin.seen.length < 10) await new Promise((resolve) => setTimeout(resolve, 1));
  const askedAfter: number[] = [];
  const other = await sendOne(http, "HTTPRequest/team-a/other", limited(`${origin.server.url}/other`, limit), () =>
    askedAfter.push(origin.seen.length),
  );
  expect([other.type, ...(await list).map(({ type }) => type)]).toEqual(Array.from({ length: 41 }, () => "response"));
  expect(origin.seen).toHaveLength(41);
  expectWithin(limit, origin.seen);
  // Before it go those that have their turn already, a burst at most, and one more of the list.
  expect(origin.seen.findIndex(({ url }) => url === "/other")).toBeLessThanOrEqual((askedAfter[0] ?? 0) + limit.burst + 1);
});

test("a redirect at the endpoint's origin waits for its turn, too, and one page after another", async () => {
  await using origin = await timed(({ url }) =>
    url.startsWith("/old") ? [302, { location: url.replace("old", "new") }] : [200],
  );
  await using http = testRequester();
  const limit = { requests: 2, perMs: 1_000, burst: 2 };
  using requests = http.requester.begin("HTTPResource/team-a/pages");
  for (const page of [1, 2, 3, 4])
    expect(await sendAll(requests, [limited(`${origin.server.url}/old/${page}`, limit)])).toMatchObject([{ type: "response" }]);
  expect(origin.seen.map(({ url }) => url.slice(0, 4))).toEqual(["/old", "/new", "/old", "/new", "/old", "/new", "/old", "/new"]);
  expectWithin(limit, origin.seen);
});

test("whoever waits for a turn holds no place at the origin, and gives its worker away", async () => {
  await using origin = await timed();
  await using http = testRequester({ maxInFlightPerOrigin: 1 });
  const waits: (number | undefined)[] = [];
  using requests = http.requester.begin("HTTPRequest/team-a/list", undefined, (awaited, patienceMs) => {
    waits.push(patienceMs);
    return awaited;
  });
  const list = sendAll(requests, many(`${origin.server.url}/list`, 3, { requests: 1, perMs: 3_000, burst: 1 }));
  while (waits.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(await sendOne(http, "HTTPRequest/team-a/free", exchange({ url: `${origin.server.url}/free` }))).toMatchObject({
    type: "response",
  });
  expect(origin.seen.map(({ url }) => url)).toEqual(["/list/0", "/free"]);
  expect((await list).map(({ type }) => type)).toEqual(["response", "response", "response"]);
  expect(new Set(waits)).toEqual(new Set([0]));
});

test("what would have its turn too late is not sent, says so, and leaves the turn to others", async () => {
  await using origin = await timed();
  await using http = testRequester({ reconcileTimeoutMs: 4_000 });
  const limit = { requests: 1, perMs: 1_000, burst: 1 };
  const outcomes = await (async () => {
    using requests = http.requester.begin("HTTPRequest/team-a/list");
    return await sendAll(requests, many(origin.server.url, 5, limit));
  })();
  expect(outcomes.map((outcome) => ("reason" in outcome ? outcome.reason : outcome.type)).toSorted()).toEqual([
    "RateLimited",
    "RateLimited",
    "RateLimited",
    "response",
    "response",
  ]);
  expect(outcomes.find(({ type }) => type === "refusal")).toMatchObject({
    heals: true,
    message: expect.stringContaining("rateLimit"),
  });
  expect(await sendOne(http, "HTTPRequest/team-a/next", limited(origin.server.url, limit))).toMatchObject({ type: "response" });
  expect(origin.seen).toHaveLength(3);
  expectWithin(limit, origin.seen);
});

test("waiting for a turn ends with the reconcile", async () => {
  await using origin = await timed();
  await using http = testRequester();
  const stop = new AbortController();
  using requests = http.requester.begin("HTTPRequest/team-a/list");
  const list = sendAll(requests, many(origin.server.url, 10, { requests: 1, perMs: 60_000, burst: 1 }), stop.signal);
  while (origin.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  stop.abort();
  expect((await list).filter((outcome) => "reason" in outcome && outcome.reason === "Aborted").length).toBeGreaterThanOrEqual(9);
  expect(origin.seen).toHaveLength(1);
});
