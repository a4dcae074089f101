/**
 * Stands in front of the API server and passes requests on, but for what a test picks: a request that it answers itself,
 * one that it holds on its way there or back, and a stream that it rewrites.
 */
import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import type { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ControlPlaneClient } from "./control-plane-client.ts";

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Pass the request on first and drop what came back: the server acted, its reply was lost. */
  readonly afterwards?: true;
}
export interface InterposedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
export interface ApiInterposer extends AsyncDisposable {
  readonly url: string;
  /** Requests so far, as method and path with its query. */
  readonly requests: readonly string[];
  /** Empties the list of requests, of which there may be too many to keep. */
  readonly forget: () => void;
  /** Undefined: the request is passed on. Looked up for each request. */
  answer: (request: InterposedRequest) => Answer | "reset" | undefined;
  /**
   * The request or its reply goes on when the promise resolves, unless the client has gone by then. Looked up for each
   * request, when it has arrived and when the API server has replied to it.
   */
  hold: (request: InterposedRequest, what: "request" | "reply") => Promise<unknown> | undefined;
  /** What the body of the reply passes through, where it is to be changed. */
  rewrite: (request: InterposedRequest) => Transform | undefined;
  /** Resets every connection that is open now. */
  reset(): void;
}

/** A refusal as the API server words it. */
export function refusal(code: number, reason: string, message: string, details: object = {}): Answer {
  const body = JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message, details });
  return { status: code, headers: { "content-type": "application/json" }, body };
}

export async function startInterposer(plane: Pick<ControlPlaneClient, "url" | "certificate">): Promise<ApiInterposer> {
  const target = new URL(plane.url);
  const agent = new Agent({ keepAlive: true });
  const requests: string[] = [];
  const server = createServer({ ...plane.certificate }, (incoming, response) => {
    serve(incoming, response).catch(() => response.destroy()); // one of the two sides has gone
  });
  server.keepAliveTimeout = 60_000; // the client closes first, so that a connection ends when the test says so

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url: path = "", headers } = incoming;
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request = { method, path, headers, body: Buffer.concat(chunks).toString() };
    requests.push(`${method} ${path}`);
    await interposer.hold(request, "request");
    if (response.destroyed) return;
    const answer = interposer.answer(request);
    if (answer === "reset") return void response.socket?.destroy();
    const reply = (): void => void response.writeHead(answer?.status ?? 500, answer?.headers ?? {}).end(answer?.body);
    if (answer && answer.afterwards !== true) return reply();
    const upstream = await passOn(request, response);
    await interposer.hold(request, "reply");
    if (answer) return void upstream.resume().once("end", reply);
    response.writeHead(upstream.statusCode ?? 502, upstream.headers);
    response.flushHeaders();
    const rewriting = interposer.rewrite(request);
    await (rewriting ? pipeline(upstream, rewriting, response) : pipeline(upstream, response));
  }
  function passOn({ method, path, headers, body }: InterposedRequest, response: ServerResponse): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const options = { host: target.hostname, port: target.port, path, method, headers, ca: plane.certificate.cert, agent };
    const onward = httpsRequest(options, resolve);
    onward.on("error", reject);
    response.on("close", () => {
      if (!response.writableFinished) onward.destroy();
    });
    onward.end(body);
    return promise;
  }

  const interposer: ApiInterposer = {
    get url() {
      return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    requests,
    forget: () => void requests.splice(0),
    answer: () => undefined,
    hold: () => undefined,
    rewrite: () => undefined,
    reset: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      agent.destroy();
    },
  };
  await once(server.listen(0, "127.0.0.1"), "listening");
  return interposer;
}
