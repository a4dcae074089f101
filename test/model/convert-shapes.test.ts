/**
 * What people really do with provider-http, in shapes that were seen in public: each with what becomes of it. The APIs are known, the
 * objects are written anew.
 */
import { expect, test } from "@jest/globals";
import { retryReasons } from "../../src/api/retry.ts";
import { openTranslator, peerDisposable, peerRequest } from "../support/peer-objects.ts";

const { translated } = openTranslator();

const o = "https://api.example";
const json = { "Content-Type": ["application/json"] };
/** A list of mappings by action. */
function mappings(create: object, one: string, update?: object): readonly object[] {
  const observe = { action: "OBSERVE", url: one };
  return [
    { action: "CREATE", ...create },
    observe,
    ...(update ? [{ action: "UPDATE", url: one, ...update }] : []),
    { action: "REMOVE", url: one },
  ];
}

interface Shape {
  readonly object: unknown;
  /** What the spec has, among other things. */
  readonly becomes: object;
  /** What is told, beside INFO. */
  readonly told: readonly string[];
}
const noLimit = ["CHANGE rollbackRetriesLimit"];
const shapes: Readonly<Record<string, Shape>> = {
  "a chat webhook, whose URL is a secret": {
    object: peerDisposable({
      url: "https://hooks.example/{{ chat:here:path }}",
      method: "POST",
      headers: json,
      body: '{"text":"deployed ${VERSION}"}',
      rollbackRetriesLimit: 3,
    }),
    becomes: {
      url: '${ "https://hooks.example/\\(.inputs.chat_path)" }',
      body: { text: '{"text":"deployed $${VERSION}"}' },
      retry: { limit: 2 },
    },
    told: ["CHANGE method"],
  },
  "a repository of a code host, with a version header that was arithmetic": {
    object: peerRequest({
      headers: { "X-Api-Version": ["2022-11-28"], Authorization: ["Bearer {{ host:here:token }}"] },
      payload: { baseUrl: `${o}/orgs/acme/repos`, body: '{"name":"tools","private":true}' },
      mappings: mappings(
        { url: ".payload.baseUrl", body: ".payload.body" },
        '"https://api.example/repos/acme/" + .payload.body.name',
        { method: "PATCH", body: "{private: .payload.body.private}" },
      ),
    }),
    becomes: {
      observe: {
        url: `${o}/repos/acme/tools`,
        headers: [
          { name: "X-Api-Version", value: "2022-11-28" },
          { name: "Authorization", value: "Bearer ${ .inputs.host_token }" },
        ],
      },
      update: { method: "PATCH", body: { json: { private: true } } },
    },
    told: ["FIX headers.X-Api-Version"],
  },
  "a DNS record that is found in a list by a query": {
    object: peerRequest({
      payload: { baseUrl: `${o}/zones/7/dns_records`, body: '{"type":"A","name":"www"}' },
      mappings: [
        { action: "CREATE", url: ".payload.baseUrl", body: ".payload.body" },
        { action: "OBSERVE", url: '.payload.baseUrl + "?name=" + .payload.body.name' },
        { action: "REMOVE", url: '.payload.baseUrl + "/" + .response.body.result[0].id' },
      ],
    }),
    becomes: { lookup: { url: `${o}/zones/7/dns_records?name=www`, items: ".response.body.result", externalID: ".item.id" } },
    told: ["HARD mappings[1]"],
  },
  "a host of a monitoring server, by JSON-RPC": {
    object: peerRequest({
      payload: { baseUrl: `${o}/rpc`, body: '{"host":"db1"}' },
      headers: json,
      mappings: [
        {
          action: "CREATE",
          url: ".payload.baseUrl",
          body: '{jsonrpc: "2.0", method: "host.create", params: .payload.body, id: 1}',
        },
        {
          action: "OBSERVE",
          method: "POST",
          url: ".payload.baseUrl",
          body: '{jsonrpc: "2.0", method: "host.get", params: {filter: .payload.body}, id: 1}',
        },
        {
          action: "REMOVE",
          method: "POST",
          url: ".payload.baseUrl",
          body: '{jsonrpc: "2.0", method: "host.delete", params: [.response.body.result.hostid], id: 1}',
        },
      ],
      isRemovedCheck: { type: "CUSTOM", logic: ".response.body.result == []" },
    }),
    becomes: {
      externalID: '[.response.body.result.hostid] | tojson | if contains("null") then null else . end',
      observe: { method: "POST", body: { json: { method: "host.get", params: { filter: { host: "db1" } } } } },
      delete: { method: "POST", body: { json: { params: ["${ .externalID | fromjson | .[0] }"] } } },
      exists: ". as $h | {response: $h.response} | (.response.body.result == []) | not",
    },
    told: [],
  },
  "a client of an identity server, which answers with a Location": {
    object: peerRequest({
      payload: { baseUrl: `${o}/admin/realms/main/clients`, body: '{"clientId":"app"}' },
      mappings: mappings({ url: ".payload.baseUrl", body: ".payload.body" }, ".response.headers.Location[0]"),
    }),
    becomes: {
      externalID: '.response.headers["location"]',
      observe: { url: "${ .externalID }" },
      delete: { url: "${ .externalID }" },
    },
    told: [],
  },
  "the same, of whose Location only the end is used": {
    object: peerRequest({
      payload: { baseUrl: `${o}/clients`, body: "{}" },
      mappings: mappings(
        { url: ".payload.baseUrl" },
        '.payload.baseUrl + "/" + (.response.headers.Location[0] | split("/") | last)',
      ),
    }),
    becomes: {
      parameters: { payload: { baseUrl: `${o}/clients` } },
      observe: { url: "${ .externalID }" },
      delete: { url: "${ .externalID }" },
    },
    told: [],
  },
  "a service account's token, kept in a Secret": {
    object: peerDisposable({
      url: `${o}/serviceaccounts/2/tokens`,
      method: "POST",
      headers: { ...json, Authorization: ["Basic {{ admin:here:basic }}"] },
      body: '{"name":"ci"}',
      secretInjectionConfigs: [
        {
          secretRef: { name: "ci-token", namespace: "here" },
          keyMappings: [{ secretKey: "token", responseJQ: ".body.key" }],
          setOwnerReference: true,
        },
      ],
    }),
    becomes: { outputs: [{ secret: { name: "ci-token" }, data: { token: ".response.body.key" }, whenMissing: "Delete" }] },
    told: [...noLimit, "CHANGE method"],
  },
  "a policy that is put at a path that is known": {
    object: peerRequest({
      payload: { baseUrl: `${o}/v1/sys/policies/acl/readers`, body: '{"policy":"path \\"a\\" {}"}' },
      mappings: mappings({ method: "PUT", url: ".payload.baseUrl", body: ".payload.body" }, ".payload.baseUrl", {
        body: ".payload.body",
      }),
    }),
    becomes: { create: { method: "PUT", url: `${o}/v1/sys/policies/acl/readers`, body: { json: { policy: 'path "a" {}' } } } },
    told: [],
  },
  "a workspace, by JSON:API": {
    object: peerRequest({
      headers: { "Content-Type": ["application/vnd.api+json"] },
      payload: { baseUrl: `${o}/api/v2`, body: '{"name":"w"}' },
      mappings: mappings(
        {
          url: '.payload.baseUrl + "/organizations/acme/workspaces"',
          body: '{data: {type: "workspaces", attributes: {name: .payload.body.name}}}',
        },
        '.payload.baseUrl + "/workspaces/" + .response.body.data.id',
      ),
    }),
    becomes: { externalID: ".response.body.data.id", delete: { url: `${o}/api/v2/workspaces/\${ .externalID }` } },
    told: [],
  },
  "a hook of a project, by two ids": {
    object: peerRequest({
      payload: { baseUrl: `${o}/projects`, body: "{}" },
      mappings: mappings(
        { url: '.payload.baseUrl + "/5/hooks"' },
        '.payload.baseUrl + "/" + (.response.body.project_id|tostring) + "/hooks/" + (.response.body.id|tostring)',
      ),
    }),
    becomes: { externalID: '[.response.body.project_id, .response.body.id] | tojson | if contains("null") then null else . end' },
    told: [],
  },
  "a token that is fetched each hour": {
    object: peerDisposable({
      url: `${o}/oauth/token`,
      method: "POST",
      headers: { "Content-Type": ["application/x-www-form-urlencoded"] },
      body: "grant_type=client_credentials&client_id={{ app:here:id }}&client_secret={{ app:here:secret }}",
      shouldLoopInfinitely: true,
      nextReconcile: "1h",
    }),
    becomes: {
      schedule: { every: "1h" },
      body: { text: "grant_type=client_credentials&client_id=${ .inputs.app_id }&client_secret=${ .inputs.app_secret }" },
    },
    told: [...noLimit, "CHANGE method"],
  },
  "something that is only looked at": {
    object: peerRequest({
      payload: { baseUrl: `${o}/health` },
      mappings: [{ action: "OBSERVE", url: ".payload.baseUrl" }],
      expectedResponseCheck: { type: "CUSTOM", logic: '.response.body.status == "green"' },
    }),
    becomes: {
      observe: { url: `${o}/health` },
      upToDate: '. as $h | {response: $h.response} | (.response.body.status == "green")',
    },
    told: ["CHANGE expectedResponseCheck"],
  },
  "GraphQL, with a query in quotes": {
    object: peerRequest({
      payload: { baseUrl: `${o}/graphql`, body: '{"name":"t"}' },
      mappings: [
        {
          action: "CREATE",
          url: ".payload.baseUrl",
          body: '{query: "mutation($n: String!) { add(name: $n) { id } }", variables: {n: .payload.body.name}}',
        },
        {
          action: "OBSERVE",
          method: "POST",
          url: ".payload.baseUrl",
          body: '{query: "query($id: ID!) { team(id: $id) { id name } }", variables: {id: .response.body.data.add.id}}',
        },
        {
          action: "REMOVE",
          method: "POST",
          url: ".payload.baseUrl",
          body: '{query: ("mutation { drop(id: \\"" + .response.body.data.add.id + "\\") }")}',
        },
      ],
    }),
    becomes: {
      create: { body: { json: { query: "mutation($n: String!) { add(name: $n) { id } }" } } },
      observe: { body: { json: { variables: { id: "${ .externalID | fromjson | .[0] }" } } } },
      delete: { body: { json: { query: 'mutation { drop(id: "${ .externalID | fromjson | .[0] }") }' } } },
    },
    told: [],
  },
  "a body that is text, held against the answer": {
    object: peerRequest({
      headers: { "Content-Type": ["text/yaml"] },
      payload: { baseUrl: `${o}/rules/a` },
      mappings: mappings({ method: "PUT", url: ".payload.baseUrl", body: '"groups: []"' }, ".payload.baseUrl", {
        body: '"groups: []"',
      }),
    }),
    becomes: { update: { body: { text: "groups: []" } }, upToDate: '(.response.text // "") | contains("groups: []")' },
    told: ["CHANGE expectedResponseCheck"],
  },
  "an index template that is never deleted": {
    object: peerRequest({
      payload: { baseUrl: `${o}/_index_template/logs`, body: '{"priority":100}' },
      mappings: [
        { method: "PUT", url: ".payload.baseUrl", body: ".payload.body" },
        { method: "GET", url: ".payload.baseUrl" },
        { method: "POST", url: ".payload.baseUrl", body: ".payload.body" },
      ],
    }),
    becomes: { update: { body: { json: { priority: 100 } } }, create: { body: { json: { priority: 100 } } } },
    told: ["CHANGE mappings"],
  },
  "an object of a Composition, which only observes": {
    object: peerRequest(
      { payload: { baseUrl: `${o}/a` }, mappings: mappings({ url: ".payload.baseUrl" }, ".payload.baseUrl") },
      {
        metadata: {
          name: "one",
          namespace: "here",
          labels: { "crossplane.io/composite": "x" },
          annotations: { "crossplane.io/external-name": "one", "crossplane.io/paused": "true", team: "a" },
        },
      },
    ),
    becomes: { suspend: true, observe: { url: `${o}/a` } },
    told: [],
  },
  "a job that may answer 409, and waits for a state": {
    object: peerDisposable({
      url: `${o}/jobs/7/run`,
      method: "POST",
      allowedStatusCodes: [409],
      expectedResponse: '.statusCode == 409 or .body.state == "queued"',
      rollbackRetriesLimit: 10,
      nextReconcile: "30s",
    }),
    becomes: {
      expect: { status: ["200-399", "409"], that: '.response | (.statusCode == 409 or .body.state == "queued")' },
      retry: { limit: 9, when: ["2xx", "3xx", "4xx", "5xx", ...retryReasons], backoff: { initial: "30s", max: "30s" } },
    },
    told: ["CHANGE method"],
  },
  "a member that is named by what the server made of its name": {
    object: peerRequest({
      payload: { baseUrl: `${o}/users`, body: '{"email":"A@example.org"}' },
      mappings: mappings(
        { url: ".payload.baseUrl", body: ".payload.body" },
        '.payload.baseUrl + "/" + (.response.body.email | ascii_downcase | @uri)',
      ),
    }),
    becomes: { observe: { url: "${ .externalID }" } },
    told: [],
  },
};

test("there are as many as were found", () => {
  expect(Object.keys(shapes)).toHaveLength(18);
});

test.each(Object.entries(shapes))("%s", async (_, { object, becomes, told }) => {
  const { manifest, findings } = await translated(object);
  expect(manifest?.spec).toMatchObject(becomes);
  expect(findings.filter(({ level }) => level !== "INFO").map(({ level, field }) => `${level} ${field}`)).toEqual(told);
});
