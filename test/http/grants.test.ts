/** The grants of OAuth 2 that need nobody at a browser, and what is presented for them, at a token server that checks it. */
import { createPublicKey, verify } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { byEndpoint } from "../support/endpoint-exchange.ts";
import { never, reader, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";
import { clientKeys, clientSecret, startTokenServer, type TokenServer } from "../support/token-server.ts";

const objects = {
  secrets: {
    client: {
      ...clientKeys,
      secret: clientSecret,
      password: "pass: wörd",
      wrong: "not the password",
      refresh: "r0-of-the-Secret",
    },
  },
};
const of = (key: string): object => ({ secretKeyRef: { name: "client", key } });
const client = { clientID: { value: "grants" }, clientSecret: of("secret"), authMethod: "Post" };
const password = { username: { value: "ada" }, password: of("password") };

/** Answers 200 to who brings a token of the token server's. */
function originOf(tokens: TokenServer): Promise<LoopbackServer> {
  return loopbackServer((request, response) => {
    void tokens.find(request.headers.authorization).then((found) => response.writeHead(found === "" ? 401 : 200).end());
  });
}
/** Gives `answer` for whatever is asked. */
function giving(answer: (times: number) => object): Promise<LoopbackServer> {
  let times = 0;
  return loopbackServer((_request, response) => {
    const body = JSON.stringify(answer((times += 1)));
    response.writeHead(200, { "content-type": "application/json" }).end(body);
  });
}
const bearer = { access_token: "a-token-of-the-server", token_type: "bearer", expires_in: 3600 };
const formOf = (server: LoopbackServer, nth = 0): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(server.requests[nth]?.body));
function claimsOf(token = "", key = "RS256"): unknown {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const publicKey = createPublicKey(clientKeys[key] ?? "");
  expect(verify("sha256", Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature, "base64url"))).toBe(true);
  return JSON.parse(Buffer.from(payload, "base64url").toString());
}

describe("wish 28: a real token server gives a token", () => {
  const jwt = (issuer: string, audience: string): object => ({ jwt: { key: of("RS256"), issuer, audience } });
  const cases: readonly (readonly [string, (url: string) => object])[] = [
    ["for a user's password", () => ({ password })],
    ["for a signed JWT (RFC 7523)", (url) => ({ jwtBearer: { assertion: jwt("the-assertion", url) } })],
    ["in exchange for another one (RFC 8693)", (url) => ({ tokenExchange: { subjectToken: jwt("the-subject", url) } })],
  ];
  test.each(cases)("%s", async (_name, grant) => {
    await using tokens = await startTokenServer();
    await using origin = await originOf(tokens);
    await using http = testRequester();
    const oauth2 = { tokenURL: tokens.tokenURL, ...client, ...grant(tokens.tokenURL), scopes: ["read"] };
    const outcome = await http.send(byEndpoint({ baseURL: origin.url, auth: { oauth2 } }), { objects });
    expect(outcome).toMatchObject({ response: { statusCode: 200 } });
    expect(tokens.asked).toBe(1);
  });

  test("for a client that says who it is by a JWT of its own making, without an id of its own", async () => {
    await using tokens = await startTokenServer();
    await using origin = await originOf(tokens);
    await using http = testRequester();
    const { tokenURL } = tokens;
    const assertion = { jwt: { key: of("RS256"), keyID: "key-RS256", issuer: "RS256", subject: "RS256", audience: tokenURL } };
    const oauth2 = { tokenURL, clientAssertion: assertion, scopes: ["read"] };
    const outcome = await http.send(byEndpoint({ baseURL: origin.url, auth: { oauth2 } }), { objects });
    expect(outcome).toMatchObject({ response: { statusCode: 200 } });
  });

  test("to nobody with a wrong password, who is told so and not asked about again for most of a minute", async () => {
    await using tokens = await startTokenServer();
    await using origin = await originOf(tokens);
    await using http = testRequester();
    const wrong = { ...password, password: of("wrong") };
    const oauth2 = { tokenURL: tokens.tokenURL, ...client, password: wrong };
    const refusals = await Promise.all(
      Array.from({ length: 10 }, () => http.send(byEndpoint({ baseURL: origin.url, auth: { oauth2 } }), { objects })),
    );
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({
        reason: "CredentialRefused",
        message: expect.stringContaining("answered 400 invalid_grant; check the password"),
      });
      expect((refusal as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(40_000);
    }
    expect(tokens.asked).toBe(1);
    expect(JSON.stringify([refusals, http.occurrences])).not.toMatch(/not the password|wörd/);
  });
});

describe("what a token server is sent is what its provider documents:", () => {
  async function sent(oauth2: object, serviceAccountToken = "a-token-of-the-account"): Promise<Record<string, string>> {
    await using tokens = await giving(() => bearer);
    await using origin = await loopbackServer((_request, response) => response.end());
    const asked: unknown[] = [];
    const secrets: string[] = [];
    await using http = testRequester({
      serviceAccountToken: (request) => {
        asked.push(request);
        return Promise.resolve({ type: "token", token: serviceAccountToken, lifetimeMs: 3_600_000 });
      },
      onSecret: (value) => secrets.push(value),
    });
    const auth = { oauth2: { tokenURL: `${tokens.url}/token`, ...oauth2 } };
    const outcome = await http.send(byEndpoint({ baseURL: origin.url, auth }), { objects });
    expect(outcome).toMatchObject({ response: { statusCode: 200 } });
    if (asked.length > 0) expect(secrets).toContain(serviceAccountToken);
    if (asked.length > 0)
      expect(asked).toEqual([
        expect.objectContaining({ namespace: "team-a", name: "caller", audience: "the-audience", expirationSeconds: 3600 }),
      ]);
    expect(tokens.requests[0]?.headers.authorization).toBeUndefined();
    expect(origin.requests[0]?.headers.authorization).toBe("Bearer a-token-of-the-server");
    return formOf(tokens);
  }
  const account = { serviceAccountToken: { serviceAccountName: "caller", audience: "the-audience" } };

  test("a Google service account", async () => {
    const audience = "https://oauth2.googleapis.com/token";
    const claims = { scope: "https://www.googleapis.com/auth/pubsub" };
    const issuer = "robot@p.iam.gserviceaccount.com";
    const form = await sent({
      jwtBearer: { assertion: { jwt: { key: of("RS256"), keyID: "k1", issuer, audience, claims, lifetime: "1h" } } },
    });
    const { assertion, ...rest } = form;
    expect(rest).toEqual({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer" });
    expect(JSON.parse(Buffer.from(assertion?.split(".")[0] ?? "", "base64url").toString())).toMatchObject({
      alg: "RS256",
      kid: "k1",
    });
    const made = claimsOf(assertion) as { iat: number; exp: number };
    expect(made).toEqual({
      iss: issuer,
      aud: audience,
      ...claims,
      iat: expect.any(Number),
      exp: expect.any(Number),
      jti: expect.any(String),
    });
    expect(made.exp - made.iat).toBe(3600);
    expect(Date.now() / 1000 - made.iat).toBeGreaterThanOrEqual(59);
  });
  test("Entra ID, by a ServiceAccount's token in place of a secret", async () => {
    const scopes = ["https://vault.azure.net/.default"];
    expect(await sent({ clientID: { value: "0000-app" }, scopes, clientAssertion: account })).toEqual({
      grant_type: "client_credentials",
      client_id: "0000-app",
      scope: scopes[0],
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: "a-token-of-the-account",
    });
  });
  test("Google's workload identity federation, which has no client", async () => {
    const audience = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x";
    const scopes = ["https://www.googleapis.com/auth/cloud-platform"];
    const tokenExchange = { subjectToken: account, requestedTokenType: "access_token" };
    expect(await sent({ audience, scopes, tokenExchange })).toEqual({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      audience,
      scope: scopes[0],
      requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
      subject_token: "a-token-of-the-account",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    });
  });
  test("Dex, with a connector and a client of its own", async () => {
    const tokenExchange = { subjectToken: account, subjectTokenType: "id_token", requestedTokenType: "access_token" };
    const parameters = [{ name: "connector_id", value: "cluster" }];
    expect(await sent({ ...client, scopes: ["openid", "groups"], parameters, tokenExchange })).toMatchObject({
      client_id: "grants",
      client_secret: clientSecret,
      connector_id: "cluster",
      scope: "openid groups",
      subject_token_type: "urn:ietf:params:oauth:token-type:id_token",
    });
  });
  test("a resource (RFC 8707), and a parameter from a Secret", async () => {
    const parameters = [{ name: "tenant", ...of("password") }];
    const form = await sent({ ...client, resource: ["https://api.example/"], parameters });
    expect(form).toMatchObject({ grant_type: "client_credentials", resource: "https://api.example/", tenant: "pass: wörd" });
  });
});

test("a refresh token that the server gives in place of the Secret's is used from then on", async () => {
  await using tokens = await giving((times) => ({ ...bearer, access_token: `t${times}`, refresh_token: `r${times}` }));
  await using origin = await loopbackServer((_request, response) => response.writeHead(401).end());
  await using http = testRequester();
  const oauth2 = { tokenURL: tokens.url, ...client, refreshToken: of("refresh") };
  await http.send(byEndpoint({ baseURL: origin.url, auth: { oauth2 } }), { objects }); // 401, so that it is renewed
  expect(tokens.requests.map((_one, nth) => formOf(tokens, nth)["refresh_token"])).toEqual(["r0-of-the-Secret", "r1"]);
});

test("an ID token goes along where that is what is wanted", async () => {
  await using tokens = await giving(() => ({ id_token: "header.claims.signature", expires_in: 60 }));
  await using origin = await loopbackServer((_request, response) => response.end());
  await using http = testRequester();
  const oauth2 = { tokenURL: tokens.url, ...client, use: "IDToken" };
  await http.send(byEndpoint({ baseURL: origin.url, auth: { oauth2 } }), { objects });
  expect(origin.requests[0]?.headers.authorization).toBe("Bearer header.claims.signature");
});

test("an ID token beside the access token is nobody's business", async () => {
  await using tokens = await giving(() => ({ ...bearer, id_token: "not even a JWT" }));
  await using origin = await loopbackServer((_request, response) => response.end());
  await using http = testRequester();
  const oauth2 = { tokenURL: tokens.url, ...client };
  const outcome = await http.send(byEndpoint({ baseURL: origin.url, auth: { oauth2 } }), { objects });
  expect(outcome).toMatchObject({ response: { statusCode: 200 } });
});

describe("a JWT as an input of a login:", () => {
  test("a GitHub App's installation token, with a JWT that is made anew for each login", async () => {
    let made = 0;
    await using github = await loopbackServer(({ url, headers }, response) => {
      if (url !== "/app/installations/42/access_tokens") return void response.end(headers.authorization);
      const { exp, iat, iss } = claimsOf(headers.authorization?.replace("Bearer ", "")) as Record<string, number>;
      const isSound = String(iss) === "Iv1.client-id" && Number(exp) - Date.now() / 1000 < 600 && Number(iat) < Date.now() / 1000;
      const expires = new Date(Date.now() + 3_600_000).toISOString();
      response.writeHead(isSound ? 201 : 401, { "content-type": "application/json" });
      response.end(JSON.stringify({ token: `ghs_token_number_${(made += 1)}`, expires_at: expires }));
    });
    await using http = testRequester();
    const login = {
      inputs: { app: { jwt: { key: of("RS256"), issuer: "Iv1.client-id", lifetime: "9m" } } },
      requests: [
        { path: "/app/installations/42/access_tokens", headers: [{ name: "Authorization", value: "Bearer ${ .inputs.app }" }] },
      ],
      send: [{ header: "Authorization", value: "Bearer ${ .responses[0].body.token }" }],
      expires: ".responses[0].body.expires_at",
    };
    const asked = byEndpoint({ baseURL: github.url, auth: { login } }, { path: "/repos/a/b" });
    expect(await http.send(asked, { objects })).toMatchObject({ response: { statusCode: 200 } });
    expect(github.requests.at(-1)?.headers.authorization).toBe("Bearer ghs_token_number_1");
    await http.send(asked, { objects });
    expect(made).toBe(1);
    const shown = await http.requester.describeLogin(asked, reader(objects), never);
    expect(shown).toMatchObject({
      requests: [{ headers: expect.arrayContaining([{ name: "Authorization", value: "Bearer ***" }]) }],
    });
  });

  test("a claim for which there is a field is refused where it is written", async () => {
    await using http = testRequester();
    const login = {
      inputs: { app: { jwt: { key: of("RS256"), claims: { iss: "x" } } } },
      requests: [{ path: "/a" }],
      send: [{ cookie: "*" }],
    };
    const outcome = await http.send(byEndpoint({ baseURL: "http://127.0.0.1:1", auth: { login } }), { objects });
    const message = expect.stringContaining("spec.auth.login.inputs.app.jwt.claims.iss: iss, sub and aud have fields");
    expect(outcome).toEqual(expect.objectContaining({ reason: "InvalidRequest", message }));
  });

  test("a key that is none is refused where it is written, and is quoted nowhere", async () => {
    await using http = testRequester();
    const login = { inputs: { app: { jwt: { key: of("secret") } } }, requests: [{ path: "/a" }], send: [{ cookie: "*" }] };
    const outcome = await http.send(byEndpoint({ baseURL: "http://127.0.0.1:1", auth: { login } }), { objects });
    const message = 'HTTPEndpoint "users": spec.auth.login.inputs.app.jwt.key: this holds no PEM private key';
    expect(outcome).toEqual(expect.objectContaining({ reason: "InvalidCredential", message }));
  });
});
