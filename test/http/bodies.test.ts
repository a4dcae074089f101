import { describe, expect, test } from "@jest/globals";
import type { ServerResponse } from "node:http";
import type { Outcome } from "../../src/core/outcome.ts";
import {
  abortedAfter,
  at,
  exchange,
  never,
  reader,
  scope,
  testRequester,
  type TestRequester,
} from "../support/loopback-requester.ts";
import { loopbackServer, rawServer } from "../support/loopback.ts";
import { eventually, socketsTo } from "../support/tcp-table.ts";

/** The kernel's and the metric's count of sockets to the port, once nothing is active any more. */
async function openSockets(http: TestRequester, port: number): Promise<{ kernel: number; metric: number; unread: number }> {
  const look = async (): Promise<{ kernel: number; metric: number; unread: number }> => {
    const { established = 0, close_wait: unread = 0 } = await socketsTo(port);
    const { active, idle } = http.sockets();
    return { kernel: established, metric: active + idle, unread: unread + active };
  };
  return eventually(look, ({ kernel, metric, unread }) => kernel === metric && unread === 0);
}

const rounds = 20;
/** A namespace alone has three quarters of them. */
const places = 2 * rounds;
/** undici frees a socket one turn after the body's end; a request before that opens another. */
const freed = (): Promise<void> => new Promise(setImmediate);
const reasonOf = (outcome: Outcome): string => (outcome.type === "response" ? `${outcome.response.statusCode}` : outcome.reason);

describe("the body is closed, and its socket with it, when", () => {
  async function all(
    http: TestRequester,
    url: string,
    options: { timeoutMs?: number; signal?: () => AbortSignal } = {},
  ): Promise<Set<string>> {
    const { timeoutMs = 5_000, signal = () => never } = options;
    const outcomes = await Promise.all(
      Array.from({ length: rounds }, () => http.send(exchange({ url, timeoutMs }), { signal: signal() })),
    );
    for (const outcome of outcomes) if (outcome.type === "failure") expect(outcome.sent).toBe(true);
    return new Set(outcomes.map(reasonOf));
  }

  test("reading fails", async () => {
    await using server = await rawServer((socket) =>
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nonly this");
        setTimeout(() => socket.resetAndDestroy(), 20);
      }),
    );
    await using http = testRequester({ connectionsPerOrigin: places });
    expect(await all(http, server.url)).toEqual(new Set(["ConnectionReset"]));
    expect(await openSockets(http, server.port)).toEqual({ kernel: 0, metric: 0, unread: 0 });
  });

  test("mistake 6: the size limit is hit", async () => {
    await using server = await loopbackServer((_request, response) => response.end(Buffer.alloc(2_000_000)));
    await using http = testRequester({ maxResponseBytes: 100_000, connectionsPerOrigin: places });
    expect(await all(http, server.url)).toEqual(new Set(["ResponseTooLarge"]));
    expect(await openSockets(http, server.port)).toEqual({ kernel: 0, metric: 0, unread: 0 });
  });

  test.each<[string, (response: ServerResponse) => void]>([
    ["in the middle of it", (response) => response.writeHead(200).write(Buffer.alloc(200_000))],
    ["before there is one", () => {}],
  ])("the deadline passes %s", async (_, answer) => {
    await using server = await loopbackServer((_request, response) => answer(response));
    await using http = testRequester({ connectionsPerOrigin: places });
    expect(await all(http, server.url, { timeoutMs: 300 })).toEqual(new Set(["Timeout"]));
    expect(await openSockets(http, server.port)).toEqual({ kernel: 0, metric: 0, unread: 0 });
  });

  test("the caller gives up", async () => {
    await using server = await loopbackServer((_request, response) => response.writeHead(200).write(Buffer.alloc(200_000)));
    await using http = testRequester({ connectionsPerOrigin: places });
    expect(await all(http, server.url, { signal: () => abortedAfter(300) })).toEqual(new Set(["Aborted"]));
    expect(await openSockets(http, server.port)).toEqual({ kernel: 0, metric: 0, unread: 0 });
  });
});

test("an endless trickle ends at the deadline, though every chunk comes in time", async () => {
  await using server = await loopbackServer((_request, response) => {
    const trickle = setInterval(() => response.write("."), 20);
    response.on("close", () => clearInterval(trickle));
  });
  await using http = testRequester();
  expect(await http.send(exchange({ url: server.url, timeoutMs: 2_000 }))).toMatchObject({
    type: "failure",
    reason: "Timeout",
    sent: true,
  });
  expect(await openSockets(http, server.port)).toEqual({ kernel: 0, metric: 0, unread: 0 });
});

describe("the socket comes back, or is closed,", () => {
  test.each([0, 10, 100_000, 900_000])("after an answer of %i bytes that does not meet its expectation", async (sizeBytes) => {
    await using server = await loopbackServer((_request, response) => response.writeHead(500).end(Buffer.alloc(sizeBytes, "x")));
    await using http = testRequester();
    for (let round = 0; round < 5; round += 1) {
      const outcome = await http.send(exchange({ url: server.url }));
      if (outcome.type !== "response") throw new Error(outcome.message);
      expect(outcome.response).toMatchObject({ statusCode: 500, sizeBytes });
      const evaluation = {
        scope,
        response: outcome.response,
        expressions: [at("spec.expect.that", ".response.statusCode == 200")],
      };
      expect(await http.requester.evaluate(evaluation, reader({}), never)).toEqual({ type: "values", values: [false] });
      await freed();
    }
    expect(await openSockets(http, server.port)).toEqual({ kernel: 1, metric: 1, unread: 0 });
    expect(server.accepted).toBe(1);
  });

  test("after a redirect that is not to be followed, and so an answer like any other", async () => {
    await using server = await loopbackServer((_request, response) =>
      response.writeHead(302, { location: "/elsewhere" }).end("x".repeat(100_000)),
    );
    await using http = testRequester();
    for (let round = 0; round < 5; round += 1) {
      const outcome = await http.send(exchange({ url: server.url, maxRedirects: 0 }));
      expect(outcome).toMatchObject({ type: "response", response: { statusCode: 302 } });
      await freed();
    }
    expect(server.requests.map(({ url }) => url)).toEqual(Array(5).fill("/"));
    expect(await openSockets(http, server.port)).toEqual({ kernel: 1, metric: 1, unread: 0 });
  });

  test.each([
    ["HEAD", "200 OK\r\nContent-Length: 5000000"],
    ["GET", "204 No Content"],
    ["GET", "304 Not Modified\r\nContent-Length: 5000000"],
  ])("after %s answered with %j, which has no content", async (method, answer) => {
    await using server = await rawServer((socket) => socket.on("data", () => socket.write(`HTTP/1.1 ${answer}\r\n\r\n`)));
    await using http = testRequester();
    for (let round = 0; round < 3; round += 1) {
      const outcome = await http.send(exchange({ url: server.url, request: { method } }));
      expect(outcome).toMatchObject({ type: "response", response: { sizeBytes: 0 } });
      await freed();
    }
    // undici closes after a HEAD, in case the server sends content all the same.
    const { kernel, metric, unread } = await openSockets(http, server.port);
    expect([metric, unread]).toEqual([kernel, 0]);
    expect(kernel).toBeLessThanOrEqual(1);
  });
});

test("the metric counts a socket as active while a request is on it", async () => {
  const { promise: arrived, resolve: onArrival } = Promise.withResolvers<() => void>();
  await using server = await loopbackServer((_request, response) => onArrival(() => response.end("ok")));
  await using http = testRequester();
  const sending = http.send(exchange({ url: server.url }));
  const answer = await arrived;
  expect(http.sockets()).toEqual({ active: 1, idle: 0 });
  answer();
  await sending;
  expect(
    await eventually(
      () => http.sockets(),
      ({ idle }) => idle === 1,
    ),
  ).toEqual({ active: 0, idle: 1 });
  expect(http.occurrences.filter(({ type }) => type === "socketOpened")).toHaveLength(1);
});

test("one occurrence is recorded for each exchange, without its URL", async () => {
  await using server = await loopbackServer((_request, response) => response.end("ok"));
  await using http = testRequester();
  await http.send(exchange({ url: `${server.url}/secret-path`, request: { method: "POST" } }));
  const exchanged = http.occurrences.filter(({ type }) => type === "exchanged");
  expect(exchanged).toMatchObject([{ method: "POST", namespace: "team-a", name: "announce", statusCode: 200, sizeBytes: 2 }]);
  expect(JSON.stringify(exchanged)).not.toContain("secret-path");
});
