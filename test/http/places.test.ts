/** A fault says where: which server or proxy, what is wrong with it, and whose field mends that; and nothing that is a secret. */
import { describe, expect, test } from "@jest/globals";
import type { Exchange } from "../../src/core/exchange.ts";
import { createAuthority } from "../support/certificates.ts";
import { exchange, fromSecret, literal, testRequester, type Objects } from "../support/loopback-requester.ts";
import { loopbackServer, rawServer } from "../support/loopback.ts";
import { proxyServer } from "../support/proxy-server.ts";

async function messageOf(asked: Exchange, objects: Objects = {}): Promise<string> {
  await using http = testRequester();
  const outcome = await http.send(asked, { objects });
  if (outcome.type === "response") throw new Error("it was answered");
  const { message } = outcome;
  const told = http.occurrences.filter(({ type }) => type === "exchanged");
  // What the log says of it is what the condition says.
  if (outcome.type === "failure") expect(told).toEqual([expect.objectContaining({ detail: message })]);
  return message;
}
async function closedPort(): Promise<number> {
  const server = await rawServer(() => {});
  await server[Symbol.asyncDispose]();
  return Number(new URL(server.url).port);
}
const endpoint = (namespace: string): NonNullable<Exchange["endpoint"]> => ({
  key: { namespace, name: "users" },
  credentialNamespace: "team-a",
  title: `${namespace === "" ? "ClusterHTTPEndpoint" : "HTTPEndpoint"} "users"`,
});

describe("what is refused, not resolved or denied is named by host and port,", () => {
  test("where the URL says it, or what is in a ConfigMap", async () => {
    const port = await closedPort();
    const refused = `nothing accepts connections at 127.0.0.1:${port}; check host and port`;
    const url = `http://127.0.0.1:${port}`;
    expect(await messageOf(exchange({ url: `${url}/a?b=c` }))).toBe(refused);
    const inputs = { origin: { type: "configMap", name: "c", key: "url", field: "spec.inputs.origin" } } as const;
    expect(await messageOf(exchange({ url: "${ .inputs.origin }/a", inputs }), { configMaps: { c: { url } } })).toBe(refused);
    expect(await messageOf(exchange({ url: { type: "joined", base: url }, endpoint: endpoint("team-a") }))).toBe(refused);
    expect(await messageOf(exchange({ url: "https://nowhere.invalid/" }))).toBe(
      "the host name of nowhere.invalid:443 cannot be resolved; check its spelling and the cluster's DNS",
    );
    expect(await messageOf(exchange({ url: "http://169.254.169.254/" }))).toMatch(
      /^not sent to 169\.254\.169\.254:80, by the egress rule "floor": /,
    );
  });
  test("but not where a Secret has it, or an admin", async () => {
    const port = await closedPort();
    const base = `http://127.0.0.1:${port}`;
    const secret = { inputs: { hook: fromSecret("s", "url") }, url: "${ .inputs.hook }" };
    const hidden = await messageOf(exchange(secret), { secrets: { s: { url: base } } });
    expect(hidden).toBe("nothing accepts connections at the address; check host and port");
    const admins = await messageOf(exchange({ url: { type: "joined", base, confined: true }, endpoint: endpoint("") }));
    expect(admins).toBe('nothing accepts connections at the server of ClusterHTTPEndpoint "users"; check host and port');
    const denied = await messageOf(exchange(secret), { secrets: { s: { url: "http://169.254.169.254/" } } });
    expect(denied).toMatch(/^not sent, by the egress rule/);
  });
  test("nor where a redirect led", async () => {
    const port = await closedPort();
    await using server = await loopbackServer((_request, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end(),
    );
    expect(await messageOf(exchange({ url: server.url }))).toBe(
      "nothing accepts connections at the address; check host and port",
    );
    await using away = await loopbackServer((_request, response) =>
      response.writeHead(302, { location: "http://169.254.169.254/" }).end(),
    );
    expect(await messageOf(exchange({ url: away.url }))).toMatch(/^a redirect was not followed, by the egress rule "floor": /);
  });
  test("a server that does not answer", async () => {
    await using server = await loopbackServer(() => {});
    const { host } = new URL(server.url);
    expect(await messageOf(exchange({ url: server.url, timeoutMs: 1_500 }))).toBe(
      `no complete answer from ${host} within the timeout; raise spec.timeout if it needs longer`,
    );
  });
});

describe("of a certificate it is told what is wrong, and whose field mends it:", () => {
  using authority = createAuthority("holdfast test");
  const ca = literal(authority.ca);
  test.each([
    [
      "another name",
      authority.issue("DNS:other.example"),
      { ca },
      'is for other names; check the host, or say in HTTPEndpoint "users": spec.tls.serverName which name it has',
    ],
    ["expired", authority.issue("IP:127.0.0.1", { days: -1 }), { ca }, "or of its authority, has expired"],
    [
      "an authority that nobody trusts",
      authority.issue("IP:127.0.0.1"),
      {},
      `is from an authority that is not trusted; give that authority's certificate in HTTPEndpoint "users": spec.tls.ca`,
    ],
  ] as const)("%s", async (_, pair, tls, said) => {
    await using server = await loopbackServer((_request, response) => response.end(), pair);
    const message = await messageOf(exchange({ url: { type: "joined", base: server.url }, tls, endpoint: endpoint("team-a") }));
    expect(message).toContain(`the certificate of ${new URL(server.url).host}`);
    expect(message).toContain(said);
  });
});

describe("behind a proxy it is told whether the proxy refuses, or could not go on:", () => {
  test.each([
    [407, "answered 407: it wants another user and password"],
    [403, "answered 403: it is there, and does not connect to 127.0.0.1:1; check its rules"],
    [502, "answered 502: it is there, and could not reach 127.0.0.1:1 behind it"],
  ])("%i", async (refusal, said) => {
    await using proxy = await proxyServer({ refusal });
    const own = literal(`http://u:s3cr3t@127.0.0.1:${proxy.port}`, 'HTTPEndpoint "users": spec.proxy');
    const asked = exchange({ url: { type: "joined", base: "https://127.0.0.1:1" }, proxy: own, endpoint: endpoint("team-a") });
    const message = await messageOf(asked);
    expect(message).toContain(`the proxy 127.0.0.1:${proxy.port} (HTTPEndpoint "users": spec.proxy) ${said}`);
    expect(message).not.toContain("s3cr3t");
  });
  test("nobody is there", async () => {
    const proxy = fromSecret("s", "proxy", 'HTTPEndpoint "users": spec.proxy');
    const url = `http://127.0.0.1:${await closedPort()}`;
    const asked = exchange({ url: { type: "joined", base: "https://127.0.0.1:1" }, proxy, endpoint: endpoint("team-a") });
    expect(await messageOf(asked, { secrets: { s: { proxy: url } } })).toBe(
      'nothing accepts connections at the address of the proxy (HTTPEndpoint "users": spec.proxy); check its host and port',
    );
  });
});
