/** What the guide's examples of remote objects talk to: one small server, with an API for each of them. It remembers what it is sent. */
import type { Answer, Asked, Serve } from "./remote-servers.ts";

type Kept = Record<string, unknown>;
type Api = (request: Asked, id: string, more: readonly string[]) => Answer | undefined;

/** Objects by the ids that they are given. */
function collection({
  prefix,
  fixed,
}: {
  readonly prefix: string;
  /** A field that cannot be changed. */
  readonly fixed?: string;
}): Api {
  const all = new Map<string, Kept>();
  let count = 0;
  return ({ method, body }, id) => {
    if (method === "POST" && id === "") {
      const made = { id: `${prefix}-${(count += 1)}`, ...body };
      all.set(made.id, made);
      return { status: 201, body: made };
    }
    const there = all.get(id);
    if (!there) return undefined;
    if (method === "DELETE") all.delete(id);
    if (method === "DELETE") return { status: 204 };
    if (method !== "PUT") return { body: there };
    if (fixed !== undefined && fixed in body && body[fixed] !== there[fixed])
      return { status: 422, body: { error: `${fixed} cannot be changed` } };
    all.set(id, { ...there, ...body });
    return { body: { ...there, ...body } };
  };
}

/** Objects by names that whoever PUTs gives them. `allows`: whether what is there may be changed by this. */
function named({
  show,
  allows = () => true,
  refused = 412,
}: {
  readonly show: (kept: Kept, revision: number) => Answer;
  readonly allows?: (request: Asked, revision: number) => boolean;
  readonly refused?: number;
}): Api {
  const all = new Map<string, { readonly kept: Kept; readonly revision: number }>();
  return (request, id) => {
    const there = all.get(id);
    const { method, body } = request;
    if (!there && method !== "PUT") return undefined;
    if (there && method !== "GET" && !allows(request, there.revision))
      return { status: refused, body: { error: "not the latest" } };
    if (method === "DELETE") all.delete(id);
    if (method === "DELETE") return { status: 204 };
    if (method === "PUT") all.set(id, { kept: body, revision: (there?.revision ?? 0) + 1 });
    const { kept, revision } = all.get(id) ?? { kept: {}, revision: 0 };
    return { status: there ? 200 : 201, ...show(kept, revision) };
  };
}

/** Their names are their ids, and their passwords are known to nobody. */
function accounts(): Api {
  const all = new Map<string, Kept>();
  return ({ method, body }, id) => {
    const name = method === "POST" ? String(body["name"]) : id;
    if (method !== "POST" && !all.has(name)) return undefined;
    if (method === "DELETE") all.delete(name);
    if (method === "DELETE") return { status: 204 };
    if (method !== "GET") all.set(name, body);
    const { role } = all.get(name) ?? {};
    return { status: method === "POST" ? 201 : 200, body: { name, role } };
  };
}

/** Projects, and their members below them. */
function projects(): Api {
  const all = new Map<string, { readonly kept: Kept; readonly members: Api; readonly there: Set<string> }>();
  let count = 0;
  return (request, id, [kind, member = ""]) => {
    const { method, body } = request;
    if (method === "POST" && id === "") {
      const kept = { id: `p-${(count += 1)}`, ...body };
      all.set(kept.id, { kept, members: collection({ prefix: "m" }), there: new Set() });
      return { status: 201, body: kept };
    }
    const project = all.get(id);
    if (!project) return undefined;
    if (kind !== undefined) {
      const answer = project.members(request, member, []);
      if (method === "POST") project.there.add(String((answer?.body as Kept | undefined)?.["id"]));
      if (method === "DELETE") project.there.delete(member);
      return answer;
    }
    if (method !== "DELETE") return { body: project.kept };
    if (project.there.size > 0) return { status: 409, body: { error: "it has members" } };
    all.delete(id);
    return { status: 204 };
  };
}

/** A list in pages of two, and no way to ask for one. */
function webhooks(): Api {
  const all: Kept[] = ["a", "b", "c"].map((name, index) => ({
    id: index + 1,
    callback: `https://${name}.example.com`,
    active: true,
  }));
  let count = all.length;
  return ({ method, body, query }, id) => {
    if (method === "POST") {
      all.push({ id: (count += 1), ...body });
      return { status: 201, body: { id: count } };
    }
    const at = all.findIndex((hook) => String(hook["id"]) === id);
    if (method === "GET" && id === "") {
      const page = Number(query.get("page") ?? 1);
      return { body: { webhooks: all.slice(page * 2 - 2, page * 2), nextPage: page * 2 < all.length ? page + 1 : null } };
    }
    if (method === "GET" || at < 0) return undefined;
    if (method === "DELETE") all.splice(at, 1);
    else all[at] = { ...all[at], ...body };
    return { status: 204 };
  };
}

/** Labels by queries in one body, and what went wrong in a 200. */
function graphql(): Api {
  const all = new Map<string, Kept>();
  let count = 0;
  return ({ body }) => {
    const query = String(body["query"]);
    const { id = "", input } = body["variables"] as { readonly id?: string; readonly input?: Kept };
    if (query.includes("createLabel")) {
      const made = { id: `L_${(count += 1)}`, ...input };
      all.set(made.id, made);
      return { body: { data: { createLabel: { label: { id: made.id } } } } };
    }
    const there = all.get(id);
    if (query.startsWith("query")) return { body: { data: { node: there ?? null } } };
    if (!there) return { body: { data: null, errors: [{ message: "no such label", extensions: { code: "NOT_FOUND" } }] } };
    if (query.includes("deleteLabel")) all.delete(id);
    else all.set(id, { ...there, ...input });
    return { body: { data: { label: { id } } } };
  };
}

/** Zones by methods in one body, and what went wrong in a 200. */
function rpc(): Api {
  const all = new Map<string, Kept>();
  let count = 0;
  return ({ body }) => {
    const { method, params } = body as { readonly method: string; readonly params: Kept };
    const answer = (result: unknown): Answer => ({ body: { jsonrpc: "2.0", id: body["id"], result } });
    const id = method === "zone.create" ? `z-${(count += 1)}` : String(params["id"]);
    if (method !== "zone.create" && !all.has(id))
      return { body: { jsonrpc: "2.0", id: body["id"], error: { code: -32_004, message: "no such zone" } } };
    if (method === "zone.delete") return answer(all.delete(id));
    if (method !== "zone.get") all.set(id, { ...all.get(id), ...params, id });
    return answer(all.get(id));
  };
}

/** Accounts whose token is in the answer that made them, and in no other; and who has which. */
function serviceAccounts(): { readonly accounts: Api; readonly whoami: Api } {
  const all = collection({ prefix: "sa", fixed: "issued" });
  const tokenOf = (id: string): string => `a-token-of-${id}-that-stays-secret`;
  return {
    accounts(request, id, more) {
      const answer = all(request, id, more);
      if (request.method !== "POST") return answer;
      const made = answer?.body as Kept;
      return { status: 201, body: { ...made, token: tokenOf(String(made["id"])) } };
    },
    whoami(request) {
      const [, id = ""] = /^Bearer a-token-of-(.*)-that-stays-secret$/.exec(request.headers.authorization ?? "") ?? [];
      return all({ ...request, method: "GET" }, id, []) ?? { status: 401, body: { error: "refused" } };
    },
  };
}

/** A new server, with nothing in it but what its lists begin with. */
export function guideServer(): Serve {
  const { accounts: tokens, whoami } = serviceAccounts();
  const apis: Readonly<Record<string, Api>> = {
    documents: named({
      show: (kept, revision) => ({ headers: { etag: `"${revision}"` }, body: { ...kept, _rev: `${revision}` } }),
      allows: ({ headers, query }, revision) => headers["if-match"] === `"${revision}"` || query.get("rev") === `${revision}`,
    }),
    settings: named({
      show: (kept, revision) => ({ body: { ...kept, metadata: { resourceVersion: `${revision}` } } }),
      allows: ({ method, body }, revision) =>
        method === "DELETE" || (body["metadata"] as Kept | undefined)?.["resourceVersion"] === `${revision}`,
      refused: 409,
    }),
    accounts: accounts(),
    projects: projects(),
    webhooks: webhooks(),
    graphql: graphql(),
    rpc: rpc(),
    disks: collection({ prefix: "d", fixed: "region" }),
    queues: named({ show: (kept) => ({ body: kept }) }),
    "service-accounts": tokens,
    whoami,
  };
  return (request, _seconds) => {
    const [, name = "", id = "", ...more] = request.path.split("/");
    return Object.hasOwn(apis, name) ? apis[name]?.(request, id, more) : undefined;
  };
}
