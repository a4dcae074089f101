/**
 * An origin that counts what reaches it, and answers as badly as a test wants.
 *
 * It acts on a request when all of it has arrived, before it answers. What carries an idempotency key that it has seen is
 * counted as a request and not as an effect.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface OriginRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** How many requests for this path there have been, with this one. */
  readonly nth: number;
  /** When it had arrived, on a monotonic clock. */
  readonly atMs: number;
}
export type Reply =
  | {
      readonly type: "answer";
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  /** The header and the first half of the content, and nothing more. */
  | { readonly type: "half" }
  | { readonly type: "reset" };

export interface FaultOrigin extends AsyncDisposable {
  readonly url: string;
  /** Connections open now. */
  readonly connections: number;
  /** Every request, in the order of arrival. */
  readonly requests: readonly OriginRequest[];
  /** Empties the list of requests, of which there may be too many to keep; what was counted stays. */
  readonly forget: () => void;
  /** How often a path was asked for. */
  count(path: string): number;
  /** How often it was acted upon. */
  effects(path: string): number;
  /** Looked up for each request. One whose promise never resolves is never answered. */
  reply: (request: OriginRequest) => Reply | Promise<Reply>;
}

const content = JSON.stringify({ done: true });

export async function startFaultOrigin(): Promise<FaultOrigin> {
  const requests: OriginRequest[] = [];
  const counts = new Map<string, number>();
  const effects = new Map<string, number>();
  const keys = new Set<string>();
  let connections = 0;

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = "", url: path = "", headers } = incoming;
    const nth = (counts.get(path) ?? 0) + 1;
    counts.set(path, nth);
    const key = headers["idempotency-key"];
    if (typeof key !== "string" || !keys.has(key)) effects.set(path, (effects.get(path) ?? 0) + 1);
    if (typeof key === "string") keys.add(key);
    const request = { method, path, headers, body: Buffer.concat(chunks).toString(), nth, atMs: performance.now() };
    requests.push(request);
    const reply = await origin.reply(request);
    switch (reply.type) {
      case "answer":
        response.writeHead(reply.status ?? 200, { "content-type": "application/json", ...reply.headers });
        response.end(reply.body === undefined ? content : JSON.stringify(reply.body));
        return;
      case "half":
        response.writeHead(200, { "content-type": "application/json", "content-length": String(content.length) });
        response.write(content.slice(0, content.length / 2));
        return;
      case "reset":
        response.socket?.resetAndDestroy();
    }
  }

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy()); // the client has gone
  });
  server.keepAliveTimeout = 60_000;
  server.on("connection", (socket) => {
    connections += 1;
    socket.on("close", () => {
      connections -= 1;
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const origin: FaultOrigin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections;
    },
    requests,
    forget: () => void requests.splice(0),
    count: (path) => counts.get(path) ?? 0,
    effects: (path) => effects.get(path) ?? 0,
    reply: () => ({ type: "answer" }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return origin;
}
