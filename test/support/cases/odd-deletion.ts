/** Servers that delete in ways of their own, and what has to be there for it. */
import { expect } from "@jest/globals";
import { collection, declared, itsURL, nothing, type Thing } from "../collection.ts";
import type { Answer, RemoteCase } from "../remote-servers.ts";

const secret = { "Secret/s": { token: "a-token-that-deletes" } };
const withToken = { inputs: { token: { secretKeyRef: { name: "s", key: "token" } } } };
const authorization = [{ name: "Authorization", value: "Bearer ${ .inputs.token }" }];

/** What DELETE is answered so many times before it works. */
const refusals: readonly (readonly [string, Answer])[] = [
  ["is busy", { status: 409 }],
  ["is locked", { status: 423 }],
  ["asks for another credential", { status: 401 }],
  ["is throttled", { status: 429, headers: { "retry-after": "1" } }],
  ["fails", { status: 500 }],
  ["breaks off", { breaks: "before" }],
  ["sends to a page for signing in", { status: 302, headers: { location: "/login" } }],
];

export const oddDeletionCases: readonly RemoteCase[] = [
  ...refusals.map(([how, answer]): RemoteCase => ({
    name: `a DELETE that ${how} at first is sent again, and the object goes when it is gone`,
    server: () => {
      const serve = collection()();
      let count = 0;
      return (request, seconds) => (request.method === "DELETE" && (count += 1) <= 2 ? answer : serve(request, seconds));
    },
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: nothing,
    check({ sent, isThere }) {
      expect(sent("DELETE").at(-1)).toBe("DELETE /things/1 204");
      expect([sent("DELETE").length, isThere("thing")]).toEqual([3, false]);
    },
  })),
  {
    name: "an error in a 200 to DELETE is none, where that is said",
    server: () => {
      const serve = collection()();
      let count = 0;
      return (request, seconds) =>
        request.method === "DELETE" && (count += 1) <= 2 ? { body: { ok: false, error: "busy" } } : serve(request, seconds);
    },
    manifests: {
      "HTTPResource/thing": declared({ name: "x" }, { refusedIf: '.response.body | type == "object" and .ok == false' }),
    },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("DELETE").at(-1), isThere("thing")]).toEqual(["DELETE /things/1 204", false]);
    },
  },
  {
    name: "what cannot be deleted stays, and says so",
    server: collection({ first: ({ method }) => (method === "DELETE" ? { status: 405 } : undefined) }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: nothing,
    check({ isThere, message }) {
      expect(isThere("thing")).toBe(true);
      expect(message("thing")).toMatch(/^spec\.delete: answered 405/);
    },
  },
  {
    name: "what is gone already goes without a fuss",
    server: collection({
      first: ({ method }, { all, since }) => {
        if (method === "DELETE" && since > 0) all.clear();
        return undefined;
      },
    }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("DELETE"), isThere("thing")]).toEqual([["DELETE /things/1 404"], false]);
    },
  },
  {
    name: "a deletion that goes on after a 202 is over when the object is not shown any more",
    server: () => {
      const serve = collection()();
      let deletedAt: number | undefined;
      return (request, seconds) => {
        if (request.method === "DELETE") return ((deletedAt ??= seconds), { status: 202 });
        return deletedAt !== undefined && seconds > deletedAt + 1.5 && request.path !== "/things"
          ? undefined
          : serve(request, seconds);
      };
    },
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        { delete: { url: itsURL, poll: { url: itsURL, until: ".response.statusCode == 404", interval: "500ms" } } },
      ),
    },
    after: nothing,
    check({ sent, requests, isThere }) {
      expect([sent("DELETE"), isThere("thing")]).toEqual([["DELETE /things/1 202"], false]);
      expect(requests.at(-1)).toBe("GET /things/1 404");
    },
  },
  {
    name: "a deletion that is followed at its Location is over when that says so",
    server: () => {
      const serve = collection()();
      let deletedAt = Infinity;
      return (request, seconds) => {
        if (request.path === "/jobs/9") return { status: seconds > deletedAt + 1.5 ? 200 : 202, body: {} };
        if (request.method !== "DELETE") return serve(request, seconds);
        deletedAt = seconds;
        return { status: 202, headers: { location: "/jobs/9" } };
      };
    },
    manifests: { "HTTPResource/thing": declared({ name: "x" }, { delete: { url: itsURL, poll: { interval: "500ms" } } }) },
    after: nothing,
    check({ sent, requests, isThere }) {
      expect([sent("DELETE"), isThere("thing")]).toEqual([["DELETE /things/1 202"], false]);
      expect(requests.at(-1)).toBe("GET /jobs/9 200");
    },
  },
  {
    name: "a grandparent, a parent and a child go in the right order, whatever their names are",
    server: collection({
      first: ({ method, path }, { all }) => {
        const hasChildren = [...all.values()].some(({ parent }) => `/things/${String(parent)}` === path);
        return method === "DELETE" && hasChildren ? { status: 409, body: { error: "has children" } } : undefined;
      },
    }),
    manifests: {
      "HTTPResource/c-grandparent": declared({ name: "g" }),
      ...Object.fromEntries(
        [
          ["a-parent", "c-grandparent"],
          ["b-child", "a-parent"],
        ].map(([name, parent]) => [
          `HTTPResource/${name}`,
          declared(
            {},
            {
              inputs: { parent: { objectRef: { kind: "HTTPResource", name: parent, expression: ".status.externalID" } } },
              create: { url: "$URL/things", body: { json: { parent: "${ .inputs.parent }" } } },
              update: undefined,
            },
          ),
        ]),
      ),
    },
    after: nothing,
    check({ sent, isThere }) {
      expect(sent("DELETE")).toEqual(["DELETE /things/3 204", "DELETE /things/2 204", "DELETE /things/1 204"]);
      expect(["c-grandparent", "a-parent", "b-child"].map((name) => isThere(name))).toEqual([false, false, false]);
    },
  },
  {
    name: "the endpoint, its Secret and the object are taken away at once: the DELETE has the credential",
    server: collection({
      first: ({ headers }) => (headers.authorization === "Bearer a-token-that-deletes" ? undefined : { status: 401 }),
    }),
    manifests: {
      ...secret,
      "HTTPEndpoint/api": { baseURL: "$URL", auth: { bearer: { token: { secretKeyRef: { name: "s", key: "token" } } } } },
      "HTTPResource/thing": {
        endpointRef: { name: "api" },
        parameters: { name: "x" },
        externalID: ".response.body.id",
        observe: { path: "/things/${ .externalID }" },
        create: { path: "/things", body: { json: "${ .parameters }" } },
        delete: { path: "/things/${ .externalID }" },
        interval: "1s",
      },
    },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("DELETE"), isThere("thing")]).toEqual([["DELETE /things/1 204"], false]);
    },
  },
  {
    name: "a Secret that delete reads is taken away with the object: nothing is sent, and what is missing is said",
    server: collection({
      first: ({ headers }) => (headers.authorization === "Bearer a-token-that-deletes" ? undefined : { status: 401 }),
    }),
    manifests: {
      ...secret,
      "HTTPResource/thing": declared(
        { name: "x" },
        {
          ...withToken,
          observe: { url: itsURL, headers: authorization },
          create: { url: "$URL/things", headers: authorization, body: { json: "${ .parameters }" } },
          update: undefined,
          delete: { url: itsURL, headers: authorization },
        },
      ),
    },
    after: nothing,
    check({ sent, isThere, state, message }) {
      // Either it was kept for this, or somebody is told what to bring back.
      if (!isThere("thing")) expect(sent("DELETE")).toEqual(["DELETE /things/1 204"]);
      else
        expect([state("thing"), message("thing")]).toEqual([
          expect.stringContaining("SecretNotFound"),
          expect.stringContaining('"s"'),
        ]);
    },
  },
  {
    name: "what is emptied first is emptied before each DELETE, also where it is empty",
    server: () => {
      const serve = collection()();
      let members = 2;
      return (request, seconds) => {
        if (request.path !== "/things/1/members") {
          return request.method === "DELETE" && members > 0 ? { status: 409 } : serve(request, seconds);
        }
        if (members === 0) return { status: 404 };
        members = 0;
        return { status: 204 };
      };
    },
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        { beforeDelete: { url: "$URL/things/${ .externalID }/members", method: "DELETE" } },
      ),
    },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("DELETE"), isThere("thing")]).toEqual([["DELETE /things/1/members 204", "DELETE /things/1 204"], false]);
    },
  },
  {
    name: "the version of a body goes with DELETE, by lookup where there is only a list",
    server: () => {
      let there: Thing | undefined;
      return ({ method, body, query, path }) => {
        if (method === "POST") return { status: 201, body: (there = { id: 5, version: 3, ...body }) };
        if (method === "GET" && path === "/things") return { body: there ? [there] : [] };
        if (method !== "DELETE" || path !== "/things/5") return { status: 405 };
        if (query.get("version") !== "3") return { status: 409 };
        there = undefined;
        return { status: 204 };
      };
    },
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        {
          externalID: ".object.id",
          observe: undefined,
          lookup: { url: "$URL/things", match: ".item.name == .parameters.name" },
          delete: { url: itsURL, query: [{ name: "version", value: "${ .object.version }" }] },
        },
      ),
    },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("DELETE"), isThere("thing")]).toEqual([["DELETE /things/5?version=3 204"], false]);
    },
  },
  {
    name: "a 404 to DELETE is believed where observe shows by a state that it is gone",
    server: () => {
      let there: Thing | undefined;
      let isDeleted = false;
      return ({ method, body }) => {
        if (method === "POST") return { status: 201, body: (there = { id: 1, ...body }) };
        if (method === "DELETE" && isDeleted) return { status: 404 };
        if (method === "DELETE") {
          isDeleted = true;
          return { status: 500 };
        }
        return there && { body: { ...there, deleted: isDeleted } };
      };
    },
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        { observe: { url: itsURL, object: ".response.body | select(.deleted | not)" } },
      ),
    },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("DELETE").at(-1), isThere("thing")]).toEqual(["DELETE /things/1 404", false]);
    },
  },
  {
    name: "PURGE deletes, and a DELETE of a list has the id in its query",
    server: collection({
      first: ({ method, path, query }, { all }) => {
        if (method === "PURGE") return { status: all.delete(path.split("/")[2] ?? "") ? 200 : 404 };
        if (method === "DELETE" && path === "/things")
          return { status: query.getAll("id").every((id) => all.delete(id)) ? 200 : 404 };
        return undefined;
      },
    }),
    manifests: {
      "HTTPResource/purged": declared({ name: "x" }, { delete: { url: itsURL, method: "PURGE", idempotent: true } }),
      "HTTPResource/listed": declared(
        { name: "y" },
        { delete: { url: "$URL/things", query: [{ name: "id", value: "${ [.externalID] }" }] } },
      ),
    },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("PURGE").length, sent("DELETE").length]).toEqual([1, 1]);
      expect([isThere("purged"), isThere("listed")]).toEqual([false, false]);
    },
  },
];
