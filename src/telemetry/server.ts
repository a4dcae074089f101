/** The HTTP servers for metrics, health and the admin page. They serve reads of a few paths, and answer nothing else. */
import { withoutBrackets } from "../core/tools/host.ts";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import { follow, minVersion, type Certificates } from "./certificates.ts";

interface HTTPAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}
/** Paths and what they answer. */
type Routes = Readonly<Record<string, (query: URLSearchParams) => HTTPAnswer | Promise<HTTPAnswer>>>;

interface Listener extends AsyncDisposable {
  readonly port: number;
}
/** Makes it HTTPS, for those who may. */
export interface Guard {
  readonly certificates: Certificates;
  /** Whether the bearer of a token may read a path. */
  access(token: string, path: string, signal: AbortSignal): Promise<"allowed" | "forbidden" | "unauthenticated">;
}

interface Limits {
  /** The flag that says the address, for whoever has to change it. */
  readonly flag: string;
  readonly guard?: Guard | undefined;
  /** Whether it is served under this name; so that no web page can read it whose own name resolves to loopback. */
  readonly isHost?: (name: string) => boolean;
}

/**
 * `address` is `host:port`, or `:port` for every interface. Throws an error that names the flag where nobody can listen
 * there, and what reading the guard's certificate does.
 */
export async function serve(address: string, routes: Routes, { flag, guard, isHost = () => true }: Limits): Promise<Listener> {
  await using resources = new AsyncDisposableStack();
  const ending = new AbortController();
  resources.defer(() => ending.abort());
  const listener: RequestListener = (request, response) => {
    const [path = "/", query = ""] = (request.url ?? "/").split("?");
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    const reply = ({ status, contentType, body, headers }: HTTPAnswer): void => {
      response.writeHead(status, { "content-type": contentType, "x-content-type-options": "nosniff", ...headers });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    async function answer(): Promise<HTTPAnswer> {
      const refused = guard && (await refusal(guard, { path, header: request.headers.authorization, signal: ending.signal }));
      if (refused) return refused;
      if (!isHost((request.headers.host ?? "").replace(/:\d+$/, ""))) return text(421, "not served under this name");
      if (!route) return text(404, "not found");
      if (request.method !== "GET" && request.method !== "HEAD") return text(405, "only GET and HEAD");
      return await route(new URLSearchParams(query));
    }
    answer().then(reply, () => reply(text(500, "failed")));
  };
  const server = guard ? await secureServer(guard.certificates, listener) : createServer(listener);
  server.requestTimeout = 10_000;
  const colon = address.lastIndexOf(":");
  const host = withoutBrackets(address.slice(0, colon));
  server.listen({ port: Number(address.slice(colon + 1)), ...(host !== "" && { host }) });
  await once(server, "listening").catch((error: unknown) => {
    throw new Error(`${flag} ${address}: ${listenProblem(error)}`, { cause: error });
  });
  resources.defer(() => close(server));
  const open = resources.move();
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

function listenProblem(error: unknown): string {
  const code = Error.isError(error) && "code" in error ? String(error.code) : "unknown";
  switch (code) {
    case "EADDRINUSE":
      return "another process listens there already; choose another port, or end that process";
    case "EACCES":
      return "this process may not listen there; choose a port above 1023";
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return "this machine has no such address";
    default:
      return `nobody can listen there (${code})`;
  }
}

async function secureServer(certificates: Certificates, listener: RequestListener): Promise<Server> {
  const first = await certificates.read();
  const server = createSecureServer({ ...first, minVersion }, listener);
  follow(server, certificates, first);
  return server;
}

/** RFC 6750: undefined where the request has a bearer token whose bearer may. */
async function refusal(
  guard: Guard,
  { path, header = "", signal }: { path: string; header: string | undefined; signal: AbortSignal },
): Promise<HTTPAnswer | undefined> {
  const [, token] = /^Bearer ([A-Za-z0-9\-._~+/]+=*)$/i.exec(header) ?? [];
  switch (token === undefined ? "unauthenticated" : await guard.access(token, path, signal)) {
    case "allowed":
      return undefined;
    case "forbidden":
      return text(403, "forbidden");
    case "unauthenticated":
      return { ...text(401, "unauthorized"), headers: { "www-authenticate": "Bearer" } };
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
}

function text(status: number, body: string): HTTPAnswer {
  return { status, contentType: "text/plain; charset=utf-8", body: `${body}\n` };
}

/** All of the registry in Prometheus's text format. */
export function metricsRoutes(registry: Registry): Routes {
  return { "/metrics": async () => ({ status: 200, contentType: registry.contentType, body: await registry.metrics() }) };
}

/** The checks that fail, each as a sentence; none means ready, and alive. */
interface HealthChecks {
  readonly notReady: () => readonly string[];
  readonly notLive: () => readonly string[];
}

/**
 * For the probes: 200, or 503 with a line for each check that fails.
 * https://kubernetes.io/docs/reference/using-api/health-checks/
 */
export function healthRoutes({ notReady, notLive }: HealthChecks): Routes {
  return { "/healthz": () => health(notLive()), "/readyz": () => health(notReady()) };
}
function health(failing: readonly string[]): HTTPAnswer {
  return failing.length === 0 ? text(200, "ok") : text(503, failing.map((check) => `[-] ${check}`).join("\n"));
}
