/** What TLS costs everybody: contexts are shared and made when needed, and no server chooses the arithmetic. */
import { createPrivateKey } from "node:crypto";
import { createServer, rootCertificates, type TlsOptions } from "node:tls";
import { afterAll, describe, expect, test } from "@jest/globals";
import { exchange as call } from "../../src/kubernetes/api-exchange.ts";
import { createConnections } from "../../src/kubernetes/connections.ts";
import { createAuthority } from "../support/certificates.ts";
import { exchange, literal, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";
import { proxyServer } from "../support/proxy-server.ts";

const authority = createAuthority("TLS contexts");
afterAll(() => authority[Symbol.dispose]());
const pair = authority.issue("IP:127.0.0.1,DNS:localhost", { rsaBits: 2_048 });
const bundle = `${authority.ca}${rootCertificates.slice(0, 50).join("\n")}`;
const ca = literal(bundle, "spec.tls.ca.inline");

test("a hundred timeouts with one bundle of CAs share one context, and plain http has none", async () => {
  await using plain = await loopbackServer((_request, response) => response.end("ok"));
  await using secure = await loopbackServer((_request, response) => response.end("ok"), pair);
  await using http = testRequester();
  const send = (url: string, timeoutMs: number): Promise<unknown> => http.send(exchange({ url, timeoutMs, tls: { ca } }));
  for (let n = 0; n < 50; n += 1) expect(await send(plain.url, 5_000 + n)).toMatchObject({ response: { statusCode: 200 } });
  expect([http.clients.size, http.pool.tlsContexts]).toEqual([50, 0]);
  for (let n = 0; n < 100; n += 1) expect(await send(secure.url, 5_000 + n)).toMatchObject({ response: { statusCode: 200 } });
  expect([http.clients.size, http.pool.tlsContexts]).toEqual([100, 1]);
});

test("another material has another context, which goes with its last client", async () => {
  await using secure = await loopbackServer((_request, response) => response.end("ok"), pair);
  await using http = testRequester({ maxClients: 3 });
  for (let n = 0; n < 9; n += 1) {
    const tls = { ca: literal(`${n}\n${bundle}`) };
    const sent = exchange({ url: secure.url, timeoutMs: 5_000 + (n % 2), tls });
    expect(await http.send(sent)).toMatchObject({ response: { statusCode: 200 } });
    expect(http.pool.tlsContexts).toBeLessThanOrEqual(3);
  }
});

test("above a size of their material clients go, those without any excepted", async () => {
  await using secure = await loopbackServer((_request, response) => response.end("ok"), pair);
  await using http = testRequester({ maxMaterialBytes: 4.5 * bundle.length });
  for (let n = 0; n < 5; n += 1) await http.send(exchange({ url: secure.url, timeoutMs: 6_000 + n })); // no material of its own
  for (let n = 0; n < 20; n += 1) {
    const outcome = await http.send(exchange({ url: secure.url, tls: { ca: literal(`${n}\n${bundle}`) } }));
    expect(outcome).toMatchObject({ response: { statusCode: 200 } });
    expect(http.clients.size).toBeLessThanOrEqual(5 + 4);
  }
  expect(http.clients.size).toBe(5 + 4);
});

test("a bundle, or a key, that would cost everybody too much is refused", async () => {
  await using http = testRequester();
  const client = authority.issue("DNS:client", { usage: "clientAuth" });
  // Numbers of its size will do: to look for primes takes a minute.
  const ofBits = (bits: number): string => `${"f".repeat(bits / 4 - 1)}1`;
  const number = (bits: number): string => Buffer.from(ofBits(bits), "hex").toString("base64url");
  const half = { p: number(4_104), q: number(4_104), dp: number(4_104), dq: number(4_104), qi: number(4_104) };
  const jwk = { kty: "RSA", n: number(8_208), e: "AQAB", d: number(8_208), ...half };
  const privateKey = createPrivateKey({ key: jwk, format: "jwk" }).export({ type: "pkcs8", format: "pem" }).toString();
  const refusal = (tls: object): Promise<unknown> => http.prepare(exchange({ url: "https://127.0.0.1:1", tls }));
  const long = `${authority.ca}${" ".repeat(256 * 1024)}`;
  expect(await refusal({ ca: literal(long, "spec.tls.ca") })).toMatchObject({
    reason: "InvalidTLS",
    message: "spec.tls.ca: this is longer than 262144 characters",
  });
  const own = { certificate: literal(client.cert, "spec.tls.certificate"), key: literal(privateKey, "spec.tls.key") };
  expect(await refusal(own)).toMatchObject({ reason: "InvalidTLS", message: "spec.tls.key: this key has more than 8192 bits" });
});

describe("no finite-field Diffie-Hellman, whose size a server chooses:", () => {
  const servers: readonly (readonly [string, TlsOptions])[] = [
    ["in TLS 1.2", { maxVersion: "TLSv1.2", ciphers: "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384", dhparam: "auto" }],
    ["in TLS 1.3", { minVersion: "TLSv1.3", ecdhCurve: "ffdhe2048:ffdhe8192" }],
  ];
  test.each(servers)("%s an origin gets none", async (_, options) => {
    await using origin = await loopbackServer((_request, response) => response.end("ok"), { ...pair, ...options });
    await using http = testRequester();
    const tls = { ca: literal(authority.ca) };
    expect(await http.send(exchange({ url: origin.url, tls }))).toMatchObject({ reason: "TLSError", sent: false });
  });
  test.each(servers)("%s an origin behind a proxy gets none", async (_, options) => {
    await using origin = await loopbackServer((_request, response) => response.end("ok"), { ...pair, ...options });
    await using proxy = await proxyServer();
    await using http = testRequester({ environment: { HTTPS_PROXY: proxy.url } });
    const tls = { ca: literal(authority.ca) };
    expect(await http.send(exchange({ url: origin.url, tls }))).toMatchObject({ type: "failure", sent: false });
    expect(proxy.asked).toHaveLength(1);
  });
  test.each(servers)("%s a proxy and an API server are offered none", async (_, options) => {
    const offered: boolean[] = [];
    const server = createServer({ ...pair, ...options }, (socket) => {
      offered.push(true);
      socket.on("error", () => {}).destroy();
    }).on("tlsClientError", () => offered.push(false));
    await using _listening = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const port = (server.address() as { port: number }).port;
    const url = `https://127.0.0.1:${port}`;
    await using http = testRequester({ environment: { HTTP_PROXY: url, HTTPS_PROXY: url } });
    for (const scheme of ["http", "https"])
      expect(await http.send(exchange({ url: `${scheme}://127.0.0.1:1`, timeoutMs: 3_000 }))).toMatchObject({ type: "failure" });
    const connections = createConnections(url, undefined);
    const client = connections.watches({ rejectUnauthorized: false });
    await expect(client.request({ method: "GET", path: "/", origin: url, signal: AbortSignal.timeout(5_000) })).rejects.toThrow();
    const timeoutMs = 30_000;
    const late = (): Error => new Error("late");
    const limits = { signal: AbortSignal.timeout(timeoutMs), timeoutMs, errors: { timedOut: late, tooLarge: late } };
    const calls = connections.get("calls", { rejectUnauthorized: false });
    await expect(call(calls, { method: "GET", path: "/", origin: url }, limits)).rejects.toThrow();
    await connections.destroy();
    expect(offered.length).toBeGreaterThanOrEqual(4);
    expect(offered).not.toContain(true);
  });
});
