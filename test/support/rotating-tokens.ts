/** A token server that gives each refresh token once: one that comes a second time ends the grant, as RFC 9700 (section 4.14.2) wants it. */
import { loopbackServer, type LoopbackServer } from "./loopback.ts";

export interface RotatingTokens extends AsyncDisposable {
  readonly url: string;
  /** What has been presented, in its order. */
  readonly presented: readonly string[];
  readonly latest: string;
  readonly isEnded: boolean;
}

/** A token lives for `lifeSecs`; an answer of 401 to a request has another asked for. */
export async function startRotatingTokens(first: string, lifeSecs = 3_600): Promise<RotatingTokens> {
  const presented: string[] = [];
  let latest = first;
  let isEnded = false;
  const server: LoopbackServer = await loopbackServer(({ body }, response) => {
    const token = new URLSearchParams(body).get("refresh_token") ?? "";
    presented.push(token);
    isEnded ||= token !== latest;
    response.setHeader("content-type", "application/json");
    if (isEnded) return void response.writeHead(400).end('{"error":"invalid_grant"}');
    latest = `refresh-token-${presented.length}-${crypto.randomUUID()}`;
    const answer = { access_token: `access-${crypto.randomUUID()}`, token_type: "bearer", expires_in: lifeSecs };
    response.end(JSON.stringify({ ...answer, refresh_token: latest }));
  });
  return {
    url: server.url,
    presented,
    get latest() {
      return latest;
    },
    get isEnded() {
      return isEnded;
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
