/** A server that behaves as the one of provider-http's own tests does: objects by id, sessions, messages, failures, what is not there. */
import type { RequestListener } from "node:http";
import type { ServerOptions } from "node:https";
import { isRecord, parseJSON } from "../../src/core/tools/json.ts";
import { loopbackServer, type LoopbackServer, type ReceivedRequest } from "./loopback.ts";

export const peerKey = `a "key" to everything`;
export interface PeerOrigin extends LoopbackServer {
  /** What is there now, by path. */
  readonly objects: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

/** `key`: what has to follow Bearer or Basic; undefined: nothing is asked. */
export async function peerOrigin(options: { readonly key?: string; readonly tls?: ServerOptions } = {}): Promise<PeerOrigin> {
  const objects = new Map<string, Readonly<Record<string, unknown>>>();
  let made = 0;
  const server = await loopbackServer((request, response) => {
    const answer = (statusCode: number, body: object): void => {
      response.writeHead(statusCode, { "content-type": "application/json", "x-stamp": "of today" }).end(JSON.stringify(body));
    };
    const given = request.headers.authorization?.replace(/^(Bearer|Basic) /, "");
    if (options.key !== undefined && given !== options.key) return answer(401, { error: "who are you" });
    answerTo(request, response, answer);
  }, options.tls);

  function answerTo(
    { method, url, body }: ReceivedRequest,
    response: Parameters<RequestListener>[1],
    answer: (statusCode: number, body: object) => void,
  ): void {
    const [, , kind = "", id] = url.startsWith("/api/") ? url.split("/") : ["", "", ...url.split("/").slice(1)];
    switch (`${method} ${kind}`) {
      case "POST sessions":
        return answer(201, { token: options.key ?? "none" });
      case "POST messages":
        return answer(201, { number: 123, state: "posted", more: { one: 1 } });
      case "POST failures":
        return answer(500, { error: "as always" });
      case "POST hooks":
      case "POST notes":
        return answer(201, { got: body.length });
      case "GET anything":
        return answer(200, { here: true });
      case "GET guarded":
        return isKnown(response) ? answer(200, { guarded: true }) : answer(403, { error: "no certificate" });
      case "GET things":
        return answer(id === undefined ? 200 : 404, { message: "nothing but this" });
    }
    const key = `${kind}/${id}`;
    const known = objects.get(key);
    if (method === "POST") {
      const fields = fieldsOf(body);
      const own = kind === "spaces" ? String(fields["title"]) : String(made++);
      objects.set(`${kind}/${own}`, { ...fields, id: own });
      return answer(201, { ...fields, id: own });
    }
    if (!known) return answer(404, { error: "no such member" });
    if (method === "DELETE") objects.delete(key);
    if (method === "PUT") objects.set(key, { ...known, ...fieldsOf(body) });
    return answer(200, objects.get(key) ?? { message: "gone" });
  }
  return Object.assign(server, { objects });
}

function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  const value = parseJSON(body);
  return isRecord(value) ? value : {};
}
function isKnown({ socket }: Parameters<RequestListener>[1]): boolean {
  return socket !== null && "authorized" in socket && socket.authorized === true;
}
