import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { createAuthority } from "../support/certificates.ts";
import { holdfast } from "../support/holdfast.ts";
import { at, exchange, fromSecret, literal, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { loopbackServer, rawServer } from "../support/loopback.ts";
import { proxyServer } from "../support/proxy-server.ts";
import { eventually, socketsTo } from "../support/tcp-table.ts";
import { shownBody } from "../support/shown-body.ts";

const authority = createAuthority("Proxied");
afterAll(() => authority[Symbol.dispose]());

const idle = (http: TestRequester): Promise<unknown> =>
  eventually(
    () => http.sockets(),
    ({ active }) => active === 0,
  );

describe("a proxy from the environment", () => {
  test("is sent http requests; repeated headers arrive, and sockets to it are counted", async () => {
    await using server = await loopbackServer((_request, response) => response.end("ok"));
    await using proxy = await proxyServer();
    await using http = testRequester({ environment: { HTTP_PROXY: proxy.url } });
    const headers = ["one", "two"].map((text, index) => ({ ...at(`spec.headers[${index}].value`, text), name: "X-Many" }));
    expect(await http.send(exchange({ url: `${server.url}/a`, request: { headers } }))).toMatchObject({ type: "response" });
    expect(proxy.asked).toEqual([`GET ${server.url}/a`]);
    expect(server.requests[0]?.headers["x-many"]).toBe("one, two");
    expect(await idle(http)).toEqual({ active: 0, idle: 1 });
    expect(await socketsTo(proxy.port)).toMatchObject({ established: 1 });
  });

  test("digs a tunnel for https, with the origin's own TLS, and that is one socket", async () => {
    await using server = await loopbackServer((_request, response) => response.end("ok"), authority.issue("IP:127.0.0.1"));
    await using proxy = await proxyServer();
    await using http = testRequester({ environment: { https_proxy: proxy.url } });
    const trusted = exchange({ url: server.url, tls: { ca: literal(authority.ca) } });
    for (let round = 0; round < 3; round += 1) {
      expect(await http.send(trusted)).toMatchObject({ type: "response", response: { statusCode: 200 } });
      await new Promise(setImmediate);
    }
    expect(proxy.asked).toEqual([`CONNECT 127.0.0.1:${server.port}`]);
    expect(await idle(http)).toEqual({ active: 0, idle: 1 });
    expect(await socketsTo(proxy.port)).toEqual({ established: 1 });
    expect(await http.send(exchange({ url: server.url }))).toMatchObject({ reason: "CertificateInvalid", sent: false });
    expect(http.occurrences.filter(({ type }) => type === "socketOpened")).toHaveLength(2);
    // The handshake that failed inside its tunnel has given that up.
    expect(
      await eventually(
        () => socketsTo(proxy.port),
        ({ established }) => established === 1,
      ),
    ).toMatchObject({ established: 1 });
    expect(await idle(http)).toEqual({ active: 0, idle: 1 });
  });

  test("is left out for what NO_PROXY covers", async () => {
    await using server = await loopbackServer((_request, response) => response.end("ok"));
    await using proxy = await proxyServer();
    const environment = { HTTP_PROXY: proxy.url, NO_PROXY: "127.0.0.0/8" };
    await using http = testRequester({ environment });
    expect(await http.send(exchange({ url: server.url }))).toMatchObject({ type: "response" });
    expect(proxy.asked).toEqual([]);
    expect(server.accepted).toBe(1);
  });
});

test("what is kept for origins that a proxy forwards to is bounded, and none is cut off for another", async () => {
  let answerFirst = (): void => {};
  await using proxy = await loopbackServer(({ url }, response) => {
    if (url.endsWith("/slow")) answerFirst = () => response.end("at last");
    else response.end("ok");
  });
  await using http = testRequester({ environment: { HTTP_PROXY: proxy.url }, keepAliveTimeoutMs: 50, keepAliveMaxTimeoutMs: 50 });
  const slow = http.send(exchange({ url: "http://127.1.0.0/slow", timeoutMs: 60_000 }));
  for (let index = 0; index < 300; index += 1) {
    const url = `http://127.1.${index >> 8}.${index & 255}/`;
    expect(await http.send(exchange({ url, timeoutMs: 60_000 }))).toMatchObject({ type: "response" });
  }
  const kept = (): number => http.pool.describe().flatMap(({ origins }) => origins).length;
  expect(kept()).toBeLessThanOrEqual(256 + 1);
  answerFirst();
  expect(await slow).toMatchObject({ type: "response", response: { sizeBytes: 7 } });
  expect(
    await eventually(
      () => [kept(), http.sockets().active],
      ([left = 0, active]) => left < 100 && active === 0,
    ),
  ).toEqual([expect.any(Number), 0]);
  expect(proxy.requests).toHaveLength(301);
});

describe("an endpoint's proxy", () => {
  test("wish 23: wins over the environment, and is used by that endpoint alone", async () => {
    await using server = await loopbackServer((_request, response) => response.end("ok"));
    await using own = await proxyServer();
    await using general = await proxyServer();
    await using http = testRequester({ environment: { HTTP_PROXY: general.url, NO_PROXY: "*" } });
    expect(await http.send(exchange({ url: server.url, proxy: literal(own.url) }))).toMatchObject({ type: "response" });
    expect(await http.send(exchange({ url: server.url }))).toMatchObject({ type: "response" });
    expect([own.asked, general.asked]).toEqual([[`GET ${server.url}/`], []]);
    expect(http.clients.size).toBe(2);
  });

  test("gets the user and password of its URL, which go no further and are never shown", async () => {
    const echo = "what came back: pass word";
    const plain = await loopbackServer((_request, response) => response.end(echo));
    await using server = await loopbackServer((_request, response) => response.end(echo), authority.issue("IP:127.0.0.1"));
    await using alsoPlain = plain;
    await using proxy = await proxyServer();
    await using http = testRequester();
    const objects = { secrets: { egress: { url: proxy.url.replace("//", "//us%40er:pass%20word@") } } };
    const through = { proxy: fromSecret("egress", "url", "spec.proxy"), tls: { ca: literal(authority.ca) } };
    for (const url of [alsoPlain.url, server.url]) {
      const outcome = await http.send(exchange({ url, ...through }), { objects });
      expect(shownBody(outcome)).toBe("what came back: ***");
    }
    const basic = `Basic ${Buffer.from("us@er:pass word").toString("base64")}`;
    expect(proxy.credentials).toEqual([basic, basic]);
    for (const { headers } of [...plain.requests, ...server.requests])
      expect(Object.keys(headers)).not.toContain("proxy-authorization");
  });

  test("that is none is refused before anything is sent, without its text", async () => {
    await using http = testRequester();
    for (const url of ["socks5://user:hunter2@proxy:1080", "http://user:hunter2%ff@proxy:3128"]) {
      const objects = { secrets: { egress: { url } } };
      const refusal = await http.prepare(exchange({ proxy: fromSecret("egress", "url", "spec.proxy") }), objects);
      expect(refusal).toMatchObject({ type: "refusal", reason: "InvalidProxy", heals: true });
      expect(JSON.stringify(refusal)).not.toContain("hunter2");
    }
    expect(await http.prepare(exchange({ proxy: fromSecret("none", "url") }))).toMatchObject({ reason: "SecretNotFound" });
  });
});

describe("a proxy that does not do its work:", () => {
  test("it refuses the tunnel, and nothing has left", async () => {
    await using proxy = await proxyServer({ refusal: 407 });
    await using http = testRequester({ environment: { HTTPS_PROXY: proxy.url } });
    const outcome = await http.send(exchange({ url: "https://127.0.0.1:1", request: { method: "POST" } }));
    expect(outcome).toMatchObject({ type: "failure", reason: "ProxyRefused", sent: false });
    expect(
      await eventually(
        () => socketsTo(proxy.port),
        ({ established = 0 }) => established === 0,
      ),
    ).not.toHaveProperty("established");
  });

  test("it wants a password to forward: whose 407 it is cannot be seen, so it is an answer", async () => {
    await using proxy = await proxyServer({ refusal: 407 });
    await using http = testRequester({ environment: { HTTP_PROXY: proxy.url } });
    for (const method of ["GET", "POST"]) {
      const outcome = await http.send(exchange({ url: "http://127.0.0.1:1", request: { method } }));
      expect(outcome).toMatchObject({ type: "response", response: { statusCode: 407 } });
      await new Promise(setImmediate);
    }
    expect(await idle(http)).toEqual({ active: 0, idle: 1 });
  });

  test("it is not there", async () => {
    const proxy = await proxyServer();
    await proxy[Symbol.asyncDispose]();
    await using http = testRequester({ environment: { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url } });
    for (const url of ["http://127.0.0.1:1", "https://127.0.0.1:1"])
      expect(await http.send(exchange({ url }))).toMatchObject({
        reason: "ConnectionRefused",
        message: expect.stringContaining("at the address of the proxy of Holdfast's environment"),
        sent: false,
      });
    const nowhere = { HTTP_PROXY: "http://proxy.invalid:3128" };
    await using lost = testRequester({ environment: nowhere });
    expect(await lost.send(exchange({ url: "http://127.0.0.1:1" }))).toMatchObject({
      reason: "NameNotResolved",
      message: expect.stringContaining("the host name of the proxy of Holdfast's environment"),
    });
  });

  test("it never answers CONNECT, and keeps no connection for it", async () => {
    await using proxy = await proxyServer({ refusal: 0 });
    await using http = testRequester({ environment: { HTTPS_PROXY: proxy.url }, connectionsPerOrigin: 1 });
    for (let round = 0; round < 2; round += 1) {
      const outcome = await http.send(exchange({ url: "https://127.0.0.1:1", timeoutMs: 500 }));
      expect(outcome).toMatchObject({ type: "failure", reason: "Timeout", sent: false });
    }
    expect(
      await eventually(
        () => socketsTo(proxy.port),
        ({ established = 0 }) => established === 0,
      ),
    ).not.toHaveProperty("established");
    expect(http.sockets()).toEqual({ active: 0, idle: 0 });
    expect(http.pool.queued).toBe(0);
  });

  test("it cannot reach one origin, and digs tunnels to others meanwhile", async () => {
    await using server = await loopbackServer((_request, response) => response.end("ok"), authority.issue("IP:127.0.0.1"));
    await using proxy = await proxyServer({ unreachable: "127.0.0.2" });
    await using http = testRequester({ environment: { HTTPS_PROXY: proxy.url }, connectionsPerOrigin: 2 });
    const stop = new AbortController();
    const tls = { ca: literal(authority.ca) };
    const lost = [1, 2, 3].map(() => http.send(exchange({ url: "https://127.0.0.2", tls }), { signal: stop.signal }));
    await eventually(
      () => proxy.asked.length,
      (count) => count === 2,
    );
    expect(await http.send(exchange({ url: server.url, tls }))).toMatchObject({ type: "response" }); // its timeout is that of CONNECT
    stop.abort();
    for (const outcome of await Promise.all(lost)) expect(outcome).toMatchObject({ type: "failure", sent: false });
  });

  test("its own certificate is not trusted", async () => {
    await using proxy = await proxyServer({ tls: authority.issue("DNS:localhost") });
    const url = proxy.url.replace("127.0.0.1", "localhost");
    await using http = testRequester({ environment: { HTTP_PROXY: url, HTTPS_PROXY: url } });
    for (const url of ["http://127.0.0.1:1", "https://127.0.0.1:1"])
      expect(await http.send(exchange({ url, tls: { ca: literal(authority.ca) } }))).toMatchObject({
        reason: "CertificateInvalid",
        // Whose it is, and not the server's; and who trusts a proxy, which is not the endpoint's tls.
        message: expect.stringMatching(
          /^the certificate of the proxy .* is from an authority that is not trusted; .*NODE_EXTRA_CA_CERTS/,
        ),
        sent: false,
      });
    expect(proxy.asked).toEqual([]);
  });

  test("the certificate of the server behind it is not trusted, which is the server's", async () => {
    await using server = await loopbackServer((_request, response) => response.end("ok"), authority.issue("IP:127.0.0.1"));
    await using proxy = await proxyServer();
    await using http = testRequester({ environment: { HTTPS_PROXY: proxy.url } });
    expect(await http.send(exchange({ url: server.url }))).toMatchObject({
      reason: "CertificateInvalid",
      message: expect.stringContaining(`the certificate of ${new URL(server.url).host} is from an authority that is not trusted`),
    });
  });

  test("it speaks no TLS, or closes the connection in place of an answer", async () => {
    await using proxy = await proxyServer();
    await using closing = await rawServer((socket) => socket.once("data", () => socket.end()));
    for (const [url, message] of [
      [proxy.url.replace("http:", "https:"), /^TLS could not be agreed with the proxy /],
      [closing.url, /^the proxy .* closed the connection instead of connecting to 127\.0\.0\.1:1$/],
    ] as const) {
      await using http = testRequester({ environment: { HTTPS_PROXY: url } });
      expect(await http.send(exchange({ url: "https://127.0.0.1:1" }))).toMatchObject({
        message: expect.stringMatching(message),
        sent: false,
      });
    }
  });
});

test("a proxy in the environment that is none ends the process at start, with one line that shows no password", async () => {
  const file = new URL("../../examples/call-a-webhook-once.yaml", import.meta.url).pathname;
  const { code, stdout, stderr } = await holdfast(["run", "--once", "-f", file], {
    HTTPS_PROXY: "socks5://user:hunter2@proxy:1080",
  });
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^error: HTTPS_PROXY: a proxy's URL is [^\n]*\n$/);
  expect(stderr).not.toContain("hunter2");
});

test("a proxy that speaks TLS itself is used where its authority is among NODE_EXTRA_CA_CERTS", async () => {
  await using proxy = await proxyServer({ tls: authority.issue("IP:127.0.0.1") });
  await using server = await loopbackServer((_request, response) => response.end("ok"));
  const folder = await mkdtemp(join(tmpdir(), "holdfast-proxy-"));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "ca.pem"), authority.ca);
  const manifest = {
    apiVersion: "holdfast.dev/v1alpha1",
    kind: "HTTPRequest",
    metadata: { name: "a" },
    spec: { url: `${server.url}/a`, method: "POST" },
  };
  await writeFile(join(folder, "a.yaml"), JSON.stringify(manifest));
  const env = { HTTP_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") };
  const { code, stdout } = await holdfast(["run", "--once", "-f", join(folder, "a.yaml")], env);
  expect([code, proxy.asked, server.requests.length]).toEqual([0, [`POST ${server.url}/a`], 1]);
  expect(stdout).toContain("default/a  POST  ready  Succeeded");
});
