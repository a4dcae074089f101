/** Objects of products that list, log, wrap and wait in ways of their own. */
import { expect } from "@jest/globals";
import { both, life, one, secret, type Kept as Thing } from "../life.ts";
import type { Answer, RemoteCase } from "../remote-servers.ts";

/** GraphQL with connections: only a list, in pages of which the body says where they begin. */
const connection = life({
  name: "a hook that only a list of GraphQL shows, page by page, by a cursor in the body",
  isLook: (line) => line === "POST /graphql",
  product: one(
    ({ body }, it, set) => {
      const query = String(body["query"]);
      const variables = body["variables"] as Thing;
      const data = (value: Thing): Answer => ({ body: { data: value } });
      const nodes = [
        ...Array.from({ length: 5 }, (_, n) => ({ id: `H_${n}`, url: `u${n}` })),
        ...(it ? [{ id: "H_x", ...it }] : []),
      ];
      if (query.startsWith("query")) {
        const from = variables["after"] === null ? 0 : Number(variables["after"]);
        const pageInfo = { hasNextPage: from + 2 < nodes.length, endCursor: String(Math.min(from + 2, nodes.length)) };
        return data({ hooks: { nodes: nodes.slice(from, from + 2), pageInfo } });
      }
      if (query.includes("delete")) set(undefined);
      else set(variables["input"] as Thing);
      return data(query.includes("create") ? { createHook: { hook: { id: "H_x" } } } : { done: true });
    },
    (it) => ({ ...it, active: false }),
  ),
  ...both((n) => {
    const call = (query: string, variables: object) => ({
      url: "$URL/graphql",
      method: "POST",
      body: { json: { query, variables } },
    });
    return {
      "HTTPResource/it": {
        parameters: { url: "https://x", active: true, events: [`e${n}`] },
        externalID: ".object.id // .response.body.data.createHook.hook.id",
        lookup: {
          ...call("query($after: String) { hooks(after: $after) { nodes { id } } }", {
            after: "${ .response.body.data.hooks.pageInfo.endCursor }",
          }),
          items: ".response.body.data.hooks.nodes",
          match: ".item.url == .parameters.url",
          next: ".response.body.data.hooks.pageInfo.hasNextPage",
        },
        create: call("mutation($input: I!) { createHook(input: $input) { hook { id } } }", { input: "${ .parameters }" }),
        update: {
          ...call("mutation($id: ID!, $input: I!) { updateHook(id: $id, input: $input) }", {
            id: "${ .externalID }",
            input: "${ .parameters }",
          }),
          idempotent: true,
          object: ".body.variables.input",
        },
        delete: { ...call("mutation($id: ID!) { deleteHook(id: $id) }", { id: "${ .externalID }" }), idempotent: true },
        refusedIf: ".response.body.errors != null",
        interval: "1s",
      },
    };
  }),
  history: ["e1", "", "e1", "e2"].map((event) => ({ url: "https://x", active: event !== "", events: [event || "e1"] })),
});

/** LXD: everything that changes is an operation that is asked after, and wants the latest ETag. */
const lxd = life({
  name: "an instance whose changes are operations, named in the body, and want the latest ETag",
  product: () => {
    let it: Thing | undefined;
    let version = 1;
    let pending: (() => void) | undefined;
    return {
      kept: () => it ?? null,
      hand: () => {
        it = { ...it, description: "by hand" };
        version += 1;
      },
      serve({ method, path, body, headers }) {
        const error = (code: number): Answer => ({ status: code, body: { type: "error", error_code: code } });
        const begin = (work: () => void): Answer => {
          pending = work;
          return { status: 202, body: { type: "async", status_code: 100, operation: "/1.0/operations/9?project=default" } };
        };
        if (path === "/1.0/operations/9") {
          const isOver = pending === undefined;
          pending?.();
          pending = undefined;
          return {
            body: { type: "sync", metadata: { status: isOver ? "Success" : "Running", status_code: isOver ? 200 : 103 } },
          };
        }
        if (path === "/1.0/instances" && method === "POST") {
          if (it) return error(409);
          const { name: _, ...rest } = body;
          return begin(() => (it = rest));
        }
        if (!it || path !== "/1.0/instances/c1") return error(404);
        if (method === "GET")
          return {
            headers: { etag: `e${version}` },
            body: { type: "sync", metadata: { name: "c1", architecture: "x86_64", ...it } },
          };
        if (method === "DELETE") return begin(() => (it = undefined));
        if (headers["if-match"] !== `e${version}`) return error(412);
        return begin(() => {
          it = { ...it, ...body };
          version += 1;
        });
      },
    };
  },
  ...both((n) => {
    const poll = {
      url: '${ "$URL" + .response.body.operation }',
      until: '.response.body.metadata.status == "Success"',
      failedIf: '.response.body.metadata.status == "Failure"',
      interval: "1s",
    };
    return {
      "HTTPResource/it": {
        parameters: { description: `d${n}`, config: { "limits.cpu": "2" } },
        externalID: ".metadata.name",
        observe: { url: "$URL/1.0/instances/c1", object: ".response.body.metadata" },
        create: { url: "$URL/1.0/instances", body: { json: '${ .parameters + {name: "c1"} }' }, poll },
        update: {
          url: "$URL/1.0/instances/c1",
          headers: [{ name: "If-Match", value: "${ .response.headers.etag }" }],
          body: { json: "${ .parameters }" },
          poll,
        },
        delete: { url: "$URL/1.0/instances/c1", poll },
        interval: "1s",
      },
    };
  }),
  history: ["d1", "by hand", "d1", "d2"].map((description) => ({ description, config: { "limits.cpu": "2" } })),
});

/** Proxmox: forms in, JSON with 1 and 0 out, null for done. */
const proxmox = life({
  name: "a user who is sent as a form with 1 and 0, and told of as null",
  product: one(
    ({ method, path, text, headers }, it, set) => {
      if (headers.authorization !== "PVEAPIToken=root@pam!holdfast=token-of-proxmox") return { status: 401 };
      const fields = Object.fromEntries(new URLSearchParams(text));
      if (path === "/api2/json/access/users" && method === "POST") {
        const { userid: _, ...rest } = fields;
        set(rest);
        return { body: { data: null } };
      }
      if (path !== "/api2/json/access/users/ada%40pve" || !it)
        return { status: 500, body: { data: null, message: "no such user ('ada@pve')\n" } };
      if (method === "GET") return { body: { data: { ...it, enable: Number(it["enable"]), expire: 0, tokens: {} } } };
      set(method === "PUT" ? { ...it, ...fields } : undefined);
      return { body: { data: null } };
    },
    (it) => ({ ...it, enable: "0" }),
  ),
  ...both((n) => {
    const form = [
      { name: "comment", value: `c${n}` },
      { name: "enable", value: "1" },
    ];
    return {
      "Secret/s": { token: "PVEAPIToken=root@pam!holdfast=token-of-proxmox" },
      "HTTPEndpoint/pve": { baseURL: "$URL/api2/json", auth: { apiKey: { name: "Authorization", value: secret("token") } } },
      "HTTPResource/it": {
        endpointRef: { name: "pve" },
        externalID: '"ada@pve"',
        observe: {
          path: "/access/users/${ .externalID }",
          expect: {
            status: ["200", "500"],
            that: '.response.statusCode == 200 or (.response.body.message | startswith("no such user"))',
          },
          object: ".response.body.data",
        },
        create: { path: "/access/users", body: { form: [{ name: "userid", value: "ada@pve" }, ...form] } },
        update: { path: "/access/users/${ .externalID }", body: { form } },
        delete: { path: "/access/users/${ .externalID }" },
        interval: "1s",
      },
    };
  }),
  history: [
    { comment: "c1", enable: "1" },
    { comment: "c1", enable: "0" },
    { comment: "c1", enable: "1" },
    { comment: "c2", enable: "1" },
  ],
});

/** Kafka Connect: PUT for all, a flat object of texts with dots in its names, a password that comes back masked, 409 for a while. */
const connector = life({
  name: "a connector of texts with dots, whose password is shown as asterisks, and which is busy for a while",
  product: () => {
    let it: Thing | undefined;
    let refusals = 0;
    return {
      kept: () => it ?? null,
      hand: () => (it = { ...it, "tasks.max": "9" }),
      serve({ method, path, body }) {
        if (path === "/connectors/sink/config") {
          if (method === "GET")
            return it
              ? { body: { ...it, name: "sink", "connection.password": "********" } }
              : { status: 404, body: { error_code: 404 } };
          if ((refusals += 1) === 1) return { status: 409, body: { error_code: 409, message: "rebalance" } };
          const isNew = it === undefined;
          it = body;
          return { status: isNew ? 201 : 200, body: { name: "sink", config: { ...it, name: "sink" }, tasks: [] } };
        }
        if (path !== "/connectors/sink" || method !== "DELETE") return { status: 404 };
        const was = it;
        it = undefined;
        return { status: was ? 204 : 404 };
      },
    };
  },
  ...both((n) => {
    const json = { "connector.class": "x.Sink", "tasks.max": "1", "connection.password": "${ .inputs.password }" };
    return {
      "Secret/s": { password: `connector-secret-${n}` },
      "HTTPResource/it": {
        inputs: { password: secret("password") },
        observe: { url: "$URL/connectors/sink/config" },
        create: { url: "$URL/connectors/sink/config", method: "PUT", body: { json } },
        update: { url: "$URL/connectors/sink/config", body: { json } },
        delete: { url: "$URL/connectors/sink" },
        retry: { when: ["409", "5xx"] },
        interval: "1s",
      },
    };
  }),
  history: [
    ...["1", "9", "1"].map((tasks) => ({
      "connector.class": "x.Sink",
      "tasks.max": tasks,
      "connection.password": "connector-secret-1",
    })),
    { "connector.class": "x.Sink", "tasks.max": "1", "connection.password": "connector-secret-2" },
  ],
});

/** Cloudflare's: an envelope, a name that gets its zone, a merge patch, a deletion that says which. */
const cloudflare = life({
  name: "a record in an envelope, whose name gets its zone, and which is patched by what differs",
  product: one(
    ({ method, path, body }, it, set) => {
      const ok = (result: unknown): Answer => ({ body: { success: true, errors: [], messages: [], result } });
      const no = (status: number, code: number): Answer => ({
        status,
        body: { success: false, errors: [{ code }], messages: [], result: null },
      });
      const keep = (t: Thing): Thing => ({
        ...t,
        name: String(t["name"]).endsWith("example.com") ? t["name"] : `${String(t["name"])}.example.com`,
      });
      const show = (t: Thing): Thing => ({
        id: "r-1",
        zone_name: "example.com",
        proxiable: true,
        ...t,
        modified_on: "2026-01-01T00:00:00.000000Z",
      });
      if (path === "/zones/z/dns_records" && method === "POST") {
        if (it) return no(400, 81057);
        set(keep(body));
        return ok(show(keep(body)));
      }
      if (!it || path !== "/zones/z/dns_records/r-1") return no(404, 81044);
      if (method === "GET") return ok(show(it));
      if (method === "PATCH") {
        if (Object.keys(body).length === 0) return no(400, 9207);
        set(keep({ ...it, ...body }));
        return ok(show(keep({ ...it, ...body })));
      }
      set(undefined);
      return ok({ id: "r-1" });
    },
    (it) => ({ ...it, ttl: 60 }),
  ),
  ...both((n) => ({
    "HTTPResource/it": {
      parameters: { type: "A", name: "www", content: `192.0.2.${n}`, ttl: 1, proxied: false },
      externalID: ".object.id",
      observe: { url: "$URL/zones/z/dns_records/${ .externalID }", object: ".response.body.result" },
      create: { url: "$URL/zones/z/dns_records", body: { json: "${ .parameters }" } },
      update: { url: "$URL/zones/z/dns_records/${ .externalID }", body: { mergePatch: "${ .parameters }" } },
      delete: { url: "$URL/zones/z/dns_records/${ .externalID }" },
      compare: [{ path: ".name", as: 'rtrimstr(".example.com")' }],
      refusedIf: ".response.body.success == false",
      interval: "1s",
    },
  })),
  history: [1, 60, 1, 2].map((step) => ({
    type: "A",
    name: "www.example.com",
    content: step === 2 ? "192.0.2.2" : "192.0.2.1",
    ttl: step === 60 ? 60 : 1,
    proxied: false,
  })),
  also: ({ bodies }) => expect(bodies("PATCH")).toEqual(['{"ttl":1}', '{"content":"192.0.2.2"}']),
});

/** Zabbix: JSON-RPC whose lists hold what is asked for, whose numbers are texts, and whose deletion takes a list. */
const zabbix = life({
  name: "a host of a JSON-RPC that finds by a filter, numbers by texts, and deletes lists",
  isLook: (line) => line === "POST /api_jsonrpc.php",
  product: one(
    ({ body, headers }, it, set) => {
      const params = body["params"] as Thing;
      const ok = (result: unknown): Answer => ({ body: { jsonrpc: "2.0", result, id: body["id"] } });
      const no = (data: string): Answer => ({
        body: { jsonrpc: "2.0", error: { code: -32602, message: "Invalid params.", data }, id: body["id"] },
      });
      if (headers.authorization !== "Bearer zabbix-token-1234") return no("Not authorised.");
      switch (String(body["method"])) {
        case "host.create":
          if (it) return no("Host already exists.");
          set(params);
          return ok({ hostids: ["10084"] });
        case "host.get": {
          const isAsked = it && (params["filter"] as { host: string[] }).host.includes(String(it["host"]));
          return ok(isAsked ? [{ hostid: "10084", ...it, status: String(it["status"]), flags: "0" }] : []);
        }
        case "host.update":
          if (!it || params["hostid"] !== "10084") return no("No permissions");
          set(Object.fromEntries(Object.entries({ ...it, ...params }).filter(([key]) => key !== "hostid")));
          return ok({ hostids: ["10084"] });
        default:
          if (!it || !(body["params"] as string[]).includes("10084")) return no("No permissions");
          set(undefined);
          return ok({ hostids: ["10084"] });
      }
    },
    (it) => ({ ...it, status: 1 }),
  ),
  ...both((n) => {
    const call = (method: string, params: unknown) => ({
      url: "$URL/api_jsonrpc.php",
      method: "POST",
      headers: [
        { name: "Content-Type", value: "application/json-rpc" },
        { name: "Authorization", value: "Bearer ${ .inputs.token }" },
      ],
      body: { json: { jsonrpc: "2.0", id: 1, method, params } },
    });
    return {
      "Secret/s": { token: "zabbix-token-1234" },
      "HTTPResource/it": {
        inputs: { token: secret("token") },
        parameters: { host: "db-1", name: `Database ${n}`, status: 0 },
        externalID: ".object.hostid? // .response.body.result.hostids[0]",
        observe: { ...call("host.get", { filter: { host: ["${ .parameters.host }"] } }), object: ".response.body.result[0]" },
        create: call("host.create", "${ .parameters }"),
        update: {
          ...call("host.update", "${ .parameters + {hostid: .externalID} }"),
          idempotent: true,
          object: ".body.params",
        },
        delete: { ...call("host.delete", ["${ .externalID }"]), idempotent: true },
        compare: [{ path: ".status", as: "tostring" }],
        refusedIf: ".response.body.error != null",
        interval: "1s",
      },
    };
  }),
  history: [
    { host: "db-1", name: "Database 1", status: 0 },
    { host: "db-1", name: "Database 1", status: 1 },
    { host: "db-1", name: "Database 1", status: 0 },
    { host: "db-1", name: "Database 2", status: 0 },
  ],
});

/** What is gone is forbidden, as in stores that do not tell whether something is there; and it is shown late. */
const forbidden = life({
  name: "what is not there is forbidden, and what is made is shown late",
  product: () => {
    let it: Thing | undefined;
    let looks = 0;
    return {
      kept: () => it ?? null,
      hand: () => (it = undefined),
      serve({ method, body }) {
        if (method === "PUT") {
          it = body;
          looks = 0;
          return { status: 200 };
        }
        if (method === "DELETE") {
          it = undefined;
          return { status: 204 };
        }
        looks += 1;
        return it && looks > 1
          ? { body: it }
          : { status: 403, headers: { "content-type": "application/xml" }, body: "<Error><Code>AccessDenied</Code></Error>" };
      },
    };
  },
  ...both((n) => ({
    "HTTPResource/it": {
      parameters: { size: n },
      externalID: ".metadata.name",
      observe: {
        url: "$URL/o/${ .externalID }",
        expect: { status: ["200", "403"] },
        object: "if .response.statusCode == 403 then null else .response.body end",
      },
      create: { url: "$URL/o/${ .externalID }", method: "PUT", body: { json: "${ .parameters }" } },
      update: { url: "$URL/o/${ .externalID }", body: { json: "${ .parameters }" } },
      delete: { url: "$URL/o/${ .externalID }" },
      interval: "1s",
    },
  })),
  history: [{ size: 1 }, null, { size: 1 }, { size: 2 }],
});

/** A dashboard: one POST for all, numbered by the server, within a wrapping, with a folder by its id. */
const dashboard = life({
  name: "a dashboard that one POST makes and changes, and whose version goes up each time",
  product: () => {
    let it: Thing | undefined;
    let version = 0;
    return {
      kept: () => it ?? null,
      hand: () => {
        it = { ...it, title: "by hand" };
        version += 1;
      },
      serve({ method, path, body }) {
        if (path === "/api/dashboards/db" && method === "POST") {
          if (it && body["overwrite"] !== true) return { status: 412, body: { status: "version-mismatch" } };
          it = body["dashboard"] as Thing;
          version += 1;
          return { body: { id: 1, uid: "cpu", status: "success", version } };
        }
        if (!it || path !== "/api/dashboards/uid/cpu") return { status: 404, body: { message: "Dashboard not found" } };
        if (method === "GET")
          return { body: { meta: { slug: "cpu", version }, dashboard: { id: 1, schemaVersion: 39, ...it, version } } };
        it = undefined;
        return { body: { title: "x", message: "Dashboard deleted" } };
      },
    };
  },
  ...both((n) => {
    const post = {
      url: "$URL/api/dashboards/db",
      idempotent: true,
      body: { json: { overwrite: true, dashboard: "${ .parameters }" } },
    };
    return {
      "HTTPResource/it": {
        parameters: { uid: "cpu", title: `CPU ${n}`, panels: [{ type: "graph", targets: [{ expr: "up" }] }] },
        externalID: ".parameters.uid",
        observe: { url: "$URL/api/dashboards/uid/${ .externalID }", object: ".response.body.dashboard" },
        create: post,
        update: { ...post, method: "POST", object: ".body.dashboard" },
        delete: { url: "$URL/api/dashboards/uid/${ .externalID }" },
        interval: "1s",
      },
    };
  }),
  history: ["CPU 1", "by hand", "CPU 1", "CPU 2"].map((title) => ({
    uid: "cpu",
    title,
    panels: [{ type: "graph", targets: [{ expr: "up" }] }],
  })),
});

export const listProductCases: readonly RemoteCase[] = [
  connection,
  lxd,
  proxmox,
  connector,
  cloudflare,
  zabbix,
  forbidden,
  dashboard,
];
