/** A forward and CONNECT proxy on loopback. It counts its connections and what it is asked, and sees no more than a proxy does. */
import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";

export interface ProxyServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** `GET http://…` or `CONNECT host:port`, in the order of arrival. */
  readonly asked: readonly string[];
  /** Their Proxy-Authorization fields. */
  readonly credentials: readonly (string | undefined)[];
}
export interface ProxyServerOptions {
  /** It speaks TLS itself. */
  readonly tls?: ServerOptions;
  /** A status that it answers with instead of doing what it is asked; 0: it never answers. */
  readonly refusal?: number;
  /** Who asks for a tunnel to this host gets no answer. */
  readonly unreachable?: string;
}

export async function proxyServer({ tls, refusal, unreachable }: ProxyServerOptions = {}): Promise<ProxyServer> {
  const asked: string[] = [];
  const credentials: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  let accepted = 0;
  const owned = (socket: Socket): void => {
    sockets.add(socket.on("error", () => {}));
    socket.on("close", () => sockets.delete(socket));
  };
  const onAsked = ({ method, url, headers }: IncomingMessage): void => {
    asked.push(`${method} ${url}`);
    credentials.push(headers["proxy-authorization"]);
  };
  const forward = (request: IncomingMessage, response: ServerResponse): void => {
    onAsked(request);
    if (refusal === 0) return;
    if (refusal !== undefined) return void response.writeHead(refusal).end("refused by the proxy");
    const { "proxy-authorization": _, ...headers } = request.headers;
    const forwarded = httpRequest(request.url ?? "", { method: request.method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
      answer.on("close", () => answer.complete || response.destroy());
    });
    forwarded.on("error", () => response.destroy());
    response.on("close", () => forwarded.destroy());
    request.pipe(forwarded);
  };
  const server = tls ? createTlsServer(tls, forward) : createServer(forward);
  server.keepAliveTimeout = 60_000;
  server.on("connection", (socket: Socket) => {
    accepted += 1;
    owned(socket);
  });
  server.on("connect", (request: IncomingMessage, client: Socket) => {
    onAsked(request);
    owned(client);
    if (refusal === 0) return;
    if (refusal !== undefined) return void client.end(`HTTP/1.1 ${refusal} No\r\nContent-Length: 0\r\n\r\n`);
    const { hostname, port } = new URL(`tcp://${request.url}`);
    if (hostname === unreachable) return;
    const upstream = connect(Number(port), hostname.replace(/^\[|\]$/g, ""), () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(client).pipe(upstream);
    });
    owned(upstream);
    upstream.on("close", () => client.destroy());
    client.on("close", () => upstream.destroy());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${port}`,
    port,
    asked,
    credentials,
    get accepted() {
      return accepted;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
