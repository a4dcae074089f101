/** The Map of clients stays bounded, and nothing is closed under an exchange. */
import type { TLSSocket } from "node:tls";
import { afterAll, describe, expect, test } from "@jest/globals";
import type { ClientSettings } from "../../src/http/connect/client-settings.ts";
import { network } from "../../src/core/tools/address.ts";
import type { Client } from "../../src/http/connect/client-map.ts";
import { createClientPool, type ClientPool } from "../../src/http/connect/client-pool.ts";
import { createSockets } from "../../src/http/connect/sockets.ts";
import { createAuthority } from "../support/certificates.ts";
import { exchange, fromSecret, literal, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { loopbackServer, rawServer } from "../support/loopback.ts";
import { proxyServer } from "../support/proxy-server.ts";
import { eventually, socketsTo } from "../support/tcp-table.ts";

const authority = createAuthority("Client map");
afterAll(() => authority[Symbol.dispose]());

const plain: ClientSettings = { tls: { rejectUnauthorized: true, minVersion: "TLSv1.2" }, timeoutMs: 30_000 };
const statusOf = async (http: TestRequester, ...sent: Parameters<TestRequester["send"]>): Promise<unknown> => {
  const outcome = await http.send(...sent);
  return outcome.type === "response" ? outcome.response.statusCode : outcome;
};

describe("10,000", () => {
  interface Bounded {
    readonly clients: Map<string, Client>;
    readonly pool: ClientPool;
    readonly most: number;
  }
  function use(pool: ClientPool, clients: Map<string, Client>, settings: Iterable<ClientSettings>): Bounded {
    let most = 0;
    for (const each of settings) {
      pool.acquire(each)[Symbol.dispose]();
      most = Math.max(most, clients.size);
    }
    return { clients, pool, most };
  }

  test.each([
    [
      "distinct timeouts",
      function* (): Iterable<ClientSettings> {
        for (let round = 1; round <= 10_000; round += 1) yield { ...plain, timeoutMs: round };
      },
    ],
    [
      "rotated certificates",
      function* (): Iterable<ClientSettings> {
        const { cert, key } = authority.issue("DNS:client", { usage: "clientAuth" });
        // Text before a PEM block is ignored by OpenSSL: another certificate for the key, without 10,000 runs of openssl.
        for (let round = 1; round <= 10_000; round += 1)
          yield { ...plain, tls: { ...plain.tls, cert: `rotation ${round}\n${cert}`, key } };
      },
    ],
  ])("%s leave a Map of at most 256 clients", async (_name, settings) => {
    const clients = new Map<string, Client>();
    using sockets = createSockets(() => {});
    await using pool = createClientPool({ clients, sockets, emit: () => {}, floor: { opened: [network("127.0.0.0/8")] } });
    const { most } = use(pool, clients, settings());
    expect(most).toBe(256);
    expect(clients.size).toBe(256);
  });
});

test("above the limit the least recently used client goes, and its sockets with it", async () => {
  await using server = await loopbackServer((_request, response) => response.end("ok"));
  await using http = testRequester({ maxClients: 3 });
  const use = (timeoutMs: number): Promise<unknown> => statusOf(http, exchange({ url: server.url, timeoutMs }));
  for (const timeoutMs of [5_001, 5_002, 5_003, 5_001, 5_004]) expect(await use(timeoutMs)).toBe(200);
  expect(http.clients.size).toBe(3);
  const created = (): number =>
    http.occurrences.filter((occurrence) => occurrence.type === "clientAcquired" && occurrence.result === "created").length;
  expect(created()).toBe(4);
  for (const timeoutMs of [5_001, 5_003, 5_004]) expect(await use(timeoutMs)).toBe(200); // still there
  expect(created()).toBe(4);
  expect(await use(5_002)).toBe(200); // it was the one
  expect(created()).toBe(5);
  expect(
    await eventually(
      () => socketsTo(server.port),
      ({ established }) => established === 3,
    ),
  ).toMatchObject({ established: 3 });
  expect(http.sockets()).toEqual({ active: 0, idle: 3 });
});

test("a Map full of busy clients exceeds its limit until they are done, and closes none under an exchange", async () => {
  const waiting: (() => void)[] = [];
  await using server = await loopbackServer((_request, response) => void waiting.push(() => response.end("ok")));
  await using http = testRequester({ maxClients: 2 });
  const outcomes = [1, 2, 3, 4].map((n) => statusOf(http, exchange({ url: server.url, timeoutMs: 5_000 + n })));
  await eventually(
    () => waiting.length,
    (length) => length === 4,
  );
  expect(http.clients.size).toBe(4);
  for (const answer of waiting) answer();
  expect(await Promise.all(outcomes)).toEqual([200, 200, 200, 200]);
  expect(http.clients.size).toBe(2);
});

test("a client that nobody uses any more is closed; one with an exchange in flight is not", async () => {
  let answer = (): void => {};
  await using server = await loopbackServer(({ url }, response) => {
    if (url === "/slow") answer = () => response.end("ok");
    else response.end("ok");
  });
  await using http = testRequester({ idleTimeoutMs: 50 });
  const slow = statusOf(http, exchange({ url: `${server.url}/slow`, timeoutMs: 60_000 }));
  expect(await statusOf(http, exchange({ url: server.url }))).toBe(200);
  expect(http.clients.size).toBe(2);
  await eventually(
    () => http.clients.size,
    (size) => size === 1,
  );
  await new Promise((resolve) => setTimeout(resolve, 150)); // three times what an idle one would have
  expect(http.clients.size).toBe(1);
  answer();
  expect(await slow).toBe(200);
  expect(
    await eventually(
      () => http.clients.size,
      (size) => size === 0,
    ),
  ).toBe(0);
  expect(
    await eventually(
      () => http.sockets(),
      ({ idle }) => idle === 0,
    ),
  ).toEqual({ active: 0, idle: 0 });
  expect((await socketsTo(server.port))["established"]).toBeUndefined();
});

test("a client in use stays, however often the idle ones are looked for", async () => {
  await using server = await loopbackServer((_request, response) => response.end("ok"));
  await using http = testRequester({ idleTimeoutMs: 1_000 });
  for (let round = 0; round < 40; round += 1) {
    expect(await statusOf(http, exchange({ url: server.url }))).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(server.accepted).toBe(1);
});

test("wish 12: a rotated certificate gets a client of its own, while what is in flight on the old one ends in peace", async () => {
  let answer = (): void => {};
  const certificates: string[] = [];
  await using server = await loopbackServer(
    ({ url }, response) => {
      certificates.push((response.socket as TLSSocket).getPeerCertificate().fingerprint256);
      if (url === "/slow") answer = () => response.end("old");
      else response.end("new");
    },
    { ...authority.issue("IP:127.0.0.1"), ca: authority.ca, requestCert: true, rejectUnauthorized: true },
  );
  await using http = testRequester({ maxClients: 1 });
  const tls = { ca: literal(authority.ca), certificate: fromSecret("client", "tls.crt"), key: fromSecret("client", "tls.key") };
  const rotation = (): { secrets: Record<string, Record<string, string>> } => {
    const { cert, key } = authority.issue("DNS:client", { usage: "clientAuth" });
    return { secrets: { client: { "tls.crt": cert, "tls.key": key } } };
  };
  const old = statusOf(http, exchange({ url: `${server.url}/slow`, tls }), { objects: rotation() });
  await eventually(
    () => server.requests.length,
    (length) => length === 1,
  );
  expect(await statusOf(http, exchange({ url: server.url, tls }), { objects: rotation() })).toBe(200);
  expect(http.clients.size).toBe(1); // the new one went when it was free, since the old one could not
  expect(server.accepted).toBe(2);
  expect(new Set(certificates).size).toBe(2);
  answer();
  expect(await old).toBe(200);
});

test("namespaces share connections unless they are isolated", async () => {
  const connections = async (clientIsolation: "none" | "namespace"): Promise<number> => {
    await using server = await loopbackServer((_request, response) => response.end("ok"));
    await using http = testRequester({ clientIsolation });
    for (const namespace of ["team-a", "team-b", "team-a"]) {
      const { scope, ...rest } = exchange({ url: server.url });
      const moved = { ...rest, scope: { ...scope, metadata: { ...scope.metadata, namespace } } };
      expect(await statusOf(http, moved)).toBe(200);
      await new Promise(setImmediate);
    }
    return server.accepted;
  };
  expect(await connections("none")).toBe(1);
  expect(await connections("namespace")).toBe(2);
});

test.each([
  ["directly", false],
  ["through a proxy", true],
])("requests that wait for a connection are counted as queued, %s", async (_name, proxied) => {
  const waiting: (() => void)[] = [];
  await using server = await loopbackServer((_request, response) => void waiting.push(() => response.end("ok")));
  await using proxy = await proxyServer();
  await using http = testRequester({ connectionsPerOrigin: 3, environment: proxied ? { HTTP_PROXY: proxy.url } : {} });
  const outcomes = Array.from({ length: 5 }, () => statusOf(http, exchange({ url: server.url })));
  await eventually(
    () => waiting.length,
    (length) => length === 2,
  );
  expect(http.pool.queued + http.requester.waiting()).toBe(3); // the third connection is for another namespace
  expect(http.sockets()).toEqual({ active: 2, idle: 0 });
  const answering = setInterval(() => waiting.shift()?.(), 1);
  expect(await Promise.all(outcomes)).toEqual([200, 200, 200, 200, 200]);
  clearInterval(answering);
  expect(http.pool.queued + http.requester.waiting()).toBe(0);
});

test("nothing is kept for an origin whose last request was given up", async () => {
  await using silent = await rawServer(() => {});
  await using http = testRequester();
  for (let round = 0; round < 2; round += 1)
    expect(await http.send(exchange({ url: silent.url, timeoutMs: 1_500 }))).toMatchObject({ reason: "Timeout", sent: true });
  expect(
    await eventually(
      () => http.pool.describe().flatMap(({ origins }) => origins),
      ({ length }) => length === 0,
    ),
  ).toEqual([]);
});

test("an idle connection is kept as long as it was said to be", async () => {
  await using server = await loopbackServer((_request, response) => response.end("ok"));
  await using http = testRequester({ keepAliveTimeoutMs: 1, keepAliveMaxTimeoutMs: 1 });
  expect(await statusOf(http, exchange({ url: server.url }))).toBe(200);
  expect(
    await eventually(
      () => http.sockets(),
      ({ idle }) => idle === 0,
    ),
  ).toEqual({ active: 0, idle: 0 });
  expect(http.clients.size).toBe(1);
});
