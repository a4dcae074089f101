/** Servers that people have told of in public, whose objects are to be kept: those that no other file has. */
import { expect } from "@jest/globals";
import type { RemoteCase } from "../remote-servers.ts";

const one = "$URL/things/${ .externalID }";
const thing = (parameters: object, more: object = {}) => ({
  parameters,
  externalID: ".response.body.id",
  observe: { url: one },
  create: { url: "$URL/things", body: { json: "${ .parameters }" } },
  update: { url: one, body: { json: "${ .parameters }" } },
  interval: "1s",
  ...more,
});
const gone = { "ConfigMap/other": {} };
const ready = (state: string): string | undefined => state.split("/")[0];

/** The name is taken, and the list shows that only a while later. */
const taken = (): RemoteCase["server"] => () => {
  let refusedAt = Infinity;
  return ({ method, path }, seconds) => {
    const there = { id: 41, name: "x" };
    if (method === "POST") {
      refusedAt = Math.min(refusedAt, seconds);
      return { status: 409, body: { error: "exists" } };
    }
    if (path === "/things") return { body: seconds < refusedAt + 2 ? [] : [there] };
    return { body: there };
  };
};

/** What is deleted is still shown, by a state of its own, for ever. */
const softly = (): RemoteCase["server"] => () => {
  let there: Record<string, unknown> | undefined;
  let deletedAt: number | undefined;
  return ({ method, body }, seconds) => {
    if (method === "POST") return { status: 201, body: (there = { id: "s1", ...body }) };
    if (!there) return undefined;
    if (method === "DELETE" && deletedAt !== undefined) return { status: 400, body: { error: "is being deleted" } };
    if (method === "DELETE") {
      deletedAt = seconds;
      return { status: 202 };
    }
    const state = deletedAt === undefined ? "active" : seconds < deletedAt + 1.5 ? "deleting" : "deleted";
    return { body: { ...there, state } };
  };
};

/** The id is a path of several segments, of which a slash must stay one. */
const links = (): RemoteCase["server"] => () => {
  let there: Record<string, unknown> | undefined;
  return ({ method, path, body }) => {
    if (method === "POST") return { status: 201, body: (there = { _ref: "record:a/ZG5z:web.example/default", ...body }) };
    return there && path === `/wapi/${there["_ref"] as string}` ? { body: there } : undefined;
  };
};
const link = (path: string) => ({
  "HTTPEndpoint/api": { baseURL: "$URL/wapi" },
  "HTTPResource/record": {
    endpointRef: { name: "api" },
    parameters: { ipv4addr: "192.0.2.1" },
    externalID: ".response.body._ref",
    observe: { path },
    create: { path: "/record:a", body: { json: "${ .parameters }" } },
    update: { path, body: { json: "${ .parameters }" } },
    interval: "1s",
  },
});

/** A list with a page for all, and no way to ask for one. */
const onePage = (): RemoteCase["server"] => () => {
  const all: Record<string, unknown>[] = ["a", "b", "c"].map((url, index) => ({ id: index + 1, url }));
  return ({ method, path, body }) => {
    if (method === "POST") return { status: 201, body: all[all.push({ id: all.length + 1, ...body }) - 1] };
    if (method === "GET" && path === "/hooks") return { body: { hooks: all, next: null } };
    const at = all.findIndex(({ id }) => path === `/hooks/${String(id)}`);
    if (method === "DELETE" && at >= 0) return { status: 204, body: void all.splice(at, 1) };
    return { status: 405 };
  };
};
const isIt = ".externalID as $id | any(.response.body.hooks[]; (.id | tostring) == $id";

/** Holds what it was sent, in answers as `show` makes them. */
const holds =
  (first: Record<string, unknown>, take: (now: Record<string, unknown>, body: unknown) => Record<string, unknown> | undefined) =>
  (): ReturnType<RemoteCase["server"]> => {
    let there = first;
    return ({ method, body }) => {
      if (method === "GET") return { body: there };
      const after = take(there, body);
      return after ? { body: (there = after) } : { status: 409 };
    };
  };
interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value: unknown;
}
const jsonPatched = holds({ id: 5, rev: 1, title: "old", tags: ["a"] }, (now, body) => {
  const after = { ...now, rev: Number(now["rev"]) + 1 };
  for (const { op, path, value } of body as Operation[]) {
    const key = path.slice(1);
    if (op === "test" && JSON.stringify(now[key]) !== JSON.stringify(value)) return undefined;
    if (op === "replace" && !(key in now)) return undefined;
    if (op !== "test") Object.assign(after, { [key]: value });
  }
  return after;
});
const jsonPatch =
  '${ . as $d | [{op: "test", path: "/rev", value: .response.body.rev}] + (.parameters | to_entries | map(.key as $k | select(.value != $d.response.body[$k]) | {op: (if ($d.response.body | has($k)) then "replace" else "add" end), path: "/\\($k)", value})) }';

/** It cannot be changed while it is being made. */
const slow = (): RemoteCase["server"] => () => {
  let there: Record<string, unknown> | undefined;
  let madeAt = 0;
  return ({ method, body }, seconds) => {
    if (method === "POST") madeAt = seconds;
    const state = seconds < madeAt + 2 ? "provisioning" : "active";
    if (method === "PUT" && state !== "active") return { status: 409 };
    if (method === "POST" || method === "PUT") there = { id: 1, ...body };
    return there && { status: method === "POST" ? 201 : 200, body: { ...there, state } };
  };
};

export const reportedObjectCases: readonly RemoteCase[] = [
  {
    name: "07: a name that is taken is looked up until the list shows it",
    server: taken(),
    manifests: {
      "HTTPResource/thing": thing({ name: "x" }, { lookup: { url: "$URL/things", match: ".item.name == .parameters.name" } }),
    },
    check({ sent, status, state }) {
      expect(new Set(sent("POST"))).toEqual(new Set(["POST /things 409"]));
      expect([ready(state("thing")), status("thing")["externalID"], sent("PUT")]).toEqual(["True", "41", []]);
    },
  },
  ...[
    ["exists", { exists: '.response.body.state != "deleted"' }] as const,
    ["observe.object", { observe: { url: one, object: '.response.body | select(.state != "deleted")' } }] as const,
  ].map(([how, more]): RemoteCase => ({
    name: `08: what is shown for ever by the state it is in is deleted once, by ${how}`,
    server: softly(),
    manifests: {
      "HTTPResource/thing": {
        ...thing({ name: "x" }, { update: undefined, ...more }),
        delete: { url: one, poll: { url: one, until: '.response.body.state == "deleted"', interval: "500ms" } },
      },
    },
    after: gone,
    check({ sent, isThere }) {
      expect([sent("POST"), sent("DELETE")]).toEqual([["POST /things 201"], ["DELETE /things/s1 202"]]);
      expect(isThere("thing")).toBe(false);
    },
  })),
  {
    name: "09: a setting that is always there is put, and put back",
    server: holds({ enabled: false }, (_now, body) => body as Record<string, unknown>),
    manifests: {
      "HTTPResource/setting": {
        observe: { url: "$URL/settings/audit" },
        update: { url: "$URL/settings/audit", body: { json: { enabled: true } } },
        delete: { url: "$URL/settings/audit", method: "PUT", body: { json: { enabled: false } } },
        interval: "1s",
      },
    },
    after: gone,
    check({ bodies, isThere }) {
      expect(bodies("PUT")).toEqual(['{"enabled":true}', '{"enabled":false}']);
      expect(isThere("setting")).toBe(false);
    },
  },
  {
    name: "16: an envelope that upToDate opens is corrected once",
    server: () => {
      let there: Record<string, unknown> = { id: 5, name: "x", size: 1, owner: "ops" };
      return ({ method, body, headers }) => {
        if (method === "PATCH" && !headers["content-type"]?.startsWith("application/json")) return { status: 415 };
        if (method === "PATCH") there = { ...there, ...body };
        return { body: { data: there, meta: {} } };
      };
    },
    manifests: {
      "HTTPResource/thing": {
        observe: { url: "$URL/things/5" },
        update: {
          url: "$URL/things/5",
          headers: [{ name: "Content-Type", value: "application/json" }],
          body: { mergePatch: { size: 2, name: "x" } },
        },
        upToDate: ".response.body.data.size == 2",
        interval: "1s",
      },
    },
    check({ sent, state }) {
      expect(sent("PATCH")).toEqual(["PATCH /things/5 200"]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "19: a link in a path's segment finds nothing, and makes one object",
    server: links(),
    manifests: link("/${ .externalID }"),
    check({ sent, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect(state("record")).toBe("False/NotSeen Reconciling");
    },
  },
  {
    name: "19: a link that is the whole path is followed",
    server: links(),
    manifests: link("${ .externalID }"),
    check({ sent, state }) {
      expect([sent("POST"), sent("PUT")]).toEqual([["POST /wapi/record:a 201"], []]);
      expect(ready(state("record"))).toBe("True");
    },
  },
  {
    name: "26: a JSON Patch is made of what was observed",
    server: jsonPatched,
    manifests: {
      "HTTPResource/item": {
        parameters: { title: "new", tags: ["a", "b"], owner: "ops" },
        observe: { url: "$URL/items/5" },
        upToDate: ". as $d | .parameters | to_entries | all(.value == $d.response.body[.key])",
        update: {
          url: "$URL/items/5",
          method: "PATCH",
          headers: [{ name: "Content-Type", value: "application/json-patch+json" }],
          body: { json: jsonPatch },
        },
        interval: "1s",
      },
    },
    check({ sent, bodies, state }) {
      expect(sent("PATCH")).toEqual(["PATCH /items/5 200"]);
      expect((JSON.parse(bodies("PATCH")[0] ?? "") as Operation[]).map(({ op }) => op)).toEqual([
        "test",
        "replace",
        "replace",
        "add",
      ]);
      expect(ready(state("item"))).toBe("True");
    },
  },
  {
    name: "27: what PUT would lose goes along, with the version",
    server: holds({ name: "m", version: 3, owner: "ops", latency: 5000, path: "/old" }, (now, body) => {
      const given = body as Record<string, unknown>;
      return given["version"] === now["version"] ? { ...given, version: Number(now["version"]) + 1 } : undefined;
    }),
    manifests: {
      "HTTPResource/monitor": {
        parameters: { path: "/new" },
        observe: { url: "$URL/monitors/m" },
        update: { url: "$URL/monitors/m", body: { json: "${ .response.body + .parameters }" } },
        interval: "1s",
      },
    },
    check({ bodies, state }) {
      expect(bodies("PUT").map((text) => JSON.parse(text) as unknown)).toEqual([
        { name: "m", version: 3, owner: "ops", latency: 5000, path: "/new" },
      ]);
      expect(ready(state("monitor"))).toBe("True");
    },
  },
  {
    name: "43: a list of one page does as observe",
    server: onePage(),
    manifests: {
      "HTTPResource/hook": {
        parameters: { url: "mine", active: true },
        externalID: ".response.body.id",
        lookup: { url: "$URL/hooks", items: ".response.body.hooks", match: ".item.url == .parameters.url" },
        observe: { url: "$URL/hooks" },
        exists: `${isIt})`,
        upToDate: `.parameters as $p | ${isIt} and contains($p))`,
        create: { url: "$URL/hooks", body: { json: "${ .parameters }" } },
        update: { url: "$URL/hooks/${ .externalID }", body: { json: "${ .parameters }" } },
        delete: { url: "$URL/hooks/${ .externalID }" },
        interval: "1s",
      },
    },
    after: gone,
    check({ sent, isThere }) {
      expect([sent("POST"), sent("PUT"), sent("DELETE")]).toEqual([["POST /hooks 201"], [], ["DELETE /hooks/4 204"]]);
      expect(isThere("hook")).toBe(false);
    },
  },
  {
    name: "44: a conflict that names what is there is an answer",
    server: () => {
      let there: Record<string, unknown> = { id: "e9", name: "x", size: 1 };
      return ({ method, body }) => {
        if (method === "POST") return { status: 409, body: { error: "exists", existing: { id: "e9" } } };
        if (method === "PUT") there = { ...there, ...body };
        return { body: there };
      };
    },
    manifests: {
      "HTTPResource/thing": thing(
        { name: "x", size: 2 },
        {
          externalID: ".response.body.id // .response.body.existing.id",
          create: { url: "$URL/things", body: { json: "${ .parameters }" }, expect: { status: ["2xx", "409"] } },
        },
      ),
    },
    check({ sent, state, status }) {
      expect([sent("POST"), sent("PUT")]).toEqual([["POST /things 409"], ["PUT /things/e9 200"]]);
      expect([ready(state("thing")), status("thing")["externalID"]]).toEqual(["True", "e9"]);
    },
  },
  {
    name: "45: an id of two parts, of an answer with one status an item",
    server: () => {
      let there: object | undefined;
      return ({ method, path, body }) => {
        if (method === "POST") {
          const [item] = body as unknown as object[];
          there = { key: { tenant: "a/b", no: 7 }, ...item };
          return { status: 207, body: [{ status: 201, resource: there }] };
        }
        return there && path === "/t/a%2Fb/7" ? { body: [there] } : undefined;
      };
    },
    manifests: {
      "HTTPResource/thing": {
        parameters: { name: "x" },
        externalID: ".response.body[0].resource.key | tojson",
        observe: { url: "$URL/t/${ .externalID | fromjson | .tenant }/${ .externalID | fromjson | .no }" },
        create: {
          url: "$URL/t",
          body: { json: ["${ .parameters }"] },
          expect: { that: ".response.body | all(.status < 300)" },
        },
        update: { url: "$URL/t", body: { json: ["${ .parameters }"] } },
        interval: "1s",
      },
    },
    check({ sent, state }) {
      expect([sent("POST"), sent("PUT")]).toEqual([["POST /t 207"], []]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "46: what is still being made is not changed before it is there",
    server: slow(),
    manifests: {
      "HTTPResource/thing": thing(
        { size: 2 },
        {
          observe: { url: one, expect: { that: '.response.body.state == "active"' } },
          create: {
            url: "$URL/things",
            body: { json: { size: 1 } },
            poll: { url: "$URL/things/${ .response.body.id }", until: '.response.body.state == "active"', interval: "500ms" },
          },
        },
      ),
    },
    check({ sent, state }) {
      expect([sent("POST"), sent("PUT")]).toEqual([["POST /things 201"], ["PUT /things/1 200"]]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "48: delete has a body and a condition, and an output a value where there is none",
    server: () => {
      let there: object | undefined;
      return ({ method, path, body, headers }) => {
        if (path === "/none") return { status: 404, body: { error: "none" } };
        if (method === "POST") return { status: 201, body: (there = { id: 3, ...body }) };
        if (method === "DELETE" && headers["if-match"] === undefined) return { status: 428 };
        if (method === "DELETE" && JSON.stringify(body["ids"]) === '["3"]') there = undefined;
        if (method === "DELETE") return { body: { removed: 1 } };
        return there && { body: there };
      };
    },
    manifests: {
      "HTTPResource/member": {
        externalID: ".response.body.id",
        observe: { url: "$URL/members/${ .externalID }" },
        create: { url: "$URL/members", body: { json: { name: "x" } } },
        delete: {
          url: "$URL/members",
          headers: [{ name: "If-Match", value: "*" }],
          body: { json: { ids: ["${ .externalID }"] } },
        },
        interval: "1s",
      },
      "HTTPRequest/with-default": {
        url: "$URL/none",
        expect: { status: ["2xx", "404"] },
        outputs: [{ configMap: { name: "facts" }, data: { owner: '.response.body.owner // "nobody"' } }],
      },
    },
    after: {
      "HTTPRequest/with-default": {
        url: "$URL/none",
        expect: { status: ["2xx", "404"] },
        outputs: [{ configMap: { name: "facts" }, data: { owner: '.response.body.owner // "nobody"' } }],
      },
    },
    check({ sent, bodies, isThere, output }) {
      expect([sent("DELETE"), bodies("DELETE")]).toEqual([["DELETE /members 200"], ['{"ids":["3"]}']]);
      expect(isThere("member")).toBe(false);
      expect(output("facts")["owner"]?.toString()).toBe("nobody");
    },
  },
];
