import { once } from "node:events";
import {
  constants,
  createSecureServer,
  type Http2ServerRequest,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { createServer as createTLSServer } from "node:tls";
import { afterAll, describe, expect, test } from "@jest/globals";
import type { Exchange } from "../../src/core/exchange.ts";
import { createAuthority } from "../support/certificates.ts";
import { abortedAfter, exchange, literal, never, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";
import { proxyServer } from "../support/proxy-server.ts";
import { eventually, socketsTo } from "../support/tcp-table.ts";

const authority = createAuthority("HTTP2");
afterAll(() => authority[Symbol.dispose]());

interface Http2Server extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly accepted: number;
  /** The protocol of each request. */
  readonly versions: readonly string[];
  /** Answers one of the requests that wait. */
  answer(): void;
  readonly waiting: number;
}

/** Speaks HTTP/2 and HTTP/1.1, and holds each answer back until it is asked for. */
async function http2Server(): Promise<Http2Server> {
  const versions: string[] = [];
  const waiting: (() => void)[] = [];
  const sockets = new Set<{ destroy(): void }>();
  let accepted = 0;
  const server = createSecureServer({ ...authority.issue("IP:127.0.0.1"), allowHTTP1: true });
  server.on("secureConnection", (socket) => {
    accepted += 1;
    sockets.add(socket);
  });
  server.on("request", ({ httpVersion }: Http2ServerRequest, response) => {
    versions.push(httpVersion);
    waiting.push(() => response.end("ok"));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    versions,
    get accepted() {
      return accepted;
    },
    answer: () => waiting.shift()?.(),
    get waiting() {
      return waiting.length;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

async function statuses(http: TestRequester, url: string, count: number, changes = {}): Promise<readonly unknown[]> {
  const tls = { ca: literal(authority.ca) };
  const outcomes = await Promise.all(Array.from({ length: count }, () => http.send(exchange({ url, tls, ...changes }))));
  return outcomes.map((outcome) => (outcome.type === "response" ? outcome.response.statusCode : outcome));
}

test.each([
  ["directly", false],
  ["through a tunnel", true],
])("with http2 many exchanges share one connection %s, which is active until the last of them ends", async (_name, tunnelled) => {
  await using server = await http2Server();
  await using proxy = await proxyServer();
  await using http = testRequester();
  const changes = { http2: true, ...(tunnelled ? { proxy: literal(proxy.url) } : {}) };
  const sent = statuses(http, server.url, 5, changes);
  await eventually(
    () => server.waiting,
    (waiting) => waiting === 5,
  );
  expect(server.versions).toEqual(["2.0", "2.0", "2.0", "2.0", "2.0"]);
  expect(http.sockets()).toEqual({ active: 1, idle: 0 });
  expect(http.requestsOnSockets()).toBe(5);
  for (let left = 4; left >= 1; left -= 1) {
    server.answer();
    await eventually(
      () => http.requestsOnSockets(),
      (requests) => requests === left,
    );
    expect(http.sockets()).toEqual({ active: 1, idle: 0 });
  }
  server.answer();
  expect(await sent).toEqual([200, 200, 200, 200, 200]);
  expect(
    await eventually(
      () => http.sockets(),
      ({ active }) => active === 0,
    ),
  ).toEqual({ active: 0, idle: 1 });
  expect(server.accepted).toBe(1);
  expect(proxy.accepted).toBe(tunnelled ? 1 : 0);
  expect(await socketsTo(tunnelled ? proxy.port : server.port)).toMatchObject({ established: 1 });
});

test("an exchange that is given up ends its stream, and the connection and the others go on", async () => {
  await using server = await http2Server();
  await using http = testRequester();
  const given = statuses(http, server.url, 1, { http2: true, timeoutMs: 2_000 });
  // The same client: its key has the timeout in it.
  const kept = new AbortController();
  const tls = { ca: literal(authority.ca) };
  const other = http.send(exchange({ url: server.url, tls, http2: true, timeoutMs: 2_000 }), { signal: kept.signal });
  expect(await given).toMatchObject([{ type: "failure", reason: "Timeout" }]);
  expect(await other).toMatchObject({ type: "failure", reason: "Timeout" });
  const answering = setInterval(() => server.answer(), 5);
  expect(await statuses(http, server.url, 1, { http2: true, timeoutMs: 2_000 })).toEqual([200]);
  clearInterval(answering);
  expect(server.accepted).toBe(1);
  expect(
    await eventually(
      () => http.sockets(),
      ({ active }) => active === 0,
    ),
  ).toEqual({ active: 0, idle: 1 });
});

test("without it HTTP/1.1 is spoken, whatever the server offers; with it too, where the server offers no more", async () => {
  await using server = await http2Server();
  await using old = await loopbackServer((_request, response) => response.end("ok"), authority.issue("IP:127.0.0.1"));
  await using http = testRequester();
  const answering = setInterval(() => server.answer(), 5);
  expect(await statuses(http, server.url, 3)).toEqual([200, 200, 200]);
  clearInterval(answering);
  expect(server.versions).toEqual(["1.1", "1.1", "1.1"]);
  expect(await statuses(http, old.url, 20, { http2: true })).toEqual(Array.from({ length: 20 }, () => 200));
  expect(old.accepted).toBeLessThanOrEqual(6);
});

/** Gives each stream to `onStream`, with how many there have been, on which connection. */
async function streamServer(
  onStream: (stream: ServerHttp2Stream, count: number, connection: Socket, path: string) => void,
): Promise<AsyncDisposable & { readonly url: string; readonly streams: number; readonly accepted: number }> {
  const connections: Socket[] = [];
  let streams = 0;
  const server = createSecureServer(authority.issue("IP:127.0.0.1"));
  server.on("connection", (socket: Socket) => connections.push(socket));
  server.on("session", (session) => session.on("error", () => {}));
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {}); // the client may be gone
    streams += 1;
    onStream(stream, streams, connections.at(-1) as Socket, headers[":path"] ?? "");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get streams() {
      return streams;
    },
    get accepted() {
      return connections.length;
    },
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
const overHTTP2 = (url: string, changes: Parameters<typeof exchange>[0] = {}): Exchange =>
  exchange({ url, http2: true, tls: { ca: literal(authority.ca) }, ...changes });
function answer(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders = {}): void {
  stream.respond({ ":status": 200, ...headers });
  stream.end("ok");
}
const retries = (http: TestRequester): readonly unknown[] =>
  http.occurrences.flatMap((occurrence) => (occurrence.type === "retried" ? [occurrence.reason] : []));

describe("what the server says it has not looked at", () => {
  const ways: [string, (stream: ServerHttp2Stream) => void][] = [
    ["by refusing the stream", (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM)],
    ["by going away", (stream) => stream.session?.goaway(constants.NGHTTP2_NO_ERROR, 1)],
  ];
  test.each(ways)("%s is sent once more, whatever the method, and that is counted", async (_name, refuse) => {
    await using server = await streamServer((stream, count) => (count === 2 ? refuse(stream) : answer(stream)));
    await using http = testRequester();
    const post = overHTTP2(server.url, { request: { method: "POST" } });
    for (const tried of [1, 3]) {
      expect(await http.send(post)).toMatchObject({ type: "response", response: { statusCode: 200 } });
      expect(server.streams).toBe(tried);
    }
    expect(retries(http)).toEqual(["unsent"]);
    expect(
      await eventually(
        () => http.sockets(),
        ({ active }) => active === 0,
      ),
    ).toMatchObject({ active: 0 });
    expect(http.requestsOnSockets()).toBe(0);
  });

  test("is not sent a third time, nor beyond the budget, and has not been sent", async () => {
    await using server = await streamServer((stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM));
    await using http = testRequester();
    const post = overHTTP2(server.url, { request: { method: "POST" } });
    expect(await http.send(post)).toMatchObject({ type: "failure", reason: "ConnectionReset", sent: false });
    expect(server.streams).toBe(2);
    await using frugal = testRequester({ maxExchangesPerReconcile: 1 });
    expect(await frugal.send(post)).toMatchObject({ type: "failure", reason: "BudgetExhausted" });
    expect(server.streams).toBe(3);
  });
});

test("a stream that the server breaks off is no dead connection: told as such, and not sent again at once", async () => {
  await using server = await streamServer((stream, count) =>
    count === 2 ? stream.close(constants.NGHTTP2_INTERNAL_ERROR) : answer(stream),
  );
  await using http = testRequester();
  expect(await http.send(overHTTP2(server.url))).toMatchObject({ type: "response" });
  expect(await http.send(overHTTP2(server.url))).toMatchObject({ type: "failure", reason: "ConnectionReset", sent: true });
  expect(await http.send(overHTTP2(server.url))).toMatchObject({ type: "response" });
  expect([server.streams, server.accepted, retries(http)]).toEqual([3, 1, []]);
});

test("a connection that is dead when it is used again costs one retry", async () => {
  await using server = await streamServer((stream, count, connection) => (count === 2 ? connection.destroy() : answer(stream)));
  await using http = testRequester();
  for (const path of ["/1", "/2"]) expect(await http.send(overHTTP2(`${server.url}${path}`))).toMatchObject({ type: "response" });
  expect([server.streams, server.accepted, retries(http)]).toEqual([3, 2, ["stale"]]);
});

test("F13: more than 16 KiB of header fields are too many", async () => {
  const filler = { "x-a": "x".repeat(9_000), "x-b": "x".repeat(9_000) };
  await using server = await streamServer((stream, count) => answer(stream, count === 1 ? filler : { "x-a": "x".repeat(9_000) }));
  await using http = testRequester();
  expect(await http.send(overHTTP2(server.url))).toMatchObject({ type: "failure", reason: "HeadersTooLarge", sent: true });
  expect(await http.send(overHTTP2(server.url))).toMatchObject({ type: "response" });
});

test("whatever a server does, no POST is acted upon twice, each failure has its own reason, and nothing is left", async () => {
  let seed = 8;
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
  const actedUpon = new Map<string, number>();
  const leaving = new WeakSet<object>();
  await using server = await streamServer((stream, _count, connection, path) => {
    const { session, id = 1 } = stream;
    const dice = random();
    if (!session || leaving.has(session) || dice < 0.1) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    if (dice < 0.15 && id > 1) {
      leaving.add(session);
      return session.goaway(constants.NGHTTP2_NO_ERROR, id - 2); // those before have been acted upon
    }
    actedUpon.set(path, (actedUpon.get(path) ?? 0) + 1);
    if (dice < 0.2) return stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    if (dice < 0.25) return void connection.destroy();
    if (dice < 0.3) return; // it never answers
    return void setTimeout(() => stream.destroyed || answer(stream), random() * 10);
  });
  await using http = testRequester();
  async function send(index: number): Promise<void> {
    const path = `/${index}`;
    const method = index % 2 === 0 ? "GET" : "POST";
    const signal = random() < 0.1 ? abortedAfter(random() * 30) : never;
    const outcome = await http.send(overHTTP2(`${server.url}${path}`, { timeoutMs: 500, request: { method } }), { signal });
    if (outcome.type !== "response") expect(outcome).not.toMatchObject({ reason: "Unknown" });
    if (method === "POST") expect([path, actedUpon.get(path) ?? 0].join(" ")).toMatch(/ [01]$/);
    if (outcome.type === "failure" && !outcome.sent) expect(actedUpon.has(path)).toBe(false);
  }
  let next = 0;
  const sender = async (): Promise<void> => {
    while (next < 400) await send((next += 1));
  };
  await Promise.all(Array.from({ length: 6 }, sender));
  expect(
    await eventually(
      () => [http.sockets().active, http.requestsOnSockets(), http.pool.queued],
      (left) => left.every((count) => count === 0),
    ),
  ).toEqual([0, 0, 0]);
});

describe("frames that belong to no request", () => {
  const settings = frameOf(0x4, Buffer.alloc(0));
  test.each([
    ["ORIGIN without an origin", frameOf(0xc, Buffer.alloc(0))],
    ["ORIGIN with an empty origin", frameOf(0xc, Buffer.from([0, 0]))],
    ["ORIGIN with one origin", frameOf(0xc, Buffer.from([0, 1, 0x61]))],
    ["ALTSVC", frameOf(0xa, Buffer.from([0, 9, ...Buffer.from("https://ah")]))],
    ["GOAWAY", frameOf(0x7, Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]))],
    ["SETTINGS", settings],
  ])("without end, %s, end their connection, and what was asked fails", async (_name, frame) => {
    let sent = 0;
    const server = createTLSServer({ ...authority.issue("IP:127.0.0.1"), ALPNProtocols: ["h2"] }, (socket) => {
      const many = Buffer.concat(Array.from({ length: 1_000 }, () => frame));
      const flood = (): void => {
        while (!socket.destroyed) {
          sent += 1_000;
          if (!socket.write(many)) return void socket.once("drain", flood);
        }
      };
      socket.on("error", () => {}).resume();
      socket.write(settings);
      flood();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    await using _server = { [Symbol.asyncDispose]: async () => void (await once(server.close(), "close")) };
    await using http = testRequester();
    const { port } = server.address() as AddressInfo;
    const tls = { ca: literal(authority.ca) };
    const outcome = await http.send(exchange({ url: `https://127.0.0.1:${port}`, tls, http2: true, timeoutMs: 20_000 }));
    expect(outcome).toMatchObject({ type: "failure", reason: expect.stringMatching(/InvalidResponse|ConnectionReset/) });
    expect(sent).toBeLessThan(2_000_000);
    await eventually(
      () => http.sockets(),
      ({ active, idle }) => active + idle === 0,
    );
  });
});

/** Of the connection itself (RFC 9113, section 4.1). */
function frameOf(type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  return Buffer.concat([head, payload]);
}
