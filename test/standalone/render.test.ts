/** `holdfast render` held against what `holdfast run` then sends: the same, but for what is masked. */
import { expect, test } from "@jest/globals";
import { parseAllDocuments, stringify } from "yaml";
import { holdfast } from "../support/holdfast.ts";
import { loopbackServer, type LoopbackServer, type ReceivedRequest } from "../support/loopback.ts";
import { temporaryFolder } from "../support/standalone-store.ts";

const apiVersion = "holdfast.dev/v1alpha1";
const declared = (kind: string, name: string, spec: object, annotations = {}): object => ({
  apiVersion,
  kind,
  metadata: { name, annotations },
  spec,
});
const request = (name: string, spec: object): object => declared("HTTPRequest", name, spec);
const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { a: "s3cr3t-one", b: "s3cr3t-two" } };
const files = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "files" }, data: { text: "käse\r\n" } };
const ref = (key: string): object => ({ secretKeyRef: { name: "s", key } });

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
const ofTheConnection = ["host", "connection", "content-length"];
const lined = (body: string, type: string): string => (type.startsWith("multipart/") ? body.replaceAll("\r\n", "\n") : body);

function received(origin: LoopbackServer, { method, url, headers, body }: ReceivedRequest): Sent {
  const own = Object.entries(headers).filter(([name]) => !ofTheConnection.includes(name));
  return {
    method,
    url: `${origin.url}${url}`,
    headers: Object.fromEntries(own.map(([name, value]) => [name, String(value)])),
    body: lined(body, headers["content-type"] ?? ""),
  };
}
function shown(stdout: string): Sent[] {
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Partial<Sent> & { readonly headers?: readonly { name: string; value: string }[] })
    .filter(({ method }) => method !== undefined)
    .map(({ method = "", url = "", headers = [], body = "" }) => ({
      method,
      url,
      headers: Object.fromEntries(headers.map(({ name, value }) => [name.toLowerCase(), value])),
      body,
    }));
}
/** What was sent, with asterisks where `as` has them. */
function masked(sent: string, as: string): string {
  const parts = as.split("***").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]+")}$`).test(sent) ? as : sent;
}
function maskedAs(sent: Sent, as: Sent): Sent {
  const headers = Object.entries(sent.headers).map(([name, value]) => [name, masked(value, as.headers[name] ?? "")]);
  return { ...sent, url: masked(sent.url, as.url), headers: Object.fromEntries(headers), body: masked(sent.body, as.body) };
}

/** Renders and runs the manifests; each request as rendered, and the one that came, masked alike. */
async function both(origin: LoopbackServer, manifests: readonly object[]) {
  await using folder = await temporaryFolder();
  const all = [...manifests, secret, files].map((manifest) => stringify(manifest)).join("---\n");
  const file = await folder.write("all.yaml", all);
  const rendered = await holdfast(["render", "-f", file]);
  expect([rendered.code, rendered.stderr]).toEqual([0, ""]);
  expect(rendered.stdout).not.toContain("s3cr3t");
  expect(origin.requests).toEqual([]);
  const ran = await holdfast(["run", "--once", "-f", file]);
  expect([ran.code, ran.stdout]).toEqual([0, expect.stringContaining("ended as declared")]);
  const asked = shown(rendered.stdout);
  const came = origin.requests.map((one) => received(origin, one));
  const found = (as: Sent): Sent | undefined =>
    came.map((one) => maskedAs(one, as)).find(({ method, url }) => method === as.method && url === as.url);
  return { asked, came: asked.map(found), unseen: came.length - asked.length };
}

test("wish 24: each body, field and query parameter is sent as it was rendered", async () => {
  await using origin = await loopbackServer((_, response) => void response.end("{}"));
  const to = (path: string, spec: object): object => request(path, { url: `${origin.url}/${path}`, method: "POST", ...spec });
  const inputs = { token: ref("a"), big: { value: 9007199254740993n }, name: { value: "grace/hopper" } };
  const { asked, came, unseen } = await both(origin, [
    to("json", { body: { json: { a: ["${ .inputs.big }", "ü", null], t: "${ .inputs.token }" } }, inputs }),
    to("text", {
      body: { text: "To ${ .metadata.name }: $${" },
      headers: [{ name: "X-A", value: "${ .inputs.token }!" }],
      inputs,
    }),
    to("form", {
      body: {
        form: [
          { name: "p", value: "${ .inputs.token }" },
          { name: "c", value: "#a b" },
        ],
      },
      inputs,
    }),
    to("multipart", {
      body: {
        multipart: [
          { name: "a", value: "${ .inputs.name }" },
          { name: "f", filename: "a.txt", configMapKeyRef: { name: "files", key: "text" } },
        ],
      },
      inputs,
    }),
    to("base64", {
      body: { base64: Buffer.from("bytes").toString("base64") },
      headers: [{ name: "Content-Type", value: "x/y" }],
    }),
    to("file", { body: { configMapKeyRef: { name: "files", key: "text" } } }),
    to("secret", { body: ref("b") }),
    request("path", {
      url: `${origin.url}/users/\${ .inputs.name }?x=1`,
      query: [
        { name: "q", value: "${ .inputs.name } & co" },
        { name: "t", value: "${ .inputs.token }" },
      ],
      inputs,
    }),
    request("each", {
      url: `${origin.url}/each/\${ .item.name }`,
      method: "PUT",
      forEach: { items: [{ name: "a b" }, { name: "c" }] },
      body: { json: { at: "${ .index }" } },
    }),
  ]);
  expect(asked).toHaveLength(10);
  expect(came).toEqual(asked);
  expect(unseen).toBe(0);
});

test("wish 24: with each credential the fields are sent that were rendered", async () => {
  await using origin = await loopbackServer(({ url }, response) => {
    const isToken = url === "/token";
    response.writeHead(200, { "content-type": "application/json" });
    response.end(isToken ? '{"access_token":"t","token_type":"Bearer","expires_in":3600}' : "{}");
  });
  const keys = { region: "eu-central-1", accessKeyID: { value: "AKIA" }, secretAccessKey: ref("a") };
  const auths = {
    basic: { basic: { username: { value: "ada" }, password: ref("a") } },
    bearer: { bearer: { token: ref("a") } },
    field: { apiKey: { name: "X-Key", value: ref("a") } },
    parameter: { apiKey: { in: "Query", name: "key", value: ref("a") } },
    oauth2: { oauth2: { tokenURL: `${origin.url}/token`, clientID: { value: "me" }, clientSecret: ref("b") } },
    sigv4: { awsSigV4: { ...keys, service: "execute-api" } },
    s3: { awsSigV4: { ...keys, service: "s3", sessionToken: ref("b") } },
  };
  const endpoint = { baseURL: `${origin.url}/api`, headers: [{ name: "Accept", value: "application/json" }] };
  const { asked, came, unseen } = await both(
    origin,
    Object.entries(auths).flatMap(([name, auth]) => [
      declared("HTTPEndpoint", name, { ...endpoint, auth }),
      request(name, {
        endpointRef: { name },
        path: `/${name}`,
        method: "PUT",
        body: { json: {} },
        query: [{ name: "a", value: "1" }],
      }),
    ]),
  );
  expect(asked).toHaveLength(7);
  expect(came).toEqual(asked);
  expect(unseen).toBe(1); // for the token
});

test("wish 24: a poll goes where it was rendered to, with the fields that go along there", async () => {
  const answer = (response: Parameters<Parameters<typeof loopbackServer>[0]>[1], headers = {}): void =>
    void response.writeHead("location" in headers ? 202 : 200, headers).end("{}");
  await using elsewhere = await loopbackServer((_, response) => answer(response));
  await using origin = await loopbackServer(({ url }, response) =>
    answer(response, url === "/located" ? { location: "/jobs/7" } : {}),
  );
  const headers = [
    { name: "Authorization", value: "Bearer ${ .inputs.token }" },
    { name: "X-Trace", value: "1" },
  ];
  const spec = { method: "POST", headers, body: { json: {} }, inputs: { token: ref("a") } };
  const poll = (url?: string): object => ({ interval: "100ms", ...(url !== undefined && { url }) });
  const { asked, came } = await both(origin, [
    request("known", { ...spec, url: `${origin.url}/known`, poll: poll("/jobs/${ .metadata.name }?t=${ .inputs.token }") }),
    request("other", { ...spec, url: `${origin.url}/other`, poll: poll(`${elsewhere.url}/jobs/9`) }),
    request("located", { ...spec, url: `${origin.url}/located`, poll: poll() }),
    request("answered", { ...spec, url: `${origin.url}/answered`, poll: poll("/jobs/${ .response.statusCode }") }),
  ]);
  const [known, jobs, other, away, located, header, answered, told] = asked;
  expect([known, jobs, other, located, answered]).toEqual([0, 1, 2, 4, 6].map((at) => came[at]));
  expect(jobs?.url).toBe(`${origin.url}/jobs/known?t=***`);
  expect(away).toEqual(received(elsewhere, elsewhere.requests[0] as ReceivedRequest));
  expect(away?.headers).not.toHaveProperty("authorization");
  const at = (path: string) => origin.requests.filter(({ url }) => url === path).map((one) => received(origin, one))[0] as Sent;
  expect(header).toEqual({
    ...maskedAs(at("/jobs/7"), header as Sent),
    url: expect.stringMatching(/^\(in the answer: .*Location\)$/),
  });
  expect(told).toEqual({ ...maskedAs(at("/jobs/200"), told as Sent), url: "/jobs/${ .response.statusCode }" });
});

test("wish 24: every request of an HTTPResource is sent as it was rendered, by the id that it was given", async () => {
  await using origin = await loopbackServer(({ method, url }, response) => {
    const list = url?.startsWith("/list") ? '[{"id":"x-1","name":"other"}]' : '{"id":"u-7","age":1}';
    response.writeHead(method === "POST" ? 201 : 200, { "content-type": "application/json" }).end(list);
  });
  const one = `${origin.url}/users/\${ .externalID }`;
  const body = { json: { age: "${ .parameters.age }" } };
  const given = { "holdfast.dev/external-id": "u-7" };
  const { asked, came } = await both(origin, [
    declared(
      "HTTPResource",
      "given",
      { parameters: { age: 36 }, observe: { url: one }, update: { url: one, body }, drift: "Correct" },
      given,
    ),
    declared(
      "HTTPResource",
      "patched",
      {
        parameters: { age: 37 },
        observe: { url: `${one}/p` },
        update: {
          url: `${one}/p`,
          body: { mergePatch: { age: "${ .parameters.age }" } },
          poll: { url: "/jobs/${ .externalID }", interval: "100ms" },
        },
      },
      given,
    ),
    declared("HTTPResource", "sought", {
      parameters: { name: "ada", age: 38 },
      externalID: ".response.body.id",
      lookup: {
        url: `${origin.url}/list`,
        items: ".response.body",
        match: ".item.name == .parameters.name",
        query: [{ name: "all", value: "1" }],
      },
      create: { url: `${origin.url}/users`, body },
    }),
  ]);
  expect(asked.map(({ method, url }) => `${method} ${url.slice(origin.url.length)}`)).toEqual([
    "GET /users/u-7",
    "PUT /users/u-7",
    "GET /users/u-7/p",
    "PATCH /users/u-7/p",
    "GET /jobs/u-7",
    "GET /list?all=1",
    "POST /users",
  ]);
  expect(came).toEqual(asked);
});

test("wish 24: what is not known before there is an answer is said to be so, and is no mistake", async () => {
  await using folder = await temporaryFolder();
  const url = "http://127.0.0.1:1/users";
  const numeric = declared("HTTPResource", "numeric", {
    externalID: ".response.body.id",
    observe: { url: `${url}/\${ .externalID }` },
    create: { url, body: { json: {} } },
    update: { url, body: { json: { id: "${ .response.body.id }" } } },
    delete: { url, method: "POST", body: { json: { id: "${ .externalID | tonumber }" } } },
  });
  const file = await folder.write("a.yaml", stringify(numeric));
  const { code, stdout, stderr } = await holdfast(["render", "-f", file]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(`# HTTPResource default/numeric, observe\nmethod: GET\nurl: ${url}/(externalID)\n`);
  expect(stdout).toContain("numeric, update, as it is written: it is made from what was observed\n");
  expect(stdout).toContain("numeric, delete, as it is written: the id is not known\n");
});

test("names each expression that is no jq, wherever it stands, and a schedule without a tick", async () => {
  await using folder = await temporaryFolder();
  const url = "http://127.0.0.1:1/";
  const broken = ". |";
  const other = { kind: "HTTPRequest", name: "other" };
  const resource = { observe: { url }, create: { url, body: { json: {} } } };
  const manifests = [
    request("a", { url, expect: { that: broken } }),
    request("b", { url, poll: { until: broken } }),
    request("c", { url, outputs: [{ secret: { name: "s" }, data: { a: broken } }] }),
    request("d", { url, dependsOn: [{ ...other, that: broken }] }),
    request("e", { url, inputs: { i: { objectRef: { ...other, expression: broken } } } }),
    request("f", { url, schedule: { cron: "0 0 30 2 *" } }),
    declared("HTTPResource", "g", { ...resource, externalID: broken }),
    declared("HTTPResource", "h", { ...resource, exists: broken }),
    declared("HTTPResource", "i", { ...resource, upToDate: broken }),
    declared("HTTPResource", "j", { ...resource, externalID: ".", lookup: { url, match: broken } }),
    declared("HTTPResource", "k", { ...resource, observe: { url, expect: { that: broken } } }),
  ];
  const file = await folder.write("a.yaml", manifests.map((manifest) => stringify(manifest)).join("---\n"));
  const { code, stderr } = await holdfast(["render", "-f", file]);
  expect(code).toBe(1);
  const fields = [...stderr.matchAll(/default\/(\w)(?:, \w+)?: (spec\.[^:]+):/g)].map(([, name, field]) => `${name} ${field}`);
  expect(fields).toEqual([
    "a spec.expect.that",
    "b spec.poll.until",
    "c spec.outputs[0].data.a",
    "d spec.dependsOn[0].that",
    "e spec.inputs.i.objectRef.expression",
    "f spec.schedule.cron",
    "g spec.externalID",
    "h spec.exists",
    "i spec.upToDate",
    "j spec.lookup.match",
    "k spec.observe.expect.that",
  ]);
});

test("refuses names that nobody declares at their fields, in whichever request they stand", async () => {
  await using folder = await temporaryFolder();
  const url = "http://127.0.0.1:1/";
  const inputs = { token: { value: "t" }, config: ref("json") };
  const wrong = "${ .inputs.tokn }";
  const text = { url, method: "POST", inputs, body: { text: wrong } };
  const resource = { observe: { url }, create: { url, body: { json: {} } }, inputs, parameters: { name: "a" } };
  const manifests = [
    request("a", { url, method: "POST", inputs, body: { json: { deep: [{ token: wrong }] } } }),
    request("b", text),
    request("c", { url: `${url}?t=\${ .input.token }`, inputs }),
    request("d", { url, headers: [{ name: "A", value: "${ .item.id }" }] }),
    request("e", { url, forEach: { items: [{ id: 1 }, { ID: 2 }] }, headers: [{ name: "A", value: "${ .item.id }" }] }),
    request("f", { url, expect: { that: ".response.bdoy == 1" } }),
    request("g", { url, poll: { url: "/${ .response.body.id }/${ .inputs.tokn }" } }),
    request("h", { url, outputs: [{ secret: { name: "s" }, data: { a: ".respose.body" } }] }),
    request("i", { url, inputs: { other: { objectRef: { kind: "HTTPRequest", name: "a", expression: ".sttaus.x" } } } }),
    request("j", { url, method: "POST", inputs, body: { text: "${ .inputs.config | fromjson | .pasword }" } }),
    request("k", { url, headers: [{ name: "A", value: '${ .metadata.labels["team"] }' }] }),
    request("l", { url, headers: [{ name: "A", value: "${ .metadata.nmae }" }] }),
    declared("HTTPResource", "m", { ...resource, update: { url, body: { json: { name: "${ .parameters.nmae }" } } } }),
    declared("HTTPResource", "p", { ...resource, externalID: ".externalId", lookup: { url, match: ".item.id == .inputs.a" } }),
    declared("HTTPResource", "o", { ...resource, delete: { url, headers: [{ name: "A", value: wrong }] } }),
    request("fine", { ...text, body: { text: '${ .inputs.tokn // .inputs.token } ${ .metadata.labels.team? // "" }' } }),
    { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { json: '{"password": "p"}' } },
  ];
  const file = await folder.write("a.yaml", manifests.map((manifest) => stringify(manifest)).join("---\n"));
  const { code, stderr } = await holdfast(["render", "-f", file]);
  expect(code).toBe(1);
  const found = [...stderr.matchAll(/default\/(\w+)(?:, [\w ]+)?: (spec\.[^:]+): (\.[^ :]+)/g)];
  expect(found.map(([, ...parts]) => parts.join(" "))).toEqual([
    "a spec.body.json.deep[0].token .inputs.tokn",
    "b spec.body.text .inputs.tokn",
    "c spec.url .input",
    "d spec.headers[0].value .item",
    "e spec.headers[0].value .item.id",
    "f spec.expect.that .response.bdoy",
    "g spec.poll.url .inputs.tokn",
    "h spec.outputs[0].data.a .respose",
    "i spec.inputs.other.objectRef.expression .sttaus",
    "j spec.body.text .inputs.config|fromjson.pasword",
    "k spec.headers[0].value .metadata.labels.team",
    "l spec.headers[0].value .metadata.nmae",
    "m spec.update.body.json.name .parameters.nmae",
    "p spec.lookup.match .inputs.a",
    "o spec.delete.headers[0].value .inputs.tokn",
  ]);
});

test("holds what it shows to the policies among the manifests, as a run does", async () => {
  await using folder = await temporaryFolder();
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "held", labels: { team: "held" } } };
  const namespaceSelector = { matchLabels: { team: "held" } };
  const policy = declared("EgressPolicy", "closed", { namespaceSelector, deny: [{ hosts: ["closed.example.com"] }] });
  const elsewhere = { metadata: { name: "b", namespace: "held" } };
  const manifests = [
    namespace,
    policy,
    request("a", { url: "http://closed.example.com/" }),
    { ...request("b", { url: "http://closed.example.com/" }), ...elsewhere },
  ];
  const file = await folder.write("a.yaml", manifests.map((manifest) => stringify(manifest)).join("---\n"));
  const { code, stdout, stderr } = await holdfast(["render", "-f", file]);
  expect([code, shown(stdout).map(({ url }) => url)]).toEqual([1, ["http://closed.example.com/"]]);
  expect(stderr).toContain(
    'HTTPRequest held/b: not sent to closed.example.com:80, by the egress rule "policy": EgressPolicy "closed" deny[0] denies it\n',
  );
});
