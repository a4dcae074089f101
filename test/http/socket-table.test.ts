/**
 * Every way to connect × with a redirect and without × every size of answer × every way in which an exchange can end: after
 * each, no more connections have been accepted than the limit says, and the kernel has as many sockets open as the metric says.
 */
import { once } from "node:events";
import { afterAll, expect, test } from "@jest/globals";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { createAuthority } from "../support/certificates.ts";
import { abortedAfter, exchange, literal, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";
import { proxyServer } from "../support/proxy-server.ts";
import { eventually, socketsTo } from "../support/tcp-table.ts";

const authority = createAuthority("Table");
afterAll(() => authority[Symbol.dispose]());

const limit = 3;
/** Far beyond what a loaded machine needs. */
const timeoutMs = 20_000;
const maxResponseBytes = 300_000;

const localhost = authority.issue("IP:127.0.0.1");
const ca = literal(authority.ca);
const client = authority.issue("DNS:client", { usage: "clientAuth" });
type Server = Parameters<typeof loopbackServer>[1];
/** How the server speaks TLS, and how the client does. */
const forms: Readonly<Record<string, { readonly server?: NonNullable<Server>; readonly tls: Partial<Exchange["tls"]> }>> = {
  "no TLS": { tls: {} },
  "a custom CA": { server: localhost, tls: { ca } },
  "no verification": { server: localhost, tls: { insecureSkipVerify: true } },
  "a client certificate": {
    server: { ...localhost, ca: authority.ca, requestCert: true, rejectUnauthorized: true },
    tls: { ca, certificate: literal(client.cert), key: literal(client.key) },
  },
  "a server name": { server: authority.issue("DNS:api.example"), tls: { ca, serverName: "api.example" } },
  "a minimum version": { server: localhost, tls: { ca, minVersion: "TLSv1.3" } },
};

const sizes = [0, 1_000, 250_000];

interface Ending {
  /** An exchange that breaks costs its connection, so no more of these are sent than there may be connections. */
  readonly breaks?: true;
  readonly abortAfterMs?: number;
  /** Another timeout is another client. */
  readonly timeoutMs?: number;
  /** What each outcome must be. */
  readonly outcome: object;
}
/** By the name that the server sees in the path. */
const endings: Readonly<Record<string, Ending>> = {
  "200": { outcome: { type: "response", response: { statusCode: 200 } } },
  "500": { outcome: { type: "response", response: { statusCode: 500 } } },
  /** The headers, then nothing. */
  hang: { breaks: true, timeoutMs: 450, outcome: { type: "failure", reason: "Timeout" } },
  reset: { breaks: true, outcome: { type: "failure", reason: "ConnectionReset" } },
  abort: { breaks: true, abortAfterMs: 30, outcome: { type: "failure", reason: "Aborted" } },
  /** One byte more than is accepted follows. */
  tooLarge: { breaks: true, outcome: { type: "failure", reason: "ResponseTooLarge" } },
};

/** Answers `/<ending>/<size>`; `/redirect/<ending>/<size>` leads there, with content of that size. */
function origin(tls: Server): Promise<LoopbackServer> {
  return loopbackServer(({ url }, response) => {
    const [size, ending = "", redirect] = url.split("/").toReversed();
    const content = Buffer.alloc(Number(size), "x");
    if (redirect) return void response.writeHead(307, { location: url.slice("/redirect".length) }).end(content);
    switch (ending) {
      case "hang":
      case "abort":
        response.writeHead(200, { "content-length": content.byteLength + 1 }).write(content);
        return response.flushHeaders();
      case "reset":
        response.writeHead(200, { "content-length": content.byteLength + 1 }).write(content);
        return void setTimeout(() => response.destroy(), 5);
      case "tooLarge":
        return void response.writeHead(200).end(Buffer.alloc(maxResponseBytes + 1 + content.byteLength));
      default:
        return void response.writeHead(Number(ending)).end(content);
    }
  }, tls);
}

interface Cell {
  readonly http: TestRequester;
  readonly server: LoopbackServer;
  /** Where connections arrive: at the server, or at the proxy before it. */
  readonly at: { readonly port: number; readonly accepted: number };
  readonly tls: Partial<Exchange["tls"]>;
  readonly proxy?: string;
}

async function outcomes({ http, server, tls, proxy }: Cell, name: string, path: string): Promise<readonly Outcome[]> {
  const { breaks, abortAfterMs, timeoutMs: ownTimeoutMs } = endings[name] ?? {};
  const signal = abortAfterMs === undefined ? new AbortController().signal : abortedAfter(abortAfterMs);
  const sent = exchange({
    url: `${server.url}${path}`,
    maxRedirects: 1,
    tls,
    timeoutMs: ownTimeoutMs ?? timeoutMs,
    freshAfterMs: 60_000, // a busy machine must not make connections look long unused
    ...(proxy === undefined ? {} : { proxy: literal(proxy) }),
    request: { method: "POST" },
  });
  const count = breaks ? limit : 2 * limit;
  return Promise.all(Array.from({ length: count }, () => http.send(sent, { signal })));
}

async function expectAccountedFor({ http, at }: Cell, withinMs = 60_000): Promise<void> {
  const open = async (): Promise<{ kernel: number; metric: number; active: number }> => {
    const { established: kernel = 0, close_wait = 0, fin_wait2 = 0 } = await socketsTo(at.port);
    const { active, idle } = http.sockets();
    return { kernel: kernel + close_wait + fin_wait2, metric: active + idle, active };
  };
  const seen = await eventually(open, ({ kernel, metric, active }) => kernel === metric && active === 0, withinMs);
  expect(seen).toEqual({ kernel: seen.metric, metric: seen.metric, active: 0 });
  expect(seen.metric).toBeLessThanOrEqual(limit * http.clients.size);
  const count = (type: string): number => http.occurrences.filter((occurrence) => occurrence.type === type).length;
  expect(count("socketOpened") - count("socketClosed")).toBe(seen.metric);
}

const rows = Object.keys(forms).flatMap((form) => [
  { form, way: "directly" },
  { form, way: "through a proxy" },
]);
test.concurrent.each(rows)("with $form, $way", async ({ form, way }) => {
  const { server: tlsOfServer, tls } = forms[form] ?? { tls: {} };
  await using server = await origin(tlsOfServer);
  await using proxy = await proxyServer();
  await using http = testRequester({ connectionsPerOrigin: limit, maxResponseBytes });
  const isProxied = way === "through a proxy";
  const cell: Cell = { http, server, at: isProxied ? proxy : server, tls, ...(isProxied ? { proxy: proxy.url } : {}) };
  for (const [name, { outcome, breaks }] of Object.entries(endings)) {
    for (const path of sizes.flatMap((size) => [`/${name}/${size}`, `/redirect/${name}/${size}`])) {
      const before = cell.at.accepted;
      for (const got of await outcomes(cell, name, path)) expect({ path, got }).toMatchObject({ path, got: outcome });
      // Where one breaks before another has followed its redirect, that one needs a connection in place of the broken one.
      const most = breaks && path.startsWith("/redirect") ? 2 * limit : limit;
      expect(cell.at.accepted - before).toBeLessThanOrEqual(most);
      await expectAccountedFor(cell);
    }
  }
  expect(http.clients.size).toBe(2); // one for each timeout
});

test("the table can fail: a connection that the requester does not know of is seen", async () => {
  await using server = await origin(undefined);
  await using http = testRequester({ connectionsPerOrigin: limit });
  const cell: Cell = { http, server, at: server, tls: {} };
  await outcomes(cell, "200", "/200/0");
  await expectAccountedFor(cell);
  const { connect } = await import("node:net");
  const stray = connect(server.port, "127.0.0.1");
  await once(stray, "connect");
  await expect(expectAccountedFor(cell, 100)).rejects.toThrow("kernel");
  stray.destroy();
});
