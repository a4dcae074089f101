/**
 * What may not be repeated goes over a connection that is fresh or was used a moment ago. Guards against a POST that is lost on a
 * connection that its server was about to close; test/real has the same with servers as people run them.
 */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "@jest/globals";
import type { Outcome } from "../../src/core/outcome.ts";
import { createAuthority } from "../support/certificates.ts";
import { exchange, literal, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { http2LoopbackServer, loopbackServer, rawServer, type LoopbackServer } from "../support/loopback.ts";
import { proxyServer } from "../support/proxy-server.ts";

const authority = createAuthority("Fresh");
afterAll(() => authority[Symbol.dispose]());

type Server = Omit<LoopbackServer, "requests">;
type Changes = Parameters<typeof exchange>[0];
const send = (http: TestRequester, method: string, url: string, changes: Changes = {}): Promise<Outcome> =>
  http.send(exchange({ url, ...changes, request: { method, ...changes.request } }));
const answers = (tls?: Parameters<typeof loopbackServer>[1]): Promise<Server> =>
  loopbackServer((_request, response) => response.end("ok"), tls);
const idleMs = 600;

/** Connections that it takes to send these, with what follows each. */
async function connections(
  sent: readonly (readonly [method: string, pauseMs: number])[],
  changes: Changes = {},
): Promise<number> {
  await using server = await answers();
  await using http = testRequester();
  for (const [method, pauseMs] of sent) {
    expect(await send(http, method, server.url, changes)).toMatchObject({ type: "response" });
    await sleep(pauseMs);
  }
  return server.accepted;
}

describe("a connection that has been idle for longer than half a second", () => {
  test("carries no POST and no PATCH", async () => {
    expect(
      await connections([
        ["POST", idleMs],
        ["POST", idleMs],
        ["PATCH", idleMs],
        ["POST", 0],
      ]),
    ).toBe(4);
  });
  test("carries what may be repeated", async () => {
    expect(
      await connections([
        ["GET", idleMs],
        ["PUT", idleMs],
        ["DELETE", 0],
      ]),
    ).toBe(1);
    expect(
      await connections(
        [
          ["POST", idleMs],
          ["POST", 0],
        ],
        { repeatable: true },
      ),
    ).toBe(1); // under an honoured key
  });
  test("carries a POST where something else has just used it", async () => {
    expect(
      await connections([
        ["POST", idleMs],
        ["GET", 20],
        ["POST", 20],
        ["POST", 0],
      ]),
    ).toBe(1);
  });
  test("carries a POST where its endpoint says so, and a younger one carries none where that says so", async () => {
    expect(
      await connections(
        [
          ["POST", idleMs],
          ["POST", idleMs],
          ["POST", 0],
        ],
        { freshAfterMs: 2_000 },
      ),
    ).toBe(1);
    expect(
      await connections(
        [
          ["POST", 20],
          ["POST", 20],
          ["POST", 0],
        ],
        { freshAfterMs: 1 },
      ),
    ).toBe(3);
  });
});

test("POSTs one after another share a connection, and 500 at once have no more than they may", async () => {
  expect(await connections(Array.from({ length: 50 }, () => ["POST", 1] as const))).toBe(1);
  await using server = await loopbackServer((_request, response) => void setTimeout(() => response.end("ok"), 2));
  await using http = testRequester();
  const changes = { timeoutMs: 60_000, freshAfterMs: 60_000 }; // on a busy machine one can be idle for half a second meanwhile
  const outcomes = await Promise.all(Array.from({ length: 500 }, () => send(http, "POST", server.url, changes)));
  for (const outcome of outcomes) expect(outcome).toMatchObject({ type: "response" });
  expect([5, 6]).toContain(server.accepted);
});

describe("the same holds", () => {
  const trusted = { tls: { ca: literal(authority.ca) } };
  test.each([
    ["over TLS", () => answers(authority.issue("IP:127.0.0.1")), trusted, undefined],
    [
      "over HTTP/2",
      () => http2LoopbackServer(authority.issue("IP:127.0.0.1"), (_request, response) => void response.end("ok")),
      { ...trusted, http2: true },
      undefined,
    ],
    ["through a proxy that forwards", () => answers(), {}, "HTTP_PROXY"],
    ["through a tunnel", () => answers(authority.issue("IP:127.0.0.1")), trusted, "HTTPS_PROXY"],
  ] as const)("%s", async (_name, start, changes, variable) => {
    await using server = await start();
    await using proxy = variable && (await proxyServer());
    await using http = testRequester({ environment: proxy ? { [variable ?? ""]: proxy.url } : {} });
    const counts: number[] = [];
    for (const [method, pauseMs] of [
      ["POST", idleMs],
      ["POST", idleMs],
      ["GET", 20],
      ["POST", 0],
    ] as const) {
      expect(await send(http, method, server.url, changes)).toMatchObject({ type: "response" });
      counts.push((proxy ?? server).accepted);
      await sleep(pauseMs);
    }
    expect(counts).toEqual([1, 2, 2, 2]);
  });
});

test("a server that closes what has been idle for a second loses none of 200 POSTs at about that interval", async () => {
  const read = new Map<string, number>();
  await using server = await rawServer((socket: Socket) => {
    let timer: NodeJS.Timeout | undefined;
    let text = "";
    socket.on("data", (data) => {
      clearTimeout(timer);
      text += data.toString("latin1");
      if (!text.includes("\r\n\r\n")) return;
      const path = text.split(" ")[1] ?? "";
      text = "";
      read.set(path, (read.get(path) ?? 0) + 1);
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      timer = setTimeout(() => socket.destroy(), 1_000); // as those do that have a limit and say nothing of it
    });
    socket.on("close", () => clearTimeout(timer));
  });
  const lanes = Array.from({ length: 50 }, async (_, lane) => {
    await using http = testRequester();
    const outcomes: Outcome[] = [];
    for (let round = 0; round < 4; round += 1) {
      outcomes.push(await send(http, "POST", `${server.url}/${lane}-${round}`));
      await sleep(996 + (lane % 9));
    }
    return outcomes;
  });
  const outcomes = (await Promise.all(lanes)).flat();
  expect(outcomes.filter(({ type }) => type !== "response")).toEqual([]);
  expect([...read.values()]).toEqual(Array.from({ length: 200 }, () => 1));
});
