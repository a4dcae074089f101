/** Logins of any shape, against servers that have such logins: one session for all requests of an endpoint, and nothing of it shown. */
import { describe, expect, test } from "@jest/globals";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { byEndpoint } from "../support/endpoint-exchange.ts";
import { never, reader, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";
import { password, startFormLogin, startTokenLogin } from "../support/login-server.ts";
import { shownBody } from "../support/shown-body.ts";

const objects = { secrets: { ada: { password, wrong: "not ada's password" } } };
const inputs = { pass: { secretKeyRef: { name: "ada", key: "password" } } };

function tokenLogin(changes: object = {}): object {
  return {
    login: {
      inputs,
      requests: [{ path: "/login", body: { json: { user: "ada", password: "${ .inputs.pass }" } } }],
      send: [{ header: "Authorization", value: "Bearer ${ .responses[0].body.token }" }],
      expires: ".responses[0].body.expires_in",
      ...changes,
    },
  };
}
const formLogin = {
  login: {
    inputs,
    requests: [
      { method: "GET", path: "/login/" },
      {
        path: "/login/",
        headers: [{ name: "X-CSRFToken", value: "${ .responses[0].cookies.csrftoken }" }],
        body: {
          form: [
            { name: "username", value: "ada" },
            { name: "password", value: "${ .inputs.pass }" },
          ],
        },
        expect: { status: ["302"], that: ".response.cookies.sessionid != null" },
      },
    ],
    send: [
      { cookie: "sessionid" },
      { cookie: "csrftoken" },
      { header: "X-CSRFToken", value: "${ .responses[1].cookies.csrftoken }" },
    ],
    renewOn: ["401", "LoginRedirect"],
    logout: { path: "/logout/", expect: { status: ["302"] } },
  },
};
const post = { request: { method: "POST", body: { type: "text", field: "b", text: "x" } } } as const;

describe("wish 25: a login", () => {
  test("gives a token, which is shared and never shown; 50 requests at once log in once, and hold no worker meanwhile", async () => {
    await using server = await startTokenLogin();
    server.delayMs = 200;
    await using http = testRequester();
    const asked = byEndpoint({ baseURL: server.url, auth: tokenLogin() });
    using first = http.requester.begin("HTTPRequest/team-a/first");
    expect(await first.prepare(asked, reader(objects), never)).toMatchObject({ type: "busy", reason: "TokenPending" });
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => http.send(asked, { objects })));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ response: { statusCode: 200 } });
    expect([server.tries, server.requests.length]).toEqual([1, 51]);
    const [session = ""] = server.sessions;
    expect(shownBody(outcomes[0] as Outcome)).toContain("***");
    for (const secret of [session, password])
      expect(JSON.stringify([outcomes, shownBody(outcomes[0] as Outcome), http.occurrences])).not.toContain(secret);
  });

  test("by a page, a form and a CSRF token gives a session cookie, another and a header field", async () => {
    await using server = await startFormLogin();
    await using http = testRequester();
    const asked = byEndpoint({ baseURL: server.url, auth: formLogin }, { ...post, path: "/orders" });
    for (let round = 0; round < 3; round += 1)
      expect(await http.send(asked, { objects })).toMatchObject({ response: { statusCode: 200 } });
    expect([server.tries, server.requests.filter(({ url }) => url === "/orders").length]).toEqual([1, 3]);
  });

  test("that has ended is renewed once for all, and a POST that was answered 401 is sent again once", async () => {
    await using server = await startTokenLogin();
    await using http = testRequester();
    const asked = byEndpoint({ baseURL: server.url, auth: tokenLogin() }, post);
    await http.send(asked, { objects });
    server.revokeAll();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => http.send(asked, { objects })));
    for (const outcome of outcomes) expect(outcome).toMatchObject({ response: { statusCode: 200 } });
    expect(server.tries).toBe(2);
    expect(server.requests.filter(({ body }) => body === "x").length).toBeLessThanOrEqual(21);
  });

  test("that has ended is told by a redirect to its page, and by no other redirect", async () => {
    await using server = await startFormLogin();
    await using http = testRequester();
    const asked = byEndpoint({ baseURL: server.url, auth: formLogin }, { ...post, path: "/orders" });
    await http.send(asked, { objects });
    server.revokeAll();
    expect(await http.send(asked, { objects })).toMatchObject({ response: { statusCode: 200 } });
    expect(server.tries).toBe(2);

    await using other = await loopbackServer(({ url }, response) => {
      if (url === "/login") response.writeHead(200, { "set-cookie": "sid=1234567890" }).end();
      else response.writeHead(302, { location: "/orders/1" }).end();
    });
    const cookie = { requests: [{ path: "/login" }], send: [{ cookie: "*" }], renewOn: ["LoginRedirect"], expires: undefined };
    const { expires: _, ...rest } = cookie;
    const created = byEndpoint({ baseURL: other.url, auth: { login: rest } }, { ...post, path: "/orders" }, { name: "other" });
    expect(await http.send(created, { objects })).toMatchObject({ response: { statusCode: 302 } });
    expect(other.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(["POST /login", "POST /orders"]);
  });

  test("gives a cookie back byte by byte as it was set", async () => {
    const value = 'a%2Bb="c" grüße';
    await using server = await loopbackServer(({ url }, response) => {
      if (url === "/login") response.writeHead(200, { "set-cookie": Buffer.from(`sid=${value}; Path=/`).toString("latin1") });
      response.end("{}");
    });
    await using http = testRequester();
    const auth = { login: { requests: [{ path: "/login" }], send: [{ cookie: "sid" }] } };
    await http.send(byEndpoint({ baseURL: server.url, auth }, { path: "/x" }));
    const sent = String(server.requests.find(({ url }) => url === "/x")?.headers.cookie);
    expect(Buffer.from(sent, "latin1").toString()).toBe(`sid=${value}`);
  });

  test("is renewed on the codes that its owner names, and on no others", async () => {
    let [logins, refusing] = [0, 419];
    await using server = await loopbackServer(({ url, headers }, response) => {
      if (url === "/login") response.end(JSON.stringify({ token: `t${(logins += 1)}` }));
      else response.writeHead(headers["x-token"] === "t1" ? refusing : 200).end();
    });
    await using http = testRequester();
    const send = [{ header: "X-Token", value: "${ .responses[0].body.token }" }];
    const auth = { login: { requests: [{ path: "/login" }], send, renewOn: ["419"] } };
    const asked = byEndpoint({ baseURL: server.url, auth }, { path: "/x" });
    refusing = 401;
    expect(await http.send(asked)).toMatchObject({ response: { statusCode: 401 } });
    refusing = 419;
    expect(await http.send(asked)).toMatchObject({ response: { statusCode: 200 } });
    expect(logins).toBe(2);
  });

  test("with a wrong password is tried once, not again for most of a minute, and its answer is told to nobody", async () => {
    await using server = await startTokenLogin();
    await using http = testRequester();
    const wrong = { inputs: { pass: { secretKeyRef: { name: "ada", key: "wrong" } } } };
    const asked = byEndpoint({ baseURL: server.url, auth: tokenLogin(wrong) });
    const refusals = await Promise.all(Array.from({ length: 20 }, () => http.send(asked, { objects })));
    const message = 'HTTPEndpoint "users": spec.auth.login.requests[0]: answered 403, where expect.status has 2xx';
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ type: "refusal", reason: "CredentialRefused", message, heals: true });
      expect((refusal as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(40_000);
    }
    expect([server.tries, server.requests.length]).toEqual([1, 1]);
    expect(JSON.stringify([refusals, http.occurrences])).not.toContain("not ada's password");
    // Another Secret is another login.
    const right = byEndpoint({ baseURL: server.url, auth: tokenLogin() });
    expect(await http.send(right, { objects })).toMatchObject({ response: { statusCode: 200 } });
  });

  test("that is ended: when its endpoint goes, and when Holdfast stops, each session is logged out once", async () => {
    await using server = await startFormLogin();
    await using http = testRequester();
    const asked = (name: string): Exchange => byEndpoint({ baseURL: server.url, auth: formLogin }, { path: "/x" }, { name });
    for (const name of ["one", "two", "three"]) await http.send(asked(name), { objects });
    expect(server.sessions.size).toBe(3);
    http.requester.forgetEndpoint({ namespace: "team-a", name: "one" });
    await http.requester.endSessions();
    expect([server.sessions.size, server.requests.filter(({ url }) => url === "/logout/").length]).toEqual([0, 3]);
    expect(await http.send(asked("one"), { objects })).toMatchObject({ response: { statusCode: 200 } });
    expect(server.tries).toBe(4);
  });

  test("that is no jq, or leaves the endpoint's base, is refused before anybody logs in", async () => {
    await using server = await startTokenLogin();
    await using http = testRequester();
    const send = [{ header: "Authorization", value: "${ .responses[0]. }" }];
    const cases = [
      [tokenLogin({ send }), "InvalidExpression", "spec.auth.login.send[0].value"],
      [tokenLogin({ expires: "(" }), "InvalidExpression", "spec.auth.login.expires"],
      [tokenLogin({ requests: [{ path: "/../login" }] }), "InvalidURL", "spec.auth.login.requests[0].path"],
      [tokenLogin({ requests: [{ path: "/..;/login" }] }), "InvalidURL", "spec.auth.login.requests[0].path"],
    ] as const;
    for (const [index, [auth, reason, field]] of cases.entries()) {
      const asked = byEndpoint({ baseURL: `${server.url}/api`, auth }, {}, { name: `e${index}` });
      const refusal = await http.send(asked, { objects });
      expect(refusal).toMatchObject({ type: "refusal", reason, heals: true, message: expect.stringContaining(field) });
    }
    expect(server.requests.length).toBe(0);
  });

  test("is shown with asterisks: what it sends, and what its requests get", async () => {
    await using http = testRequester();
    const shown = await http.requester.describe(
      byEndpoint({ baseURL: "http://127.0.0.1:1", auth: formLogin }),
      reader(objects),
      never,
    );
    expect(shown).toMatchObject({
      headers: expect.arrayContaining([
        { name: "x-csrftoken", value: "***" },
        { name: "cookie", value: "***" },
      ]),
    });
  });
});

describe("a login server that", () => {
  const secret = "s3cret-of-the-server";
  const answers: readonly (readonly [string, number, string, Record<string, string>])[] = [
    ["answers 500", 500, secret, {}],
    ["answers 429", 429, secret, { "retry-after": "120" }],
    ["redirects elsewhere", 302, "", { location: `http://127.0.0.1:1/${secret}` }],
    ["answers with no JSON", 200, secret, {}],
    ["answers without a token", 200, JSON.stringify({ note: secret }), {}],
    ["answers with an empty token", 200, '{"token": ""}', {}],
    ["answers with a token that would end the field", 200, JSON.stringify({ token: `${secret}\r\nX: 1` }), {}],
    ["answers with a token of 70,000 characters", 200, JSON.stringify({ token: `${secret}${"x".repeat(70_000)}` }), {}],
    ["answers with a list for a token", 200, JSON.stringify({ token: [secret] }), {}],
    ["answers with more than is read", 200, JSON.stringify({ token: `${secret}${"x".repeat(300_000)}` }), {}],
  ];
  test.each(answers)("%s is a refusal that heals, without what it sent", async (_name, status, body, headers) => {
    await using origin = await loopbackServer(({ url }, response) => {
      if (url === "/login") response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
      else response.end();
    });
    await using http = testRequester();
    const asked = byEndpoint({ baseURL: origin.url, auth: tokenLogin() });
    const refusal = await http.send(asked, { objects });
    expect(refusal).toMatchObject({ type: "refusal", heals: true, message: expect.stringContaining("spec.auth.login") });
    expect(["TokenRequestFailed", "CredentialRefused"]).toContain((refusal as { reason: string }).reason);
    if (status === 429) expect((refusal as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(100_000);
    expect(origin.requests.map(({ url }) => url)).toEqual(["/login"]);
    expect(JSON.stringify([refusal, http.occurrences])).not.toContain(secret);
  });

  test("is down is a refusal that heals", async () => {
    await using http = testRequester();
    const asked = byEndpoint({ baseURL: "http://127.0.0.1:1", auth: tokenLogin() });
    expect(await http.send(asked, { objects })).toMatchObject({
      type: "refusal",
      reason: "TokenRequestFailed",
      heals: true,
      message: expect.stringContaining("spec.auth.login.requests[0]: nothing accepts connections"),
    });
  });

  test("hangs for the endpoints of many namespaces answers another's, and one that fails takes no session from anybody", async () => {
    await using slow = await loopbackServer(() => {});
    await using server = await startTokenLogin();
    await using http = testRequester({ connectionsPerOrigin: 2 });
    const url = `${slow.url}/login`;
    const hanging = tokenLogin({ requests: [{ url, body: { json: "${ .inputs.pass }" } }] });
    for (let index = 0; index < 20; index += 1) {
      const by = { namespace: `attacker-${index % 5}`, name: `own-${index}` };
      using requests = http.requester.begin(`HTTPRequest/${by.namespace}/${index}`);
      const busy = await requests.prepare(byEndpoint({ baseURL: server.url, auth: hanging }, {}, by), reader(objects), never);
      expect(busy).toMatchObject({ type: "busy", reason: "TokenPending" });
    }
    const victim = byEndpoint({ baseURL: server.url, auth: tokenLogin() }, { path: "/ok" }, { namespace: "victim" });
    expect(await http.send(victim, { objects })).toMatchObject({ response: { statusCode: 200 } });

    const refused = byEndpoint({ baseURL: server.url, auth: tokenLogin() }, { path: "/refused" }, { namespace: "victim" });
    for (let round = 0; round < 5; round += 1) {
      expect(await http.send(refused, { objects })).toMatchObject({ response: { statusCode: 401 } });
      expect(await http.send(victim, { objects })).toMatchObject({ response: { statusCode: 200 } });
    }
    expect(server.tries).toBe(2);
  });
});
