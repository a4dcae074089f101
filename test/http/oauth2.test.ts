/** Tokens from a real token server: it verifies the client, the origin looks the token up, and both count. */
import { describe, expect, test } from "@jest/globals";
import type { AuthSources, OAuth2Sources } from "../../src/core/auth.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { exchange, fromSecret, literal, reader, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";
import { clientKeys, clientSecret, startTokenServer, type TokenServer } from "../support/token-server.ts";
import { shownBody } from "../support/shown-body.ts";

const field = 'HTTPEndpoint "users": spec.auth.oauth2';
const objects = {
  secrets: {
    client: { ...clientKeys, secret: clientSecret, wrong: "not the client's secret" },
  },
};
const endpoint = { key: { namespace: "team-a", name: "users" }, credentialNamespace: "team-a", title: 'HTTPEndpoint "users"' };

function oauth2({ tokenURL }: Pick<TokenServer, "tokenURL">, changes: Partial<OAuth2Sources> = {}): AuthSources {
  const secret = fromSecret("client", "secret", `${field}.clientSecret`);
  const client = { type: "secret", secret, method: "Basic" } as const;
  return { field, type: "oauth2", tokenURL, clientID: literal("basic:client"), client, scopes: ["read"], ...changes };
}
const from = (server: LoopbackServer, auth: AuthSources, changes: Parameters<typeof exchange>[0] = {}): Exchange =>
  exchange({ url: { type: "joined", base: server.url }, auth, endpoint, ...changes });

/** Answers 200 to who brings a token of the token server's. */
function originOf(tokens: TokenServer): Promise<LoopbackServer> {
  return loopbackServer((request, response) => {
    void tokens.find(request.headers.authorization).then((found) => {
      response.statusCode = found === "" ? 401 : 200;
      response.end(found === "" ? "who?" : `${found} ${request.headers.authorization}`);
    });
  });
}

describe("OAuth 2 client credentials", () => {
  test.each([
    ["client_secret_basic", "basic:client", undefined],
    ["client_secret_post", "post", { type: "secret", secret: fromSecret("client", "secret"), method: "Post" }],
    ["private_key_jwt with RSA", "RS256", undefined],
    ["private_key_jwt with an elliptic curve", "ES256", undefined],
    ["private_key_jwt with Ed25519", "EdDSA", undefined],
  ] as const)("wish 2: %s is what the token server verifies, and the token is never shown", async (_name, id, client) => {
    await using tokens = await startTokenServer();
    await using origin = await originOf(tokens);
    await using http = testRequester();
    const key = { type: "privateKey", key: fromSecret("client", id), keyID: `key-${id}`, algorithm: id } as const;
    const auth = oauth2(tokens, {
      clientID: literal(id),
      ...(client ? { client } : id === "basic:client" ? {} : { client: key }),
    });
    const outcome = await http.send(from(origin, auth), { objects });
    expect(outcome).toMatchObject({ response: { statusCode: 200 } });
    expect(shownBody(outcome)).toBe(`${id} read Bearer ***`);
    expect(tokens.asked).toBe(1);
    expect(JSON.stringify([outcome, http.occurrences])).not.toContain(clientSecret);
  });

  test("wish 2: 50 requests at once ask for one token, and none of them holds a worker while it is made", async () => {
    await using tokens = await startTokenServer();
    tokens.delay(200);
    await using origin = await originOf(tokens);
    await using http = testRequester();
    using first = http.requester.begin("HTTPRequest/team-a/first");
    const said = await first.prepare(from(origin, oauth2(tokens)), reader(objects), new AbortController().signal);
    expect(said).toMatchObject({ type: "busy", reason: "TokenPending" });
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => http.send(from(origin, oauth2(tokens)), { objects })));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ response: { statusCode: 200 } });
    expect([tokens.asked, origin.requests.length]).toEqual([1, 50]);
  });

  test("wish 2: a token that is revoked is renewed once for all, and a POST that was answered 401 is sent again once", async () => {
    await using tokens = await startTokenServer();
    await using origin = await originOf(tokens);
    await using http = testRequester();
    const post = from(origin, oauth2(tokens), { request: { method: "POST", body: { type: "text", field: "b", text: "x" } } });
    await http.send(post, { objects });
    await tokens.revokeAll();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => http.send(post, { objects })));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ response: { statusCode: 200 } });
    expect(tokens.asked).toBe(2);
    expect(origin.requests.filter(({ body }) => body === "x").length).toBeLessThanOrEqual(21);
  });

  test("an origin that refuses every token is asked twice, and the token server not for each request", async () => {
    await using tokens = await startTokenServer();
    await using origin = await loopbackServer((_request, response) => response.writeHead(401).end());
    await using http = testRequester();
    expect(await http.send(from(origin, oauth2(tokens)), { objects })).toMatchObject({ response: { statusCode: 401 } });
    expect([tokens.asked, origin.requests.length]).toEqual([2, 2]);
    for (let round = 0; round < 5; round += 1) await http.send(from(origin, oauth2(tokens)), { objects });
    expect([tokens.asked, origin.requests.length]).toEqual([2, 7]);
  });

  test("a token server that gives the same token again makes no second request of a 401", async () => {
    await using tokens = await loopbackServer((_request, response) =>
      response
        .writeHead(200, { "content-type": "application/json" })
        .end('{"access_token": "the-same", "token_type": "bearer", "expires_in": 3600}'),
    );
    await using origin = await loopbackServer((_request, response) => response.writeHead(401).end());
    await using http = testRequester();
    const post = from(origin, oauth2({ tokenURL: `${tokens.url}/token` }), { request: { method: "POST" } });
    expect(await http.send(post, { objects })).toMatchObject({ response: { statusCode: 401 } });
    expect([tokens.requests.length, origin.requests.length]).toEqual([2, 1]);
  });

  test("a client that is refused is told so, healing, and the token server is left alone for a while", async () => {
    await using tokens = await startTokenServer();
    await using origin = await originOf(tokens);
    await using http = testRequester();
    const auth = oauth2(tokens, { client: { type: "secret", secret: fromSecret("client", "wrong"), method: "Basic" } });
    const refusals = await Promise.all(Array.from({ length: 50 }, () => http.send(from(origin, auth), { objects })));
    for (const refusal of refusals)
      expect(refusal).toMatchObject({
        type: "refusal",
        reason: "CredentialRefused",
        heals: true,
        retryAfterMs: expect.any(Number),
      });
    expect([tokens.asked, origin.requests.length]).toEqual([1, 0]);
    expect(JSON.stringify([refusals, http.occurrences])).not.toContain("not the client's secret");
  });

  test.each([
    ["is not there", undefined],
    ["answers 500", { status: 500, body: "s3cret" }],
    ["answers something else", { status: 200, body: '{"access_token": 5, "note": "s3cret"}' }],
    [
      "gives a token that would end the header",
      { status: 200, body: '{"access_token": "s3cret\\r\\nX: 1", "token_type": "bearer"}' },
    ],
    [
      "gives a token that no header field has room for",
      { status: 200, body: `{"access_token": "s3cret${"x".repeat(65_536)}", "token_type": "bearer"}` },
    ],
    ["challenges with what nobody reads", { status: 403, body: "s3cret", challenge: "s3cret, ".repeat(1_500) }],
  ])("a token server that %s is a refusal that heals, without what it sent", async (_name, answer) => {
    await using origin = await loopbackServer((_request, response) => response.end());
    await using broken = await loopbackServer((_request, response) =>
      response
        .writeHead(answer?.status ?? 200, {
          "content-type": "application/json",
          ...(answer && "challenge" in answer && { "www-authenticate": answer.challenge }),
        })
        .end(answer?.body),
    );
    await using http = testRequester();
    const auth = oauth2({ tokenURL: answer ? `${broken.url}/token` : "http://127.0.0.1:1/token" });
    const refusal = await http.send(from(origin, auth), { objects });
    expect(refusal).toMatchObject({ type: "refusal", reason: "TokenRequestFailed", heals: true });
    expect(JSON.stringify(refusal)).not.toContain("s3cret");
    expect(origin.requests).toHaveLength(0);
  });

  test("has a token that goes to no other origin", async () => {
    await using tokens = await startTokenServer();
    await using elsewhere = await loopbackServer((_request, response) => response.end("here"));
    await using origin = await loopbackServer((_request, response) => response.writeHead(302, { location: elsewhere.url }).end());
    await using http = testRequester();
    expect(await http.send(from(origin, oauth2(tokens)), { objects })).toMatchObject({ response: { statusCode: 200 } });
    expect(origin.requests[0]?.headers.authorization).toMatch(/^Bearer ./);
    expect(elsewhere.requests[0]?.headers).not.toHaveProperty("authorization");
  });
});
