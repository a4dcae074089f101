/** What happened to clients of this kind in production, reproduced; and that it does not happen to ours. */
import { describe, expect, test } from "@jest/globals";
import { exchange, testRequester, type TestRequesterOptions } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";
import { canMakeNamespaces, inNamespace } from "../support/network-namespace.ts";
import { eventually, socketsTo } from "../support/tcp-table.ts";

const isAble = canMakeNamespaces();
if (!isAble) console.warn("SKIPPED: running out of ports needs a network namespace, and that needs root");
// Where everything has to be run, being unable to is a failure.
const inNamespaceTest = isAble || process.env["CI"] === "true" ? test : test.skip;

describe("300 requests where there are 100 ports:", () => {
  const script = new URL("../support/port-exhaustion.ts", import.meta.url);
  const send = (way: string): Promise<unknown> => inNamespace(script, [way, "300"], { ports: 100 });

  inNamespaceTest.each(["leaked", "closed"])("a client for each runs out of them, %s", async (way) => {
    const seen = (await send(way)) as { results: Record<string, number>; sockets: Record<string, number> };
    expect(seen.results).toEqual({ "200": 99, EADDRNOTAVAIL: 201 }); // one of the ports is the server's own
    expect(seen.sockets).toEqual(way === "leaked" ? { established: 99 } : { time_wait: 99 });
  });

  inNamespaceTest("ours needs one", async () => {
    const seen = (await send("shared")) as { results: object; accepted: number; sockets: object };
    expect(seen.results).toEqual({ "200": 300 });
    expect(seen).toMatchObject({ accepted: 1, sockets: { established: 1 } });
  });
});

test("50 exchanges one after another take one connection", async () => {
  await using server = await loopbackServer((_request, response) => response.end("ok"));
  await using http = testRequester();
  for (let sent = 0; sent < 50; sent += 1)
    expect(await http.send(exchange({ url: server.url }))).toMatchObject({ type: "response" });
  expect(server.requests).toHaveLength(50);
  expect(server.accepted).toBe(1);
  expect(await socketsTo(server.port)).toEqual({ established: 1 });
});

/** Of the limit, 6, one namespace alone leaves the last to another. */
const most = 5;

test("50 exchanges at once take no more connections than they may, and leave nothing behind", async () => {
  await using server = await loopbackServer((_request, response) => void setTimeout(() => response.end("ok"), 5));
  await using http = testRequester({ connectionsPerOrigin: 6 });
  for (let round = 0; round < 3; round += 1) {
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => http.send(exchange({ url: server.url }))));
    expect(outcomes.every(({ type }) => type === "response")).toBe(true);
  }
  expect(server.requests).toHaveLength(150);
  expect(server.accepted).toBe(most);
  expect(await socketsTo(server.port)).toEqual({ established: most });
  expect(
    await eventually(
      () => http.sockets(),
      ({ active }) => active === 0,
    ),
  ).toEqual({ active: 0, idle: most });
});

describe("20 rounds of 51 exchanges, each through a redirect, with 100 KB and more in the redirect and in the answer:", () => {
  interface Round {
    readonly accepted: number;
    readonly established: number;
    readonly timeWait: number;
  }
  async function rounds(options: TestRequesterOptions): Promise<readonly Round[]> {
    await using server = await loopbackServer(({ url }, response) => {
      const content = Buffer.alloc(100_000 + (Number(url.split("/")[2]) % 51) * 1_000);
      if (url.startsWith("/from/")) response.writeHead(302, { location: url.replace("from", "to") });
      response.end(content);
    });
    await using http = testRequester(options);
    const seen: Round[] = [];
    for (let round = 0; round < 20; round += 1) {
      const exchanges = Array.from({ length: 51 }, (_, index) => exchange({ url: `${server.url}/from/${round * 51 + index}` }));
      for (const outcome of await Promise.all(exchanges.map((each) => http.send(each))))
        expect(outcome).toMatchObject({ type: "response", response: { statusCode: 200 } });
      await eventually(
        () => http.sockets(),
        ({ active }) => active === 0,
      );
      const { established = 0, time_wait: timeWait = 0 } = await socketsTo(server.port);
      seen.push({ accepted: server.accepted, established, timeWait });
    }
    expect(server.requests).toHaveLength(20 * 51 * 2);
    return seen;
  }
  const expectFlat = ([, second, ...later]: readonly Round[]): void => {
    for (const round of later) expect(round).toEqual(second);
  };

  test("from the second on no connection is opened, and none is left in TIME_WAIT", async () => {
    const seen = await rounds({});
    expectFlat(seen);
    expect(seen.at(-1)).toEqual({ accepted: most, established: most, timeWait: 0 });
  });

  test("the same is not so where a redirect's content is not drained", async () => {
    const seen = await rounds({ redirectDrainBytes: 0 });
    expect(() => expectFlat(seen)).toThrow("accepted");
    expect(seen.at(-1)?.accepted).toBeGreaterThan(900); // nearly one for each redirect
  });
});
