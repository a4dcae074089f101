/** Objects of products that many have, whose APIs speak JSON: their servers keep, show and refuse as those do. */
import { both, life, one, secret, type Kept as Thing } from "../life.ts";
import type { Answer, RemoteCase } from "../remote-servers.ts";

/** GitHub's hooks: PATCH alone, a secret that is shown as ********, defaults, events in an order of its own. */
const hook = life({
  name: "a hook that masks its secret and sorts its events",
  product: one(
    ({ method, path, body }, it, set) => {
      const show = (t: Thing): Answer => ({
        body: { id: 7, type: "Repository", ...t, config: { ...(t["config"] as Thing), secret: "********" } },
      });
      const keep = (t: Thing): Thing => ({
        active: true,
        ...t,
        events: (t["events"] as string[]).toSorted(),
        config: { insecure_ssl: "0", ...(t["config"] as Thing) },
      });
      if (method === "POST" && path === "/repos/o/r/hooks") {
        if (it) return { status: 422, body: { message: "Validation Failed" } };
        set(keep(body));
        return { ...show(keep(body)), status: 201 };
      }
      if (!it || path !== "/repos/o/r/hooks/7") return { status: 404, body: { message: "Not Found" } };
      if (method === "GET") return show(it);
      if (method === "PATCH") {
        set(keep({ ...it, ...body }));
        return show(keep({ ...it, ...body }));
      }
      if (method !== "DELETE") return { status: 404 };
      set(undefined);
      return { status: 204 };
    },
    (it) => ({ ...it, active: false }),
  ),
  ...both((n) => {
    const json = {
      active: true,
      events: n === 1 ? ["push", "issues"] : ["push"],
      config: { url: "https://x.example/", content_type: "json", secret: "${ .inputs.secret }" },
    };
    return {
      "Secret/s": { secret: `hook-secret-${n}` },
      "HTTPResource/it": {
        inputs: { secret: secret("secret") },
        externalID: ".response.body.id",
        observe: { url: "$URL/repos/o/r/hooks/${ .externalID }" },
        create: { url: "$URL/repos/o/r/hooks", body: { json } },
        update: { url: "$URL/repos/o/r/hooks/${ .externalID }", method: "PATCH", body: { json } },
        delete: { url: "$URL/repos/o/r/hooks/${ .externalID }" },
        compare: [{ path: ".events", as: "sort" }],
        interval: "1s",
      },
    };
  }),
  history: [true, false, true, 2].map((step) => ({
    active: step !== false,
    events: step === 2 ? ["push"] : ["issues", "push"],
    config: {
      insecure_ssl: "0",
      url: "https://x.example/",
      content_type: "json",
      secret: step === 2 ? "hook-secret-2" : "hook-secret-1",
    },
  })),
});

/** Vault's KV version 2: a wrapping that differs in and out, a version, and a deletion that leaves a 404 with a body. */
const kv = life({
  name: "a versioned key value whose deletion leaves a version behind",
  product: () => {
    let versions: (Thing | null)[] = [];
    return {
      kept: () => versions.at(-1) ?? null,
      hand: () => versions.push({ password: "by hand" }),
      serve({ method, path, body, headers }) {
        if (headers["x-vault-token"] !== "root-token-of-vault") return { status: 403, body: { errors: ["permission denied"] } };
        if (path !== "/v1/secret/data/app") return { status: 404, body: { errors: [] } };
        const metadata = { version: versions.length, destroyed: false, deletion_time: versions.at(-1) === null ? "x" : "" };
        if (method === "POST") {
          versions.push(body["data"] as Thing);
          return { body: { request_id: "a", data: { ...metadata, version: versions.length } } };
        }
        if (method === "DELETE") {
          versions.push(null);
          return { status: 204 };
        }
        if (versions.length === 0) return { status: 404, body: { errors: [] } };
        const data = versions.at(-1);
        return { status: data ? 200 : 404, body: { request_id: "b", data: { data, metadata } } };
      },
    };
  },
  ...both((n) => ({
    "Secret/s": { token: "root-token-of-vault" },
    "HTTPEndpoint/vault": {
      baseURL: "$URL/v1",
      auth: { apiKey: { name: "X-Vault-Token", value: { secretKeyRef: { name: "s", key: "token" } } } },
    },
    "HTTPResource/it": {
      endpointRef: { name: "vault" },
      parameters: { password: `p${n}` },
      externalID: ".metadata.name",
      observe: { path: "/secret/data/app", object: ".response.body.data.data" },
      create: { path: "/secret/data/app", body: { json: { data: "${ .parameters }" } }, idempotent: true },
      update: {
        path: "/secret/data/app",
        method: "POST",
        idempotent: true,
        body: { json: { data: "${ .parameters }" } },
        object: ".body.data",
      },
      delete: { path: "/secret/data/app" },
      interval: "1s",
    },
  })),
  history: [{ password: "p1" }, { password: "by hand" }, { password: "p1" }, { password: "p2" }],
});

/** Consul's keys: a text goes in, and a list with base64 comes out. */
const consul = life({
  name: "a key whose value goes in as text and comes out as base64",
  product: () => {
    let value: string | undefined;
    return {
      kept: () => value ?? null,
      hand: () => (value = "by hand"),
      serve({ method, path, text }) {
        if (path !== "/v1/kv/app/greeting") return { status: 404 };
        if (method === "PUT") {
          value = text;
          return { body: true };
        }
        if (method === "DELETE") {
          value = undefined;
          return { body: true };
        }
        if (value === undefined) return { status: 404 };
        return {
          body: [{ LockIndex: 0, Key: "app/greeting", Flags: 0, Value: Buffer.from(value).toString("base64"), CreateIndex: 3 }],
        };
      },
    };
  },
  ...both((n) => ({
    "HTTPResource/it": {
      parameters: { greeting: `hello ${n}` },
      observe: { url: "$URL/v1/kv/app/greeting", object: ".response.body[0].Value | @base64d" },
      create: { url: "$URL/v1/kv/app/greeting", method: "PUT", body: { text: "${ .parameters.greeting }" } },
      update: { url: "$URL/v1/kv/app/greeting", body: { text: "${ .parameters.greeting }" } },
      delete: { url: "$URL/v1/kv/app/greeting" },
      interval: "1s",
    },
  })),
  history: ["hello 1", "by hand", "hello 1", "hello 2"],
});

/** Artifactory: a missing repository is a 400, a deletion and a creation answer with text, PUT creates and POST updates. */
const artifactory = life({
  name: "a repository whose absence is a 400, and whose changes are answered with text",
  product: one(
    ({ method, path, body }, it, set) => {
      const text = { "content-type": "text/plain" };
      if (path !== "/api/repositories/libs") return { status: 400, body: { errors: [{ status: 400, message: "Bad Request" }] } };
      if (method === "PUT" && it) return { status: 400, headers: text, body: "Case insensitive repository key already exists" };
      if (method === "POST" && !it) return { status: 400, headers: text, body: "Repository libs does not exist" };
      if (method === "PUT" || method === "POST") {
        set({ ...it, ...body });
        return { headers: text, body: `Successfully ${it ? "updated" : "created"} repository 'libs'\n` };
      }
      if (!it) return { status: 400, body: { errors: [{ status: 400, message: "Bad Request" }] } };
      if (method === "GET")
        return {
          headers: { "content-type": "application/vnd.org.jfrog.artifactory.repositories.LocalRepositoryConfiguration+json" },
          body: { notes: "", ...it },
        };
      set(undefined);
      return { headers: text, body: "Repository libs and all its content have been removed successfully." };
    },
    (it) => ({ ...it, description: "by hand" }),
  ),
  ...both((n) => ({
    "HTTPResource/it": {
      parameters: { rclass: "local", packageType: "maven", description: `d${n}` },
      observe: {
        url: "$URL/api/repositories/libs",
        expect: { status: ["200", "400"] },
        object: "if .response.statusCode == 400 then null else .response.body end",
      },
      create: { url: "$URL/api/repositories/libs", method: "PUT", body: { json: "${ .parameters }" } },
      update: { url: "$URL/api/repositories/libs", method: "POST", idempotent: true, body: { json: "${ .parameters }" } },
      delete: { url: "$URL/api/repositories/libs" },
      interval: "1s",
    },
  })),
  history: ["d1", "by hand", "d1", "d2"].map((description) => ({ rclass: "local", packageType: "maven", description })),
});

/** Snipe-IT: everything is a 200, also what is not there, and what was refused. */
const snipe = life({
  name: "an asset of an API that answers 200 to everything",
  product: one(
    ({ method, path, body }, it, set) => {
      const ok = (payload: unknown): Answer => ({ body: { status: "success", messages: "done", payload } });
      const no = (messages: unknown): Answer => ({ body: { status: "error", messages, payload: null } });
      if (path === "/api/v1/users" && method === "POST") {
        if (it) return no({ username: ["The username has already been taken."] });
        set(body);
        return ok({ id: 12, ...body });
      }
      if (!it || path !== "/api/v1/users/12") return no("User not found");
      if (method === "GET") return { body: { id: 12, ...it, department: null } };
      if (method === "PUT") {
        set(body);
        return ok({ id: 12, ...body });
      }
      set(undefined);
      return ok(null);
    },
    (it) => ({ ...it, first_name: "by hand" }),
  ),
  ...both((n) => ({
    "HTTPResource/it": {
      parameters: { first_name: `Ada ${n}`, username: "ada" },
      externalID: ".response.body.payload.id",
      observe: { url: "$URL/api/v1/users/${ .externalID }", object: '.response.body | select(.status != "error")' },
      create: { url: "$URL/api/v1/users", body: { json: "${ .parameters }" } },
      update: { url: "$URL/api/v1/users/${ .externalID }", body: { json: "${ .parameters }" } },
      delete: { url: "$URL/api/v1/users/${ .externalID }" },
      refusedIf: '.response.body | .status? == "error" and .messages != "User not found"',
      interval: "1s",
    },
  })),
  history: ["Ada 1", "by hand", "Ada 1", "Ada 2"].map((first_name) => ({ first_name, username: "ada" })),
});

/** Okta's users: the first DELETE deactivates, the second one deletes; a deactivated one is shown. */
const okta = life({
  name: "a user that has to be deactivated before it can be deleted, and is shown meanwhile",
  product: one(
    ({ method, path, body }, it, set) => {
      const show = (t: Thing): Answer => ({ body: { id: "00u1", ...t, credentials: { provider: { type: "OKTA" } } } });
      if (path === "/api/v1/users" && method === "POST") {
        set({ status: "ACTIVE", profile: body["profile"], credentials: body["credentials"] });
        return show({ status: "ACTIVE", profile: body["profile"] });
      }
      if (!it) return { status: 404, body: { errorCode: "E0000007" } };
      if (path === "/api/v1/users/00u1/lifecycle/deactivate") {
        if (it["status"] !== "ACTIVE") return { status: 403, body: { errorCode: "E0000038" } };
        set({ ...it, status: "DEPROVISIONED" });
        return { body: {} };
      }
      if (path !== "/api/v1/users/00u1") return { status: 404 };
      if (method === "GET") return show(it);
      if (method === "POST") {
        const profile = { ...(it["profile"] as Thing), ...(body["profile"] as Thing) };
        set({ ...it, profile, ...(body["credentials"] !== undefined && { credentials: body["credentials"] }) });
        return show({ ...it, profile });
      }
      if (it["status"] === "ACTIVE") return { status: 403, body: { errorCode: "E0000001" } };
      set(undefined);
      return { status: 204 };
    },
    (it) => ({ ...it, profile: { ...(it["profile"] as Thing), city: "by hand" } }),
  ),
  ...both((n) => {
    const json = {
      profile: { login: "ada@x.org", city: "Rome" },
      credentials: { password: { value: "${ .inputs.password }" } },
    };
    return {
      "Secret/s": { password: `password-number-${n}` },
      "HTTPResource/it": {
        inputs: { password: secret("password") },
        externalID: ".response.body.id",
        observe: { url: "$URL/api/v1/users/${ .externalID }", object: '.response.body | select(.status != "DEPROVISIONED")' },
        create: { url: "$URL/api/v1/users", body: { json } },
        update: { url: "$URL/api/v1/users/${ .externalID }", method: "POST", idempotent: true, body: { json } },
        beforeDelete: { url: "$URL/api/v1/users/${ .externalID }/lifecycle/deactivate", method: "POST" },
        delete: { url: "$URL/api/v1/users/${ .externalID }" },
        interval: "1s",
      },
    };
  }),
  history: [
    ...(["Rome", "by hand", "Rome"] as const).map((city) => ({
      status: "ACTIVE",
      profile: { login: "ada@x.org", city },
      credentials: { password: { value: "password-number-1" } },
    })),
    ...["ACTIVE", "DEPROVISIONED"].map((status) => ({
      status,
      profile: { login: "ada@x.org", city: "Rome" },
      credentials: { password: { value: "password-number-2" } },
    })),
  ],
});

/** NetBox: ids go in and objects come out, choices come out as value and label. */
const netbox = life({
  name: "a device whose references go in as ids and come out as objects",
  product: one(
    ({ method, path, body }, it, set) => {
      const show = (t: Thing): Thing => ({
        id: 4,
        url: "http://x/api/dcim/devices/4/",
        ...t,
        site: { id: t["site"], name: "site" },
        status: { value: t["status"], label: String(t["status"]) },
      });
      if (path === "/api/dcim/devices/" && method === "GET")
        return { body: { count: it ? 1 : 0, next: null, previous: null, results: it ? [show(it)] : [] } };
      if (path === "/api/dcim/devices/" && method === "POST") {
        if (it) return { status: 400, body: { name: ["device with this name already exists."] } };
        set(body);
        return { status: 201, body: show(body) };
      }
      if (!it || path !== "/api/dcim/devices/4/") return { status: 404, body: { detail: "Not found." } };
      if (method === "GET") return { body: show(it) };
      if (method === "PATCH") {
        set({ ...it, ...body });
        return { body: show({ ...it, ...body }) };
      }
      set(undefined);
      return { status: 204 };
    },
    (it) => ({ ...it, status: "offline" }),
  ),
  ...both((n) => ({
    "HTTPResource/it": {
      parameters: { name: "r1", site: n, status: "active" },
      externalID: ".object.id",
      lookup: {
        url: "$URL/api/dcim/devices/",
        query: [{ name: "name", value: "${ .parameters.name }" }],
        items: ".response.body.results",
        match: ".item.name == .parameters.name",
        next: ".response.body.next",
      },
      observe: { url: "$URL/api/dcim/devices/${ .externalID }/" },
      create: { url: "$URL/api/dcim/devices/", body: { json: "${ .parameters }" } },
      update: { url: "$URL/api/dcim/devices/${ .externalID }/", body: { mergePatch: "${ .parameters }" } },
      delete: { url: "$URL/api/dcim/devices/${ .externalID }/" },
      compare: [
        { path: ".site", as: ".id? // ." },
        { path: ".status", as: ".value? // ." },
      ],
      interval: "1s",
    },
  })),
  history: [
    { name: "r1", site: 1, status: "active" },
    { name: "r1", site: 1, status: "offline" },
    { name: "r1", site: 1, status: "active" },
    { name: "r1", site: 2, status: "active" },
  ],
});

/** Keycloak's: 201 without content and with a Location, changes without content, names in small letters, lists for texts. */
const keycloak = life({
  name: "a user whose id only the Location has, who is changed without an answer, and whose name is put in small letters",
  product: one(
    ({ method, path, body, query }, it, set) => {
      const keep = (t: Thing): Thing => ({ ...t, username: String(t["username"]).toLowerCase() });
      const show = (t: Thing): Thing => ({ id: "f-1", createdTimestamp: 5, totp: false, ...t, credentials: undefined });
      if (path === "/admin/realms/r/users" && method === "GET")
        return { body: it && it["username"] === query.get("username")?.toLowerCase() ? [show(it)] : [] };
      if (path === "/admin/realms/r/users" && method === "POST") {
        if (it) return { status: 409, body: { errorMessage: "User exists with same username" } };
        set(keep(body));
        return { status: 201, headers: { location: "https://id.example/admin/realms/r/users/f-1" } };
      }
      if (!it || path !== "/admin/realms/r/users/f-1") return { status: 404, body: { error: "User not found" } };
      if (method === "GET") return { body: show(it) };
      set(method === "PUT" ? keep({ ...it, ...body }) : undefined);
      return { status: 204 };
    },
    (it) => ({ ...it, enabled: false }),
  ),
  ...both((n) => {
    const json = '${ .parameters + {credentials: [{type: "password", value: .inputs.password}]} }';
    return {
      "Secret/s": { password: `password-number-${n}` },
      "HTTPResource/it": {
        inputs: { password: secret("password") },
        parameters: { username: "Ada", enabled: true, attributes: { team: ["t1"] } },
        externalID: '.object.id? // (.response.headers.location | sub(".*/"; ""))',
        lookup: {
          url: "$URL/admin/realms/r/users",
          query: [
            { name: "username", value: "${ .parameters.username }" },
            { name: "exact", value: "true" },
          ],
          items: ".response.body",
          match: ".item.username == (.parameters.username | ascii_downcase)",
        },
        observe: { url: "$URL/admin/realms/r/users/${ .externalID }" },
        create: { url: "$URL/admin/realms/r/users", body: { json } },
        update: { url: "$URL/admin/realms/r/users/${ .externalID }", body: { json } },
        delete: { url: "$URL/admin/realms/r/users/${ .externalID }" },
        compare: [{ path: ".username", as: "ascii_downcase" }],
        ignore: [".credentials"],
        interval: "1s",
      },
    };
  }),
  history: [
    ...[true, false, true].map((enabled) => ({
      username: "ada",
      enabled,
      attributes: { team: ["t1"] },
      credentials: [{ type: "password", value: "password-number-1" }],
    })),
    {
      username: "ada",
      enabled: true,
      attributes: { team: ["t1"] },
      credentials: [{ type: "password", value: "password-number-2" }],
    },
  ],
});

/** OpenSearch's policies: numbers in the query of each change. */
const opensearch = life({
  name: "a policy that is changed with the numbers of its latest form in the query",
  product: () => {
    let policy: unknown;
    let seq = 0;
    return {
      kept: () => policy ?? null,
      hand: () => {
        policy = { description: "by hand" };
        seq += 1;
      },
      serve({ method, path, query, body }) {
        if (path !== "/_plugins/_ism/policies/hot") return { status: 404, body: { error: "no handler" } };
        if (method === "PUT") {
          const [was, term] = [query.get("if_seq_no"), query.get("if_primary_term")];
          const isNew = policy === undefined;
          if (!isNew && (was !== String(seq) || term !== "1"))
            return { status: 409, body: { error: { type: "version_conflict_engine_exception" } } };
          policy = body["policy"];
          seq += 1;
          return { status: isNew ? 201 : 200, body: { _id: "hot", _seq_no: seq, _primary_term: 1 } };
        }
        if (policy === undefined) return { status: 404, body: { error: { type: "status_exception" } } };
        if (method === "GET")
          return {
            body: {
              _id: "hot",
              _seq_no: seq,
              _primary_term: 1,
              policy: { schema_version: 1, policy_id: "hot", ...(policy as Thing) },
            },
          };
        policy = undefined;
        return { body: { _id: "hot", result: "deleted" } };
      },
    };
  },
  ...both((n) => ({
    "HTTPResource/it": {
      parameters: { description: `d${n}` },
      observe: { url: "$URL/_plugins/_ism/policies/hot" },
      create: { url: "$URL/_plugins/_ism/policies/hot", method: "PUT", body: { json: { policy: "${ .parameters }" } } },
      update: {
        url: "$URL/_plugins/_ism/policies/hot",
        query: [
          { name: "if_seq_no", value: "${ .object._seq_no }" },
          { name: "if_primary_term", value: "${ .object._primary_term }" },
        ],
        body: { json: { policy: "${ .parameters }" } },
      },
      delete: { url: "$URL/_plugins/_ism/policies/hot" },
      interval: "1s",
    },
  })),
  history: ["d1", "by hand", "d1", "d2"].map((description) => ({ description })),
});

export const restProductCases: readonly RemoteCase[] = [hook, kv, consul, artifactory, snipe, okta, netbox, keycloak, opensearch];
