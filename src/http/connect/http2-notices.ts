/**
 * What a server says over HTTP/2 beside its answers: settings, origins, other services, that it goes away. Each such frame takes some
 * ten bytes and a call into JavaScript, so that a server could keep the event loop with nothing else; Node's limits count what is new
 * in them, and not the frames.
 */
import type { ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";

const notices = ["origin", "altsvc", "goaway", "remoteSettings"] as const;
/** Over one connection in a minute, milliseconds. Servers send a handful in all. */
const [mostNotices, withinMs] = [1_000, 60_000];

class NoticesError extends Error {
  readonly code = "HOLDFAST_PROTOCOL";
}

/** Ends a connection on which too many of them come. */
export function boundNotices(socket: Socket): void {
  const session = sessionOn(socket);
  let [count, sinceMs] = [0, performance.now()];
  const countOne = (): void => {
    const nowMs = performance.now();
    if (nowMs - sinceMs > withinMs) [count, sinceMs] = [0, nowMs];
    count += 1;
    if (count > mostNotices)
      session?.destroy(new NoticesError(`more than ${mostNotices} frames a minute that belong to no request`));
  };
  for (const notice of notices) session?.on(notice, countOne);
}

/** undici has it on the socket, by a symbol that it does not export. */
function sessionOn(socket: Socket): ClientHttp2Session | undefined {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "http2Session");
  return symbol && (socket as unknown as Record<symbol, ClientHttp2Session>)[symbol];
}
