/**
 * The server that the examples talk to: a small users API, a webhook and an echo. What is made, changed and deleted there is so
 * from then on, until it ends. It counts what it is asked, so that a demonstration and a test can say how often that was.
 */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Webhook } from "standardwebhooks";
import { isRecord } from "../../src/core/tools/json.ts";
import { guideServer } from "./guide-servers.ts";
import type { Serve } from "./remote-servers.ts";

export interface DemoOrigin extends AsyncDisposable {
  readonly port: number;
  /** Connections accepted so far. */
  readonly connections: number;
  /** Most connections that were open at once, of those on which it was asked this, as `METHOD path`, after a time (performance.now). */
  mostOpen(asked: string, afterMs: number): number;
  /** Requests so far, as `METHOD path`, and how often. */
  readonly requests: ReadonlyMap<string, number>;
}

interface Connection {
  readonly socket: Socket;
  openedMs: number;
  closedMs: number;
  /** When each was asked last. */
  readonly askedMs: Map<string, number>;
}
interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}
type Route = (request: {
  readonly body: unknown;
  readonly bytes: Buffer;
  readonly headers: IncomingMessage["headers"];
  /** How often this has been asked, this time included. */
  readonly times: number;
}) => Reply | Promise<Reply>;

const sessionToken = "a-session-token-that-stays-secret";
const clientCredentials = `Basic ${Buffer.from("reporter:a-client-secret-that-stays-secret").toString("base64")}`;
const webhookToken = "Bearer a-token-that-stays-secret";

const routes: Readonly<Record<string, Route>> = {
  "POST /v1/notify": ({ headers }) =>
    headers.authorization === webhookToken
      ? { status: 202, body: { status: "sent", id: "n-1" } }
      : { status: 401, body: { status: "refused" } },
  "POST /token": ({ headers, body }) =>
    headers.authorization === clientCredentials && String(body).includes("grant_type=client_credentials")
      ? { status: 200, body: { access_token: "a-shared-token-that-stays-secret", token_type: "Bearer", expires_in: 3600 } }
      : { status: 401, body: { error: "invalid_client" } },
  "POST /reports/daily": ({ headers }) =>
    headers.authorization === "Bearer a-shared-token-that-stays-secret"
      ? { status: 201, body: { id: "r-1" } }
      : { status: 401, body: { error: "refused" } },
  "GET /directory/teams/platform": ({ headers }) => ({ status: 200, body: { source: headers["x-source"] } }),
  "POST /login": ({ body }) =>
    body === "user=ada&password=also-a-secret"
      ? { status: 200, body: { access_token: sessionToken, expires_in: 3600 } }
      : { status: 401, body: { error: "refused" } },
  "POST /portal/login": ({ body }) =>
    body === "user=ada&password=also-a-secret"
      ? {
          status: 200,
          headers: { "set-cookie": "portal=a-session-that-stays-secret; Max-Age=1800; HttpOnly" },
          body: { csrf: "c-1" },
        }
      : { status: 401, body: { error: "refused" } },
  "POST /portal/orders": ({ headers, body }) =>
    headers.cookie === "portal=a-session-that-stays-secret" && headers["x-csrf-token"] === "c-1"
      ? { status: 201, body: { order: body } }
      : { status: 401, body: { error: "who?" } },
  "GET /profile": ({ headers }) =>
    headers.authorization === `Bearer ${sessionToken}`
      ? { status: 200, body: { name: "Ada" } }
      : { status: 401, body: { error: "refused" } },
  "POST /hooks/T0/B0/secret-path": () => ({ status: 200, body: { ok: true } }),
  "GET /users/ada": () => ({ status: 200, body: { id: "ada", age: 36, serial: 1 } }),
  "GET /teams": () => ({
    status: 200,
    headers: { link: '</teams?page=2>; rel="next"' },
    body: { teams: [{ id: "t-1", name: "search" }] },
  }),
  "GET /teams?page=2": () => ({ status: 200, body: { teams: [{ id: "t-2", name: "platform" }] } }),
  "PUT /users/grace%2Fhopper": ({ body }) => ({ status: 200, body }),
  "POST /orders": ({ headers, body }) => ({ status: 201, body: { key: headers["idempotency-key"], order: body } }),
  "POST /receipts": ({ body }) => ({ status: 201, body: { receipt: body } }),
  "PUT /features/search": ({ body }) => ({ status: 200, body }),
  "PUT /features/checkout": ({ body }) => ({ status: 200, body }),
  "PUT /features/dark%20mode": ({ body }) => ({ status: 200, body }),
  "PUT /tokens": ({ headers }) => ({ status: headers.authorization?.startsWith("Bearer ") ? 200 : 401, body: {} }),
  "POST /invitations": ({ headers }) => ({ status: 201, body: { key: headers["idempotency-key"] } }),
  "GET /search?q=caf%C3%A9%20au%20lait&limit=10": () => ({ status: 200, body: { results: [] } }),
  "POST /files": async ({ bytes, headers }) => {
    const form = await new Response(bytes, { headers: { "content-type": headers["content-type"] ?? "" } }).formData();
    const fields = [...form].map(([name, value]) => [
      name,
      typeof value === "string" ? value : { name: value.name, type: value.type, size: value.size },
    ]);
    return { status: 201, body: Object.fromEntries(fields) as unknown };
  },
  "POST /reports": () => ({ status: 202, headers: { location: "/reports/r-1", "retry-after": "0" }, body: { id: "r-1" } }),
  "GET /reports/r-1": ({ times }) =>
    times === 1 ? { status: 202, body: { progress: 50 } } : { status: 200, body: { id: "r-1", rows: 1815 } },
  "GET /operations/make": ({ times }) =>
    times === 1 ? { status: 202, body: { progress: 50 } } : { status: 200, body: { id: "db-1" } },
  "GET /operations/remove": ({ times }) => ({ status: times === 1 ? 202 : 404, body: {} }),
  "POST /hooks/orders": ({ bytes, headers }) => {
    try {
      new Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").verify(bytes.toString(), headers as Record<string, string>);
      return { status: 200, body: { received: headers["webhook-id"] } };
    } catch {
      return { status: 401, body: { error: "refused" } };
    }
  },
  "PUT /partner/orders": ({ bytes, headers }) => {
    const signed = `${String(headers["x-partner-time"])}\nPUT\n/partner/orders\n${bytes.toString()}`;
    const expected = createHmac("sha512", "a-partner-key-that-stays-secret").update(signed).digest("hex");
    return { status: headers["x-partner-signature"] === `v1=${expected}` ? 200 : 401, body: {} };
  },
  "POST /notices": ({ body }) => ({ status: 200, body: { received: body } }),
  // What version 1.0 requires of an event, in binary or in structured mode.
  "POST /events": ({ body, headers }) => {
    const isStructured = headers["content-type"]?.startsWith("application/cloudevents+json") === true;
    const attributes = isStructured
      ? (body as Record<string, unknown>)
      : Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.replace(/^ce-/, ""), value]));
    const isWhole = ["id", "source", "type"].every((name) => typeof attributes[name] === "string" && attributes[name] !== "");
    return { status: isWhole && attributes["specversion"] === "1.0" ? 202 : 400, body: { id: attributes["id"] } };
  },
  "POST /heartbeat": () => ({ status: 200, body: {} }),
  "POST /echo": ({ body }) => ({ status: 200, body: { echo: body } }),
};

/** The objects of one server that are kept: others than these are only answered. */
function keptRoutes(): Readonly<Record<string, Route>> {
  const [user, team, database] = [
    createKept("/users/u-1001"),
    createKept("/teams/t-2", { id: "t-2", name: "platform", members: 12, rooms: 3 }),
    createKept("/databases/db-1"),
  ];
  return {
    ...user.routes,
    ...team.routes,
    ...database.routes,
    "POST /users": ({ body }) => ({ status: 201, body: user.make({ ...(body as object), id: "u-1001", serial: 7 }) }),
    "POST /databases": ({ body }) => {
      database.make({ ...(body as object), id: "db-1", host: "db-1.example" });
      return { status: 202, headers: { location: "/operations/make", "retry-after": "0" }, body: {} };
    },
    "DELETE /databases/db-1": (asked) => {
      void database.routes["DELETE /databases/db-1"]?.(asked);
      return { status: 202, headers: { location: "/operations/remove" }, body: {} };
    },
  };
}

interface Kept {
  readonly routes: Readonly<Record<string, Route>>;
  make(object: object): object;
}
/** One object at a path: shown, merged by PATCH and PUT (null takes a field away), and 404 while it is not there. */
function createKept(path: string, first?: object): Kept {
  let kept = first;
  const shown = (): Reply => (kept ? { status: 200, body: kept } : { status: 404, body: { error: "no such thing" } });
  const merge: Route = ({ body }) => {
    if (kept) kept = Object.fromEntries(Object.entries({ ...kept, ...(body as object) }).filter(([, value]) => value !== null));
    return shown();
  };
  const remove: Route = () => {
    const reply = shown();
    kept = undefined;
    return reply;
  };
  return {
    routes: { [`GET ${path}`]: shown, [`PATCH ${path}`]: merge, [`PUT ${path}`]: merge, [`DELETE ${path}`]: remove },
    make: (object) => (kept = object),
  };
}

/** `port` 0: any that is free. Throws what `listen` does (EADDRINUSE). */
export async function startDemoOrigin(port: number): Promise<DemoOrigin> {
  const requests = new Map<string, number>();
  const connections: Connection[] = [];
  const all = { ...routes, ...keptRoutes() };
  const others = guideServer();
  const server = createServer((request, response) => {
    const asked = `${request.method} ${request.url}`;
    connections.find(({ socket }) => socket === request.socket)?.askedMs.set(asked, performance.now());
    requests.set(asked, (requests.get(asked) ?? 0) + 1);
    const times = requests.get(asked) ?? 1;
    const route = Object.hasOwn(all, asked) ? all[asked] : undefined;
    // Whatever it is asked, it goes on: what it can make nothing of is the request's fault.
    answer(request, response, { times, route, others }).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return response.destroy();
      response.writeHead(400, { "content-type": "application/json" });
      return response.end(JSON.stringify({ error: String(error) }));
    });
  });
  server.on("connection", (socket) => {
    const connection: Connection = { socket, openedMs: Infinity, closedMs: Infinity, askedMs: new Map() };
    connections.push(connection);
    // What the client closed before it opened this one may be heard of after it, but within a turn of the event loop.
    setImmediate(() => setImmediate(() => (connection.openedMs = performance.now())));
    for (const event of ["end", "close"])
      socket.once(event, () => (connection.closedMs = Math.min(connection.closedMs, performance.now())));
  });
  await once(server.listen(port, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections.length;
    },
    mostOpen(asked, afterMs) {
      const asking = connections.filter(({ askedMs }) => (askedMs.get(asked) ?? 0) > afterMs);
      const open = asking.map(({ openedMs: atMs }) =>
        asking.filter(({ openedMs, closedMs }) => openedMs <= atMs && atMs < closedMs),
      );
      return Math.max(0, ...open.map(({ length }) => length));
    },
    requests,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { times, route, others }: { readonly times: number; readonly route: Route | undefined; readonly others: Serve },
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const text = bytes.toString();
  const isJSON = /^application\/(?:[\w.-]+\+)?json\b/.test(request.headers["content-type"] ?? "");
  const body: unknown = isJSON && text !== "" ? JSON.parse(text) : text;
  const { method = "", headers } = request;
  const { pathname: path, searchParams: query } = new URL(request.url ?? "", "http://x");
  const reply =
    (await route?.({ headers, bytes, body, times })) ??
    others({ method, path, query, headers, text, body: isRecord(body) ? body : {} }, 0);
  response.writeHead(reply?.status ?? (reply ? 200 : 404), { "content-type": "application/json", ...reply?.headers });
  response.end(reply?.status === 204 ? undefined : JSON.stringify(reply ? reply.body : { error: "no such thing" }));
}
