/** Answers to observe that say nothing, or something else than they seem to, and ids of every shape. */
import { expect } from "@jest/globals";
import { byName, collection, declared, expectMadeOnce, itsURL, nothing, ready } from "../collection.ts";
import type { Answer, RemoteCase } from "../remote-servers.ts";

const html = { "content-type": "text/html" };
const page = "<!doctype html><title>Sign in</title><form></form>";

/** What GET of one is answered at the second look, and at two more. */
const silences: readonly (readonly [string, Answer])[] = [
  ["asks for a credential", { status: 401 }],
  ["forbids it", { status: 403 }],
  ["is throttled", { status: 429, headers: { "retry-after": "1" } }],
  ["is down", { status: 503 }],
  ["fails", { status: 500, body: { error: "not found" } }],
  ["breaks off", { breaks: "before" }],
  ["breaks off within the content", { breaks: "within", headers: { "content-type": "application/json" } }],
  ["answers by a gateway", { status: 502, headers: html, body: "<h1>Bad gateway</h1>" }],
  ["shows a page of maintenance", { status: 200, headers: html, body: "<h1>Back soon</h1>" }],
  ["sends to a page for signing in", { status: 302, headers: { location: "/login" } }],
  ["answers with what is no JSON", { status: 200, headers: { "content-type": "application/json" }, body: '{"id": 1, "na' }],
  ["answers 200 without content", { status: 200 }],
];

const ids: readonly (readonly [string, string | number])[] = [
  ["a number", 7],
  ["zero", 0],
  ["with a slash", "team/a"],
  ["with all that a URL reserves", "a b/c?d#e%f+ü&g=h"],
  ["encoded already", "a%2Fb"],
  ["with leading zeros", "007"],
  ["as a ULID in lower case", "01hgw2bbfrmyw"],
  ["as a URN", "urn:x:1:y"],
];

/** What was made is over after a while, and is shown as such. */
const ending = (lookup: object): Pick<RemoteCase, "server" | "manifests"> => ({
  server: collection({
    first: (_request, { all, looks }) => {
      if (looks > 2 && all.get("1")?.["state"] !== "over") all.set("1", { id: 1, name: "x", state: "over" });
      return undefined;
    },
  }),
  manifests: {
    "HTTPResource/thing": declared(
      { name: "x" },
      { observe: { url: itsURL, object: '.response.body | select(.state != "over")' }, lookup },
    ),
  },
});

export const oddExistenceCases: readonly RemoteCase[] = [
  ...silences.map(([how, answer]): RemoteCase => ({
    name: `observe ${how}: nothing is made or changed, and it is Ready again afterwards`,
    server: collection({
      first: ({ method, path }, { looks }) => {
        if (path === "/login") return { status: 200, headers: html, body: page };
        return method === "GET" && path !== "/things" && looks > 1 && looks < 5 ? answer : undefined;
      },
    }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    check({ sent, state }) {
      expect([sent("POST"), sent("PUT")]).toEqual([["POST /things 201"], []]);
      expect(ready(state("thing"))).toBe("True");
    },
  })),
  {
    name: "everything is a proxy's 404 for a while: what is there is not made twice",
    server: collection({
      first: (_request, { looks }) => (looks > 1 && looks < 5 ? { status: 404, headers: html, body: page } : undefined),
    }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    check({ sent, status, state }) {
      expect(sent("POST").filter((line) => line.endsWith(" 201"))).toHaveLength(1);
      expect([ready(state("thing")), status("thing")["externalID"]]).toEqual(["True", "1"]);
    },
  },
  {
    name: "what was made is shown late: it is made once",
    server: collection({
      first: ({ method, path }, { since }) => (method === "GET" && path !== "/things" && since < 5 ? { status: 404 } : undefined),
    }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    check({ sent, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "a list shows late what was made, and nothing else can be asked: it is made once",
    server: collection({ first: ({ method }, { since }) => (method === "GET" && since < 5 ? { body: [] } : undefined) }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }, { observe: undefined, lookup: byName }) },
    check({ sent, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "410 is an absence like 404, and is made again once",
    server: collection({
      first: ({ method, path }, { all, looks }) => {
        if (looks > 2) all.delete("1");
        return method === "GET" && path === "/things/1" && looks > 2 ? { status: 410 } : undefined;
      },
    }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    check({ sent, status, state }) {
      expect(sent("POST")).toHaveLength(2);
      expect([ready(state("thing")), status("thing")["externalID"]]).toEqual(["True", "2"]);
    },
  },
  {
    name: "a search that never finds what was made makes one",
    server: collection({ list: () => [] }),
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        {
          externalID: ".object.id",
          observe: { url: "$URL/things", query: [{ name: "nmae", value: "x" }], object: ".response.body[0]" },
        },
      ),
    },
    check({ sent, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect(state("thing")).toMatch(/^False\/NotSeen/);
    },
  },
  {
    name: "an error in a 200 of what was never seen makes one",
    server: collection({ show: () => ({ data: null, error: { code: 404 } }), made: (thing) => ({ body: { data: thing } }) }),
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        { externalID: ".object.id", observe: { url: itsURL, object: ".response.body.data" } },
      ),
    },
    check({ sent, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect(state("thing")).toMatch(/^False\/NotSeen/);
    },
  },
  {
    name: "an empty list in place of 404 is an absence",
    server: collection({
      show: (thing) => [thing],
      made: (thing) => ({ status: 201, body: [thing] }),
      first: ({ method, path }, { all, looks }) => {
        if (looks > 2) all.delete("1");
        return method === "GET" && path !== "/things" && all.size === 0 ? { body: [] } : undefined;
      },
    }),
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        { externalID: ".object.id", observe: { url: itsURL, object: ".response.body[0]" } },
      ),
    },
    check({ sent, status, state }) {
      expect(sent("POST")).toHaveLength(2);
      expect([ready(state("thing")), status("thing")["externalID"]]).toEqual(["True", "2"]);
    },
  },
  ...ids.map(([how, id]): RemoteCase => ({
    name: `an id ${how} is asked for, changed and deleted by itself`,
    server: collection({ id: () => id }),
    manifests: {
      "HTTPResource/thing": declared({ name: "x" }),
    },
    after: nothing,
    check({ sent, isThere }) {
      expect([sent("POST").length, sent("PUT"), isThere("thing")]).toEqual([1, [], false]);
      expect(sent("DELETE")).toEqual([`DELETE /things/${encodeURIComponent(id)} 204`]);
    },
  })),
  {
    name: "an id beyond 2^53 keeps its digits",
    server: collection({
      made: () => ({ status: 201, headers: { "content-type": "application/json" }, body: '{"id":12345678901234567890}' }),
      id: () => "12345678901234567890",
    }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    check({ sent, status, state }) {
      expect([sent("POST").length, status("thing")["externalID"]]).toEqual([1, "12345678901234567890"]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  ...["/things/5", "$URL/things/5", "things/5", "/things/5?version=1"].map((location): RemoteCase => ({
    name: `an id in the Location ${location} only`,
    server: () => {
      let there: object | undefined;
      return ({ method, path, body, headers }) => {
        if (method === "POST") {
          there = body;
          return { status: 201, headers: { location: location.replace("$URL", `http://${headers.host ?? ""}`) } };
        }
        if (path !== "/things/5" || !there) return undefined;
        if (method === "DELETE") return { status: 204, body: void (there = undefined) };
        return { body: method === "PUT" ? (there = body) : there };
      };
    },
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        { externalID: '.response.headers.location | split("?")[0] | split("/") | last' },
      ),
    },
    after: {
      "HTTPResource/thing": declared(
        { name: "y" },
        { externalID: '.response.headers.location | split("?")[0] | split("/") | last' },
      ),
    },
    check({ sent, status, state }) {
      expect([sent("POST").length, sent("PUT"), status("thing")["externalID"]]).toEqual([1, ["PUT /things/5 200"], "5"]);
      expect(ready(state("thing"))).toBe("True");
    },
  })),
  ...(
    [
      ["a text", { headers: { "content-type": "text/plain" }, body: "OK" }],
      ["nothing", { status: 204 }],
      ["a list", { body: [] }],
      ["an id that is null", { body: { id: null } }],
      ["a page", { headers: html, body: page }],
    ] as const
  ).flatMap(([how, answer]): RemoteCase[] => [
    {
      name: `update answers with ${how}: the id stays`,
      server: collection({ changed: () => answer }),
      manifests: { "HTTPResource/thing": declared({ name: "x" }) },
      after: { "HTTPResource/thing": declared({ name: "y" }) },
      check({ sent, status, state }) {
        expect([sent("POST").length, sent("PUT"), status("thing")["externalID"]]).toEqual([
          1,
          [`PUT /things/1 ${"status" in answer ? 204 : 200}`],
          "1",
        ]);
        expect(ready(state("thing"))).toBe("True");
      },
    },
    {
      name: `create answers with ${how}: it is looked up, and made once`,
      server: collection({ made: () => answer }),
      manifests: { "HTTPResource/thing": declared({ name: "x" }, { lookup: byName }) },
      check: expectMadeOnce,
    },
  ]),
  {
    name: "an id that is a number here and a text there is one",
    server: collection({ list: (things) => things.map((thing) => ({ ...thing, id: String(thing["id"]) })) }),
    manifests: {
      "HTTPResource/thing": declared({ name: "x" }, { externalID: ".object.id", observe: undefined, lookup: byName }),
    },
    after: {
      "HTTPResource/thing": declared({ name: "x", size: 2 }, { externalID: ".object.id", observe: undefined, lookup: byName }),
    },
    check({ sent, state }) {
      expect([sent("POST").length, sent("PUT")]).toEqual([1, ["PUT /things/1 200"]]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "two of one name are nobody's: nothing is made, and it is said",
    server: () => () => ({
      body: [
        { id: 1, name: "x" },
        { id: 2, name: "x" },
      ],
    }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }, { lookup: byName }) },
    check({ sent, state }) {
      expect(sent("POST")).toEqual([]);
      expect(state("thing")).toMatch(/LookupAmbiguous/);
    },
  },
  {
    name: "what is renamed by hand keeps its id, and gets its name back",
    server: collection({
      first: (_request, { all, looks }) => {
        if (looks === 2 && all.get("1")?.["name"] === "x") all.set("1", { id: 1, name: "by hand" });
        return undefined;
      },
    }),
    manifests: { "HTTPResource/thing": declared({ name: "x" }, { lookup: byName }) },
    check({ sent, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect(sent("PUT").length).toBeGreaterThan(0);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "a list that has what is over, by its state, is at odds with observe, and nothing is made",
    ...ending(byName),
    check({ sent, status, state, message }) {
      expect([sent("POST").length, status("thing")["externalID"]]).toEqual([1, "1"]);
      expect(state("thing")).toBe("Unknown/Inconsistent Reconciling");
      expect(message("thing")).toContain("spec.lookup.items can leave that out");
    },
  },
  {
    name: "a list from which what is over is left out is none of it: it is made anew, once",
    ...ending({ ...byName, items: '[.response.body[] | select(.state != "over")]' }),
    check({ sent, status, state }) {
      expect([sent("POST").length, status("thing")["externalID"]]).toEqual([2, "2"]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
];
