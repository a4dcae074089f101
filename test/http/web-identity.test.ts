/** AWS signatures by a role's credentials, which STS gives for a ServiceAccount's token: a service verifies each of them. */
import { describe, expect, test } from "@jest/globals";
import type { Exchange } from "../../src/core/exchange.ts";
import { byEndpoint } from "../support/endpoint-exchange.ts";
import { at, never, reader, testRequester, type TestRequester } from "../support/loopback-requester.ts";
import { loopbackServer, rawServer, type LoopbackServer } from "../support/loopback.ts";
import { shownBody } from "../support/shown-body.ts";
import { expiredAnswers, startSignedService, startSTS } from "../support/sts-server.ts";

const region = "eu-central-1";
const service = "execute-api";
const signed = { region, service };
const token = "header.of-the-account.signature";
const roleARN = "arn:aws:iam::123456789012:role/path/caller";

interface Asked {
  readonly http: TestRequester;
  readonly asked: unknown[];
  readonly secrets: string[];
}
function requester(): Asked {
  const asked: unknown[] = [];
  const secrets: string[] = [];
  const http = testRequester({
    serviceAccountToken: (request) => {
      asked.push(request);
      return Promise.resolve({ type: "token", token, lifetimeMs: 600_000 });
    },
    onSecret: (value) => secrets.push(value),
  });
  return { http, asked, secrets };
}
function by(
  origin: Pick<LoopbackServer, "url">,
  sts: Pick<LoopbackServer, "url">,
  changes: object = {},
  own: object = {},
): Exchange {
  const webIdentity = { roleARN, serviceAccountName: "caller", stsURL: sts.url, ...own };
  return byEndpoint({ baseURL: origin.url, auth: { awsSigV4: { ...signed, webIdentity } } }, changes);
}
const query = [
  { name: "x", ...at("spec.query[0].value", "1") },
  { name: "a", ...at("spec.query[1].value", "ü /") },
];
const post = { path: "/a", request: { method: "POST", query, body: { type: "text", field: "b", text: "ü" } } } as const;

describe.each(["JSON", "XML"] as const)("wish 28: a role's credentials, given as %s,", (as) => {
  test("sign every request, are asked for once, and are shown nowhere", async () => {
    await using sts = await startSTS({ as });
    await using origin = await startSignedService(sts, signed);
    const { http, asked, secrets } = requester();
    await using _http = http;
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => http.send(by(origin, sts, post))));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ response: { statusCode: 200 } });
    expect(shownBody(outcomes[0] as never)).toBe("signed by ***");
    expect([sts.requests.length, asked.length]).toEqual([1, 1]);
    expect(asked).toEqual([{ namespace: "team-a", name: "caller", audience: "sts.amazonaws.com", expirationSeconds: 600 }]);
    expect(sts.requests[0]).toMatchObject({ method: "POST", url: "/", headers: { accept: "application/json" } });
    expect(Object.fromEntries(new URLSearchParams(sts.requests[0]?.body))).toEqual({
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: roleARN,
      RoleSessionName: "holdfast-team-a",
      DurationSeconds: "3600",
      WebIdentityToken: token,
    });
    const { SecretAccessKey: secret = "", SessionToken: session = "" } = sts.given[0] ?? {};
    expect(secrets).toEqual([token, secret, session]);
    const shown = JSON.stringify([outcomes, http.occurrences]);
    for (const value of secrets) expect(shown).not.toContain(value);
  });
});

test("a session has the name and length that are declared", async () => {
  await using sts = await startSTS();
  await using origin = await startSignedService(sts, signed);
  const { http, asked } = requester();
  await using _http = http;
  const own = { sessionName: "orders@team-a", durationSeconds: 900, audience: "https://sts.example", stsURL: `${sts.url}/sts/` };
  expect(await http.send(by(origin, sts, {}, own))).toMatchObject({ response: { statusCode: 200 } });
  const form = Object.fromEntries(new URLSearchParams(sts.requests[0]?.body));
  expect([sts.requests[0]?.url, form]).toMatchObject(["/sts/", { RoleSessionName: "orders@team-a", DurationSeconds: "900" }]);
  expect(asked).toMatchObject([{ audience: "https://sts.example" }]);
});

describe("credentials that have expired, which a service says by", () => {
  test.each(Object.keys(expiredAnswers) as (keyof typeof expiredAnswers)[])("%s", async (how) => {
    await using sts = await startSTS();
    await using origin = await startSignedService(sts, { ...signed, expired: expiredAnswers[how] });
    const { http } = requester();
    await using _http = http;
    expect(await http.send(by(origin, sts, post))).toMatchObject({ response: { statusCode: 200 } });
    sts.expireAll();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => http.send(by(origin, sts, post))));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ response: { statusCode: 200 } });
    expect(sts.requests).toHaveLength(2);
  });
});

test.each([
  ["403 of another kind", 403, '{"message":"not authorized to perform it"}'],
  ["400 that speaks of it", 400, '{"message":"ExpiredToken"}'],
  ["400 of which more comes than is looked at", 400, `<Error><Code>ExpiredToken</Code>${"x".repeat(9_000)}</Error>`],
  ["500 with its code", 500, "<Error><Code>ExpiredToken</Code></Error>"],
])("an answer of %s stands, with all of its content", async (_name, status, body) => {
  await using sts = await startSTS();
  await using origin = await loopbackServer((_request, response) => response.writeHead(status).end(body));
  const { http } = requester();
  await using _http = http;
  const outcome = await http.send(by(origin, sts, post));
  expect(outcome).toMatchObject({ response: { statusCode: status } });
  expect(shownBody(outcome)).toBe(body);
  expect([sts.requests.length, origin.requests.length]).toEqual([1, 1]);
});

test("an answer of 403 that breaks off is one that broke off", async () => {
  await using sts = await startSTS();
  await using origin = await rawServer((socket) =>
    socket.once("data", () => socket.write("HTTP/1.1 403 Forbidden\r\ncontent-length: 100\r\n\r\nhalf", () => socket.destroy())),
  );
  const { http } = requester();
  await using _http = http;
  expect(await http.send(by(origin, sts, post))).toMatchObject({ type: "failure", sent: true });
});

test("a service that always says expired is asked twice, and STS not for each request", async () => {
  await using sts = await startSTS();
  await using origin = await loopbackServer((_request, response) => expiredAnswers["XML, as S3"](response));
  const { http } = requester();
  await using _http = http;
  for (let round = 0; round < 5; round += 1)
    expect(await http.send(by(origin, sts, post))).toMatchObject({ response: { statusCode: 400 } });
  expect([sts.requests.length, origin.requests.length]).toEqual([2, 6]);
});

test("credentials go to no other origin", async () => {
  await using sts = await startSTS();
  await using elsewhere = await loopbackServer((_request, response) => response.end("here"));
  await using origin = await loopbackServer((_request, response) => response.writeHead(302, { location: elsewhere.url }).end());
  const { http } = requester();
  await using _http = http;
  expect(await http.send(by(origin, sts))).toMatchObject({ response: { statusCode: 200 } });
  expect(origin.requests[0]?.headers).toHaveProperty("x-amz-security-token");
  for (const name of ["authorization", "x-amz-security-token", "x-amz-date"])
    expect(elsewhere.requests[0]?.headers).not.toHaveProperty(name);
});

describe("an STS that", () => {
  const credentials = (changes: object): string => {
    const Credentials = { AccessKeyId: "ASIA1", SecretAccessKey: "s3cret", SessionToken: "s3cret", Expiration: 1, ...changes };
    return JSON.stringify({ AssumeRoleWithWebIdentityResponse: { AssumeRoleWithWebIdentityResult: { Credentials } } });
  };
  const error = (code: string): string => JSON.stringify({ Error: { Code: code, Message: "s3cret" } });
  const unusable = "the answer of STS has no credentials that can be used";
  test.each([
    ["does not believe the token", 400, error("InvalidIdentityToken"), "CredentialRefused", "400 InvalidIdentityToken; check"],
    ["knows it as expired", 400, error("ExpiredTokenException"), "CredentialRefused", "400 ExpiredTokenException; check"],
    ["denies the role", 403, `<Error><Code>AccessDenied</Code>s3cret</Error>`, "CredentialRefused", "403 AccessDenied; check"],
    ["denies without a word", 403, "s3cret", "CredentialRefused", "STS answered 403; check"],
    ["cannot reach the issuer", 400, error("IDPCommunicationError"), "TokenRequestFailed", "400 IDPCommunicationError"],
    ["says a word of its own", 400, error("s3cret"), "TokenRequestFailed", "STS answered 400"],
    ["is down", 503, "s3cret", "TokenRequestFailed", "STS answered 503"],
    ["redirects", 307, "s3cret", "TokenRequestFailed", "STS answered 307"],
    ["answers nothing", 200, "", "TokenRequestFailed", unusable],
    ["answers half of its JSON", 200, credentials({}).slice(0, -5), "TokenRequestFailed", unusable],
    ["answers something else", 200, '{"AssumeRoleWithWebIdentityResponse": null, "n": "s3cret"}', "TokenRequestFailed", unusable],
    ["gives a secret that is a list", 200, credentials({ SecretAccessKey: ["s3cret"] }), "TokenRequestFailed", unusable],
    ["ends the header field", 200, credentials({ SessionToken: "s3cret\r\nX: 1" }), "TokenRequestFailed", unusable],
    ["adds to what is signed", 200, credentials({ AccessKeyId: "a, s3cret=" }), "TokenRequestFailed", unusable],
    ["gives too much", 200, credentials({ SessionToken: "s3cret".repeat(2_000) }), "TokenRequestFailed", unusable],
    ["has an entity in XML", 200, "<Credentials><AccessKeyId>&a;</AccessKeyId></Credentials>", "TokenRequestFailed", unusable],
    ["opens thousands of elements", 200, "<Credentials>".repeat(20_000), "TokenRequestFailed", unusable],
    ["never ends", 200, "{".repeat(300_000), "TokenRequestFailed", "stsURL: "],
  ])("%s is a refusal that heals, and nothing of its answer is shown", async (_name, status, body, reason, message) => {
    await using elsewhere = await loopbackServer((_request, response) => response.end(credentials({})));
    await using sts = await loopbackServer((_request, response) =>
      response.writeHead(status, status === 307 ? { location: elsewhere.url } : {}).end(body),
    );
    await using origin = await loopbackServer((_request, response) => response.end());
    const { http } = requester();
    await using _http = http;
    const refusals = await Promise.all(Array.from({ length: 5 }, () => http.send(by(origin, sts, post))));
    for (const refusal of refusals)
      expect(refusal).toMatchObject({ type: "refusal", reason, heals: true, message: expect.stringContaining(message) });
    expect([sts.requests.length, elsewhere.requests.length, origin.requests.length]).toEqual([1, 0, 0]);
    expect(JSON.stringify([refusals, http.occurrences])).not.toContain("s3cret");
    expect(JSON.stringify([refusals, http.occurrences])).not.toContain(token);
  });

  test("is slow holds no worker, and is waited for by nobody else", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await using sts = await startSTS();
    await using slow = await loopbackServer((_request, response) => void promise.then(() => response.end("{}")));
    await using origin = await startSignedService(sts, signed);
    const { http } = requester();
    await using _http = http;
    using first = http.requester.begin("HTTPRequest/team-a/first");
    const hanging = await first.prepare(by(origin, slow), reader({}), never);
    expect(hanging).toMatchObject({ type: "busy", reason: "TokenPending" });
    expect(await http.send(by(origin, sts))).toMatchObject({ response: { statusCode: 200 } });
    resolve();
    if (hanging.type === "busy") await hanging.free;
  });

  test("gives what has expired already is not asked for each request", async () => {
    await using sts = await startSTS({ lifetimeSeconds: -3_600 });
    await using origin = await startSignedService(sts, signed);
    const { http } = requester();
    await using _http = http;
    for (let round = 0; round < 5; round += 1)
      expect(await http.send(by(origin, sts))).toMatchObject({ response: { statusCode: 200 } });
    expect(sts.requests).toHaveLength(1);
  });
});

test("wish 24: what is signed is three asterisks where a request is described, and nobody is asked", async () => {
  await using sts = await startSTS();
  const { http, asked } = requester();
  await using _http = http;
  const described = await http.requester.describe(by({ url: "http://api.example" }, sts), reader({}), never);
  const masked = ["x-amz-date", "x-amz-security-token", "authorization"].map((name) => ({ name, value: "***" }));
  expect(described).toMatchObject({ headers: expect.arrayContaining(masked) });
  expect([asked, sts.requests]).toEqual([[], []]);
});

test("without a cluster there is nobody who makes tokens, which is said", async () => {
  await using sts = await startSTS();
  await using http = testRequester();
  const message = "webIdentity: without a cluster there is nobody who makes tokens of ServiceAccounts";
  expect(await http.send(by({ url: "http://127.0.0.1:1" }, sts))).toMatchObject({
    reason: "InvalidCredential",
    message: expect.stringContaining(message),
  });
});
