/**
 * What may have left has left: each way in which undici makes an error of a request, provoked by a real server or proxy that
 * counts what reached it. Guards against a POST that is sent again although its server has acted on it.
 */
import { createSecureServer } from "node:http2";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterAll, expect, test } from "@jest/globals";
import { conclude } from "../../src/core/conclusion.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { createAuthority } from "../support/certificates.ts";
import { exchange, literal, testRequester, type TestRequesterOptions } from "../support/loopback-requester.ts";
import { loopbackServer, rawServer } from "../support/loopback.ts";
import { proxyServer } from "../support/proxy-server.ts";

const authority = createAuthority("Sent");
afterAll(() => authority[Symbol.dispose]());

interface Origin extends AsyncDisposable {
  readonly url: string;
  /** Requests that it has read, and could have acted on. */
  acted(): number;
  readonly options?: TestRequesterOptions;
  readonly exchange?: Partial<Exchange>;
}

/** Reads a whole head, counts it, and then does what is told. */
async function after(react: (socket: Socket) => void): Promise<Origin> {
  let acted = 0;
  const server = await rawServer((socket) => {
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (!text.includes("\r\n\r\n")) return;
      text = "";
      acted += 1;
      react(socket);
    });
  });
  return { url: server.url, acted: () => acted, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
const answering = (text: string): Promise<Origin> => after((socket) => socket.end(text));
const partOf = (text: string): Promise<Origin> => after((socket) => socket.write(text));

/** In front of a server that counts. */
async function proxied(answer: (socket: Socket) => void, scheme: "http" | "https"): Promise<Origin> {
  const proxy = await after(answer);
  const environment = { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url };
  const url = `${scheme}://127.0.0.1:1`;
  const acted = (): number => (scheme === "http" ? proxy.acted() : 0); // it was asked for a tunnel, and for nothing else
  return { url, acted, options: { environment }, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}

/** What the server behind a proxy has acted on, and answered itself. */
async function relayed(statusCode: number): Promise<Origin> {
  const server = await loopbackServer((_request, response) => response.writeHead(statusCode).end("done"));
  const proxy = await proxyServer();
  return {
    url: server.url,
    acted: () => server.requests.length,
    options: { environment: { HTTP_PROXY: proxy.url } },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Speaks TLS, and reads nothing: `demanding` wants a certificate of the client, which TLS 1.3 refuses after the handshake. */
async function overTLS({ demanding, trusted }: { demanding: boolean; trusted: boolean }): Promise<Origin> {
  let acted = 0;
  const material = authority.issue("IP:127.0.0.1");
  const asking = demanding ? { requestCert: true, ca: authority.ca, minVersion: "TLSv1.3" as const } : {};
  const server = createTlsServer({ ...material, ...asking }, (socket) => {
    socket.on("error", () => {}).on("data", () => (acted += 1));
  });
  server.on("tlsClientError", () => {});
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    acted: () => acted,
    ...(trusted && { exchange: { tls: { ...exchange({}).tls, ca: literal(authority.ca) } } }),
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

/** HTTP/2, where a stream is broken off in the given way. */
async function overHTTP2(code: number): Promise<Origin> {
  let acted = 0;
  const server = createSecureServer(authority.issue("IP:127.0.0.1"));
  server.on("stream", (stream) => {
    acted += 1;
    stream.on("error", () => {});
    stream.close(code);
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    acted: () => acted,
    exchange: { http2: true, tls: { ...exchange({}).tls, ca: literal(authority.ca) } },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const session of sessions) session.destroy();
      await once(server, "close");
    },
  };
}

type Row = readonly [about: string, origin: () => Promise<Origin>, outcome: object];
const sent = (reason: string): object => ({ type: "failure", reason, sent: true });
const unsent = (reason: string): object => ({ type: "failure", reason, sent: false });
const answered = (statusCode: number): object => ({ type: "response", response: { statusCode } });

const rows: readonly Row[] = [
  ["a server's own 407", () => answering("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"), answered(407)],
  ["a 407 that a proxy relays", () => relayed(407), answered(407)],
  ["a 401 that a proxy relays", () => relayed(401), answered(401)],
  ["a 502 that a proxy relays", () => relayed(502), answered(502)],
  [
    "a 407 in answer to CONNECT",
    () => proxied((socket) => socket.end("HTTP/1.1 407 No\r\n\r\n"), "https"),
    unsent("ProxyRefused"),
  ],
  [
    "a 503 in answer to CONNECT",
    () => proxied((socket) => socket.end("HTTP/1.1 503 No\r\n\r\n"), "https"),
    unsent("ProxyRefused"),
  ],
  [
    "a proxy that closes instead of answering CONNECT",
    () => proxied((socket) => socket.end(), "https"),
    unsent("ConnectionReset"),
  ],
  [
    "a proxy that answers CONNECT by no HTTP",
    () => proxied((socket) => socket.end("SSH-2.0\r\n"), "https"),
    unsent("InvalidResponse"),
  ],
  ["a proxy that closes instead of forwarding", () => proxied((socket) => socket.end(), "http"), sent("ConnectionReset")],
  [
    "a proxy that resets instead of forwarding",
    () => proxied((socket) => socket.resetAndDestroy(), "http"),
    sent("ConnectionReset"),
  ],
  ["a connection that is closed", () => answering(""), sent("ConnectionReset")],
  ["a connection that is reset", () => after((socket) => socket.resetAndDestroy()), sent("ConnectionReset")],
  ["half a status line", () => answering("HTTP/1.1 2"), sent("ConnectionReset")],
  ["no HTTP", () => answering("SSH-2.0-OpenSSH\r\n"), sent("InvalidResponse")],
  ["a status below 100", () => answering("HTTP/1.1 007 Bond\r\n\r\n"), sent("InvalidResponse")],
  [
    "100 Continue, for which nobody asked",
    () => answering("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
    sent("ConnectionReset"),
  ],
  [
    "another protocol, for which nobody asked",
    () => answering("HTTP/1.1 101 Up\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"),
    sent("ConnectionReset"),
  ],
  ["informational answers without end", () => answering("HTTP/1.1 103 Early\r\n\r\n".repeat(40)), sent("InvalidResponse")],
  [
    "too many header fields",
    () => answering(`HTTP/1.1 200 OK\r\n${"x: 0123456789\r\n".repeat(5_000)}\r\n`),
    sent("HeadersTooLarge"),
  ],
  ["less content than announced", () => answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123"), sent("ConnectionReset")],
  [
    "two lengths",
    () => answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    sent("InvalidResponse"),
  ],
  [
    "a chunk that is none",
    () => answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    sent("InvalidResponse"),
  ],
  [
    "content that is not what its encoding says",
    () => answering("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab"),
    sent("InvalidResponse"),
  ],
  [
    "too much content",
    () => answering(`HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n${"x".repeat(2_000_000)}`),
    sent("ResponseTooLarge"),
  ],
  ["no answer", () => after(() => {}), sent("Timeout")],
  ["half an answer", () => partOf("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123"), sent("Timeout")],
  [
    "a redirect to nowhere",
    () => answering("HTTP/1.1 307 Go\r\nLocation: ftp://x/\r\nContent-Length: 0\r\n\r\n"),
    sent("RedirectInvalid"),
  ],
  ["a certificate that nobody trusts", () => overTLS({ demanding: false, trusted: false }), unsent("CertificateInvalid")],
  [
    "a client certificate that is missed after the handshake",
    () => overTLS({ demanding: true, trusted: true }),
    { type: "failure", sent: true },
  ],
  ["a stream of HTTP/2 that is broken off", () => overHTTP2(2), { type: "failure", sent: true }],
  ["a stream of HTTP/2 that is cancelled", () => overHTTP2(8), { type: "failure", sent: true }],
  ["a stream of HTTP/2 that is refused, twice", () => overHTTP2(7), { type: "failure", sent: false }],
];

test.each(rows)("a POST that is met by %s", async (_about, origin, expected) => {
  await using server = await origin();
  await using http = testRequester(server.options);
  const request = { method: "POST" } as const;
  const post = { url: server.url, request, timeoutMs: 3_000, maxRedirects: 5, ...server.exchange };
  const outcome: Outcome = await http.send(exchange(post));
  expect(outcome).toMatchObject(expected);
  if (outcome.type === "refusal") throw new Error("refused");
  const attempt = { id: "one", digest: "", phase: "InFlight", startedAt: "2026-01-02T03:04:05Z", tries: 1 } as const;
  const retry = { limit: 3, initialMs: 1_000, maxMs: 1_000 };
  const conclusion = conclude(outcome, false, attempt, { repeatable: false, sentAs: "POST", onUnknown: "Stall", retry });
  const isAgain = conclusion.type === "retry";
  expect(isAgain).toBe(outcome.type === "failure" && !outcome.sent);
  // Of HTTP/2 the server has said itself that it did not look at it.
  if (!post.http2) expect(server.acted()).toBeLessThanOrEqual(isAgain ? 0 : 1);
});
