/**
 * Shares of memory beside places at an origin, with few of both. Guards against two reconciles that wait for each other: one has a
 * share and waits for a place, the other has a place and waits for a share.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Outcome } from "../../src/core/outcome.ts";
import type { HTTPRequests } from "../../src/http/requests.ts";
import { exchange, never, reader, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";
import { eventually } from "../support/tcp-table.ts";

const long = "x".repeat(300_000);
let server: LoopbackServer;
/** Those of a test that wait to be told to answer, by path. */
const held = new Map<string, () => void>();
beforeAll(async () => {
  server = await loopbackServer(({ url }, response) => {
    const answer = (): void => void response.end(url.includes("long") ? long : "ok");
    if (url.startsWith("/held")) held.set(url, answer);
    else answer();
  });
});
afterAll(async () => server[Symbol.asyncDispose]());

type Changes = Parameters<typeof exchange>[0];
const key = { namespace: "a", name: "paced" };
const paced = { key, credentialNamespace: "a", title: "paced", rateLimit: { requests: 1, perMs: 2_000, burst: 1 } };

async function send(requests: HTTPRequests, path: string, changes: Changes = {}): Promise<Outcome> {
  for (;;) {
    const prepared = await requests.prepare(exchange({ url: `${server.url}${path}`, ...changes }), reader({}), never);
    if (prepared.type === "refusal") throw new Error(prepared.message);
    if (prepared.type === "prepared") return prepared.send(never);
    await prepared.free;
  }
}
const answered = { type: "response", response: { statusCode: 200 } };
/** One of a namespace alone at the origin, and a share beside it that only another namespace may have. */
const few = { memoryShares: 2, maxInFlightPerOrigin: 2, reconcileTimeoutMs: 60_000 };
const begin = ({ requester }: TestRequester, name: string): HTTPRequests => requester.begin(`HTTPRequest/a/${name}`);

const waysToWait: readonly (readonly [string, (requests: HTTPRequests) => Promise<unknown>])[] = [
  ["to read a long answer", (requests) => send(requests, "/long-too")],
  [
    "to send a long body",
    async (requests) => {
      await send(requests, "/small");
      const body = { type: "text", field: "spec.body", text: long } as const;
      return send(requests, "/posted", { request: { method: "POST", body } });
    },
  ],
  [
    "to hold long Secrets",
    async (requests) => {
      await send(requests, "/small");
      return requests.holdMuch(never);
    },
  ],
];

test.each(waysToWait)(
  "who has a share has its place, though another that has that place waits for a share %s",
  async (_, wait) => {
    await using http = testRequester(few);
    await using ending = new AsyncDisposableStack();
    const holder = begin(http, "holder");
    const first = await send(holder, "/long", { endpoint: paced });
    expect(first).toMatchObject(answered);
    const second = send(holder, "/second", { endpoint: paced }); // waits for its turn, without its place
    await eventually(
      () => http.requester.waiting(),
      (count) => count === 1,
    );
    const other = begin(http, "other");
    const waited = wait(other);
    ending.defer(async () => {
      holder[Symbol.dispose]();
      await waited;
      other[Symbol.dispose]();
    });
    expect(await second).toMatchObject(answered);
  },
);

test("however many wait for a share with an answer that has begun, those who have one go on at the same origin", async () => {
  await using http = testRequester({ memoryShares: 6, maxInFlightPerOrigin: 10, reconcileTimeoutMs: 60_000 });
  await using ending = new AsyncDisposableStack();
  const holders = Array.from({ length: 5 }, (_, index) => begin(http, `holder-${index}`));
  for (const holder of holders) expect(await send(holder, "/long")).toMatchObject(answered);
  const before = server.requests.length;
  const others = Array.from({ length: 12 }, async (_, index) => {
    using requests = begin(http, `other-${index}`);
    return await send(requests, "/long-too");
  });
  ending.defer(async () => {
    for (const holder of holders) holder[Symbol.dispose]();
    await Promise.all(others);
  });
  await eventually(
    () => server.requests.length - before,
    (count) => count >= 3,
  );
  await new Promise((resolve) => setTimeout(resolve, 200)); // their answers have begun
  for (const holder of holders) expect(await send(holder, "/second")).toMatchObject(answered);
});

test("who comes to have a share while it waits for a place waits no longer", async () => {
  await using http = testRequester(few);
  using holder = begin(http, "holder");
  const first = send(holder, "/held/long", { endpoint: paced });
  await eventually(
    () => held.has("/held/long"),
    (has) => has,
  );
  const second = send(holder, "/second", { endpoint: paced });
  await eventually(
    () => http.requester.waiting(),
    (count) => count === 1, // without its place, which is another's now
  );
  using other = begin(http, "other");
  const placed = await other.prepare(exchange({ url: `${server.url}/other` }), reader({}), never);
  expect(placed.type).toBe("prepared");
  await new Promise((resolve) => setTimeout(resolve, 2_500)); // its turn has come
  expect(http.requester.waiting()).toBe(1);
  held.get("/held/long")?.();
  expect(await first).toMatchObject(answered);
  expect(await second).toMatchObject(answered);
});
