/** Servers with logins as people meet them: a token for a password, and a page with a form, a CSRF token and a session cookie. */
import { randomBytes } from "node:crypto";
import { loopbackServer, type LoopbackServer, type ReceivedRequest } from "./loopback.ts";

export const password = "ada's p4ssword: &=%";

export interface LoginServer extends LoopbackServer {
  /** Logins that were accepted, and tried. */
  readonly logins: number;
  readonly tries: number;
  /** Sessions that are good. */
  readonly sessions: ReadonlySet<string>;
  /** From now on no session is good. */
  revokeAll(): void;
  /** Milliseconds before a login is answered. */
  delayMs: number;
}
type Reply = Parameters<Parameters<typeof loopbackServer>[0]>[1];

/** Whether it was a request of its own, which it has answered then. `login`: counts a try, and gives a session where it is accepted. */
type ServeLogin = (request: ReceivedRequest, response: Reply, login: (isAccepted: boolean) => string | undefined) => boolean;

/** What others ask for is echoed, with all header fields, to who has a session. */
async function start(
  create: (sessions: Set<string>) => ServeLogin,
  isIn: (request: ReceivedRequest) => string,
): Promise<LoginServer> {
  const sessions = new Set<string>();
  const serve = create(sessions);
  let [tries, logins, delayMs] = [0, 0, 0];
  const login = (isAccepted: boolean): string | undefined => {
    tries += 1;
    if (!isAccepted) return undefined;
    logins += 1;
    const session = `session-${randomBytes(12).toString("hex")}`;
    sessions.add(session);
    return session;
  };
  const server = await loopbackServer((request, response) => {
    setTimeout(
      () => {
        if (serve(request, response, login)) return;
        const isRefused = request.url.startsWith("/refused") || !sessions.has(isIn(request));
        response.writeHead(isRefused ? 401 : 200, { "content-type": "application/json" });
        response.end(JSON.stringify({ headers: request.headers, body: request.body }));
      },
      /log(in|out)/.test(request.url) ? delayMs : 0,
    );
  });
  return {
    ...server,
    get accepted() {
      return server.accepted;
    },
    get logins() {
      return logins;
    },
    get tries() {
      return tries;
    },
    get delayMs() {
      return delayMs;
    },
    set delayMs(ms: number) {
      delayMs = ms;
    },
    sessions,
    revokeAll: () => sessions.clear(),
  };
}

/** POST /login {user, password}: {token, expires_in}. Everything else wants it as a bearer token. */
export function startTokenLogin(): Promise<LoginServer> {
  return start(
    (sessions) =>
      ({ url, method, body, headers }, response, login) => {
        if (method === "POST" && url === "/logout") {
          sessions.delete((headers.authorization ?? "").replace("Bearer ", ""));
          response.writeHead(204).end();
          return true;
        }
        if (method !== "POST" || url !== "/login") return false;
        const token = login((JSON.parse(body) as { password?: unknown }).password === password);
        response.writeHead(token === undefined ? 403 : 200, { "content-type": "application/json" });
        response.end(JSON.stringify(token === undefined ? { error: `not ${body}` } : { token, expires_in: 3600 }));
        return true;
      },
    ({ headers }) => (headers.authorization ?? "").replace("Bearer ", ""),
  );
}

const cookiesIn = ({ headers: { cookie = "" } }: Pick<ReceivedRequest, "headers">): ReadonlyMap<string, string> =>
  new Map(cookie.split("; ").map((pair) => [pair.split("=", 1)[0] ?? "", pair.slice(pair.indexOf("=") + 1)]));

/** As Django has it: GET /login/ sets a CSRF token, POST /login/ wants it twice, and answers 302; who is not logged in is sent there. */
export function startFormLogin(): Promise<LoginServer> {
  return start(
    (sessions) => (request, response, login) => {
      const { method, url, body, headers } = request;
      const cookies = cookiesIn(request);
      if (method === "GET" && url === "/login/") {
        response.setHeader("set-cookie", `csrftoken=${randomBytes(8).toString("hex")}; Path=/; Max-Age=31449600; SameSite=Lax`);
        response.end("<form>");
        return true;
      }
      const isForged = method !== "GET" && (!cookies.has("csrftoken") || headers["x-csrftoken"] !== cookies.get("csrftoken"));
      if (isForged) {
        response.writeHead(403).end("CSRF verification failed");
        return true;
      }
      if (url === "/logout/") {
        sessions.delete(cookies.get("sessionid") ?? "");
        response.writeHead(302, { location: "/" }).end();
        return true;
      }
      if (url !== "/login/") {
        const isIn = sessions.has(cookies.get("sessionid") ?? "");
        if (!isIn) response.writeHead(302, { location: `/login/?next=${url}` }).end();
        return !isIn;
      }
      const form = new URLSearchParams(body);
      const session = login(form.get("username") === "ada" && form.get("password") === password);
      if (session === undefined) response.end("<form> wrong");
      else {
        const rotated = `csrftoken=${randomBytes(8).toString("hex")}; Path=/`;
        response.writeHead(302, {
          location: "/",
          "set-cookie": [rotated, `sessionid=${session}; HttpOnly; Max-Age=1209600; Path=/`],
        });
        response.end();
      }
      return true;
    },
    (request) => cookiesIn(request).get("sessionid") ?? "",
  );
}
