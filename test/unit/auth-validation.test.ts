/** What of credentials is refused at admission: each message names the field, and says what to do. */
import { describe, expect, test } from "@jest/globals";
import { clusterHTTPEndpoint } from "../../src/api/cluster-http-endpoint.ts";
import { httpEndpoint } from "../../src/api/http-endpoint.ts";
import type { Schema } from "../../src/api/schema.ts";
import { validator } from "../../src/api/validate.ts";

const told = (schema: Schema, spec: object): string =>
  validator({ type: "object", properties: { spec: schema } })({ spec })
    .problems.map(({ path, message }) => `${path}: ${message}`)
    .join("\n");
const endpoint = (spec: object): string => told(httpEndpoint.spec, { baseURL: "https://h.example", ...spec });
const cluster = (spec: object): string =>
  told(clusterHTTPEndpoint.spec, { baseURL: "https://h.example", allowedNamespaces: { from: "All" }, ...spec });
const login = (changes: object = {}): object => ({
  login: { requests: [{ path: "/login" }], send: [{ header: "X-Token", value: "${ .responses[0].body.token }" }], ...changes },
});

const secret = { secretKeyRef: { name: "s", key: "k" } };
const oauth2 = (changes: object): string => endpoint({ auth: { oauth2: { tokenURL: "https://h.example/token", ...changes } } });

describe("auth.oauth2", () => {
  const clientID = { value: "c" };
  const account = { serviceAccountToken: { serviceAccountName: "caller", audience: "a" } };
  const password = { username: { value: "ada" }, password: secret };
  test.each([
    ["client credentials", { clientID, clientSecret: secret }],
    ["a password without a client secret", { clientID, password }],
    ["a ServiceAccount's token and nothing else", { clientAssertion: account }],
    ["a token exchange without a client", { tokenExchange: { subjectToken: account } }],
    ["a signed JWT", { jwtBearer: { assertion: { jwt: { key: secret, claims: { scope: "a" } } } } }],
  ])("takes %s", (_name, changes) => {
    expect(oauth2(changes)).toBe("");
  });
  test.each([
    ["no client at all", {}, "exactly one of clientSecret"],
    ["an id alone", { clientID }, "exactly one of clientSecret"],
    ["a secret without an id", { clientSecret: secret }, "clientID must be set"],
    ["a password without an id", { password }, "clientID must be set"],
    ["two grants", { clientID, password, refreshToken: secret }, "at most one of password"],
    ["two proofs of a client", { clientID, clientSecret: secret, clientAssertion: account }, "at most one of clientSecret"],
    ["a token of two sources", { clientAssertion: { ...account, ...secret } }, "clientAssertion"],
    [
      "a parameter for which there is a field",
      { clientID, clientSecret: secret, parameters: [{ name: "scope", value: "a" }] },
      "parameters[0].name",
    ],
    ["a parameter without a value", { clientID, clientSecret: secret, parameters: [{ name: "a" }] }, "parameters[0]: "],
    ["a JWT for a day", { clientAssertion: { jwt: { key: secret, lifetime: "24h" } } }, "must be from 2m to 1h"],
    ["a token type that is none", { tokenExchange: { subjectToken: account, subjectTokenType: "thing" } }, "subjectTokenType"],
  ])("refuses %s", (_name, changes, text) => {
    expect(oauth2(changes)).toContain(text);
  });
});

describe("where a secret is sent to get a token", () => {
  const role = { roleARN: "arn:aws:iam::123456789012:role/caller", serviceAccountName: "caller" };
  const send = [{ cookie: "*" }];
  const ways: readonly (readonly [string, (url: string, more?: object) => object])[] = [
    ["oauth2", (tokenURL, more) => ({ oauth2: { tokenURL, clientID: { value: "c" }, clientSecret: secret, ...more } })],
    ["registry", (tokenURL, more) => ({ registry: { tokenURL, ...more } })],
    ["STS", (stsURL, more) => ({ awsSigV4: { region: "r", service: "s", webIdentity: { ...role, stsURL, ...more } } })],
    ["a login", (url, more) => ({ login: { requests: [{ path: "/a" }, { url }], send, ...more } })],
    ["a logout", (url, more) => ({ login: { requests: [{ path: "/a" }], logout: { url }, send, ...more } })],
  ];
  const ownNames = ["localhost", "localhost:8080", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:8080"];
  const others = [
    "id.example",
    "keycloak.auth.svc:8080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "10.0.0.1",
    "[::2]",
  ];
  test.each(ways)("%s is reached by https, or on this machine, unless it is said otherwise", (_name, authAt) => {
    for (const host of ownNames) expect([host, endpoint({ auth: authAt(`http://${host}/t`) })]).toEqual([host, ""]);
    for (const host of others) {
      expect([host, endpoint({ auth: authAt(`http://${host}/t`) })]).toEqual([
        host,
        expect.stringContaining("set allowHTTP: true"),
      ]);
      expect([host, endpoint({ auth: authAt(`https://${host}/t`) })]).toEqual([host, ""]);
      expect([host, endpoint({ auth: authAt(`http://${host}/t`, { allowHTTP: true }) })]).toEqual([host, ""]);
    }
  });
  test("a refresh token is kept in another Secret than the declared one", () => {
    const refreshToken = (keepIn: string): object => ({ clientID: { value: "c" }, refreshToken: { ...secret, keepIn } });
    expect(oauth2(refreshToken("kept"))).toBe("");
    expect(oauth2(refreshToken("s"))).toContain("keepIn must be another Secret");
  });
});

describe("a signature where the credential goes", () => {
  const sign = (name: string): object => ({
    scheme: "HMAC",
    keys: [secret],
    hmac: { headers: [{ name, value: "${ .signature }" }] },
  });
  const keys = { accessKeyID: { value: "AKID" }, secretAccessKey: secret };
  const taken: readonly (readonly [string, object])[] = [
    ["Authorization", { auth: { bearer: { token: secret } } }],
    ["Authorization", { auth: { digest: { username: { value: "a" }, password: secret } } }],
    ["authorization", { auth: { serviceAccountToken: { serviceAccountName: "a", audience: "b" } } }],
    ["X-Amz-Date", { auth: { awsSigV4: { region: "r", service: "s", ...keys } } }],
    ["x-key", { auth: { apiKey: { name: "X-Key", value: secret } } }],
    ["Cookie", { auth: { login: { requests: [{ path: "/a" }], send: [{ cookie: "*" }] } } }],
    ["X-CSRF", { auth: { login: { requests: [{ path: "/a" }], send: [{ header: "x-csrf", value: "a" }] } } }],
    ["Traceparent", { traceContext: "W3C" }],
  ];
  test.each(taken)("%s is refused beside %j", (name, spec) => {
    const message = "sign must not set a field that the credential, or the trace, is sent in";
    for (const [kind, said] of [
      ["endpoint", endpoint({ ...spec, sign: sign(name) })],
      ["cluster", cluster({ ...spec, sign: sign(name), secretNamespace: "a" })],
    ])
      expect([kind, said]).toEqual([kind, expect.stringContaining(message)]);
    expect(endpoint({ ...spec, sign: sign("X-Signature") })).toBe("");
  });
  test("nor is it where a key goes into the query", () => {
    expect(endpoint({ auth: { apiKey: { in: "Query", name: "x-key", value: secret } }, sign: sign("X-Key") })).toBe("");
  });
});

describe("auth.awsSigV4", () => {
  const role = { roleARN: "arn:aws:iam::123456789012:role/caller", serviceAccountName: "caller" };
  const keys = { accessKeyID: { value: "AKID" }, secretAccessKey: secret };
  const aws = (changes: object): string => endpoint({ auth: { awsSigV4: { region: "eu-central-1", service: "s", ...changes } } });
  test.each([
    ["a key", keys],
    ["a key with its session", { ...keys, sessionToken: secret }],
    ["a role", { webIdentity: role }],
    [
      "a role of a server like STS",
      { webIdentity: { ...role, roleARN: "arn:minio:iam:::role/a", stsURL: "https://minio.example" } },
    ],
    ["a region of any form where STS is named", { region: "Any.1", webIdentity: { ...role, stsURL: "https://sts.example/" } }],
  ])("takes %s", (_name, changes) => {
    expect(aws(changes)).toBe("");
  });
  const both = "auth.awsSigV4: Invalid value: set accessKeyID and secretAccessKey, or webIdentity";
  test.each([
    ["nothing", {}, both],
    ["half a key", { accessKeyID: keys.accessKeyID }, both],
    ["a role and a key", { ...keys, webIdentity: role }, both],
    ["a role and half a key", { secretAccessKey: secret, webIdentity: role }, both],
    ["a role and a session", { sessionToken: secret, webIdentity: role }, both],
    [
      "a region that would make another host of STS's",
      { region: "x.evil.example/", webIdentity: role },
      "region must be of lower case",
    ],
    ["what is no role", { webIdentity: { ...role, roleARN: "arn:aws:iam::123456789012:user/a" } }, "webIdentity.roleARN"],
    ["a session's name with a space", { webIdentity: { ...role, sessionName: "a b" } }, "webIdentity.sessionName"],
    ["a session of a minute", { webIdentity: { ...role, durationSeconds: 60 } }, "webIdentity.durationSeconds"],
    [
      "a host of STS that an expression makes",
      { webIdentity: { ...role, stsURL: "https://${ .inputs.a }/" } },
      "webIdentity.stsURL",
    ],
    ["a user in STS's URL", { webIdentity: { ...role, stsURL: "https://a:b@sts.example/" } }, "webIdentity.stsURL"],
  ])("refuses %s", (_name, changes, text) => {
    expect(aws(changes)).toContain(text);
  });
});

describe("auth.digest and auth.registry", () => {
  const user = { username: { value: "ada" }, password: secret };
  test("take a user", () => {
    expect(endpoint({ auth: { digest: user } })).toBe("");
    expect(endpoint({ auth: { registry: { tokenURL: "https://auth.example/token", ...user } } })).toBe("");
    expect(endpoint({ auth: { registry: { tokenURL: "https://auth.example/token" } } })).toBe("");
  });
  test("refuse half a user, an algorithm that is none, and on an admin's endpoint any realm", () => {
    const half = { tokenURL: "https://auth.example/token", username: user.username };
    expect(endpoint({ auth: { registry: half } })).toContain("username and password go together");
    expect(endpoint({ auth: { digest: { ...user, algorithms: ["SHA-1"] } } })).toContain("spec.auth.digest.algorithms[0]");
    const secretNamespace = "admins";
    expect(cluster({ auth: { digest: user }, secretNamespace })).toContain("auth.digest.realm must be set");
    expect(cluster({ auth: { digest: { ...user, realm: "a" } }, secretNamespace })).toBe("");
  });
});

describe("auth.login", () => {
  test("needs requests and what is sent of them", () => {
    expect(endpoint({ auth: login() })).toBe("");
    expect(endpoint({ auth: { login: {} } })).toContain("spec.auth.login.requests");
    expect(endpoint({ auth: { login: {} } })).toContain("spec.auth.login.send");
  });
  test.each([
    [
      "a request with a path and a URL",
      { requests: [{ path: "/a", url: "https://h.example/a" }] },
      "requests[0]: Invalid value: exactly one of path",
    ],
    ["a request with neither", { requests: [{}] }, "requests[0]: Invalid value: exactly one of path"],
    ["a host that an expression makes", { requests: [{ url: "https://${ .inputs.host }/a" }] }, "requests[0].url"],
    ["more requests than three", { requests: Array.from({ length: 4 }, () => ({ path: "/" })) }, "requests: "],
    [
      "a part that is two things",
      { send: [{ header: "A", cookie: "b", value: "x" }] },
      "send[0]: Invalid value: exactly one of header",
    ],
    ["a header without a value", { send: [{ header: "A" }] }, "send[0]: Invalid value: value must be set"],
    ["all cookies with a value", { send: [{ cookie: "*", value: "x" }] }, "send[0]: Invalid value: value does not go with"],
    ["a header of the client's own", { send: [{ header: "Host", value: "x" }] }, "send[0].header"],
    ["a success that says it was refused", { renewOn: ["200"] }, "renewOn[0]"],
    ["a password that is written here", { inputs: { a: { password: "x" } } }, "inputs.a"],
  ])("refuses %s", (_name, changes, text) => {
    expect(endpoint({ auth: login(changes) })).toContain(text);
  });
  test("refuses header fields beside it that it sets, in any spelling", () => {
    const headers = [{ name: "x-token", value: "a" }];
    expect(endpoint({ auth: login(), headers })).toContain("headers must not set a field that auth.login sends");
    const cookies = login({ send: [{ cookie: "*" }] });
    expect(endpoint({ auth: cookies, headers: [{ name: "COOKIE", value: "a" }] })).toContain("that auth.login sends");
    const secretNamespace = "admins";
    expect(cluster({ auth: login(), secretNamespace, allowedHeaders: ["X_Token"] })).toContain("spec.allowedHeaders: ");
    expect(cluster({ auth: cookies, secretNamespace, allowedHeaders: ["Cookie"] })).toContain("spec.allowedHeaders: ");
    expect(cluster({ auth: login(), secretNamespace, allowedHeaders: ["X-Other"] })).toBe("");
  });
});
