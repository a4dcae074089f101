import { createHash } from "node:crypto";
import { afterAll, describe, expect, test } from "@jest/globals";
import type { Exchange } from "../../src/core/exchange.ts";
import { publicOnly, type AddressRules } from "../../src/core/egress.ts";
import type { TelemetryEvent } from "../../src/core/telemetry-event.ts";
import { network } from "../../src/core/tools/address.ts";
import type { Client } from "../../src/http/connect/client-map.ts";
import { createClientPool } from "../../src/http/connect/client-pool.ts";
import { clientKey, type ClientSettings } from "../../src/http/connect/client-settings.ts";
import { createSockets } from "../../src/http/connect/sockets.ts";
import { createAuthority } from "../support/certificates.ts";
import { exchange, fromSecret, literal, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";
import { socketsTo } from "../support/tcp-table.ts";

const authority = createAuthority("Shared clients");
const other = createAuthority("Other");
afterAll(() => [authority, other].forEach((made) => made[Symbol.dispose]()));

const floor = { opened: [network("127.0.0.0/8")] };
const plain: ClientSettings = { tls: { rejectUnauthorized: true, minVersion: "TLSv1.2" }, timeoutMs: 30_000 };
const privateToo: AddressRules = { ...publicOnly, key: "private", private: true };
const client = authority.issue("DNS:client", { usage: "clientAuth" });

test("100 concurrent first uses make one client, and no more connections than the limit", async () => {
  await using server = await loopbackServer((_request, response) => void setTimeout(() => response.end("ok"), 5));
  await using http = testRequester({ connectionsPerOrigin: 6 });
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, (_, index) => http.send(exchange({ url: `${server.url}/${index}` }))),
  );
  expect(outcomes.every(({ type }) => type === "response")).toBe(true);
  expect(http.clients.size).toBe(1);
  expect(server.requests).toHaveLength(100);
  expect(server.accepted).toBeLessThanOrEqual(6);
  const acquired = http.occurrences.flatMap((o) => (o.type === "clientAcquired" ? [o.result] : []));
  expect(acquired.filter((result) => result === "created")).toHaveLength(1);
  expect(acquired).toHaveLength(100);
});

test("sockets survive from one exchange to the next", async () => {
  await using server = await loopbackServer((_request, response) => response.end("ok"));
  const before = ((await socketsTo(server.port)) as Record<string, number>)["time_wait"] ?? 0;
  await using http = testRequester();
  for (let round = 0; round < 20; round += 1) {
    expect(await http.send(exchange({ url: server.url }))).toMatchObject({ type: "response" });
    await new Promise(setImmediate); // undici frees a socket one turn after the body's end
  }
  expect(server.accepted).toBe(1);
  const { established, time_wait = 0 } = (await socketsTo(server.port)) as Record<string, number>;
  expect(established).toBe(1);
  expect(time_wait).toBeLessThanOrEqual(before); // of an earlier server that had the same port, if any
});

describe("the same client for the same TLS and timeout,", () => {
  const withCA: ClientSettings = { ...plain, tls: { ...plain.tls, ca: authority.ca } };
  const forms: Record<string, ClientSettings> = {
    plain,
    "a custom CA": withCA,
    "another CA": { ...plain, tls: { ...plain.tls, ca: other.ca } },
    "a client certificate": { ...withCA, tls: { ...withCA.tls, ...client } },
    "no verification": { ...plain, tls: { ...plain.tls, rejectUnauthorized: false } },
    "a server name": { ...plain, tls: { ...plain.tls, servername: "api.example" } },
    "a minimum version": { ...plain, tls: { ...plain.tls, minVersion: "TLSv1.3" } },
    "a timeout": { ...plain, timeoutMs: 30_001 },
    "a proxy": { ...plain, proxy: "http://proxy:3128/" },
    "another proxy": { ...plain, proxy: "http://proxy:3129/" },
    "a custom CA and a proxy": { ...withCA, proxy: "http://proxy:3128/" },
    "HTTP/2": { ...plain, http2: true },
    "a namespace": { ...plain, namespace: "team-a" },
    "another namespace": { ...plain, namespace: "team-b" },
    "private addresses": { ...plain, egress: { target: privateToo, proxy: publicOnly } },
    "a proxy's private addresses": { ...plain, egress: { target: publicOnly, proxy: privateToo } },
    "private addresses, and a timeout": { ...plain, timeoutMs: 30_001, egress: { target: privateToo, proxy: publicOnly } },
    "a custom CA and private addresses": { ...withCA, egress: { target: privateToo, proxy: publicOnly } },
  };

  test("whoever asks, through whichever pool over the Map", async () => {
    const clients = new Map<string, Client>();
    const occurrences: TelemetryEvent[] = [];
    const emit = (occurrence: TelemetryEvent): number => occurrences.push(occurrence);
    using sockets = createSockets(emit);
    await using first = createClientPool({ clients, sockets, emit, floor });
    await using second = createClientPool({ clients, sockets, emit, floor });
    for (const settings of Object.values(forms)) {
      using one = first.acquire(settings);
      using same = first.acquire(structuredClone(settings));
      using elsewhere = second.acquire(structuredClone(settings));
      expect(same.wire).toBe(one.wire);
      expect(elsewhere.wire).toBe(one.wire);
    }
    expect(clients.size).toBe(Object.keys(forms).length);
    expect(new Set([...clients.values()].map(({ wire }) => wire)).size).toBe(clients.size);
    expect(occurrences).toHaveLength(3 * clients.size);
  });

  test("whose key is a SHA-256 over TLS and timeout, and over more only where more is set", () => {
    const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
    expect(clientKey(plain)).toBe(sha256('[null,null,null,null,true,"TLSv1.2",30000]'));
    const tls = { ca: "CA", cert: "C", key: "K", servername: "api", rejectUnauthorized: false, minVersion: "TLSv1.3" } as const;
    expect(clientKey({ tls, timeoutMs: 5 })).toBe(sha256('["CA","C","K","api",false,"TLSv1.3",5]'));
    expect(clientKey({ ...plain, namespace: "a" })).toBe(sha256('[null,null,null,null,true,"TLSv1.2",30000,{"namespace":"a"}]'));
  });

  test("and no two settings have one key, however their texts are cut", () => {
    const keys = Object.values(forms).map(clientKey);
    expect(Object.values(forms).map((settings) => clientKey({ ...settings }))).toEqual(keys); // found again by what they hold
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.every((key) => /^[0-9a-f]{64}$/.test(key))).toBe(true);
    const cut = (cert: string, key: string): string => clientKey({ ...plain, tls: { ...plain.tls, cert, key } });
    expect(cut("ab", "c")).not.toBe(cut("a", "bc"));
    expect(cut('a","b', "c")).not.toBe(cut("a", 'b","c'));
  });

  test("until the last pool over it is closed", async () => {
    const clients = new Map<string, Client>();
    using sockets = createSockets(() => {});
    const pools = [1, 2].map(() => createClientPool({ clients, sockets, emit: () => {}, floor }));
    for (const pool of pools) pool.acquire(plain)[Symbol.dispose]();
    await pools[0]?.[Symbol.asyncDispose]();
    expect(clients.size).toBe(1);
    await pools[1]?.[Symbol.asyncDispose]();
    expect(clients.size).toBe(0);
  });
});

describe("exchanges over TLS:", () => {
  const localhost = "IP:127.0.0.1,DNS:localhost";
  const send = async (
    pair: ReturnType<typeof authority.issue>,
    tls: Partial<Exchange["tls"]>,
    server = {},
    url = "",
  ): Promise<unknown> => {
    await using origin = await loopbackServer((_request, response) => response.end("ok"), { ...pair, ...server });
    await using http = testRequester();
    const outcome = await http.send(exchange({ url: url === "" ? origin.url : url.replace("PORT", `${origin.port}`), tls }));
    return outcome.type === "response" ? outcome.response.statusCode : outcome;
  };
  const ca = literal(authority.ca, "spec.tls.ca.inline");

  test("a custom CA is trusted, and an unknown one is not", async () => {
    const pair = authority.issue(localhost);
    expect(await send(pair, { ca })).toBe(200);
    expect(await send(pair, {})).toMatchObject({ type: "failure", reason: "CertificateInvalid", sent: false });
    expect(await send(pair, { ca: literal(other.ca) })).toMatchObject({
      type: "failure",
      reason: "CertificateInvalid",
      sent: false,
    });
    expect(await send(pair, { insecureSkipVerify: true })).toBe(200);
  });

  test("a wrong name and an expired certificate are not accepted; a server name mends the first", async () => {
    const named = authority.issue("DNS:api.example");
    expect(await send(named, { ca })).toMatchObject({ type: "failure", reason: "CertificateInvalid", sent: false });
    expect(await send(named, { ca, serverName: "api.example" })).toBe(200);
    const expired = authority.issue(localhost, { days: -1 });
    expect(await send(expired, { ca })).toMatchObject({ type: "failure", reason: "CertificateInvalid", sent: false });
  });

  test("a server that demands a client certificate gets it", async () => {
    const demanding = { ca: authority.ca, requestCert: true, rejectUnauthorized: true };
    const pair = authority.issue(localhost);
    const own = { certificate: literal(client.cert, "spec.tls.certificate"), key: literal(client.key, "spec.tls.key") };
    expect(await send(pair, { ca, ...own }, demanding)).toBe(200);
    const refused = { type: "failure", reason: expect.stringMatching(/^(TLSError|ConnectionReset)$/) as unknown };
    expect(await send(pair, { ca }, { ...demanding, maxVersion: "TLSv1.2" })).toMatchObject({ ...refused, sent: false });
    // In TLS 1.3 the refusal comes after the handshake, when the request may have been read.
    expect(await send(pair, { ca }, demanding)).toMatchObject({ ...refused, sent: true });
  });

  test("a minimum version is kept", async () => {
    const pair = authority.issue(localhost);
    const old = { maxVersion: "TLSv1.2" };
    expect(await send(pair, { ca }, old)).toBe(200);
    expect(await send(pair, { ca, minVersion: "TLSv1.3" }, old)).toMatchObject({
      type: "failure",
      reason: "TLSError",
      sent: false,
    });
  });

  test("a port that speaks no TLS is said to", async () => {
    await using server = await loopbackServer((_request, response) => response.end("ok"));
    await using http = testRequester();
    expect(await http.send(exchange({ url: server.url.replace("http:", "https:") }))).toMatchObject({
      reason: "TLSError",
      sent: false,
    });
  });

  test("material that cannot be used is refused before anything is sent, with its field", async () => {
    await using http = testRequester();
    const refused = async (tls: Partial<Exchange["tls"]>): Promise<unknown> =>
      http.prepare(exchange({ url: "https://127.0.0.1:1", tls }));
    const field = (name: string, value: string): ReturnType<typeof literal> => literal(value, `spec.tls.${name}`);
    const different = authority.issue("DNS:other", { usage: "clientAuth" });
    expect(await refused({ ca: field("ca", "garbage") })).toMatchObject({
      reason: "InvalidTLS",
      message: "spec.tls.ca: this holds no PEM certificate",
    });
    expect(await refused({ certificate: field("certificate", client.cert), key: field("key", "garbage") })).toMatchObject({
      reason: "InvalidTLS",
      message: "spec.tls.key: this holds no PEM private key without a passphrase",
    });
    expect(await refused({ certificate: field("certificate", client.cert), key: field("key", different.key) })).toMatchObject({
      reason: "InvalidTLS",
      message: "spec.tls.key: this key does not belong to the certificate",
    });
    const weak = authority.issue("DNS:weak", { usage: "clientAuth", rsaBits: 1_024 });
    expect(await refused({ certificate: field("certificate", weak.cert), key: field("key", weak.key) })).toMatchObject({
      reason: "InvalidTLS",
      message: expect.stringMatching(/^spec\.tls\.certificate: .* too short/) as unknown,
    });
    expect(await http.prepare(exchange({ tls: { ca: fromSecret("none", "ca", "spec.tls.ca") } }))).toMatchObject({
      reason: "SecretNotFound",
      heals: true,
    });
  });
});
