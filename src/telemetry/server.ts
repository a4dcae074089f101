/** The HTTP servers for metrics and health. They serve reads of a few paths, and answer nothing else. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}
/** Paths and what they answer. */
export type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>;

export interface Listener extends AsyncDisposable {
  readonly port: number;
}

/** `address` is `host:port`, or `:port` for every interface. Throws what `listen` does (EADDRINUSE). */
export async function serve(address: string, routes: Routes): Promise<Listener> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    const reply = ({ status, contentType, body }: Answer): void => {
      response.writeHead(status, { "content-type": contentType, "x-content-type-options": "nosniff" });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    if (!route) return reply(text(404, "not found"));
    if (request.method !== "GET" && request.method !== "HEAD") return reply(text(405, "only GET and HEAD"));
    Promise.resolve(route()).then(reply, () => reply(text(500, "failed")));
  });
  server.requestTimeout = 10_000;
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  server.listen({ port: Number(address.slice(colon + 1)), ...(host !== "" && { host }) });
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: () => close(server) };
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
}

function text(status: number, body: string): Answer {
  return { status, contentType: "text/plain; charset=utf-8", body: `${body}\n` };
}

export function metricsRoutes(registry: Registry): Routes {
  return { "/metrics": async () => ({ status: 200, contentType: registry.contentType, body: await registry.metrics() }) };
}

/** The checks that fail, each as a sentence; none means ready, and alive. */
export interface HealthChecks {
  readonly notReady: () => readonly string[];
  readonly notLive: () => readonly string[];
}

export function healthRoutes({ notReady, notLive }: HealthChecks): Routes {
  return { "/healthz": () => health(notLive()), "/readyz": () => health(notReady()) };
}
function health(failing: readonly string[]): Answer {
  return failing.length === 0 ? text(200, "ok") : text(503, failing.map((check) => `[-] ${check}`).join("\n"));
}
