import { expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Pool } from "undici";
import { exchange, type ApiReply } from "../../src/kubernetes/api-exchange.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
async function serve(
  answer: Answer,
): Promise<{ readonly server: Server; readonly pool: Pool; readonly origin: string } & AsyncDisposable> {
  const server = createServer(answer);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pool = new Pool(origin, { connections: 1, pipelining: 1 });
  return {
    server,
    pool,
    origin,
    async [Symbol.asyncDispose]() {
      await pool.destroy();
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}
const errors = { timedOut: () => new Error("it took too long"), tooLarge: () => new Error("it is too large") };
function get(
  { pool, origin }: { pool: Pool; origin: string },
  path: string,
  signal: AbortSignal,
  timeoutMs = 60_000,
): Promise<ApiReply> {
  return exchange(pool, { origin, path, method: "GET" }, { signal, timeoutMs, errors });
}
const never = new AbortController().signal;

test("a call gives what was answered, in however many pieces", async () => {
  await using here = await serve((_request, response) => {
    response.writeHead(429, { "retry-after": "7" });
    response.write(Buffer.from("é").subarray(0, 1));
    setImmediate(() => response.end(Buffer.concat([Buffer.from("é").subarray(1), Buffer.from("!")])));
  });
  expect(await get(here, "/", never)).toEqual({ status: 429, retryAfter: "7", text: "é!" });
});

test("a call whose signal aborts while it waits for a connection is never sent", async () => {
  const asked: string[] = [];
  const held = Promise.withResolvers<ServerResponse>();
  await using here = await serve((request, response) => {
    asked.push(request.url ?? "");
    if (request.url === "/first") held.resolve(response);
    else response.end();
  });
  const first = get(here, "/first", never);
  const response = await held.promise;
  const aborting = new AbortController();
  const second = get(here, "/second", aborting.signal);
  aborting.abort(new Error("no more"));
  await expect(second).rejects.toThrow("no more");
  response.end();
  await first;
  await get(here, "/third", never);
  expect(asked).toEqual(["/first", "/third"]);
});

test("a call whose signal has aborted already is never sent", async () => {
  let asked = 0;
  await using here = await serve((_request, response) => {
    asked += 1;
    response.end();
  });
  await expect(get(here, "/", AbortSignal.abort(new Error("no more")))).rejects.toThrow("no more");
  await get(here, "/", never);
  expect(asked).toBe(1);
});

test("a call that has taken too long destroys its socket, also in the middle of the answer", async () => {
  const closed = Promise.withResolvers<void>();
  await using here = await serve((request, response) => {
    if (request.url === "/warm") response.end();
    else response.writeHead(200, { "content-length": "100" }).write("{");
  });
  here.server.on("connection", (socket) => socket.on("close", () => closed.resolve()));
  await get(here, "/warm", never); // it is connected before the time runs
  await expect(get(here, "/", never, 200)).rejects.toThrow("it took too long");
  await closed.promise;
});

test("a call leaves nothing with the signal, which outlives it", async () => {
  await using here = await serve((_request, response) => response.end("{}"));
  const { signal } = new AbortController();
  let listeners = 0;
  const counted = Object.assign(Object.create(signal), {
    addEventListener: () => (listeners += 1),
    removeEventListener: () => (listeners -= 1),
  }) as AbortSignal;
  await get(here, "/", counted);
  await here.pool.close();
  await expect(get(here, "/", counted)).rejects.toThrow();
  expect(listeners).toBe(0);
});
