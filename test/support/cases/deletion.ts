/** Servers and manifests that show what a deletion depends on. */
import { expect } from "@jest/globals";
import type { Answer, RemoteCase } from "../remote-servers.ts";

const gone = { "ConfigMap/other": {} };

/** A parent goes only without children, or takes its children with it. A child is known below its parent, or by a query. */
const family =
  (cascades: boolean): RemoteCase["server"] =>
  () => {
    const parents = new Map<string, Map<string, object>>();
    let count = 0;
    return ({ method, path, body, query }): Answer | undefined => {
      const [, kind = "", id = "", , below = ""] = path.split("/");
      const isChild = kind === "children" || path.includes("/members");
      const parentID =
        kind === "children" ? (typeof body["parent"] === "string" ? body["parent"] : (query.get("parent") ?? "")) : id;
      if (method === "POST") {
        const made = String(++count);
        if (!isChild) parents.set(made, new Map());
        else if (parents.has(parentID)) parents.get(parentID)?.set(made, body);
        else return { status: 422 };
        return { status: 201, body: { id: made } };
      }
      const children = parents.get(parentID);
      if (!children) return undefined;
      const childID = kind === "children" ? id : below;
      if (isChild && !children.has(childID)) return undefined;
      if (method === "DELETE" && isChild) children.delete(childID);
      else if (method === "DELETE" && !cascades && children.size > 0) return { status: 409, body: { error: "has children" } };
      else if (method === "DELETE") parents.delete(parentID);
      return method === "DELETE" ? { status: 204 } : { body: { id: isChild ? childID : parentID } };
    };
  };
const parent = {
  externalID: ".response.body.id",
  observe: { url: "$URL/parents/${ .externalID }" },
  create: { url: "$URL/parents", body: { json: { name: "p" } } },
  delete: { url: "$URL/parents/${ .externalID }" },
  interval: "1s",
};
const inputs = { parent: { objectRef: { kind: "HTTPResource", name: "parent", expression: ".status.externalID" } } };
const child = {
  inputs,
  externalID: ".response.body.id",
  observe: { url: "$URL/children/${ .externalID }?parent=${ .inputs.parent }" },
  create: { url: "$URL/children", body: { json: { name: "c", parent: "${ .inputs.parent }" } } },
  delete: { url: "$URL/children/${ .externalID }?parent=${ .inputs.parent }" },
  interval: "1s",
};
const member = {
  inputs,
  externalID: ".response.body.id",
  observe: { url: "$URL/parents/${ .inputs.parent }/members/${ .externalID }" },
  create: { url: "$URL/parents/${ .inputs.parent }/members", body: { json: { name: "c" } } },
  delete: { url: "$URL/parents/${ .inputs.parent }/members/${ .externalID }" },
  interval: "1s",
};

/** PUT and DELETE need the current ETag, or the current revision as a query. */
const revisions = (): RemoteCase["server"] => () => {
  let there: Record<string, unknown> | undefined;
  let revision = 0;
  return ({ method, headers, body, query }) => {
    const etag = `"v${revision}"`;
    if (method === "POST") {
      there = { id: "a1", ...body };
      revision += 1;
      return { status: 201, body: { ...there, _rev: String(revision) } };
    }
    if (!there) return undefined;
    const given = headers["if-match"] ?? (query.has("rev") ? `"v${query.get("rev")}"` : undefined);
    if (method === "GET") return { headers: { etag }, body: { ...there, _rev: String(revision) } };
    if (given === undefined) return { status: 428 };
    if (given !== etag) return { status: 412 };
    if (method === "DELETE") there = undefined;
    else {
      there = { id: "a1", ...body };
      revision += 1;
    }
    return method === "DELETE" ? { status: 204 } : { body: there };
  };
};
const one = "$URL/things/${ .externalID }";
const revised = {
  parameters: { name: "x", size: 2 },
  externalID: ".response.body.id",
  observe: { url: one },
  create: { url: "$URL/things", body: { json: { name: "x", size: 1 } } },
  update: {
    url: one,
    headers: [{ name: "If-Match", value: "${ .response.headers.etag }" }],
    body: { json: "${ .parameters }" },
  },
  interval: "1s",
};

/** Is deleted only after it was disabled. */
const disabled = (): RemoteCase["server"] => () => {
  let there: Record<string, unknown> | undefined;
  return ({ method, body }) => {
    if (method === "POST") there = { id: 1, ...body };
    if (!there) return undefined;
    if (method === "PATCH" || method === "PUT") there = { ...there, ...body };
    if (method === "DELETE" && there["enabled"] === true) return { status: 409, body: { error: "disable it first" } };
    if (method === "DELETE") there = undefined;
    return method === "DELETE" ? { status: 204 } : { status: method === "POST" ? 201 : 200, body: there };
  };
};
const enabled = {
  parameters: { name: "x", enabled: true },
  externalID: ".response.body.id",
  observe: { url: one },
  create: { url: "$URL/things", body: { json: "${ .parameters }" } },
  update: { url: one, body: { json: "${ .parameters }" } },
  delete: { url: one },
  interval: "2s",
};

export const deletionCases: readonly RemoteCase[] = [
  ...[
    ["30, 31: in its query", child, false] as const,
    ["below its parent", member, false] as const,
    ["35: below a parent that takes its children with it", member, true] as const,
  ].map(([how, one, cascades]): RemoteCase => ({
    name: `a parent and a child that is known ${how}, deleted together, both go, the child first`,
    server: family(cascades),
    manifests: { "HTTPResource/parent": parent, "HTTPResource/child": one },
    after: gone,
    check({ sent, isThere }) {
      expect([isThere("parent"), isThere("child")]).toEqual([false, false]);
      expect(sent("DELETE")).toHaveLength(2);
      expect(sent("DELETE").at(-1)).toBe("DELETE /parents/1 204");
    },
  })),
  {
    name: "a parent that is deleted alone waits for its child, and says so",
    server: family(false),
    manifests: { "HTTPResource/parent": parent, "HTTPResource/child": child },
    after: { "HTTPResource/child": child },
    check({ sent, state, message }) {
      expect(sent("DELETE")).toEqual([]);
      expect(state("parent")).toBe("False/InUse Reconciling");
      expect(message("parent")).toMatch(/^HTTPResource "child" refers to this object/);
      expect(state("child").split("/")[0]).toBe("True");
    },
  },
  {
    name: "01: the ETag that observe has seen goes with update",
    server: revisions(),
    manifests: { "HTTPResource/thing": revised },
    check({ sent, state }) {
      expect(sent("PUT")).toEqual(["PUT /things/a1 200"]);
      expect(state("thing").split("/")[0]).toBe("True");
    },
  },
  ...[
    { url: one, headers: [{ name: "If-Match", value: "${ .response.headers.etag }" }] },
    { url: one, query: [{ name: "rev", value: "${ .object._rev }" }] },
  ].map((remove, index): RemoteCase => ({
    name: `02: the ${index === 0 ? "ETag" : "revision"} that is current goes with delete, which observes first`,
    server: revisions(),
    manifests: { "HTTPResource/thing": { ...revised, delete: remove } },
    after: gone,
    check({ sent, isThere }) {
      expect(sent("DELETE")).toHaveLength(1);
      expect(sent("DELETE")[0]).toMatch(/ 204$/);
      expect(isThere("thing")).toBe(false);
    },
  })),
  {
    name: "32: what has to be disabled first is, each time",
    server: disabled(),
    manifests: {
      "HTTPResource/thing": { ...enabled, beforeDelete: { url: one, method: "PATCH", body: { json: { enabled: false } } } },
    },
    after: gone,
    check({ sent, isThere }) {
      expect([sent("PATCH"), sent("DELETE")]).toEqual([["PATCH /things/1 200"], ["DELETE /things/1 204"]]);
      expect(isThere("thing")).toBe(false);
    },
  },
  {
    name: "a Secret that only create reads is not missed by delete",
    server: disabled(),
    manifests: {
      "HTTPResource/thing": {
        ...enabled,
        parameters: { name: "x" },
        inputs: { token: { secretKeyRef: { name: "t", key: "a" } } },
        create: { url: "$URL/things", headers: [{ name: "X-Token", value: "${ .inputs.token }" }], body: { json: { a: 1 } } },
        update: undefined,
      },
      "Secret/t": { a: "token-word-1" },
    },
    after: gone,
    check({ sent, isThere }) {
      expect(sent("DELETE")).toEqual(["DELETE /things/1 204"]);
      expect(isThere("thing")).toBe(false);
    },
  },
  {
    name: "what delete needs and is not there any more lets the object go where that is said",
    server: disabled(),
    manifests: {
      "HTTPResource/thing": {
        ...enabled,
        parameters: { name: "x" },
        inputs: { token: { secretKeyRef: { name: "t", key: "a" } } },
        delete: { url: one, headers: [{ name: "X-Token", value: "${ .inputs.token }" }] },
        deletionPolicy: "DeleteOrOrphan",
      },
    },
    after: gone,
    check({ sent, isThere }) {
      expect(sent("DELETE")).toEqual([]);
      expect(isThere("thing")).toBe(false);
    },
  },
];
