/** Servers whose answers say "refused", "not yet" or nothing at all. */
import { expect } from "@jest/globals";
import type { RemoteCase } from "../remote-servers.ts";

/** Everything is 200, and says in the body what came of it. The first create is throttled. */
export const envelope = (): RemoteCase["server"] => () => {
  let there: object | undefined;
  let creates = 0;
  return ({ method, body }) => {
    if (method === "POST" && ++creates === 1)
      return { body: { success: false, errors: [{ code: 971, message: "throttled" }], result: null } };
    if (method === "POST") there = { id: "r1", ...body };
    return { body: there ? { success: true, result: there } : { success: false, errors: [{ code: 1001 }] } };
  };
};
const record = {
  parameters: { name: "x" },
  externalID: ".object.id",
  observe: { url: "$URL/records/${ .externalID }", object: ".response.body.result" },
  create: { url: "$URL/records", body: { json: "${ .parameters }" } },
  update: { url: "$URL/records/${ .externalID }", body: { json: "${ .parameters }" } },
  interval: "1s",
};
const refusedIf = ".response.body | .success == false and .errors[0].code != 1001";

/** Whoever reads may not write, and the other way round. */
const twoCredentials = (): RemoteCase["server"] => () => {
  let there: object | undefined;
  return ({ method, body, headers }) => {
    if (headers.authorization !== (method === "GET" ? "Bearer reads" : "Bearer writes")) return { status: 403 };
    if (method === "PUT") there = body;
    return there && { body: there };
  };
};
const withToken = (key: string) => ({ baseURL: "$URL", auth: { bearer: { token: { secretKeyRef: { name: "s", key } } } } });

/** GraphQL: one URL, and errors in a 200. The fourth answer is one. */
const graphql = (): RemoteCase["server"] => () => {
  const all = new Map<string, Record<string, unknown>>();
  let count = 0;
  return ({ body }) => {
    const query = String(body["query"]);
    const variables = (body["variables"] ?? {}) as { readonly id?: string; readonly input?: Record<string, unknown> };
    if (++count === 4) return { body: { data: null, errors: [{ extensions: { code: "RATE_LIMITED" } }] } };
    if (query.includes("createLabel")) {
      const label = { id: `L_${all.size + 1}`, ...variables.input };
      all.set(label.id, label);
      return { body: { data: { createLabel: { label } } } };
    }
    const label = all.get(variables.id ?? "");
    if (query.includes("deleteLabel"))
      return all.delete(variables.id ?? "")
        ? { body: { data: {} } }
        : { body: { errors: [{ extensions: { code: "NOT_FOUND" } }] } };
    if (query.includes("updateLabel")) Object.assign(label ?? {}, variables.input);
    return { body: { data: { node: label ?? null } } };
  };
};
const label = (color: string) => ({
  parameters: { name: "bug", color },
  externalID: ".response.body.data.createLabel.label.id",
  observe: {
    url: "$URL/graphql",
    method: "POST",
    body: { json: { query: "query($id: ID!) { node(id: $id) { name color } }", variables: { id: "${ .externalID }" } } },
    object: ".response.body.data.node",
  },
  create: {
    url: "$URL/graphql",
    body: { json: { query: "mutation { createLabel }", variables: { input: "${ .parameters }" } } },
  },
  update: {
    url: "$URL/graphql",
    method: "POST",
    object: ".body.variables.input",
    body: { json: { query: "mutation { updateLabel }", variables: { id: "${ .externalID }", input: "${ .parameters }" } } },
  },
  delete: {
    url: "$URL/graphql",
    method: "POST",
    body: { json: { query: "mutation { deleteLabel }", variables: { id: "${ .externalID }" } } },
  },
  refusedIf: '.response.body.errors | . != null and .[0].extensions.code != "NOT_FOUND"',
  interval: "1s",
});

/** A create is answered 204, and the list has it a moment later. */
const silent = (): RemoteCase["server"] => () => {
  const all: { id: number; name: unknown }[] = [];
  let madeAt = 0;
  return ({ method, path, body }, seconds) => {
    if (method === "POST" && all.some(({ name }) => name === body["name"])) return { status: 409 };
    if (method === "POST") {
      all.push({ id: 40 + all.length, name: body["name"] });
      madeAt = seconds;
      return { status: 204 };
    }
    if (path === "/things") return { body: seconds - madeAt < 1.5 ? [] : all };
    const there = all.find(({ id }) => path === `/things/${id}`);
    return there && { body: there };
  };
};

/** Keeps what is put, by a POST that may come as often as it likes; the first breaks off after it was done. */
const put = (): RemoteCase["server"] => () => {
  let kept: unknown;
  let puts = 0;
  return ({ path, body }) => {
    if (path === "/range") return { body: { kvs: kept === undefined ? [] : [{ value: kept }] } };
    kept = body["value"];
    return (puts += 1) === 1 ? { status: 502 } : { body: {} };
  };
};

export const answerCases: readonly RemoteCase[] = [
  {
    name: "37: what says in a 200 that nothing was done is tried again, and ends well",
    server: envelope(),
    manifests: { "HTTPResource/record": { ...record, refusedIf } },
    check({ sent, status, state }) {
      expect(sent("POST")).toHaveLength(2);
      expect([state("record").split("/")[0], status("record")["externalID"]]).toEqual(["True", "r1"]);
    },
  },
  ...(
    [
      ["what was taken for a success", {}],
      ["what was not expected", { create: { ...record.create, expect: { that: ".response.body.success" } } }],
    ] as const
  ).map(([what, more]): RemoteCase => ({
    name: `37: of ${what}, it can be said later that nothing was done: it is sent again when a person asks, and ends well`,
    server: envelope(),
    manifests: { "HTTPResource/record": { ...record, ...more } },
    after: {
      "HTTPResource/record": { ...record, ...more, refusedIf, metadata: { annotations: { "holdfast.dev/reconcile-at": "1" } } },
    },
    check({ sent, status, state }) {
      expect(sent("POST")).toHaveLength(2);
      expect([state("record").split("/")[0], status("record")["externalID"]]).toEqual(["True", "r1"]);
    },
  })),
  {
    name: "37: an endpoint can say it for all",
    server: envelope(),
    manifests: {
      "HTTPEndpoint/api": { baseURL: "$URL", refusedIf },
      "HTTPResource/record": {
        ...record,
        endpointRef: { name: "api" },
        observe: { path: "/records/${ .externalID }", object: ".response.body.result" },
        create: { path: "/records", body: { json: "${ .parameters }" } },
        update: { path: "/records/${ .externalID }", body: { json: "${ .parameters }" } },
      },
    },
    check({ sent, state }) {
      expect(sent("POST")).toHaveLength(2);
      expect(state("record").split("/")[0]).toBe("True");
    },
  },
  {
    name: "21: what reads and what writes goes with a credential of its own",
    server: twoCredentials(),
    manifests: {
      "Secret/s": { reads: "reads", writes: "writes" },
      "HTTPEndpoint/reader": withToken("reads"),
      "HTTPEndpoint/writer": withToken("writes"),
      "HTTPResource/thing": {
        endpointRef: { name: "reader" },
        observe: { path: "/things/x" },
        create: { endpointRef: { name: "writer" }, path: "/things/x", method: "PUT", body: { json: { a: 1 } } },
        update: { endpointRef: { name: "writer" }, path: "/things/x", body: { json: { a: 1 } } },
        interval: "1s",
      },
    },
    check({ state, sent, requests }) {
      expect(state("thing")).toBe("True/Created");
      expect(sent("PUT")).toEqual(["PUT /things/x 200"]);
      expect(requests.filter((line) => line.endsWith(" 403"))).toEqual([]);
    },
  },
  {
    name: "17: GraphQL is said once, and everything is POST",
    server: graphql(),
    manifests: { "HTTPResource/label": label("red") },
    after: { "HTTPResource/label": label("blue") },
    check({ bodies, state }) {
      const sent = (mutation: string): number => bodies("POST").filter((text) => text.includes(mutation)).length;
      expect([sent("createLabel"), sent("updateLabel")]).toEqual([1, 1]);
      expect(state("label").split("/")[0]).toBe("True");
    },
  },
  {
    name: "06: a create that is answered without an id is looked up at once",
    server: silent(),
    manifests: {
      "HTTPResource/thing": {
        parameters: { name: "x" },
        externalID: ".response.body.id",
        lookup: { url: "$URL/things", match: ".item.name == .parameters.name" },
        observe: { url: "$URL/things/${ .externalID }" },
        create: { url: "$URL/things", body: { json: "${ .parameters }" } },
        interval: "1h",
      },
    },
    check({ sent, status, state }) {
      expect(sent("POST")).toHaveLength(1);
      expect([state("thing").split("/")[0], status("thing")["externalID"]]).toEqual(["True", "40"]);
    },
  },
  {
    name: "a POST that may come twice is sent again where its outcome is not known",
    server: put(),
    manifests: {
      "HTTPResource/key": {
        parameters: { value: "a" },
        externalID: ".metadata.name",
        observe: { url: "$URL/range", method: "POST", object: ".response.body.kvs[0]" },
        create: { url: "$URL/put", body: { json: "${ .parameters }" }, idempotent: true },
        update: { url: "$URL/put", method: "POST", body: { json: "${ .parameters }" }, idempotent: true },
        interval: "1s",
      },
    },
    check({ state }) {
      expect(state("key").split("/")[0]).toBe("True");
    },
  },
];
