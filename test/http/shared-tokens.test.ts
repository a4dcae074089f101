/** One OAuth token that several namespaces share: what one of them and the token server do costs the others nothing. */
import { describe, expect, test } from "@jest/globals";
import type { AuthSources } from "../../src/core/auth.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { exchange, fromSecret, literal, reader, scope, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";

const objects = { secrets: { client: { secret: "the client's secret" } } };
type Reply = Parameters<Parameters<typeof loopbackServer>[0]>[1];

function give(response: Reply, token: string): void {
  const body = JSON.stringify({ access_token: token, token_type: "bearer", expires_in: 3600 });
  response.writeHead(200, { "content-type": "application/json" }).end(body);
}
function oauth2(tokenURL: string): AuthSources {
  const secret = fromSecret("client", "secret");
  const client = { type: "secret", secret, method: "Post" } as const;
  return { field: "spec.auth.oauth2", type: "oauth2", tokenURL, clientID: literal("id"), client, scopes: [] };
}
/** A GET of the path by a namespace, with the endpoint that `name` is, or the one that all share. */
function from(origin: LoopbackServer, tokenURL: string, namespace: string, path: string, name = "shared"): Exchange {
  const key = { namespace: name === "shared" ? "" : namespace, name };
  const endpoint = { key, credentialNamespace: name === "shared" ? "admins" : namespace, title: "the endpoint" };
  const url = { type: "joined", base: origin.url, path: { field: "spec.path", text: path } } as const;
  const asked = exchange({ url, auth: oauth2(tokenURL), endpoint });
  return { ...asked, scope: { ...scope, metadata: { ...scope.metadata, namespace } } };
}
/** Answers 401 to whatever has not one of the tokens that are good, and to everything at /refused. */
function originFor(good: ReadonlySet<string>): Promise<LoopbackServer> {
  return loopbackServer(({ url, headers }, response) => {
    const token = headers.authorization?.replace("Bearer ", "") ?? "";
    response.writeHead(url.startsWith("/refused") || !good.has(token) ? 401 : 200).end("{}");
  });
}

describe("a path that always answers 401 takes the token from nobody, where the token server then", () => {
  const ways: readonly (readonly [string, (response: Reply) => void])[] = [
    ["answers 429", (response) => void response.writeHead(429, { "retry-after": "600" }).end()],
    ["answers 500", (response) => void response.writeHead(500).end()],
    [
      "answers 400 invalid_client",
      (response) => void response.writeHead(400, { "content-type": "application/json" }).end('{"error":"invalid_client"}'),
    ],
    ["answers no token", (response) => void response.writeHead(200, { "content-type": "application/json" }).end("{}")],
    ["closes the connection", (response) => void response.socket?.destroy()],
    ["hangs", () => {}],
  ];
  test.each(ways)("%s", async (name, fail) => {
    let asked = 0;
    await using tokens = await loopbackServer((_request, response) =>
      (asked += 1) === 1 ? give(response, "t1") : fail(response),
    );
    await using origin = await originFor(new Set(["t1"]));
    await using http = testRequester();
    const send = (namespace: string, path: string) =>
      http.send(from(origin, `${tokens.url}/token`, namespace, path), { objects });
    expect(await send("victim", "/ok")).toMatchObject({ response: { statusCode: 200 } });
    const attacks = Array.from({ length: 5 }, () => send("attacker", "/refused"));
    for (let round = 0; round < 20; round += 1)
      expect(await send("victim", "/ok")).toMatchObject({ response: { statusCode: 200 } });
    if (name !== "hangs")
      for (const outcome of await Promise.all(attacks)) expect(outcome).toMatchObject({ response: { statusCode: 401 } });
    expect(await send("victim", "/ok")).toMatchObject({ response: { statusCode: 200 } });
    expect(asked).toBeLessThanOrEqual(3); // a connection that dies under a request has it sent once more
  });
});

test("a path that always answers 401 has the token renewed once, and others go on with one that is good", async () => {
  const good = new Set<string>();
  let asked = 0;
  await using tokens = await loopbackServer((_request, response) => {
    good.clear(); // a server at which one token at a time is good
    good.add(`t${(asked += 1)}`);
    give(response, `t${asked}`);
  });
  await using origin = await originFor(good);
  await using http = testRequester();
  const send = (namespace: string, path: string) => http.send(from(origin, `${tokens.url}/token`, namespace, path), { objects });
  await send("victim", "/ok");
  for (let round = 0; round < 10; round += 1) {
    expect(await send("attacker", `/refused/${round}`)).toMatchObject({ response: { statusCode: 401 } });
    expect(await send("victim", "/ok")).toMatchObject({ response: { statusCode: 200 } });
  }
  expect(asked).toBe(2);
});

test("a token server that hangs for the endpoints of many namespaces answers another's", async () => {
  await using tokens = await loopbackServer(({ url }, response) => void (url === "/token" && give(response, "t1")));
  await using origin = await originFor(new Set(["t1"]));
  await using http = testRequester({ connectionsPerOrigin: 2 });
  for (let index = 0; index < 20; index += 1) {
    const namespace = `attacker-${index % 5}`;
    using requests = http.requester.begin(`HTTPRequest/${namespace}/${index}`);
    const asked = from(origin, `${tokens.url}/hangs`, namespace, "/ok", `own-${index}`);
    const busy = await requests.prepare(asked, reader(objects), new AbortController().signal);
    expect(busy).toMatchObject({ type: "busy", reason: "TokenPending" });
  }
  const outcome = await http.send(from(origin, `${tokens.url}/token`, "victim", "/ok", "users"), { objects });
  expect(outcome).toMatchObject({ response: { statusCode: 200 } });
});
