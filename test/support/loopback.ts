/** Servers on loopback that count what reaches them: the oracle of the HTTP tests. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import { createServer as createTcpServer, type AddressInfo, type Server as NetServer, type Socket } from "node:net";
import { socketsTo } from "./tcp-table.ts";

export interface LoopbackServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: number;
  readonly requests: readonly ReceivedRequest[];
}
export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
  readonly body: string;
  /** The body as it came. */
  readonly bytes: Buffer;
}

/** Answers each request when all of it has arrived. With `tls` it speaks https. */
export async function loopbackServer(
  listener: (request: ReceivedRequest, response: Parameters<RequestListener>[1]) => void,
  tls?: ServerOptions,
): Promise<LoopbackServer> {
  const requests: ReceivedRequest[] = [];
  const onRequest: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers, rawHeaders } = request;
      const bytes = Buffer.concat(chunks);
      const received = { method, url, headers, rawHeaders, body: bytes.toString(), bytes };
      requests.push(received);
      listener(received, response);
    });
  };
  const server: Server = tls ? createTlsServer(tls, onRequest) : createServer(onRequest);
  server.keepAliveTimeout = 60_000;
  let accepted = 0;
  server.on("connection", () => {
    accepted += 1;
  });
  const port = await listening(server);
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    get accepted() {
      return accepted;
    },
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** One that speaks HTTP/2, and HTTP/1.1 to who asks for that. */
export async function http2LoopbackServer(
  tls: ServerOptions,
  listener: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): Promise<Omit<LoopbackServer, "requests">> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createSecureServer({ ...tls, allowHTTP1: true }, listener);
  server.on("secureConnection", (socket: Socket) => {
    accepted += 1;
    sockets.add(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    get accepted() {
      return accepted;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

/** A server of bare TCP, for what no honest HTTP server would answer. */
export async function rawServer(
  onConnection: (socket: Socket) => void,
): Promise<AsyncDisposable & { readonly url: string; readonly port: number; readonly accepted: number }> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createTcpServer((socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("error", () => {}); // the client may go at any time
    socket.on("close", () => sockets.delete(socket));
    onConnection(socket);
  });
  const port = await listening(server);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    get accepted() {
      return accepted;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** At a port that no connection of an earlier server is still in TIME_WAIT with, since tests count those. */
async function listening(server: NetServer): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    if (tries === 100 || Object.keys(await socketsTo(port)).length === 0) return port;
    await once(server.close(), "close");
  }
}
