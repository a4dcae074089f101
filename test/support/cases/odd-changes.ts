/** Servers that answer a change, a replacement or a deletion late, in part, or by making more of it than was asked. */
import { expect } from "@jest/globals";
import { collection, declared, expectMadeOnce, itsURL, nothing, ready, type Thing } from "../collection.ts";
import type { Asked, RemoteCase } from "../remote-servers.ts";

const merged = { update: { url: itsURL, body: { mergePatch: "${ .parameters }" } } };
const polled = { update: { url: itsURL, body: { json: "${ .parameters }" }, poll: { interval: "500ms" } } };

/** Things by name, which go on being shown for a while after a DELETE that was accepted; meanwhile no other can have the name. */
function slowToGo(lastsSeconds: number): RemoteCase["server"] {
  return () => {
    let thing: Thing | undefined;
    let goesAt = Infinity;
    return ({ method, path, body }, seconds) => {
      if (seconds > goesAt) [thing, goesAt] = [undefined, Infinity];
      if (path === "/things" && method === "POST") {
        if (thing) return { status: 409, body: { error: "it is being deleted" } };
        thing = body;
        return { status: 201, body: thing };
      }
      if (!thing) return undefined;
      if (method === "GET") return { body: { ...thing, state: goesAt === Infinity ? "active" : "deleting" } };
      if (goesAt !== Infinity) return { status: 409, body: { error: "it is being deleted" } };
      if (method !== "DELETE") return { status: 422, body: { error: "size cannot be changed" } };
      goesAt = seconds + lastsSeconds;
      return { status: 202 };
    };
  };
}
const named = (size: number, more: object = {}) => ({
  "HTTPResource/thing": declared(
    { name: "x", size },
    { externalID: ".parameters.name", replace: [".size"], update: { url: itsURL, body: { json: "${ .parameters }" } }, ...more },
  ),
});

export const oddChangeCases: readonly RemoteCase[] = [
  {
    name: "what is replaced is still shown for a while after its DELETE: one is made, when the name is free",
    server: slowToGo(3),
    manifests: named(1),
    after: named(2),
    check({ sent, state }) {
      expect(sent("POST").filter((line) => line.endsWith(" 201"))).toHaveLength(2);
      expect(sent("DELETE").filter((line) => line.endsWith(" 202"))).toHaveLength(1);
      expect(sent("PUT").filter((line) => !line.endsWith(" 409"))).toEqual([]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "what is replaced is shown by its state to be going: one is made, when the name is free",
    server: slowToGo(3),
    manifests: named(1, { observe: { url: itsURL, object: '.response.body | select(.state != "deleting")' } }),
    after: named(2, { observe: { url: itsURL, object: '.response.body | select(.state != "deleting")' } }),
    check({ sent, state }) {
      expect(sent("POST").filter((line) => line.endsWith(" 201"))).toHaveLength(2);
      expect(sent("DELETE").filter((line) => line.endsWith(" 202"))).toHaveLength(1);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "a merge patch that is answered 204 and shown late is sent a few times, and is in step then",
    server: () => {
      const serve = collection()();
      let shown: unknown;
      let until = 0;
      return (request, seconds) => {
        const { method, path } = request;
        if (method === "GET" && path !== "/things" && seconds < until) return { body: shown };
        if (method === "PATCH") {
          if (seconds >= until) [shown, until] = [serve({ ...request, method: "GET" }, seconds)?.body, seconds + 2.5];
          serve(request, seconds);
          return { status: 204 };
        }
        return serve(request, seconds);
      };
    },
    manifests: { "HTTPResource/thing": declared({ name: "x" }, merged) },
    after: { "HTTPResource/thing": declared({ name: "y" }, merged) },
    check(seen) {
      expect(seen.sent("PATCH").length).toBeLessThan(4);
      expectMadeOnce(seen);
    },
  },
  {
    name: "what a merge patch takes away has a default then, which is left",
    server: collection({ show: ({ colour, ...thing }) => ({ ...thing, colour: colour ?? "grey" }) }),
    manifests: { "HTTPResource/thing": declared({ name: "x", colour: "red" }, merged) },
    after: { "HTTPResource/thing": declared({ name: "x" }, merged) },
    check(seen) {
      expect(seen.bodies("PATCH")).toEqual(['{"colour":null}']);
      expectMadeOnce(seen);
    },
  },
  {
    name: "what a merge patch took away and somebody sets by hand is theirs",
    server: () => {
      const serve = collection()();
      let isPatched = false;
      let seenAt = Infinity;
      let isSet = false;
      return (request, seconds) => {
        if (request.method === "PATCH") isPatched = true;
        else if (isPatched) seenAt = Math.min(seenAt, seconds);
        if (seconds > seenAt + 2 && !isSet) {
          isSet = true;
          serve({ ...request, method: "PATCH", path: "/things/1", body: { colour: "blue" } }, seconds);
        }
        return serve(request, seconds);
      };
    },
    manifests: { "HTTPResource/thing": declared({ name: "x", colour: "red" }, merged) },
    after: { "HTTPResource/thing": declared({ name: "x" }, merged) },
    check(seen) {
      expect(seen.bodies("PATCH")).toEqual(['{"colour":null}']);
      expectMadeOnce(seen);
    },
  },
  {
    name: "a server that names the keys in another case has what is declared, where that is said of both sides",
    server: collection({
      show: (thing) => Object.fromEntries(Object.entries(thing).map(([key, value]) => [key.toUpperCase(), value])),
    }),
    manifests: {
      "HTTPResource/thing": declared(
        { displayName: "x" },
        {
          externalID: ".object.id",
          observe: { url: itsURL, object: ".response.body | with_entries(.key |= ascii_downcase)" },
          update: { url: itsURL, body: { json: "${ .parameters }" }, object: ".body | with_entries(.key |= ascii_downcase)" },
        },
      ),
    },
    check(seen) {
      expect(seen.sent("PUT")).toEqual([]);
      expectMadeOnce(seen);
    },
  },
  {
    name: "a search that ignores its query shows another's, which is neither changed nor deleted; its own is made once",
    server: () => {
      const serve = collection()();
      serve(
        { method: "POST", path: "/things", query: new URLSearchParams(), headers: {}, text: "", body: { name: "another" } },
        0,
      );
      return serve;
    },
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        {
          externalID: ".object.id",
          observe: { url: "$URL/things", query: [{ name: "name", value: "x" }], object: ".response.body[0]" },
          mine: ".object.name == .parameters.name",
          lookup: { url: "$URL/things", match: ".item.name == .parameters.name" },
        },
      ),
    },
    after: nothing,
    check({ requests, sent }) {
      expect(requests.filter((line) => /^(PUT|PATCH|DELETE) \/things\/1 /.test(line))).toEqual([]);
      expect(sent("POST").length).toBeLessThan(2);
    },
  },
  {
    name: "ids beyond 2^53 that differ in the last digit are two, in a list too",
    server: () => {
      const own = "9007199254740993";
      const items = (all: readonly string[]): string => `[${all.join(",")}]`;
      let name: unknown;
      return ({ method, path, body }) => {
        const other = '{"id":9007199254740992,"name":"other"}';
        const mine = name === undefined ? [] : [`{"id":${own},"name":${JSON.stringify(name)}}`];
        const headers = { "content-type": "application/json" };
        if (path === "/things" && method === "GET") return { headers, body: items([other, ...mine]) };
        if (path === "/things") return ((name = body["name"]), { status: 201, headers, body: "{}" });
        if (path !== `/things/${own}` || name === undefined) return undefined;
        if (method === "DELETE") return ((name = undefined), { status: 204 });
        if (method === "PUT") name = body["name"];
        return { headers, body: `{"id":${own},"name":${JSON.stringify(name)}}` };
      };
    },
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        { externalID: ".item.id", observe: undefined, lookup: { url: "$URL/things", match: ".item.name == .parameters.name" } },
      ),
    },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("POST").length, sent("DELETE"), isThere("thing")]).toEqual([
        1,
        ["DELETE /things/9007199254740993 204"],
        false,
      ]);
    },
  },
  {
    name: "a step before delete whose work goes on is waited for, and delete is sent when it has ended",
    server: () => {
      const serve = collection()();
      let offAt = Infinity;
      return (request, seconds) => {
        const { method, path } = request;
        if (path === "/things/1/disable") return ((offAt = Math.min(offAt, seconds + 1.5)), { status: 202, body: {} });
        if (method === "GET" && path === "/things/1") {
          const answer = serve(request, seconds);
          return answer && { body: { ...(answer.body as Thing), state: seconds > offAt ? "off" : "on" } };
        }
        return method === "DELETE" && seconds <= offAt ? { status: 409 } : serve(request, seconds);
      };
    },
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        {
          beforeDelete: {
            url: `${itsURL}/disable`,
            method: "POST",
            poll: { url: itsURL, until: '.response.body.state == "off"', interval: "500ms" },
          },
        },
      ),
    },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("POST"), sent("DELETE"), isThere("thing")]).toEqual([
        ["POST /things 201", "POST /things/1/disable 202"],
        ["DELETE /things/1 204"],
        false,
      ]);
    },
  },
  {
    name: "a parent that is made anew has its child made anew below it, once",
    server: collection({
      first: ({ method, path, body }, { all }) => {
        if (method === "PUT" && body["size"] !== all.get(path.split("/")[2] ?? "")?.["size"]) return { status: 422 };
        if (method !== "DELETE") return undefined;
        for (const [key, { parent }] of all) if (`/things/${String(parent)}` === path) all.delete(key);
        return undefined;
      },
    }),
    manifests: family(1),
    after: family(2),
    check({ sent, bodies, state, status }) {
      expect(sent("POST").filter((line) => line.endsWith(" 201"))).toHaveLength(4);
      expect([ready(state("parent")), ready(state("child"))]).toEqual(["True", "True"]);
      const [parent, child] = [String(status("parent")["externalID"]), String(status("child")["externalID"])];
      expect([parent, child].toSorted((a, b) => Number(a) - Number(b))).toEqual(["3", "4"]);
      // Made before the other's id was known, it is put below it hereafter.
      const told = [...bodies("POST"), ...bodies("PUT")].filter((body) => body.includes("parent"));
      expect(told.at(-1)).toBe(JSON.stringify({ parent }));
    },
  },
  {
    name: "what is gone between the look and the update is made anew, once",
    server: collection({
      first: ({ method }, { all }) => {
        if (method === "PUT") all.delete("1");
        return undefined;
      },
    }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: { "HTTPResource/thing": declared({ name: "y" }) },
    check({ sent, state, status }) {
      expect([sent("PUT"), sent("POST").length]).toEqual([["PUT /things/1 404"], 2]);
      expect([ready(state("thing")), status("thing")["externalID"]]).toEqual(["True", "2"]);
    },
  },
  {
    name: "a change of what is locked goes out when it is not any more",
    server: () => {
      const serve = collection()();
      let count = 0;
      return (request, seconds) => (request.method === "PUT" && (count += 1) <= 2 ? { status: 423 } : serve(request, seconds));
    },
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: { "HTTPResource/thing": declared({ name: "y" }) },
    check(seen) {
      expect(seen.sent("PUT")).toEqual(["PUT /things/1 423", "PUT /things/1 423", "PUT /things/1 200"]);
      expectMadeOnce(seen);
    },
  },
  {
    name: "a parent that is not there yet makes create wait, not end",
    server: () => {
      const serve = collection()();
      return (request, seconds) =>
        request.method === "POST" && seconds < 5 ? { status: 404, body: { error: "no such parent" } } : serve(request, seconds);
    },
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    check({ sent, state }) {
      expect(sent("POST").filter((line) => line.endsWith(" 201"))).toHaveLength(1);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "what is marked as deleted by hand is made anew, once, and its own DELETE ends",
    server: () => {
      const serve = collection()();
      const marked = new Map<string, number>();
      let seenAt = Infinity;
      return (request, seconds) => {
        const { method, path } = request;
        if (method === "GET" && path === "/things/1") {
          if (seconds > seenAt + 2 && !marked.has(path)) marked.set(path, seconds);
          if (serve(request, seconds)) seenAt = Math.min(seenAt, seconds);
        }
        if (method === "DELETE" && serve({ ...request, method: "GET" }, seconds)) {
          if (marked.has(path)) return { status: 404 };
          marked.set(path, seconds);
          return { status: 200, body: { deletedAt: seconds } };
        }
        const answer = serve(request, seconds);
        return answer && method === "GET" && path !== "/things"
          ? { body: { ...(answer.body as Thing), deletedAt: marked.get(path) ?? null } }
          : answer;
      };
    },
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        { observe: { url: itsURL, object: ".response.body | select(.deletedAt == null)" } },
      ),
    },
    after: nothing,
    isDue: (_stage, { sent }) => sent("POST").length === 2,
    check({ sent, isThere }) {
      expect([sent("POST").length, sent("DELETE"), isThere("thing")]).toEqual([2, ["DELETE /things/2 200"], false]);
    },
  },
  {
    name: "an object that is deleted while its create goes on is deleted when it is there",
    server: () => {
      const serve = collection()();
      let begunAt = Infinity;
      return (request, seconds) => {
        if (request.path === "/jobs/1") {
          if (seconds < begunAt + 11) return { status: 202, body: { state: "running" } };
          return { body: { state: "done", id: 1 } };
        }
        if (request.method === "POST") {
          begunAt = seconds;
          serve(request, seconds);
          return { status: 202, headers: { location: "/jobs/1" }, body: { state: "running" } };
        }
        return seconds < begunAt + 11 && request.path !== "/things" ? undefined : serve(request, seconds);
      };
    },
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        { create: { url: "$URL/things", body: { json: "${ .parameters }" }, poll: { interval: "500ms" } } },
      ),
    },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("POST").length, sent("DELETE"), isThere("thing")]).toEqual([1, ["DELETE /things/1 204"], false]);
    },
  },
  {
    name: "what a server makes otherwise at a place of replace is made once, and said to differ",
    server: collection({ keep: (body) => ({ ...body, region: String(body["region"]).toUpperCase() }) }),
    manifests: { "HTTPResource/thing": declared({ name: "x", region: "eu" }, { replace: [".region"] }) },
    after: { "HTTPResource/thing": declared({ name: "y", region: "eu" }, { replace: [".region"] }) },
    check({ sent, state }) {
      expect([sent("POST").length, sent("DELETE")]).toEqual([1, []]);
      expect(state("thing")).toMatch(/^False\/NotHeld/);
    },
  },
  {
    name: "a page for signing in is no answer to DELETE: the object goes when the session is there again",
    server: () => {
      const serve = collection()();
      let count = 0;
      return (request, seconds) => {
        if (request.method === "DELETE") count += 1;
        return count === 1 || count === 2
          ? { status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body: "<form>Sign in</form>" }
          : serve(request, seconds);
      };
    },
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("DELETE"), isThere("thing")]).toEqual([
        ["DELETE /things/1 200", "DELETE /things/1 200", "DELETE /things/1 204"],
        false,
      ]);
    },
  },
  {
    name: "a page is answered to DELETE while observe is answered: what is still there is deleted again",
    server: () => {
      const serve = collection()();
      let count = 0;
      return (request, seconds) =>
        request.method === "DELETE" && (count += 1) === 1
          ? { status: 200, headers: { "content-type": "text/html" }, body: "<form>Sign in</form>" }
          : serve(request, seconds);
    },
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("DELETE"), isThere("thing")]).toEqual([["DELETE /things/1 200", "DELETE /things/1 204"], false]);
    },
  },
  {
    name: "a server that tells of a deletion by a page is believed where observe does not deny it",
    server: () => {
      const serve = collection()();
      return (request, seconds) => {
        const answer = serve(request, seconds);
        return answer && request.method === "DELETE"
          ? { status: 200, headers: { "content-type": "text/html" }, body: "<h1>Deleted</h1>" }
          : answer;
      };
    },
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("DELETE"), isThere("thing")]).toEqual([["DELETE /things/1 200"], false]);
    },
  },
  {
    name: "what was removed by hand goes, though there is a step before its DELETE",
    server: collection({
      first: ({ method }, { all }) => {
        if (method === "PATCH") all.clear();
        return undefined;
      },
    }),
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        { beforeDelete: { url: itsURL, method: "PATCH", body: { json: { enabled: false } } } },
      ),
    },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("PATCH"), sent("DELETE"), isThere("thing")]).toEqual([
        ["PATCH /things/1 404"],
        ["DELETE /things/1 404"],
        false,
      ]);
    },
  },
  {
    name: "an update whose work goes on is sent once, though the old is shown meanwhile",
    server: () => {
      const serve = collection()();
      let doneAt = Infinity;
      let waiting: Asked | undefined;
      return (request, seconds) => {
        if (waiting && seconds > doneAt) [, waiting] = [serve(waiting, seconds), undefined];
        if (request.path === "/jobs/1") return { status: waiting ? 202 : 200, body: {} };
        if (request.method !== "PUT") return serve(request, seconds);
        [waiting, doneAt] = [request, seconds + 2.5];
        return { status: 202, headers: { location: "/jobs/1" }, body: { job: 1 } };
      };
    },
    manifests: { "HTTPResource/thing": declared({ name: "x" }, polled) },
    after: { "HTTPResource/thing": declared({ name: "y" }, polled) },
    check(seen) {
      expect(seen.sent("PUT")).toEqual(["PUT /things/1 202"]);
      expectMadeOnce(seen);
    },
  },
  {
    name: "PUT with If-None-Match is refused for what a copy does not show yet: it is taken over, and changed once",
    server: () => {
      let thing: Thing = { id: "x", size: 1 };
      return ({ method, path, body, headers }, seconds) => {
        if (path !== "/things/x") return undefined;
        if (method === "GET") return seconds < 5 ? undefined : { body: thing };
        if (headers["if-none-match"] === "*") return { status: 412 };
        thing = { id: "x", ...body };
        return { body: thing };
      };
    },
    manifests: {
      "HTTPResource/thing": declared(
        { size: 2 },
        {
          externalID: '"x"',
          create: {
            url: itsURL,
            method: "PUT",
            headers: [{ name: "If-None-Match", value: "*" }],
            body: { json: "${ .parameters }" },
          },
        },
      ),
    },
    check({ sent, state }) {
      expect(sent("PUT").filter((line) => line.endsWith(" 200"))).toHaveLength(1);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "a parent whose child goes on being deleted for a while is deleted when that is gone",
    server: () => {
      const serve = collection()();
      let childGoesAt = Infinity;
      return (request, seconds) => {
        const { method, path } = request;
        if (seconds > childGoesAt) serve({ ...request, method: "DELETE", path: "/things/2" }, seconds);
        if (method !== "DELETE") return serve(request, seconds);
        if (path === "/things/2") return ((childGoesAt = Math.min(childGoesAt, seconds + 1.5)), { status: 202 });
        return seconds <= childGoesAt ? { status: 409, body: { error: "it has children" } } : serve(request, seconds);
      };
    },
    manifests: family(1),
    after: nothing,
    check({ sent, isThere }) {
      expect(sent("DELETE").filter((line) => line.includes("/things/2"))).toEqual(["DELETE /things/2 202"]);
      expect(sent("DELETE").at(-1)).toBe("DELETE /things/1 204");
      expect([isThere("parent"), isThere("child")]).toEqual([false, false]);
    },
  },
  {
    name: "an API of verbs, all POST and 200, is made and changed once each, though update sends the id that only a search tells",
    server: () => {
      const all = new Map<string, Thing>();
      return ({ path, body }) => {
        const id = typeof body["id"] === "string" ? body["id"] : "";
        switch (path) {
          case "/things.search":
            return { body: { ok: true, items: [...all.values()].filter(({ name }) => name === body["name"]) } };
          case "/things.create":
            all.set(`T${all.size + 1}`, { id: `T${all.size + 1}`, ...body });
            return { body: { ok: true } };
          case "/things.update":
            if (!all.has(id)) return { body: { ok: false, error: "not_found" } };
            all.set(id, { ...all.get(id), ...body });
            return { body: { ok: true } };
          default:
            return { body: { ok: all.delete(id) } };
        }
      };
    },
    manifests: { "HTTPResource/thing": verbs(1) },
    after: { "HTTPResource/thing": verbs(2) },
    check({ requests, state, status }) {
      const sentTo = (verb: string): number => requests.filter((line) => line.includes(`things.${verb}`)).length;
      expect(["create", "update", "delete"].map(sentTo)).toEqual([1, 1, 0]);
      expect([ready(state("thing")), status("thing")["externalID"]]).toEqual(["True", "T1"]);
    },
  },
];

function verbs(size: number): object {
  return declared(
    { name: "x", size },
    {
      externalID: ".object.id",
      refusedIf: ".response.body.ok == false",
      observe: {
        url: "$URL/things.search",
        method: "POST",
        body: { json: { name: "${ .parameters.name }" } },
        object: ".response.body.items[0]",
      },
      create: { url: "$URL/things.create", body: { json: "${ .parameters }" } },
      update: {
        url: "$URL/things.update",
        method: "POST",
        idempotent: true,
        body: { json: { id: "${ .externalID }", size: "${ .parameters.size }" } },
      },
      delete: { url: "$URL/things.delete", method: "POST", body: { json: { id: "${ .externalID }" } } },
    },
  );
}

function family(size: number): RemoteCase["manifests"] {
  return {
    "HTTPResource/parent": declared({ name: "p", size }, { replace: [".size"] }),
    "HTTPResource/child": declared(
      {},
      {
        inputs: { parent: { objectRef: { kind: "HTTPResource", name: "parent", expression: ".status.externalID" } } },
        create: { url: "$URL/things", body: { json: { parent: "${ .inputs.parent }" } } },
        update: { url: itsURL, body: { json: { parent: "${ .inputs.parent }" } } },
      },
    ),
  };
}
