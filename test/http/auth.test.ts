/** An endpoint's credential on the wire: with every try, on its own origin only, and never an empty one. */
import { describe, expect, test } from "@jest/globals";
import type { AuthSources } from "../../src/core/auth.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { at, exchange, fromSecret, literal, never, reader, testRequester } from "../support/loopback-requester.ts";
import { loopbackServer } from "../support/loopback.ts";

const field = 'HTTPEndpoint "users": spec.auth';
const endpoint = { key: { namespace: "team-a", name: "users" }, credentialNamespace: "team-a", title: 'HTTPEndpoint "users"' };
const bearer = (key = "token"): AuthSources => ({ field, type: "bearer", token: fromSecret("s", key, `${field}.bearer.token`) });
const objects = { secrets: { s: { token: "a-bearer-token", empty: "", newline: "token\n", key: "k&=1", aws: "an-aws-secret" } } };
const from = (base: string, auth: AuthSources, changes: Parameters<typeof exchange>[0] = {}): Exchange =>
  exchange({ url: { type: "joined", base, path: at("spec.path", "/a") }, auth, endpoint, ...changes });

describe("a credential", () => {
  test("goes along on a redirect of its own origin, not to another, and does not come back", async () => {
    await using origin = await loopbackServer(({ url }, response) => {
      const location = { "/a": "/b", "/b": `${other.url}/c` }[url.split("?")[0] ?? ""];
      response.writeHead(location === undefined ? 200 : 302, location === undefined ? {} : { location }).end();
    });
    await using other = await loopbackServer((_request, response) =>
      response.writeHead(302, { location: `${origin.url}/d` }).end(),
    );
    await using http = testRequester();
    const key: AuthSources = { field, type: "apiKey", in: "Query", name: "api key", value: fromSecret("s", "key") };
    for (const auth of [bearer(), key]) await http.send(from(origin.url, auth), { objects });
    expect(origin.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ["/a", "Bearer a-bearer-token"],
      ["/b", "Bearer a-bearer-token"],
      ["/d", undefined],
      ["/a?api%20key=k%26%3D1", undefined],
      ["/b?api%20key=k%26%3D1", undefined],
      ["/d", undefined],
    ]);
    for (const { url, headers } of other.requests) expect([url, headers.authorization]).toEqual(["/c", undefined]);
  });

  test("is added to a query that holds question marks, of which nothing is lost", async () => {
    await using origin = await loopbackServer(({ url }, response) => {
      const location = url.startsWith("/a") ? "/b?next=/c?d=e&f=g" : undefined;
      response.writeHead(location === undefined ? 200 : 302, location === undefined ? {} : { location }).end();
    });
    await using http = testRequester();
    const key: AuthSources = { field, type: "apiKey", in: "Query", name: "key", value: fromSecret("s", "key") };
    await http.send(from(origin.url, key), { objects });
    expect(origin.requests.map(({ url }) => url)).toEqual(["/a?key=k%26%3D1", "/b?next=/c?d=e&f=g&key=k%26%3D1"]);
  });

  test("replaces in a query whatever a server could take for it", async () => {
    await using origin = await loopbackServer((_request, response) => void response.end("{}"));
    await using http = testRequester();
    const key: AuthSources = { field, type: "apiKey", in: "Query", name: "api_key", value: fromSecret("s", "key") };
    const url = { type: "joined", base: `${origin.url}/v1`, path: at("spec.path", "/a") } as const;
    const twins =
      "%61pi_key=1&API_KEY=2&api%2Bkey=3&api+key=4&api_key[]=5&api_key%5B%5D=6&a=b;api_key=7&%2561pi_key=8&page=2&d=e=f";
    await http.send(from("", key, { url, request: { page: at("spec.lookup.next", `/v1/a?${twins}`) } }), { objects });
    await http.send(from("", key, { url, request: { location: at("spec.poll.url", `/v1/b?${twins}`) } }), { objects });
    expect(origin.requests.map(({ url }) => url)).toEqual(["a", "b"].map((path) => `/v1/${path}?page=2&d=e=f&api_key=k%26%3D1`));
  });

  test("of an admin's endpoint does not leave its base on a redirect", async () => {
    await using origin = await loopbackServer(({ url }, response) => {
      const location = { "/v1/a": "/v1/b", "/v1/b": "/v2/admin", "/v1/c": "/v1/..%2Fv2/admin", "/v1/d": "/v1/%252e./x" }[url];
      response.writeHead(location === undefined ? 200 : 302, location === undefined ? {} : { location }).end();
    });
    await using http = testRequester();
    const url = { type: "joined", base: `${origin.url}/v1`, path: at("spec.path", "/a"), confined: true } as const;
    for (const path of ["/a", "/c", "/d"])
      await http.send(from("", bearer(), { url: { ...url, path: at("spec.path", path) } }), { objects });
    expect(origin.requests.map(({ url: path, headers }) => [path, headers.authorization])).toEqual([
      ["/v1/a", "Bearer a-bearer-token"],
      ["/v1/b", "Bearer a-bearer-token"],
      ["/v2/admin", undefined],
      ["/v1/c", "Bearer a-bearer-token"],
      ["/v1/..%2Fv2/admin", undefined], // which some servers take for the same
      ["/v1/d", "Bearer a-bearer-token"],
      ["/v1/%252e./x", undefined],
    ]);
  });

  test("is signed anew for each hop", async () => {
    await using origin = await loopbackServer(({ url }, response) =>
      response.writeHead(url === "/a" ? 302 : 200, url === "/a" ? { location: "/b" } : {}).end(),
    );
    await using http = testRequester();
    const secretAccessKey = fromSecret("s", "aws");
    const aws = { type: "awsSigV4", region: "r", service: "s", accessKeyID: literal("AKID"), secretAccessKey } as const;
    await http.send(from(origin.url, { field, ...aws }), { objects });
    const signatures = origin.requests.map(({ headers }) => /Signature=(.*)$/.exec(headers.authorization ?? "")?.[1]);
    expect(new Set(signatures).size).toBe(2);
  });

  test.each([
    ["empty", "the value is empty"],
    ["newline", "the value holds a line break"],
    ["none", 'Secret "s" has no key "none"'],
  ])("mistake 7: that is %s is refused and never sent", async (key, text) => {
    await using origin = await loopbackServer((_request, response) => response.end());
    await using http = testRequester();
    const refusal = await http.send(from(origin.url, bearer(key)), { objects });
    expect(refusal).toMatchObject({ type: "refusal", heals: true, message: expect.stringContaining(text) });
    expect(origin.requests).toEqual([]);
  });

  test("wish 24: is three asterisks where a request is described", async () => {
    await using http = testRequester();
    const described = await http.requester.describe(from("http://users.example", bearer()), reader(objects), never);
    expect(described).toMatchObject({ headers: expect.arrayContaining([{ name: "authorization", value: "***" }]) });
    expect(JSON.stringify(described)).not.toContain("a-bearer-token");
  });
});

test("one retry is all that a chain of redirects has, however many of its connections are dead", async () => {
  const used = new WeakSet<object>();
  const dying = (next: () => string | undefined) =>
    loopbackServer(({ url }, response) => {
      const { socket } = response;
      if (url !== "/warm" && socket && used.has(socket)) return void socket.destroy();
      if (socket) used.add(socket);
      const location = url === "/warm" ? undefined : next();
      response.writeHead(location === undefined ? 200 : 302, location === undefined ? {} : { location }).end();
    });
  await using second = await dying(() => undefined);
  await using first = await dying(() => `${second.url}/b`);
  await using http = testRequester();
  for (const { url } of [first, second]) await http.send(exchange({ url: `${url}/warm` }));
  const outcome = await http.send(exchange({ url: `${first.url}/a` }));
  expect(outcome).toMatchObject({ type: "failure", reason: "ConnectionReset" });
  expect(http.occurrences.filter(({ type }) => type === "retried")).toHaveLength(1);
  expect([first.requests, second.requests].map((all) => all.map(({ url }) => url))).toEqual([
    ["/warm", "/a", "/a"],
    ["/warm", "/b"],
  ]);
});
