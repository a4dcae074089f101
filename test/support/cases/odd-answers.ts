/** Servers whose answers to a create or update say more, less, or something else than most do. */
import { expect } from "@jest/globals";
import { byName, collection, declared, expectMadeOnce, itsURL, nothing, ready, type Thing } from "../collection.ts";
import type { Answer, RemoteCase } from "../remote-servers.ts";

const plain = { "content-type": "text/plain" };
const posted = "POST /things 201";

/** The first create is answered so, and nothing is made. */
const refuses =
  (answer: Answer): RemoteCase["server"] =>
  () => {
    const serve = collection()();
    let count = 0;
    return (request, seconds) => (request.method === "POST" && (count += 1) === 1 ? answer : serve(request, seconds));
  };
/** The first create is made, and answered so. */
const hides =
  (answer: Answer): RemoteCase["server"] =>
  () => {
    const serve = collection()();
    let count = 0;
    return (request, seconds) => {
      const usual = serve(request, seconds);
      return request.method === "POST" && (count += 1) === 1 ? answer : usual;
    };
  };

const bearer = (input: string): object[] => [{ name: "Authorization", value: `Bearer \${ .inputs.${input} }` }];
/** Is made with one token, and asked for with another, which its answer has. */
const withOwnToken = (name: string): object =>
  declared(
    { name },
    {
      inputs: {
        first: { secretKeyRef: { name: "first", key: "token" } },
        own: { secretKeyRef: { name: "own", key: "token" } },
      },
      observe: { url: itsURL, headers: bearer("own") },
      create: { url: "$URL/things", headers: bearer("first"), body: { json: "${ .parameters }" } },
      update: { url: itsURL, headers: bearer("own"), body: { json: "${ .parameters }" } },
      delete: { url: itsURL, headers: bearer("own") },
      outputs: [{ secret: { name: "own" }, data: { token: ".response.body.token" }, whenMissing: "Keep" }],
    },
  );

/** What says in its own words that nothing was done. */
const refusedAs: readonly (readonly [string, Answer, string])[] = [
  ["JSON-RPC", { body: { jsonrpc: "2.0", id: 1, error: { code: -32000, message: "busy" } } }, ".response.body.error? != null"],
  ["GraphQL without data", { body: { data: null, errors: [{ message: "later" }] } }, ".response.body.errors? != null"],
  ["a text", { headers: plain, body: "ERROR: busy" }, '.response.text | startswith("ERROR")'],
  [
    "XML",
    { headers: { "content-type": "text/xml" }, body: "<r><fault>busy</fault></r>" },
    '.response.text | contains("<fault>")',
  ],
  [
    "a form",
    { headers: { "content-type": "application/x-www-form-urlencoded" }, body: "ACK=Failure&CODE=5" },
    '.response.text | contains("ACK=Failure")',
  ],
  ["a header field", { headers: { "x-error": "busy" }, body: {} }, '.response.headers["x-error"] != null'],
  ["a 207", { status: 207, body: [{ status: 503 }] }, '.response.body | type == "array" and any(.[]; .status? >= 400)'],
  ["a 500", { status: 500, body: { nothingDone: true } }, ".response.body.nothingDone? == true"],
];

export const oddAnswerCases: readonly RemoteCase[] = [
  ...refusedAs.map(([how, answer, refusedIf]): RemoteCase => ({
    name: `${how} says that nothing was made: it is made, once`,
    server: refuses(answer),
    manifests: { "HTTPResource/thing": declared({ name: "x" }, { refusedIf }) },
    check({ sent, state }) {
      expect(sent("POST")).toHaveLength(2);
      expect([sent("POST").at(-1), ready(state("thing"))]).toEqual([posted, "True"]);
    },
  })),
  ...(
    [
      ["429", { status: 429, headers: { "retry-after": "1" } }],
      ["400", { status: 400, body: { error: "not yet" } }],
      ["409", { status: 409 }],
      ["404", { status: 404 }],
      ["401", { status: 401 }],
    ] as const
  ).map(([how, answer]): RemoteCase => ({
    name: `a create that is answered ${how} at first is sent again, without a look-up`,
    server: refuses(answer),
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    check({ sent, state }) {
      expect(sent("POST").slice(1)).toEqual([posted]);
      expect(ready(state("thing"))).toBe("True");
    },
  })),
  ...(
    [
      ["breaks off", { breaks: "before" }],
      ["breaks off within the content", { breaks: "within", status: 201, headers: { "content-type": "application/json" } }],
      ["is answered 502", { status: 502 }],
      ["is answered 503", { status: 503 }],
      ["is answered 500", { status: 500 }],
      ["is answered 504 by a page", { status: 504, headers: { "content-type": "text/html" }, body: "<h1>Timeout</h1>" }],
    ] as const
  ).flatMap(([how, answer]): RemoteCase[] => [
    {
      name: `a create that was done and ${how} is looked up, and not done twice`,
      server: hides(answer),
      manifests: { "HTTPResource/thing": declared({ name: "x" }, { lookup: byName }) },
      check: expectMadeOnce,
    },
    {
      name: `a create that was done and ${how} is not sent again where nobody can tell`,
      server: hides(answer),
      manifests: { "HTTPResource/thing": declared({ name: "x" }) },
      check({ sent, state }) {
        expect(sent("POST")).toHaveLength(1);
        expect(state("thing")).toMatch(/OutcomeUnknown/);
      },
    },
  ]),
  {
    name: "a text has the id",
    server: collection({ made: ({ id }) => ({ status: 200, headers: plain, body: `OK ${String(id)}\n` }) }),
    manifests: {
      "HTTPResource/thing": declared({ name: "x" }, { externalID: '.response.text | capture("^OK (?<id>[0-9]+)").id' }),
    },
    check({ sent, status, state }) {
      expect([sent("POST").length, status("thing")["externalID"], ready(state("thing"))]).toEqual([1, "1", "True"]);
    },
  },
  {
    name: "a form has the id",
    server: collection({
      made: ({ id }) => ({
        status: 200,
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: `ack=ok&id=${String(id)}`,
      }),
    }),
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        { externalID: '.response.text | split("&") | map(split("=")) | map(select(.[0] == "id")) | .[0][1]' },
      ),
    },
    check({ sent, status, state }) {
      expect([sent("POST").length, status("thing")["externalID"], ready(state("thing"))]).toEqual([1, "1", "True"]);
    },
  },
  {
    name: "a create goes on after a 202, at its Location, whose last answer has the id",
    server: () => {
      const serve = collection()();
      let madeAt = 0;
      return (request, seconds) => {
        if (request.path === "/jobs/1") return seconds > madeAt + 1.5 ? { body: { id: 1, name: "x" } } : { status: 202 };
        const usual = serve(request, seconds);
        if (request.method !== "POST") return usual;
        madeAt = seconds;
        return { status: 202, headers: { location: "/jobs/1" } };
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
      expect([sent("POST"), sent("DELETE"), isThere("thing")]).toEqual([["POST /things 202"], ["DELETE /things/1 204"], false]);
    },
  },
  {
    name: "a create that is accepted and not followed is made once, and seen when it is there",
    server: () => {
      const serve = collection()();
      let madeAt = Infinity;
      return (request, seconds) => {
        if (request.method === "GET" && seconds < madeAt + 4) return request.path === "/things" ? { body: [] } : undefined;
        const usual = serve(request, seconds);
        if (request.method !== "POST") return usual;
        madeAt = seconds;
        return { status: 202, body: { message: "accepted" } };
      };
    },
    manifests: { "HTTPResource/thing": declared({ name: "x" }, { lookup: byName }) },
    check({ sent, status, state }) {
      expect([sent("POST").length, status("thing")["externalID"], ready(state("thing"))]).toEqual([1, "1", "True"]);
    },
  },
  {
    name: "a conflict whose Location names what is there is an answer",
    server: () => {
      let there: Thing = { id: 9, name: "x", size: 1 };
      return ({ method, path, body }) => {
        if (method === "POST") return { status: 409, headers: { location: "/things/9" } };
        if (path !== "/things/9") return undefined;
        return { body: method === "PUT" ? (there = { id: 9, ...body }) : there };
      };
    },
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x", size: 2 },
        {
          externalID: '.response.body.id? // (.response.headers.location | split("/") | last)',
          create: { url: "$URL/things", body: { json: "${ .parameters }" }, expect: { status: ["2xx", "409"] } },
        },
      ),
    },
    check({ sent, status, state }) {
      expect([sent("POST").length, sent("PUT"), status("thing")["externalID"]]).toEqual([1, ["PUT /things/9 200"], "9"]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
  {
    name: "a 303 to what was made is an answer, whose Location has the id",
    server: collection({ made: ({ id }) => ({ status: 303, headers: { location: `/things/${String(id)}` } }) }),
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        {
          externalID: '.response.headers.location | split("/") | last',
          create: { url: "$URL/things", body: { json: "${ .parameters }" }, expect: { status: ["2xx", "303"] } },
        },
      ),
    },
    check({ sent, status, state }) {
      expect([sent("POST").length, status("thing")["externalID"], ready(state("thing"))]).toEqual([1, "1", "True"]);
    },
  },
  {
    name: "an upsert is one request for create and update, and observed first",
    server: () => {
      const all = new Map<string, Thing>();
      return ({ method, path, body }) => {
        if (method === "PUT") return { status: all.has(path) ? 200 : 201, body: (all.set(path, body), body) };
        if (method === "DELETE") return { status: all.delete(path) ? 204 : 404 };
        const there = all.get(path);
        return there && { body: there };
      };
    },
    manifests: {
      "HTTPResource/thing": declared(
        { name: "x" },
        { externalID: ".parameters.name", create: { url: itsURL, method: "PUT", body: { json: "${ .parameters }" } } },
      ),
    },
    after: nothing,
    check({ requests, sent, isThere }) {
      expect(requests.slice(0, 2)).toEqual(["GET /things/x 404", "PUT /things/x 201"]);
      expect([sent("PUT").length, sent("DELETE"), isThere("thing")]).toEqual([1, ["DELETE /things/x 204"], false]);
    },
  },
  {
    name: "an update that is refused is tried again, and the object stays as it is",
    server: () => {
      const serve = collection()();
      let count = 0;
      return (request, seconds) => (request.method === "PUT" && (count += 1) <= 2 ? { status: 412 } : serve(request, seconds));
    },
    manifests: { "HTTPResource/thing": declared({ name: "x" }) },
    after: { "HTTPResource/thing": declared({ name: "y" }) },
    check({ sent, state }) {
      expect(sent("PUT").map((line) => line.split(" ").at(-1))).toEqual(["412", "412", "200"]);
      expect([sent("POST").length, ready(state("thing"))]).toEqual([1, "True"]);
    },
  },
  {
    name: "a token that only the answer to create has is what all else is asked with",
    server: () => {
      const serve = collection({ made: (thing) => ({ status: 201, body: { ...thing, token: "made-for-this-one" } }) })();
      return (request, seconds) => {
        const token = request.method === "POST" ? "may-create" : "made-for-this-one";
        return request.headers.authorization === `Bearer ${token}` ? serve(request, seconds) : { status: 401 };
      };
    },
    manifests: { "Secret/first": { token: "may-create" }, "HTTPResource/thing": withOwnToken("x") },
    after: { "Secret/first": { token: "may-create" }, "HTTPResource/thing": withOwnToken("y") },
    check({ sent, requests, state }) {
      expect([sent("POST"), sent("PUT")]).toEqual([[posted], ["PUT /things/1 200"]]);
      expect(requests.filter((line) => line.endsWith(" 401"))).toEqual([]);
      expect(ready(state("thing"))).toBe("True");
    },
  },
];
