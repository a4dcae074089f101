/**
 * No namespace has the last place: at an origin, of a client's connections, at a token server, in the Map of clients. Guards against
 * one tenant's requests that hang holding up those of another, with whom it shares what it hangs on.
 */
import { afterAll, describe, expect, test } from "@jest/globals";
import type { AuthSources } from "../../src/core/auth.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import type { Lane } from "../../src/core/lane.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import { unlessAborted } from "../../src/core/tools/deadline.ts";
import { createAuthority } from "../support/certificates.ts";
import {
  exchange,
  literal,
  never,
  reader,
  testRequester,
  type TestRequester,
  type TestRequesterOptions,
} from "../support/loopback-requester.ts";
import { http2LoopbackServer, loopbackServer, type LoopbackServer } from "../support/loopback.ts";
import { proxyServer } from "../support/proxy-server.ts";
import { eventually } from "../support/tcp-table.ts";

const authority = createAuthority("Shares");
afterAll(() => authority[Symbol.dispose]());

type Server = Omit<LoopbackServer, "requests">;
type Changes = Parameters<typeof exchange>[0];

/** As a reconcile of `namespace` sends it: it comes again when it is told that it is its turn. */
async function sendFrom(
  http: TestRequester,
  namespace: string,
  name: string,
  { signal = never, lane = "change", ...changes }: Changes & { readonly signal?: AbortSignal; readonly lane?: Lane },
): Promise<Outcome> {
  const declared = exchange(changes);
  const from: Exchange = { ...declared, scope: { ...declared.scope, metadata: { name, namespace, uid: name } } };
  const resource = `HTTPRequest/${namespace}/${name}`;
  for (;;) {
    const come = await oneReconcile();
    if (!("free" in come)) return come;
    await unlessAborted(signal, come.free).catch(() => {});
    if (signal.aborted) return { type: "failure", reason: "Aborted", message: "", sent: false };
  }

  /** The outcome, or when to come again. */
  async function oneReconcile(): Promise<Outcome | { readonly free: Promise<void> }> {
    using requests = http.requester.begin(resource, undefined, undefined, lane);
    const prepared = await requests.prepare(from, reader({}), never);
    return prepared.type === "prepared" ? await prepared.send(signal) : prepared;
  }
}

const hangs = (tls?: Parameters<typeof loopbackServer>[1]): Promise<Server> =>
  loopbackServer(({ url }, response) => void (url.startsWith("/hang") || response.end("ok")), tls);

interface Way {
  readonly about: string;
  readonly server?: () => Promise<Server>;
  readonly options?: TestRequesterOptions;
  readonly changes?: Changes;
  readonly proxy?: "HTTP_PROXY" | "HTTPS_PROXY";
}
const trusted = { tls: { ca: literal(authority.ca) } };
const overTLS = (): Promise<Server> => hangs(authority.issue("IP:127.0.0.1"));
const overHTTP2 = (): Promise<Server> =>
  http2LoopbackServer(
    authority.issue("IP:127.0.0.1"),
    ({ url }, response) => void (url.startsWith("/hang") || response.end("ok")),
  );
const ways: readonly Way[] = [
  { about: "one client" },
  { about: "a client for each namespace", options: { clientIsolation: "namespace" } },
  { about: "two connections at most", options: { connectionsPerOrigin: 2 } },
  { about: "two places at the origin", options: { maxInFlightPerOrigin: 2 } },
  { about: "one client over TLS", server: overTLS, changes: trusted },
  { about: "HTTP/2", server: overHTTP2, changes: { http2: true, ...trusted } },
  { about: "HTTP/2 that the server does not speak", server: overTLS, changes: { http2: true, ...trusted } },
  { about: "a proxy that forwards", proxy: "HTTP_PROXY" },
  { about: "a proxy that digs tunnels", proxy: "HTTPS_PROXY", server: overTLS, changes: trusted },
];

describe.each(ways)("beside 20 requests of another namespace that hang, over $about:", (way) => {
  test.each([1, 2])("20 requests of a third are answered, where %i namespaces hang", async (count) => {
    if (way.options?.connectionsPerOrigin === 2 && count === 2) return; // two who have one each leave none of two
    if (way.options?.maxInFlightPerOrigin === 2 && count === 2) return;
    await using server = await (way.server ?? hangs)();
    await using proxy = way.proxy && (await proxyServer());
    const environment = proxy ? { [way.proxy ?? ""]: proxy.url } : {};
    await using http = testRequester({ maxInFlightPerOrigin: 10, environment, ...way.options });
    const stop = new AbortController();
    const hanging = Array.from({ length: 20 }, (_, index) =>
      sendFrom(http, `hanging-${index % count}`, `${index}`, {
        url: `${server.url}/hang`,
        timeoutMs: 600_000,
        signal: stop.signal,
        ...way.changes,
      }),
    );
    await eventually(
      () => http.requestsOnSockets(),
      (onSockets) => onSockets >= 1,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (let index = 0; index < 20; index += 1) {
      const changes = { url: `${server.url}/${index}`, timeoutMs: 600_000, signal: AbortSignal.timeout(60_000), ...way.changes };
      expect(await sendFrom(http, "victim", `${index}`, changes)).toMatchObject({ type: "response" });
    }
    // Sockets stay within their limit all the same, each namespace's own where they share none.
    const clients = way.options?.clientIsolation ? count + 1 : 1;
    const limit = (way.options?.connectionsPerOrigin ?? 6) * clients;
    expect((proxy ?? server).accepted).toBeLessThanOrEqual(limit);
    stop.abort(new Error("over"));
    await Promise.all(hanging);
  });
});

test.each([1, 10])("500 POSTs at once of %i namespaces go over 5 or 6 connections", async (namespaces) => {
  await using server = await loopbackServer((_request, response) => void setTimeout(() => response.end("ok"), 2));
  await using http = testRequester({ maxInFlightPerOrigin: 10 });
  const sent = Array.from({ length: 500 }, (_, index) =>
    sendFrom(http, `n-${index % namespaces}`, `${index}`, {
      url: server.url,
      request: { method: "POST" },
      timeoutMs: 60_000,
      freshAfterMs: 60_000, // on a busy machine one can be idle for half a second meanwhile
    }),
  );
  for (const outcome of await Promise.all(sent)) expect(outcome).toMatchObject({ type: "response" });
  expect(server.requests).toHaveLength(500);
  expect([5, 6]).toContain(server.accepted);
});

test("F21: beside a listing that waits at an origin, a change has the next place there, and its turn", async () => {
  await using server = await loopbackServer((_request, response) => void setTimeout(() => response.end("ok"), 5));
  await using http = testRequester({ maxInFlightPerOrigin: 4 });
  const listed = Array.from({ length: 400 }, (_, index) =>
    sendFrom(http, "team", `${index}`, { url: `${server.url}/listed`, timeoutMs: 60_000, lane: "listing" }),
  );
  await eventually(
    () => server.requests.length,
    (count) => count >= 20,
  );
  const before = server.requests.length;
  await sendFrom(http, "team", "mine", { url: `${server.url}/mine`, timeoutMs: 60_000 });
  const place = server.requests.findIndex(({ url }) => url === "/mine");
  expect(place - before).toBeLessThanOrEqual(8); // those on their way, and those whose turn had come
  await Promise.all(listed);
});

test("at a token server that answers none of one namespace's requests, another gets its token", async () => {
  await using tokens = await loopbackServer(({ body }, response) => {
    if (body.includes("hang")) return;
    response
      .writeHead(200, { "content-type": "application/json" })
      .end('{"access_token": "secret-token", "token_type": "bearer", "expires_in": 3600}');
  });
  await using server = await hangs();
  await using http = testRequester({ maxInFlightPerOrigin: 10 });
  const stop = new AbortController();
  const auth = (id: string): AuthSources => ({
    type: "oauth2",
    field: "spec.auth.oauth2",
    tokenURL: `${tokens.url}/token`,
    clientID: literal(id),
    client: { type: "secret", secret: literal("secret"), method: "Post" },
    scopes: [],
  });
  const endpoint = (namespace: string, name: string): Exchange["endpoint"] => ({
    key: { namespace, name },
    credentialNamespace: namespace,
    title: `HTTPEndpoint "${name}"`,
  });
  const hanging = Array.from({ length: 12 }, (_, index) =>
    sendFrom(http, "hanging", `${index}`, {
      url: server.url,
      auth: auth(`hang-${index}`),
      endpoint: endpoint("hanging", `${index}`)!,
      signal: stop.signal,
    }),
  );
  // And its ordinary requests to the same origin, with the timeout that requests for tokens have.
  const alsoHanging = Array.from({ length: 12 }, (_, index) =>
    sendFrom(http, "hanging", `plain-${index}`, {
      url: tokens.url,
      request: { method: "POST", body: { type: "text", field: "spec.body", text: "hang" } },
      timeoutMs: 30_000,
      signal: stop.signal,
    }),
  );
  await eventually(
    () => tokens.requests.length,
    (count) => count >= 10,
  );
  for (let index = 0; index < 5; index += 1) {
    const changes = { url: server.url, auth: auth(`own-${index}`), endpoint: endpoint("victim", `${index}`)! };
    const outcome = await sendFrom(http, "victim", `${index}`, { ...changes, signal: AbortSignal.timeout(20_000) });
    expect(outcome).toMatchObject({ type: "response", response: { statusCode: 200 } });
  }
  stop.abort(new Error("over"));
  await Promise.all([...hanging, ...alsoHanging]);
});

test("a namespace with more timeouts than there may be clients takes none from another", async () => {
  await using server = await hangs();
  await using http = testRequester({ maxInFlightPerOrigin: 10, maxClients: 16 });
  const opened = (): number => server.accepted;
  await sendFrom(http, "victim", "first", { url: server.url, timeoutMs: 7_777 });
  const before = opened();
  for (let index = 0; index < 60; index += 1) {
    await sendFrom(http, "many", `${index}`, { url: server.url, timeoutMs: 10_000 + index });
    if (index % 20 === 19) await sendFrom(http, "victim", `${index}`, { url: server.url, timeoutMs: 7_777 });
  }
  expect(opened() - before).toBe(60); // one for each timeout, and none for the victim
  expect(http.clients.size).toBeLessThanOrEqual(16);
});
