/**
 * Idle connections that the far side has closed. Guards against requests that fail though nobody is to blame, and against the
 * opposite: a request that may not be repeated, sent twice.
 */
import type { Socket } from "node:net";
import { expect, test } from "@jest/globals";
import type { Outcome } from "../../src/core/outcome.ts";
import { exchange, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { rawServer } from "../support/loopback.ts";

interface Silent extends AsyncDisposable {
  readonly url: string;
  readonly accepted: number;
  /** Requests that were read and not answered, since their connection was closed at that moment. */
  readonly dropped: number;
  /** How often each was read, by its path. */
  readonly read: ReadonlyMap<string, number>;
}

/** Answers `first` requests on each connection, and closes it without a word when the next one arrives. */
async function closingServer(first: number, close: (socket: Socket) => void): Promise<Silent> {
  const read = new Map<string, number>();
  let dropped = 0;
  const server = await rawServer((socket) => {
    let answered = 0;
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (!text.includes("\r\n\r\n")) return;
      const path = text.split(" ")[1] ?? "";
      text = "";
      read.set(path, (read.get(path) ?? 0) + 1);
      if (answered >= first) {
        dropped += 1;
        return close(socket);
      }
      answered += 1;
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  return {
    url: server.url,
    get accepted() {
      return server.accepted;
    },
    get dropped() {
      return dropped;
    },
    read,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const turn = (): Promise<void> => new Promise(setImmediate);
const retries = (http: TestRequester, reason: string): number =>
  http.occurrences.filter((occurrence) => occurrence.type === "retried" && occurrence.reason === reason).length;
const exchanged = (http: TestRequester): number => http.occurrences.filter(({ type }) => type === "exchanged").length;

const ways: [string, (socket: Socket) => void][] = [
  ["closes", (socket) => socket.end()],
  ["resets", (socket) => socket.resetAndDestroy()],
];

test.each(ways)(
  "a server %s idle connections at the moment of reuse, 1,000 times: every GET succeeds, and none is sent a third time",
  async (_name, close) => {
    await using server = await closingServer(1, close);
    await using http = testRequester();
    const outcomes: Outcome[] = [];
    for (let index = 0; server.dropped < 1_000; index += 1) {
      outcomes.push(await http.send(exchange({ url: `${server.url}/${index}` })));
      await turn();
    }
    expect(outcomes.filter(({ type }) => type !== "response")).toEqual([]);
    expect(Math.max(...server.read.values())).toBe(2);
    expect(retries(http, "stale")).toBe(server.dropped);
    expect(retries(http, "unsent")).toBe(0);
    expect(exchanged(http)).toBe(outcomes.length);
  },
);

test.each(ways)(
  "a server %s them: no POST is sent twice, and the outcome says that it may have arrived",
  async (_name, close) => {
    await using server = await closingServer(1, close);
    await using http = testRequester();
    const outcomes: Outcome[] = [];
    for (let index = 0; index < 400; index += 1) {
      outcomes.push(await http.send(exchange({ url: `${server.url}/${index}`, request: { method: "POST" } })));
      await turn();
    }
    const lost = outcomes.filter(({ type }) => type === "failure");
    expect(new Set(server.read.values())).toEqual(new Set([1]));
    expect(lost).toHaveLength(server.dropped);
    expect(server.dropped).toBeGreaterThan(150);
    for (const outcome of lost) expect(outcome).toMatchObject({ reason: "ConnectionReset", sent: true });
    expect(retries(http, "stale")).toBe(0);
  },
);

test("a POST whose idempotency key is honoured is sent again", async () => {
  await using server = await closingServer(1, (socket) => socket.end());
  await using http = testRequester();
  for (let index = 0; index < 20; index += 1) {
    const post = exchange({ url: `${server.url}/${index}`, repeatable: true, request: { method: "POST" } });
    expect(await http.send(post)).toMatchObject({ type: "response" });
    await turn();
  }
  expect(retries(http, "stale")).toBe(server.dropped);
  expect(server.dropped).toBeGreaterThan(5);
});

test("the second try is on a new connection, where the pool would give it another that is as dead", async () => {
  let closed = 0;
  await using server = await rawServer((socket) => {
    let answered = false;
    socket.on("data", (data) => {
      const delayMs = data.includes("/slow") ? 600 : 0;
      // The slow one's connection, the pool's first, is idle by then, and closed when it is used again as well.
      if (answered) return void setTimeout(() => socket.end(() => (closed += 1)), 1_200);
      answered = true;
      return void setTimeout(() => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), delayMs);
    });
  });
  await using http = testRequester({ connectionsPerOrigin: 2 });
  const get = (path: string): Promise<Outcome> => http.send(exchange({ url: `${server.url}${path}` }));
  const slow = get("/slow");
  while (server.accepted < 1) await turn();
  await get("/quick");
  await turn();
  expect(await get("/again")).toMatchObject({ type: "response" });
  expect(await slow).toMatchObject({ type: "response" });
  expect([server.accepted, closed, retries(http, "stale")]).toEqual([3, 1, 1]);
});

test("there is no second retry, and none on a connection that was new", async () => {
  await using server = await closingServer(0, (socket) => socket.end());
  await using http = testRequester();
  expect(await http.send(exchange({ url: `${server.url}/new` }))).toMatchObject({ reason: "ConnectionReset", sent: true });
  expect(server.read.get("/new")).toBe(1);

  // The first connection answers once, each later one never.
  let connections = 0;
  await using dying = await rawServer((socket) => {
    connections += 1;
    let left = connections === 1 ? 1 : 0;
    socket.on("data", () => (left-- > 0 ? socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") : socket.end()));
  });
  expect(await http.send(exchange({ url: dying.url }))).toMatchObject({ type: "response" });
  await turn();
  expect(await http.send(exchange({ url: dying.url }))).toMatchObject({ reason: "ConnectionReset", sent: true });
  expect(connections).toBe(2);
});

test("there is none after a byte of the answer", async () => {
  await using server = await rawServer((socket) => {
    let answered = false;
    socket.on("data", () => {
      if (answered) return socket.end("H");
      answered = true;
      return socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
  });
  await using http = testRequester();
  expect(await http.send(exchange({ url: server.url }))).toMatchObject({ type: "response" });
  await turn();
  expect(await http.send(exchange({ url: server.url }))).toMatchObject({ type: "failure", sent: true });
  expect(server.accepted).toBe(1);
  expect(retries(http, "stale")).toBe(0);
});

test("a connection that died while a request waited for its turn costs nothing: it had not left", async () => {
  const sockets: Socket[] = [];
  const read: string[] = [];
  await using server = await rawServer((socket) => {
    sockets.push(socket);
    socket.on("data", (data) => {
      read.push(data.toString().split(" ")[1] ?? "");
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
  });
  await using http = testRequester({ connectionsPerOrigin: 1 });
  for (let index = 0; index < 100; index += 1) {
    const post = exchange({ url: `${server.url}/${index}`, request: { method: "POST" } });
    expect(await http.send(post)).toMatchObject({ type: "response" });
    sockets.at(-1)?.resetAndDestroy();
  }
  expect(read).toEqual(Array.from({ length: 100 }, (_, index) => `/${index}`));
});
