/** Connections to one server, each for one request at a time, whatever becomes of the requests. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { expect, test } from "@jest/globals";
import { buildConnector, type Dispatcher } from "undici";
import { KeptConnections, type RequestHandler, type Wire } from "../../src/core/tools/kept-connections.ts";
import { network } from "../../src/core/tools/address.ts";
import { createClientPool } from "../../src/http/connect/client-pool.ts";
import { createSockets } from "../../src/http/connect/sockets.ts";
import { rawServer } from "../support/loopback.ts";
import { eventually } from "../support/tcp-table.ts";

/** However slow the machine is. */
const keeping = { keepAliveTimeout: 600_000, connect: buildConnector({}) };

/** Answers when it is told to. */
async function holdingServer() {
  const held: { readonly url: string; readonly response: ServerResponse }[] = [];
  const sockets = new Set<Socket>();
  let [accepted, atOnce, mostAtOnce] = [0, 0, 0];
  const server = createServer(({ url = "" }, response) => {
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    response.once("close", () => (atOnce -= 1));
    held.push({ url, response });
  });
  server.keepAliveTimeout = 60_000;
  server.on("connection", (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    held,
    sockets,
    counts: () => ({ accepted, mostAtOnce }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

/** One GET, and how it ended. `abort` ends it from this side. */
function get(connections: Wire, origin: string, path: string) {
  const { promise, resolve } = Promise.withResolvers<"answered" | "failed">();
  let controller: Dispatcher.DispatchController | undefined;
  let ends = 0;
  let opened = 0;
  const handler: RequestHandler = {
    onDone: undefined,
    fail: () => resolve("failed"),
    opening(open) {
      opened += 1;
      open();
    },
    onRequestStart: (started) => void (controller = started),
    onResponseStart: () => {},
    onResponseData: () => {},
    onResponseEnd() {
      ends += 1;
      handler.onDone?.(false);
      resolve("answered");
    },
    onResponseError() {
      ends += 1;
      handler.onDone?.(true);
      resolve("failed");
    },
  };
  connections.dispatch({ origin, path, method: "GET" }, handler);
  return { ended: promise, abort: () => controller?.abort(new Error("no more")), ends: () => ends, opened: () => opened };
}

test("there are no more than there may be, those that wait go in their order, and the one that was used last is used next", async () => {
  await using server = await holdingServer();
  const connections = new KeptConnections(server.url, keeping, 2);
  const asked = ["/0", "/1", "/2", "/3", "/4"].map((path) => get(connections, server.url, path));
  const isHeld = (count: number): Promise<unknown> =>
    eventually(
      () => server.held.length,
      (now) => now === count,
    );
  await isHeld(2);
  expect(connections.count()).toEqual({ connected: 2, free: 0, waiting: 3 });
  for (let index = 0; index < asked.length; index += 1) {
    await isHeld(Math.min(asked.length, index + 2));
    server.held.find(({ url }) => url === `/${index}`)?.response.end("ok"); // two that leave at once may come in another order
    expect(await asked[index]?.ended).toBe("answered");
  }
  expect(server.held.map(({ url }) => url).toSorted()).toEqual(["/0", "/1", "/2", "/3", "/4"]);
  expect(server.counts()).toEqual({ accepted: 2, mostAtOnce: 2 });
  expect(connections.count()).toEqual({ connected: 2, free: 2, waiting: 0 });

  const used = new Set<Socket | null>();
  for (let index = 5; index < 10; index += 1) {
    const { ended } = get(connections, server.url, `/${index}`);
    await isHeld(index + 1);
    used.add(server.held[index]?.response.socket ?? null);
    server.held[index]?.response.end("ok");
    expect(await ended).toBe("answered");
  }
  expect(used.size).toBe(1);
  await connections.destroy();
});

test("what opens a connection runs within what the request asks for, and nothing else does", async () => {
  await using server = await holdingServer();
  const connections = new KeptConnections(server.url, keeping, 1);
  const openings: number[] = [];
  for (const path of ["/0", "/1", "/2"]) {
    const { ended, opened } = get(connections, server.url, path);
    await eventually(
      () => server.held.at(-1)?.url,
      (url) => url === path,
    );
    server.held.at(-1)?.response.end("ok");
    expect(await ended).toBe("answered");
    openings.push(opened());
    if (path !== "/1") continue;
    for (const socket of server.sockets) socket.destroy();
    await eventually(
      () => connections.count().connected,
      (count) => count === 0,
    );
  }
  expect(openings).toEqual([1, 0, 1]);
  expect(server.counts().accepted).toBe(2);
  await connections.destroy();
});

test("whatever ends requests, each ends once, and every connection carries others after it", async () => {
  await using server = await holdingServer();
  let unused = 0;
  const connections = new KeptConnections(server.url, keeping, 3, () => (unused += 1));
  const endings: ((one: ReturnType<typeof get>, response: ServerResponse) => void)[] = [
    (_one, response) => response.end("ok"),
    (_one, response) => response.writeHead(200, { connection: "close" }).end("ok"),
    (_one, { socket }) => socket?.destroy(),
    (one) => one.abort(),
    (one, response) => (response.write("some"), one.abort()),
  ];
  for (let round = 0; round < 60; round += 1) {
    const path = `/${round}`;
    const [one, waiting] = [get(connections, server.url, path), get(connections, server.url, `${path}/next`)];
    const seen = await eventually(
      () => server.held.find(({ url }) => url === path),
      (found) => found !== undefined,
    );
    const response = seen?.response as ServerResponse;
    endings[round % endings.length]?.(one, response);
    const next = await eventually(
      () => server.held.find(({ url }) => url === `${path}/next`),
      (found) => found !== undefined,
    );
    next?.response.end("ok");
    expect([await one.ended, await waiting.ended]).toEqual([round % endings.length < 2 ? "answered" : "failed", "answered"]);
    expect([one.ends(), waiting.ends()]).toEqual([1, 1]);
  }
  for (const socket of server.sockets) socket.destroy();
  expect(
    await eventually(
      () => unused,
      (count) => count > 0,
    ),
  ).toBeGreaterThan(0);
  expect(connections.count()).toEqual({ connected: 0, free: 0, waiting: 0 });
  const again = get(connections, server.url, "/again");
  const seen = await eventually(
    () => server.held.find(({ url }) => url === "/again"),
    (found) => found !== undefined,
  );
  seen?.response.end("ok");
  expect(await again.ended).toBe("answered");
  await connections.destroy();
});

test("what nobody listens at fails, time and again; and nothing is kept for it", async () => {
  let unused = 0;
  const connections = new KeptConnections("http://127.0.0.1:1", keeping, 2, () => (unused += 1));
  for (let round = 0; round < 5; round += 1) {
    const all = ["/a", "/b", "/c", "/d"].map((path) => get(connections, "http://127.0.0.1:1", path));
    expect(await Promise.all(all.map(({ ended }) => ended))).toEqual(["failed", "failed", "failed", "failed"]);
  }
  expect(
    await eventually(
      () => unused,
      (count) => count > 0,
    ),
  ).toBeGreaterThan(0);
});

test("nobody is told that nothing is connected while a connection that was broken off is still being closed", async () => {
  await using server = await holdingServer();
  let [opened, closed] = [0, 0];
  const opening = buildConnector({});
  const connect: buildConnector.connector = (target, callback) =>
    opening(target, (...result) => {
      opened += 1;
      result[1]?.once("close", () => (closed += 1));
      callback(...result);
    });
  const open: number[] = [];
  const onUnused = (): number => open.push(opened - closed);
  const connections = new KeptConnections(server.url, { ...keeping, connect }, 1, onUnused);
  const one = get(connections, server.url, "/");
  await eventually(
    () => server.held.length,
    (count) => count === 1,
  );
  one.abort();
  expect(await one.ended).toBe("failed");
  await eventually(
    () => open.length,
    (count) => count > 0,
  );
  expect([open, opened]).toEqual([[0], 1]);
});

test("closing waits for what is under way and for what waits; destroying ends both", async () => {
  await using server = await holdingServer();
  const closing = new KeptConnections(server.url, keeping, 1);
  const [first, second] = [get(closing, server.url, "/first"), get(closing, server.url, "/second")];
  const closed = closing.close();
  for (const index of [0, 1]) {
    await eventually(
      () => server.held.length,
      (count) => count > index,
    );
    server.held[index]?.response.end("ok");
  }
  expect(await Promise.all([first.ended, second.ended, closed])).toEqual(["answered", "answered", undefined]);

  const destroyed = new KeptConnections(server.url, keeping, 1);
  const both = [get(destroyed, server.url, "/third"), get(destroyed, server.url, "/fourth")];
  await eventually(
    () => server.held.length,
    (count) => count === 3,
  );
  await destroyed.destroy();
  expect(await Promise.all(both.map(({ ended }) => ended))).toEqual(["failed", "failed"]);

  const { accepted } = server.counts();
  const unopened = new KeptConnections(server.url, keeping, 1);
  await unopened.close();
  for (const over of [closing, destroyed, unopened]) expect(await get(over, server.url, "/late").ended).toBe("failed");
  expect([server.held.length, server.counts().accepted]).toEqual([3, accepted]);
  await Promise.all([closing, destroyed, unopened].map((over) => over.close())); // none rejects
});

test("what waits for a connection does not go over one that the server has closed with its last answer", async () => {
  await using server = await rawServer((socket) => {
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  });
  const connections = new KeptConnections(server.url, keeping, 1);
  const asked = Array.from({ length: 100 }, (_, index) => get(connections, server.url, `/${index}`));
  const ended = await Promise.all(asked.map((one) => one.ended));
  expect(ended).toEqual(asked.map(() => "answered"));
  expect(server.accepted).toBe(asked.length);
  await connections.destroy();
});

test("a request over recent connections leaves in a later turn, and fails where its client has been given back by then", async () => {
  await using server = await holdingServer();
  using sockets = createSockets(() => {});
  await using clients = createClientPool({
    clients: new Map(),
    sockets,
    emit: () => {},
    floor: { opened: [network("127.0.0.0/8")] },
  });
  const lease = clients.acquire({ tls: { rejectUnauthorized: true, minVersion: "TLSv1.2" }, timeoutMs: 30_000 });
  const late = get(lease.recent(server.url, 1_000), server.url, "/late");
  lease[Symbol.dispose]();
  expect(await late.ended).toBe("failed");
  expect(clients.describe()).toMatchObject([{ origins: [] }]);
});

test("a request over recent connections that cannot be begun fails by itself alone", async () => {
  using sockets = createSockets(() => {});
  await using clients = createClientPool({ clients: new Map(), sockets, emit: () => {} });
  using lease = clients.acquire({ tls: { rejectUnauthorized: true, minVersion: "TLSv1.2" }, timeoutMs: 30_000 });
  const nowhere = "no origin";
  expect(await get(lease.recent(nowhere, 1_000), nowhere, "/").ended).toBe("failed");
});
