/** Credentials that answer a challenge: Digest (RFC 7616), and tokens of registries. What is not allowed is answered by nothing. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { parseParameters } from "../../src/core/auth-challenges.ts";
import { digestHeader } from "../../src/http/credentials/digest.ts";
import { byEndpoint } from "../support/endpoint-exchange.ts";
import { testRequester } from "../support/loopback-requester.ts";
import { loopbackServer, type LoopbackServer, type ReceivedRequest } from "../support/loopback.ts";

const password = 'Circle "of" Life: ü';
const objects = { secrets: { user: { password, wrong: "not the password" } } };
const of = (key: string): object => ({ secretKeyRef: { name: "user", key } });
const user = { username: { value: "Mufasa" }, password: of("password") };
const post = { request: { method: "POST", body: { type: "text", field: "b", text: "a body" } } } as const;

describe("what RFC 7616, section 3.9.1, computes", () => {
  const request = { method: "GET", origin: "http://api.example.org", path: "/dir/index.html", headers: {} };
  test.each([
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
    ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
  ])("with %s", (algorithm, response) => {
    const asked = {
      realm: "http-auth@example.org",
      nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
      opaque: "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
      algorithm,
      quality: "auth",
      userhash: false,
    } as const;
    const clientNonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    const header = digestHeader({ username: "Mufasa", password: "Circle of Life" }, asked, { request, count: 1, clientNonce });
    expect(header).toBe(
      `Digest username="Mufasa", realm="${asked.realm}", nonce="${asked.nonce}", uri="/dir/index.html", response="${response}", ` +
        `algorithm=${algorithm}, opaque="${asked.opaque}", qop=auth, nc=00000001, cnonce="${clientNonce}"`,
    );
  });
});

interface DigestServer extends LoopbackServer {
  /** Requests that were accepted. */
  readonly accepted200: number;
  /** From now on no nonce is good that was given before. */
  forget(): void;
}
/** Verifies as RFC 7616, section 3.4, says, each nonce count once. `info`: the nonce for the next request is in each answer. */
async function digestServer({
  hash = "sha256",
  algorithm = "SHA-256",
  qop = "auth",
  realm = "lions",
  info = false,
  others = [] as readonly string[],
} = {}): Promise<DigestServer> {
  let [made, accepted] = [0, 0];
  const seen = new Map<string, Set<string>>();
  const give = (): string => {
    const nonce = `nonce-"${(made += 1)}"`;
    seen.set(nonce, new Set());
    return nonce.replaceAll('"', '\\"');
  };
  const h = (text: string): string => createHash(hash).update(text).digest("hex");
  function isAccepted({ method, url, body, headers: { authorization = "" } }: ReceivedRequest): boolean {
    const given = Object.fromEntries(parseParameters(authorization.replace(/^Digest /, "")));
    const counts = seen.get(given["nonce"] ?? "");
    if (!counts || (qop !== "" && counts.has(given["nc"] ?? "")) || given["uri"] !== url) return false;
    const own = h(`Mufasa:${realm}:${password}`);
    const a1 = algorithm.endsWith("-sess") ? h(`${own}:${given["nonce"]}:${given["cnonce"]}`) : own;
    const a2 = h(qop === "auth-int" ? `${method}:${url}:${h(body)}` : `${method}:${url}`);
    const middle = qop === "" ? "" : `${given["nc"]}:${given["cnonce"]}:${given["qop"]}:`;
    counts.add(given["nc"] ?? "");
    return given["response"] === h(`${a1}:${given["nonce"]}:${middle}${a2}`);
  }
  const server = await loopbackServer((request, response) => {
    if (isAccepted(request)) {
      accepted += 1;
      if (info) response.setHeader("authentication-info", `qop=auth, nextnonce="${give()}"`);
      return void response.end("{}");
    }
    const quality = qop === "" ? "" : `, qop="${qop}"`;
    const own = `Digest realm="${Buffer.from(realm).toString("latin1")}", nonce="${give()}", algorithm=${algorithm}${quality}, opaque="o, p"`;
    response.setHeader("www-authenticate", [...others, own]);
    response.writeHead(401).end("who?");
  });
  return {
    ...server,
    get accepted() {
      return server.accepted;
    },
    get accepted200() {
      return accepted;
    },
    forget: () => seen.clear(),
  };
}

describe("wish 29: Digest", () => {
  const auth = (changes: object = {}): object => ({ digest: { ...user, ...changes } });

  test.each([
    ["SHA-256", {}, {}],
    ["SHA-256-sess", { algorithm: "SHA-256-sess" }, {}],
    ["SHA-512-256", { hash: "sha512-256", algorithm: "SHA-512-256" }, {}],
    ["a realm in UTF-8", { realm: "Löwen" }, { realm: "Löwen" }],
    ["auth-int, where only that is offered", { qop: "auth-int" }, {}],
    ["MD5, where that is named", { hash: "md5", algorithm: "MD5" }, { algorithms: ["MD5"] }],
    ["no quality of protection (RFC 2069)", { hash: "md5", algorithm: "MD5", qop: "" }, { algorithms: ["MD5"] }],
    ["Basic beside it, which is not answered", { others: ['Basic realm="lions"'] }, {}],
  ])("by %s: a POST is refused once, and all after it bring the answer along", async (_name, options, changes) => {
    await using server = await digestServer(options);
    await using http = testRequester();
    const asked = byEndpoint(
      { baseURL: server.url, auth: auth(changes) },
      {
        path: "/orders",
        request: { ...post.request, query: [{ name: "a", field: "q", text: "b" }] },
      },
    );
    for (let round = 0; round < 3; round += 1)
      expect(await http.send(asked, { objects })).toMatchObject({ response: { statusCode: 200 } });
    expect([server.accepted200, server.requests.length]).toEqual([3, 4]);
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
    expect(JSON.stringify(server.requests.map(({ headers }) => headers.authorization))).not.toContain("Basic");
  });

  test("a nonce that is no longer good is answered by the next, and one that comes with an answer is used at once", async () => {
    await using server = await digestServer();
    await using next = await digestServer({ info: true });
    await using http = testRequester();
    const asked = byEndpoint({ baseURL: server.url, auth: auth() }, post);
    await http.send(asked, { objects });
    server.forget();
    expect(await http.send(asked, { objects })).toMatchObject({ response: { statusCode: 200 } });
    expect([server.accepted200, server.requests.length]).toEqual([2, 4]);
    const other = byEndpoint({ baseURL: next.url, auth: auth() }, post, { name: "next" });
    for (let round = 0; round < 3; round += 1) await http.send(other, { objects });
    const nonces = next.requests.slice(1).map(({ headers }) => /nonce="(nonce-[^,]*)"/.exec(headers.authorization ?? "")?.[1]);
    expect([next.accepted200, new Set(nonces).size]).toEqual([3, 3]);
  });

  test("20 requests at once are all accepted, each with a count of its own", async () => {
    await using server = await digestServer();
    await using http = testRequester();
    const asked = byEndpoint({ baseURL: server.url, auth: auth() }, post);
    await http.send(asked, { objects });
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => http.send(asked, { objects })));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ response: { statusCode: 200 } });
    expect(server.requests.length).toBe(22);
  });

  test("a wrong password is sent once an exchange, and the answer of 401 stands", async () => {
    await using server = await digestServer();
    await using http = testRequester();
    const asked = byEndpoint({ baseURL: server.url, auth: auth({ password: of("wrong") }) }, post);
    expect(await http.send(asked, { objects })).toMatchObject({ response: { statusCode: 401 } });
    expect([server.accepted200, server.requests.length]).toEqual([0, 2]);
  });

  test.each([
    [
      "MD5, which is not named",
      { hash: "md5", algorithm: "MD5" },
      {},
      "auth.digest.algorithms: the server asks for a digest by MD5, and SHA-256, SHA-512-256",
    ],
    ["another realm", {}, { realm: "tigers" }, "auth.digest.realm: the server asks for the password of another realm"],
    [
      "what nobody knows",
      { algorithm: "SHA-3" },
      {},
      "auth.digest.algorithms: the server asks for a digest in a way that is none of RFC 7616",
    ],
    ["a quality that nobody knows", { qop: "auth-conf" }, {}, "in a way that is none of RFC 7616"],
  ])("%s is answered by nothing, and told", async (_name, options, changes, text) => {
    await using server = await digestServer(options);
    await using http = testRequester();
    const asked = byEndpoint({ baseURL: server.url, auth: auth(changes) }, post);
    const outcome = await http.send(asked, { objects });
    expect(outcome).toMatchObject({
      type: "refusal",
      reason: "ChallengeRefused",
      heals: true,
      message: expect.stringContaining(text),
    });
    expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
    expect(http.sockets()).toMatchObject({ active: 0 });
  });

  test("no password answers a challenge from elsewhere that a redirect led to", async () => {
    await using elsewhere = await digestServer();
    await using server = await loopbackServer((_request, response) => response.writeHead(302, { location: elsewhere.url }).end());
    await using http = testRequester();
    const outcome = await http.send(byEndpoint({ baseURL: server.url, auth: auth() }), { objects });
    expect(outcome).toMatchObject({ response: { statusCode: 401 } });
    expect(elsewhere.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

describe("wish 29: a registry", () => {
  const pair = `Basic ${Buffer.from(`Mufasa:${password}`).toString("base64")}`;
  /** Wants a token for what the path names; `realm`: where it says that there is one. */
  async function registry(
    realm: (own: string) => string = (own) => own,
  ): Promise<{ server: LoopbackServer; tokens: LoopbackServer } & AsyncDisposable> {
    const stack = new AsyncDisposableStack();
    const given = new Set<string>();
    const tokens = stack.use(
      await loopbackServer(({ url, headers }, response) => {
        const { searchParams } = new URL(url, "http://x");
        const token = `token-for-${searchParams.get("service")}-${searchParams.get("scope")}-${given.size}`;
        if (headers.authorization !== pair) return void response.writeHead(401).end("who?");
        given.add(token);
        response.end(JSON.stringify({ token, expires_in: 300 }));
      }),
    );
    const server = stack.use(
      await loopbackServer(({ url, method, headers }, response) => {
        const scope = `repository:${url.split("/")[2] ?? ""}:${method === "GET" ? "pull" : "pull,push"}`;
        const token = (headers.authorization ?? "").replace("Bearer ", "");
        if (given.has(token) && token.includes(`-${scope}-`)) return void response.end(`{"echo": "${token}"}`);
        const named = url.endsWith("/uploads") ? scope.replace("pull,push", "push,pull") : scope; // any order means the same
        const challenge = `Bearer realm="${realm(`${tokens.url}/token`)}",service="registry.example",scope="${named}"`;
        response.writeHead(401, { "www-authenticate": challenge }).end();
      }),
    );
    return { server, tokens, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  }
  const asked = ({ server, tokens }: Awaited<ReturnType<typeof registry>>, path: string, method = "GET") =>
    byEndpoint(
      { baseURL: server.url, auth: { registry: { tokenURL: `${tokens.url}/token`, ...user } } },
      { path, request: { method } },
    );

  test("is brought the token that it asks for, one for each scope, and at once where it asked before", async () => {
    await using it = await registry();
    await using http = testRequester();
    for (const [path, method] of [
      ["/v2/a/tags", "GET"],
      ["/v2/a/tags", "GET"],
      ["/v2/b/tags", "GET"],
      ["/v2/a/blobs", "POST"],
      ["/v2/a/uploads", "POST"],
      ["/v2/a/other", "GET"],
    ] as const)
      expect(await http.send(asked(it, path, method), { objects })).toMatchObject({ response: { statusCode: 200 } });
    expect(it.tokens.requests.length).toBe(3);
    expect(it.server.requests.length).toBe(11);
    expect(JSON.stringify(http.occurrences)).not.toMatch(/token-for-|Circle/);
  });

  test("that asks for a token from another place is sent nothing", async () => {
    await using other = await loopbackServer((_request, response) => response.end('{"token": "a-token-of-another"}'));
    await using it = await registry(() => `${other.url}/token`);
    await using http = testRequester();
    expect(await http.send(asked(it, "/v2/a/tags"), { objects })).toMatchObject({
      type: "refusal",
      reason: "ChallengeRefused",
      message: expect.stringContaining("spec.auth.registry.tokenURL: the registry asks for a token from another place"),
    });
    expect([other.requests.length, it.tokens.requests.length, it.server.requests.length]).toEqual([0, 0, 1]);
  });

  test("whose token server refuses the user is told so, and that is not asked again for most of a minute", async () => {
    await using it = await registry();
    await using http = testRequester();
    const wrong = { tokenURL: `${it.tokens.url}/token`, username: { value: "Mufasa" }, password: of("wrong") };
    const by = byEndpoint({ baseURL: it.server.url, auth: { registry: wrong } }, { path: "/v2/a/tags" });
    for (let round = 0; round < 3; round += 1)
      expect(await http.send(by, { objects })).toMatchObject({
        type: "refusal",
        reason: "CredentialRefused",
        message: expect.stringContaining("the token server answered 401; check the user's name and password"),
      });
    expect(it.tokens.requests.length).toBe(1);
  });

  test("that asks for ever more has a bounded number of tokens of its own, and none for what is too long", async () => {
    await using it = await registry();
    await using http = testRequester();
    for (let at = 0; at < 40; at += 1) await http.send(asked(it, `/v2/r${at}/tags`), { objects });
    expect(it.tokens.requests.length).toBe(40);
    await http.send(asked(it, "/v2/r39/tags"), { objects });
    expect(it.tokens.requests.length).toBe(40);
    await http.send(asked(it, "/v2/r0/tags"), { objects }); // of one endpoint 32 are kept
    expect(it.tokens.requests.length).toBe(41);
    expect(await http.send(asked(it, `/v2/${"r".repeat(1_024)}/tags`), { objects })).toMatchObject({
      type: "refusal",
      reason: "ChallengeRefused",
      message: expect.stringContaining("more than 1024 characters"),
    });
    expect(it.tokens.requests.length).toBe(41);
  });
});
