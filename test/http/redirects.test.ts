import { afterAll, describe, expect, test } from "@jest/globals";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { createAuthority } from "../support/certificates.ts";
import { at, exchange, fromSecret, literal, testRequester, type TestRequesterOptions } from "../support/loopback-requester.ts";
import { loopbackServer, type LoopbackServer, type ReceivedRequest } from "../support/loopback.ts";
import { eventually, socketsTo } from "../support/tcp-table.ts";

const authority = createAuthority("Redirects");
afterAll(() => authority[Symbol.dispose]());

/** Answers `/to?CODE&LOCATION` with that redirect, and anything else with 200. */
function redirecting(bytes = 0, tls?: Parameters<typeof loopbackServer>[1]): Promise<LoopbackServer> {
  return loopbackServer(({ url }, response) => {
    const [, code, location] = /^\/to\?(\d+)&(.*)$/.exec(url) ?? [];
    if (code === undefined) return void response.end("here");
    response.writeHead(Number(code), location === "" ? {} : { location: decodeURIComponent(location ?? "") });
    response.end(Buffer.alloc(bytes, "r"));
  }, tls);
}
const to = (server: { url: string }, code: number, location: string): string =>
  `${server.url}/to?${code}&${encodeURIComponent(location)}`;

async function sent(what: Parameters<typeof exchange>[0], options: TestRequesterOptions = {}): Promise<Outcome> {
  await using http = testRequester(options);
  return await http.send(exchange(what), { objects: { secrets: { hook: { token: "s3cr3t-value" } } } });
}
const line = ({ method, url, body }: ReceivedRequest): string => `${method} ${url} ${body}`.trim();

describe("the method and the content after a redirect (RFC 9110, section 15.4):", () => {
  const rows: [number, string, string][] = [
    [301, "GET", "GET /next"],
    [302, "HEAD", "HEAD /next"],
    [303, "HEAD", "HEAD /next"],
    [307, "GET", "GET /next"],
    [301, "POST", "GET /next"],
    [302, "POST", "GET /next"],
    [303, "POST", "GET /next"],
    [303, "PUT", "GET /next"],
    [307, "POST", "POST /next content"],
    [308, "POST", "POST /next content"],
    [302, "PUT", "PUT /next content"],
    [301, "DELETE", "DELETE /next content"],
  ];
  test.each(rows)("%i after %s asks for %j", async (code, method, expected) => {
    await using server = await redirecting();
    const body = ["GET", "HEAD"].includes(method) ? {} : { body: { type: "text", ...at("spec.body.text", "content") } as const };
    const outcome = await sent({ url: to(server, code, "/next"), maxRedirects: 1, request: { method, ...body } });
    expect(outcome).toMatchObject({ type: "response", response: { statusCode: 200 } });
    expect(server.requests.map(line)[1]).toBe(expected);
    const { headers } = server.requests[1] ?? {};
    expect(headers?.["content-type"]).toBe(expected.endsWith("content") ? "text/plain; charset=utf-8" : undefined);
  });

  test.each(["300", "304", "305", "399"])("%s is no redirect", async (code) => {
    await using server = await redirecting();
    expect(await sent({ url: to(server, Number(code), "/next") })).toMatchObject({ response: { statusCode: Number(code) } });
    expect(server.requests).toHaveLength(1);
  });

  test("one that is not to be followed is the answer", async () => {
    await using server = await redirecting();
    const url = to(server, 302, "/next");
    expect(await sent({ url, maxRedirects: 0 })).toMatchObject({ response: { statusCode: 302 } });
    expect(await sent({ url, request: { method: "POST" } })).toMatchObject({ response: { statusCode: 302 } });
    expect(server.requests.map(({ method }) => method)).toEqual(["GET", "POST"]);
  });

  test("a relative target, and one with a fragment, are resolved", async () => {
    await using server = await redirecting();
    await sent({ url: to(server, 302, "next?a=b#part") });
    await sent({ url: to(server, 302, `${server.url}/absolute#part`) });
    expect(server.requests.map(({ url }) => url).filter((url) => !url.startsWith("/to"))).toEqual(["/next?a=b", "/absolute"]);
  });

  test("a target that is not percent-encoded is taken as UTF-8", async () => {
    await using server = await redirecting();
    await sent({ url: to(server, 302, Buffer.from("/café").toString("latin1")) });
    expect(server.requests[1]?.url).toBe("/caf%C3%A9");
  });
});

describe("a redirect is not followed, and the outcome says why:", () => {
  const reasonOf = async (location: (server: LoopbackServer) => string, change: Partial<Exchange> = {}): Promise<unknown> => {
    await using server = await redirecting();
    const outcome = await sent({ url: to(server, 302, location(server)), ...change });
    expect(server.requests.length).toBeLessThan(8);
    expect(JSON.stringify(outcome)).not.toContain("bait");
    return outcome.type === "failure" && outcome.sent ? outcome.reason : outcome;
  };
  test("there is no Location, or none that can be used", async () => {
    expect(await reasonOf(() => "")).toBe("RedirectInvalid");
    expect(await reasonOf(() => "http://[bait")).toBe("RedirectInvalid");
    expect(await reasonOf(() => "file:///etc/bait")).toBe("RedirectInvalid");
    expect(await reasonOf(() => "javascript:bait")).toBe("RedirectInvalid");
    expect(await reasonOf(({ url }) => url.replace("http://", "http://bait:bait@"))).toBe("RedirectInvalid");
  });

  test("F13: it leads in a circle", async () => {
    await using server = await loopbackServer(({ url }, response) =>
      response.writeHead(302, { location: url === "/a" ? "/b" : "/a" }).end(),
    );
    expect(await sent({ url: `${server.url}/a` })).toMatchObject({ type: "failure", reason: "RedirectLoop", sent: true });
    expect(server.requests.map(({ url }) => url)).toEqual(["/a", "/b"]);
  });

  test("there are too many", async () => {
    await using server = await loopbackServer(({ url }, response) => response.writeHead(302, { location: `${url}x` }).end());
    expect(await sent({ url: server.url })).toMatchObject({ type: "failure", reason: "TooManyRedirects" });
    expect(server.requests).toHaveLength(6);
    expect(await sent({ url: server.url, maxRedirects: 1 })).toMatchObject({ type: "failure", reason: "TooManyRedirects" });
    expect(server.requests).toHaveLength(8);
  });

  test("it leads from https to http", async () => {
    await using plain = await redirecting();
    await using server = await redirecting(0, authority.issue("IP:127.0.0.1"));
    const outcome = await sent({ url: to(server, 302, plain.url), tls: { ca: literal(authority.ca) } });
    expect(outcome).toMatchObject({ type: "failure", reason: "RedirectInsecure" });
    expect(plain.accepted).toBe(0);
  });

  test("a body that inputs went into would go to another origin", async () => {
    await using elsewhere = await redirecting();
    await using server = await redirecting();
    const body = { type: "text", ...at("spec.body.text", "${ .inputs.token }") } as const;
    const redirected = (target: LoopbackServer, text = body): Promise<Outcome> =>
      sent({
        url: to(server, 307, `${target.url}/next`),
        maxRedirects: 5,
        inputs: { token: fromSecret("hook", "token") },
        request: { method: "POST", body: text },
      });
    expect(await redirected(elsewhere)).toMatchObject({ type: "failure", reason: "RedirectRefused" });
    expect(elsewhere.accepted).toBe(0);
    expect(await redirected(server)).toMatchObject({ type: "response" });
    expect(await redirected(elsewhere, { ...body, text: "no input" })).toMatchObject({ type: "response" });
    expect(elsewhere.requests.map(line)).toEqual(["POST /next no input"]);
  });
});

describe("on another origin", () => {
  const inputs = { token: fromSecret("hook", "token"), plain: literal("visible") };
  const request = {
    headers: [
      { name: "Authorization", ...at("spec.headers[0].value", "Bearer written-here") },
      { name: "X-From-Secret", ...at("spec.headers[1].value", "${ .inputs.token }") },
      { name: "X-From-Value", ...at("spec.headers[2].value", "v ${ .inputs.plain }") },
      { name: "X-API-Key", ...at("spec.headers[3].value", "written-here") },
      { name: "Cookie", ...at("spec.headers[4].value", "a=b") },
      { name: "X-Tenant", ...at("spec.headers[5].value", "team-a") },
      { name: "X-Name", ...at("spec.headers[6].value", "${ .metadata.name }") },
    ],
    literalHeaders: [
      { name: "X-Of-Endpoint", value: "endpoint" },
      { name: "Idempotency-Key", value: "4711" },
    ],
  };
  const names = ({ headers }: ReceivedRequest): string[] =>
    Object.keys(headers).filter((name) => !["host", "connection"].includes(name));

  test("no credential arrives, and none comes back on the way home; on the same origin they stay", async () => {
    await using elsewhere = await redirecting();
    await using server = await redirecting();
    const back = to(elsewhere, 302, `${server.url}/home`);
    await sent({ url: to(server, 302, back), request, inputs });
    await sent({ url: to(server, 302, "/same"), request, inputs });
    const [first, home, , same] = server.requests;
    const kept = ["user-agent", "x-tenant", "x-name"];
    for (const received of [elsewhere.requests[0], home]) expect(received && names(received).toSorted()).toEqual(kept.toSorted());
    expect(same && names(same)).toEqual(first && names(first));
    expect(same?.headers["authorization"]).toBe("Bearer written-here");
    expect(first && names(first).length).toBe(10);
  });

  test("another port or scheme is another origin", async () => {
    await using secure = await redirecting(0, authority.issue("IP:127.0.0.1"));
    await using server = await redirecting();
    const outcome = await sent({ url: to(server, 302, `${secure.url}/x`), request, inputs, tls: { ca: literal(authority.ca) } });
    expect(outcome).toMatchObject({ response: { statusCode: 200 } });
    expect(secure.requests[0]?.headers["authorization"]).toBeUndefined();
  });

  test("no client certificate is shown", async () => {
    const client = authority.issue("DNS:client", { usage: "clientAuth" });
    const asking = { ...authority.issue("IP:127.0.0.1"), ca: authority.ca, requestCert: true, rejectUnauthorized: true };
    await using elsewhere = await redirecting(0, asking);
    await using server = await redirecting(0, asking);
    const tls = { ca: literal(authority.ca), certificate: literal(client.cert), key: literal(client.key) };
    expect(await sent({ url: to(server, 302, "/next"), tls })).toMatchObject({ response: { statusCode: 200 } });
    expect(await sent({ url: to(server, 302, elsewhere.url), tls })).toMatchObject({ type: "failure" });
    expect(elsewhere.requests).toHaveLength(0);
  });
});

describe("the socket of a redirect", () => {
  const open = async (port: number): Promise<number> => {
    const { established = 0, close_wait = 0 } = await socketsTo(port);
    return established + close_wait;
  };
  test("is used again when the content is short", async () => {
    await using server = await redirecting(100_000);
    await using http = testRequester();
    for (let round = 0; round < 20; round += 1) {
      expect(await http.send(exchange({ url: to(server, 302, "/next") }))).toMatchObject({ type: "response" });
      await new Promise(setImmediate);
    }
    expect(server.requests).toHaveLength(40);
    expect(server.accepted).toBeLessThanOrEqual(2); // undici frees a socket one turn after the content's end
    expect(http.occurrences.filter(({ type }) => type === "redirected")).toHaveLength(20);
    expect(http.occurrences.filter(({ type }) => type === "exchanged")).toHaveLength(20);
  });

  test("is closed when the content is longer than it is worth, or does not end", async () => {
    await using server = await loopbackServer(({ url }, response) => {
      if (url === "/next") return void response.end("here");
      response.writeHead(302, { location: "/next" });
      if (url === "/long") response.end(Buffer.alloc(2_000_000));
      else response.write("and then nothing");
    });
    await using http = testRequester();
    for (const path of ["/long", "/endless"])
      expect(await http.send(exchange({ url: `${server.url}${path}` }))).toMatchObject({ response: { statusCode: 200 } });
    expect(
      await eventually(
        () => open(server.port),
        (count) => count <= 1,
      ),
    ).toBe(1);
    expect(http.sockets()).toEqual({ active: 0, idle: 1 });
  });
});
