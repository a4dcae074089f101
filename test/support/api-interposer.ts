/** Stands in front of the API server, passes requests on, and gives its own answer to those that a test picks. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer, request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import type { ControlPlaneClient } from "./control-plane-client.ts";

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Pass the request on first and drop what came back: the server acted, its reply was lost. */
  readonly afterwards?: true;
}
export interface ApiInterposer extends AsyncDisposable {
  readonly url: string;
  /** Requests so far, as method and path with its query. */
  readonly requests: readonly string[];
  /** Undefined: the request is passed on. Looked up for each request. */
  answer: (request: { readonly method: string; readonly path: string }) => Answer | undefined;
}

export async function startInterposer(plane: ControlPlaneClient): Promise<ApiInterposer> {
  const target = new URL(plane.url);
  const requests: string[] = [];
  const server = createServer({ ...plane.certificate }, (request, response) => {
    const { method = "", url: path = "", headers } = request;
    requests.push(`${method} ${path}`);
    const answer = interposer.answer({ method, path });
    const reply = (): void => void response.writeHead(answer?.status ?? 500, answer?.headers ?? {}).end(answer?.body);
    if (answer && answer.afterwards !== true) {
      request.resume();
      return reply();
    }
    const options = { host: target.hostname, port: target.port, path, method, headers, ca: plane.certificate.cert, agent: false };
    const onward = httpsRequest(options, (upstream: IncomingMessage) => {
      if (answer) return void upstream.resume().once("end", reply);
      response.writeHead(upstream.statusCode ?? 502, upstream.headers);
      response.flushHeaders();
      pipeline(upstream, response).catch(() => response.destroy());
      return undefined;
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
    return undefined;
  });
  const interposer: ApiInterposer = {
    get url() {
      return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    requests,
    answer: () => undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  await once(server.listen(0, "127.0.0.1"), "listening");
  return interposer;
}
