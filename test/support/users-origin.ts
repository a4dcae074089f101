/**
 * A users API that keeps what it is sent, counts it, and misbehaves as a test wants: what the tests of HTTPResource hold
 * a controller against. It acts on a request before it answers, so what is answered badly has happened all the same.
 */
import { startFaultOrigin, type OriginRequest, type Reply } from "./fault-origin.ts";

export interface User {
  readonly [field: string]: unknown;
  readonly id: string;
}
export interface UsersOrigin extends AsyncDisposable {
  readonly url: string;
  readonly users: Map<string, User>;
  readonly requests: readonly OriginRequest[];
  /** `METHOD path` of each request whose path or body has this text, in the order of arrival. */
  sent(text: string): string[];
  /** Answers in place of the API, after it has acted; undefined: the API answers. */
  misbehave: (request: OriginRequest) => Reply | undefined;
}

const pageSize = 2;

/** POST /users, GET /users?page=N by pages of two that say where the next is in a Link header and in the body, and GET, PUT, PATCH and DELETE of /users/ID. */
export async function startUsersOrigin(): Promise<UsersOrigin> {
  const origin = await startFaultOrigin();
  const users = new Map<string, User>();
  let created = 0;

  function act({ method, path, body }: OriginRequest): Reply {
    const { pathname, searchParams } = new URL(path, origin.url);
    const id = decodeURIComponent(pathname.split("/")[2] ?? "");
    const given = body === "" ? {} : (JSON.parse(body) as object);
    if (id === "" && method === "POST") {
      const user = { serial: 12, ...given, id: String((created += 1) + 1000) };
      users.set(user.id, user);
      return { type: "answer", status: 201, headers: { location: `/users/${user.id}` }, body: user };
    }
    if (id === "") {
      const page = Number(searchParams.get("page") ?? 1);
      const list = [...users.values()];
      const next = page * pageSize < list.length ? page + 1 : null;
      const link: Record<string, string> = next === null ? {} : { link: `</users?page=${next}>; rel="next"` };
      return { type: "answer", headers: link, body: { items: list.slice((page - 1) * pageSize, page * pageSize), next } };
    }
    const user = users.get(id);
    if (!user) return { type: "answer", status: 404, body: {} };
    if (method === "DELETE") users.delete(id);
    if (method === "PUT" || method === "PATCH") users.set(id, { ...user, ...given });
    return { type: "answer", body: users.get(id) ?? {} };
  }

  const api: UsersOrigin = {
    url: origin.url,
    users,
    requests: origin.requests,
    sent: (text) =>
      origin.requests.filter(({ path, body }) => `${path} ${body}`.includes(text)).map(({ method, path }) => `${method} ${path}`),
    misbehave: () => undefined,
    [Symbol.asyncDispose]: () => origin[Symbol.asyncDispose](),
  };
  origin.reply = (request) => {
    const reply = act(request);
    return api.misbehave(request) ?? reply;
  };
  return api;
}
