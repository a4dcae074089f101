/** How many sockets stay open between requests to many origins, whose servers would keep each for as long as they like. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, expect, test } from "@jest/globals";
import { Agent, buildConnector } from "undici";
import { createSockets, type Sockets } from "../../src/http/connect/sockets.ts";
import { eventually } from "../support/tcp-table.ts";

const most = 3;
const servers = await Promise.all(Array.from({ length: most + 3 }, origin));
afterAll(() => servers.forEach((server) => server.close()));

/** `/held` is answered when `release` is called. */
async function origin() {
  const sockets = new Set<Socket>();
  const held: (() => void)[] = [];
  const server = createServer(
    ({ url }, response) => void (url === "/held" ? held.push(() => response.end("x")) : response.end("x")),
  );
  server.keepAliveTimeout = 0; // for ever
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open: () => sockets.size,
    release: () => held.splice(0).forEach((answer) => answer()),
    held: () => held.length,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function agentOver(sockets: Sockets) {
  const agent = new Agent({ connect: sockets.counted(buildConnector({})), keepAliveTimeout: 60_000 });
  return {
    async ask(index: number, path = "/"): Promise<string> {
      const { body } = await agent.request({ origin: servers[index]?.url ?? "", path, method: "GET" });
      return body.text();
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

test("a socket beyond the most that are kept closes the one that has been idle for longest, and none that is in use", async () => {
  const told: string[] = [];
  using sockets = createSockets(({ type }) => void told.push(type), most);
  await using agent = agentOver(sockets);
  const open = (): readonly number[] => servers.map((server) => server.open());
  const seen = (wanted: readonly number[]): Promise<unknown> => eventually(open, (now) => now.join() === wanted.join());

  const slow = agent.ask(0, "/held");
  await eventually(
    () => servers[0]?.held(),
    (count) => count === 1,
  );
  for (const index of [1, 2, 1]) await agent.ask(index);
  expect(open()).toEqual([1, 1, 1, 0, 0, 0]);
  await agent.ask(3); // in place of that to 2: the one to 0 is older, and in use; the one to 1 has been used since
  expect(await seen([1, 1, 0, 1, 0, 0])).toEqual([1, 1, 0, 1, 0, 0]);
  await agent.ask(4);
  expect(await seen([1, 0, 0, 1, 1, 0])).toEqual([1, 0, 0, 1, 1, 0]);
  servers[0]?.release();
  expect(await slow).toBe("x");
  await agent.ask(2); // and whoever lost one has another
  expect(await seen([1, 0, 1, 0, 1, 0])).toEqual([1, 0, 1, 0, 1, 0]);
  expect(
    await eventually(
      () => sockets.counts(),
      ({ active }) => active === 0,
    ),
  ).toEqual({ active: 0, idle: most });
  expect(told.filter((type) => type === "socketClosed")).toHaveLength(3);
});

test("nobody is closed where all are in use", async () => {
  using sockets = createSockets(() => {}, most);
  await using agent = agentOver(sockets);
  const answers = servers.map((_, index) => agent.ask(index, "/held"));
  await eventually(
    () => servers.reduce((sum, server) => sum + server.held(), 0),
    (count) => count === servers.length,
  );
  expect(sockets.counts()).toEqual({ active: servers.length, idle: 0 });
  for (const server of servers) server.release();
  expect(await Promise.all(answers)).toEqual(servers.map(() => "x"));
});
