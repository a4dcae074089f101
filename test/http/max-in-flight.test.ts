/** How many requests a server has of an endpoint with maxInFlight at a time, counted by the server. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { exchange, never, reader, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";

interface Counting extends AsyncDisposable {
  readonly server: LoopbackServer;
  /** Most at a time so far, in all and by the first part of the path. */
  most(part?: string): number;
}
async function counting(): Promise<Counting> {
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  const change = (part: string, by: number): void => {
    now.set(part, (now.get(part) ?? 0) + by);
    most.set(part, Math.max(most.get(part) ?? 0, now.get(part) ?? 0));
  };
  const server = await loopbackServer(({ url }, response) => {
    const part = url.split("/")[1] ?? "";
    for (const one of ["", part]) change(one, 1);
    void sleep(20).then(() => {
      for (const one of ["", part]) change(one, -1);
      response.end("{}");
    });
  });
  return { server, most: (part = "") => most.get(part) ?? 0, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
function at(url: string, maxInFlight: number | undefined, { namespace = "team-a", name = "slow" } = {}): Exchange {
  const limit = maxInFlight === undefined ? {} : { maxInFlight };
  return exchange({ url, endpoint: { key: { namespace, name }, credentialNamespace: "team-a", title: name, ...limit } });
}
/** Each resource is told to wait, and comes again. */
async function sendOne(
  { requester }: TestRequester,
  resource: string,
  one: Exchange,
  onBusy: (reason: string) => void = () => {},
): Promise<Outcome> {
  for (;;) {
    using requests = requester.begin(resource);
    const prepared = await requests.prepare(one, reader({}), never);
    if (prepared.type === "prepared") return await prepared.send(never);
    if (prepared.type === "refusal") return prepared;
    onBusy(prepared.reason);
    requests[Symbol.dispose]();
    await prepared.free;
  }
}
const many = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

test.each([1, 3])(
  "wish 31: no more than %i are under way, and all are sent in the end, without a worker meanwhile",
  async (maxInFlight) => {
    await using seen = await counting();
    await using http = testRequester({ maxInFlightPerOrigin: 10 });
    const told = new Set<string>();
    const all = many(20).map((n) =>
      sendOne(http, `HTTPRequest/team-a/r${n}`, at(`${seen.server.url}/a/${n}`, maxInFlight), (reason) => told.add(reason)),
    );
    for (const outcome of await Promise.all(all)) expect(outcome.type).toBe("response");
    expect(seen.server.requests).toHaveLength(20);
    expect(seen.most()).toBe(maxInFlight);
    expect([...told]).toEqual(["EndpointBusy"]);
  },
);

test("an endpoint that is full takes no place at the origin from another one", async () => {
  await using seen = await counting();
  await using http = testRequester({ maxInFlightPerOrigin: 4 });
  const one = many(12).map((n) => sendOne(http, `HTTPRequest/team-a/one${n}`, at(`${seen.server.url}/one/${n}`, 1)));
  const other = many(12).map((n) =>
    sendOne(http, `HTTPRequest/team-b/other${n}`, at(`${seen.server.url}/other/${n}`, undefined, { name: "other" })),
  );
  await Promise.all([...one, ...other]);
  expect(seen.most("one")).toBe(1);
  expect(seen.most("other")).toBeGreaterThan(1);
  expect(seen.server.requests).toHaveLength(24);
});

test("the items of one resource go one after the other", async () => {
  await using seen = await counting();
  await using http = testRequester();
  using requests = http.requester.begin("HTTPRequest/team-a/list");
  const prepared = [];
  for (const n of many(6)) prepared.push(await requests.prepare(at(`${seen.server.url}/a/${n}`, 2), reader({}), never));
  await Promise.all(prepared.map(async (one) => (one.type === "prepared" ? await one.send(never) : one)));
  expect(seen.server.requests).toHaveLength(6);
  expect(seen.most()).toBe(1);
});

test("a resource that goes on to another endpoint has given up its place at the first", async () => {
  await using seen = await counting();
  await using http = testRequester();
  const { url } = seen.server;
  const both = async (resource: string, names: readonly string[]): Promise<void> => {
    for (;;) {
      using requests = http.requester.begin(resource);
      const first = await requests.prepare(at(`${url}/${names[0]}`, 1, { name: names[0] ?? "" }), reader({}), never);
      if (first.type === "busy") {
        requests[Symbol.dispose]();
        await first.free;
        continue;
      }
      if (first.type === "prepared") await first.send(never);
      const second = await requests.prepare(at(`${url}/${names[1]}`, 1, { name: names[1] ?? "" }), reader({}), never);
      if (second.type === "prepared") await second.send(never);
      return;
    }
  };
  // Each has what the other waits for next: nobody waits for ever.
  await Promise.all(many(10).map((n) => both(`HTTPResource/team-a/r${n}`, n % 2 === 0 ? ["x", "y"] : ["y", "x"])));
  expect([seen.most("x"), seen.most("y")]).toEqual([1, 1]);
  expect(seen.server.requests).toHaveLength(20);
});

test("of the cluster's endpoint one namespace does not take all, and of its own it does", async () => {
  await using seen = await counting();
  await using http = testRequester();
  const shared = (team: string, n: number): Promise<Outcome> =>
    sendOne(http, `HTTPRequest/${team}/r${n}`, at(`${seen.server.url}/${team}/${n}`, 4, { namespace: "", name: "shared" }));
  await Promise.all(many(12).map((n) => shared("greedy", n)));
  expect(seen.most("greedy")).toBe(3);
  await Promise.all(many(12).map((n) => sendOne(http, `HTTPRequest/team-a/r${n}`, at(`${seen.server.url}/own/${n}`, 4))));
  expect(seen.most("own")).toBe(4);
});
