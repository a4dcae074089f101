/**
 * Secrets fed into every place that can fail: nothing that can be read afterwards holds one, in any form, nor a part of one.
 *
 * Each value holds the mark several times over, since libraries quote the beginning, the end or the middle of what they refuse.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { formsOf } from "../../src/core/secret-forms.ts";
import { adminPageOf } from "../support/admin-page.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { holdfast } from "../support/holdfast.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { until } from "../support/fault-world.ts";

const mark = "q7Zk1w";
const pem = (label: string): string => `-----BEGIN ${label}-----\n${mark}AAAA${mark}\n-----END ${label}-----\n`;
const values: Readonly<Record<string, string>> = {
  text: `${mark}-/+ "ü%&-${mark}-${mark}`,
  plain: `${mark}plain${mark}`,
  json: `{"${mark}": "${mark}" ${mark}`,
  object: `{"password": "${mark}-in-an-object", "n": 1}`,
  badURL: `http://${mark}:${mark}@${mark} ${mark}:99999/${mark}`,
  schemeURL: `${mark}://${mark}/`,
  portURL: `http://${mark}.example:${mark}/`,
  lines: `${mark}\r\nX-${mark}: ${mark}`,
  control: `${mark}\u0001${mark}`,
  wide: `${mark}\u4e2d${mark}`,
  key: pem("PRIVATE KEY"),
  certificate: pem("CERTIFICATE").replace(mark, `${mark}=`),
  proxy: `http://${mark}:${mark}%zz@127.0.0.1:${mark}`,
  proxyPath: `http://${mark}:${mark}@127.0.0.1:1/${mark}`,
  colon: `${mark}:${mark}`,
  base64: `*${mark}*`,
  regex: `(${mark}`,
};
const input = (key: string): object => ({ a: { secretKeyRef: { name: "canaries", key } } });
const ref = (key: string): object => ({ secretKeyRef: { name: "canaries", key } });

interface Declared {
  readonly kind: string;
  readonly name: string;
  readonly spec: object;
  /** What is to come of it: without it, no more than that it has a condition. */
  readonly reason?: string;
}

/** What fails, each in its way, over a value of a Secret. */
function declarations(url: string): readonly Declared[] {
  const requests: Declared[] = [];
  const add = (name: string, spec: object, reason?: string): unknown =>
    requests.push({ kind: "HTTPRequest", name, spec: { retry: { limit: 0 }, ...spec }, ...(reason !== undefined && { reason }) });
  const endpoint = (name: string, spec: object, reason?: string): void => {
    requests.push({ kind: "HTTPEndpoint", name, spec: { baseURL: url, ...spec } });
    add(`by-${name}`, { endpointRef: { name }, path: "/echo" }, reason);
  };
  for (const key of ["badURL", "schemeURL", "portURL", "text", "lines", "control"])
    add(`url-${key.toLowerCase()}`, { url: "${ .inputs.a }", inputs: input(key) }, "InvalidURL");
  for (const key of ["badURL", "text", "lines"])
    add(`host-${key.toLowerCase()}`, { url: "http://${ .inputs.a }/", inputs: input(key) }, "InvalidURL");
  add("port", { url: "http://127.0.0.1:${ .inputs.a }/", inputs: input("plain") }, "InvalidURL");
  for (const key of ["lines", "control", "wide"])
    add(`header-${key}`, { url, headers: [{ name: "x", value: "${ .inputs.a }" }], inputs: input(key) }, "InvalidRequest");

  const programs = {
    fromjson: ".inputs.a | fromjson",
    inner: ".inputs.a | fromjson | .n.x",
    error: ".inputs.a | error",
    thrown: "error({a: .inputs.a})",
    index: ".inputs.a.foo",
    number: ".inputs.a | tonumber",
    add: ".inputs.a + 1",
    regex: '.inputs.a as $r | "x" | test($r)',
    base64: ".inputs.a | @base64d",
    date: '.inputs.a | strptime("%Y")',
    iterate: "[.inputs.a[]]",
    path: '{} | getpath(["a"]; .) | .inputs.a',
    keys: ".inputs.a | keys",
    csv: "[.inputs] | @csv",
    halt: ".inputs.a | halt_error",
    debug: ".inputs.a | debug | stderr | error",
    implode: "[.inputs.a] | implode",
    long: ".inputs.a * 100000 | error",
    label: ".inputs.a | ltrimstr(1) | split(1)",
    array: "[.inputs.a]",
  };
  const keyOf: Readonly<Record<string, string>> = { inner: "object", regex: "regex", base64: "base64", fromjson: "json" };
  for (const [name, program] of Object.entries(programs)) {
    const inputs = input(keyOf[name] ?? "text");
    add(`jq-${name}`, { url, query: [{ name: "q", value: `\${ ${program} }` }], inputs });
    add(`that-${name}`, { url: `${url}/echo`, headers: echoed(keyOf[name] ?? "plain"), expect: { that: program }, inputs });
  }
  for (const [name, program] of Object.entries({
    shape: ".inputs.a",
    parse: ".inputs.a | fromjson",
    items: "[.inputs.a, error(.inputs.a)]",
  }))
    add(`each-${name}`, {
      url: `${url}/echo`,
      forEach: { expression: program },
      headers: [{ name: "x", value: "${ .item }" }],
      inputs: input("json"),
    });
  add("each-item", {
    url: `${url}/fail`,
    forEach: { expression: "[.inputs.a, .inputs.a]" },
    query: [{ name: "q", value: "${ .item }" }],
    headers: [{ name: "x-echo", value: "${ .item }" }],
    inputs: input("plain"),
  });

  const outputs = (secret: object, data: object): object => ({ outputs: [{ secret: { name: "made", ...secret }, data }] });
  const echo = { url: `${url}/echo`, headers: echoed("plain"), inputs: input("plain"), record: "Body" };
  add("echo", echo, "Succeeded");
  add("fail", { ...echo, url: `${url}/fail` });
  add("redirect", { ...echo, url: `${url}/redirect` });
  add("expect", { ...echo, expect: { that: ".response.body.echo | error" } });
  add("output-error", { ...echo, ...outputs({}, { a: ".response.body.echo | error" }) });
  add("output-type", {
    ...echo,
    ...outputs({ name: "typed", type: "kubernetes.io/dockerconfigjson" }, { ".dockerconfigjson": ".response.body.echo" }),
  });
  add("output-large", { ...echo, ...outputs({ name: "large" }, { a: ".response.body.echo * 200000" }) });
  add("poll-header", { ...echo, url: `${url}/poll`, poll: { interval: "1s", timeout: "3s" } });
  add("poll-url", { ...echo, poll: { url: `${url}/fail?token=\${ .inputs.a }`, interval: "1s", timeout: "2s" } });
  add("poll-response", { ...echo, poll: { url: `${url}/poll?token=\${ .response.body.echo }`, interval: "1h" } });
  add("poll-whole", { ...echo, poll: { url: '${ "/poll?token=" + (.response.body.echo | @uri) }', interval: "1h" } });
  add("poll-error", { ...echo, poll: { url: "${ .response.body.echo | error }" } });
  for (const key of ["key", "certificate"])
    add(`ca-${key}`, { url: "https://127.0.0.1:1/", tls: { ca: ref(key) } }, "InvalidTLS");
  add(
    "client-certificate",
    { url: "https://127.0.0.1:1/", tls: { certificate: ref("certificate"), key: ref("key") } },
    "InvalidTLS",
  );
  add("binary", { url: `${url}/fail`, method: "POST", body: { multipart: [{ name: "a", filename: "f", ...ref("text") }] } });

  endpoint("proxy", { proxy: ref("proxy") }, "InvalidProxy");
  endpoint("proxy-path", { proxy: ref("proxyPath") }, "InvalidProxy");
  for (const key of ["lines", "control"])
    endpoint(`bearer-${key}`, { auth: { bearer: { token: ref(key) } } }, "InvalidCredential");
  endpoint("colon", { auth: { basic: { username: ref("colon"), password: ref("text") } } }, "InvalidCredential");
  endpoint("basic", { auth: { basic: { username: ref("plain"), password: ref("text") } } });
  endpoint("query", { auth: { apiKey: { in: "Query", name: "k", value: ref("text") } } });
  endpoint("aws", { auth: { awsSigV4: { region: "r", service: "s", accessKeyID: ref("plain"), secretAccessKey: ref("text") } } });
  const hmac = { content: "${ .body }", headers: [{ name: "x-signature", value: "${ .signature }" }] };
  for (const key of ["lines", "control", "base64"]) {
    const sign = { scheme: "HMAC", keys: [ref(key)], hmac: { ...hmac, keyEncoding: "Base64" } };
    add(`sign-${key}`, { url: `${url}/echo`, sign }, "InvalidCredential");
    endpoint(`sign-${key}`, { sign }, "InvalidCredential");
  }
  add("sign-echo", { url: `${url}/echo`, record: "Body", sign: { scheme: "HMAC", keys: [ref("plain")], hmac } });
  for (const how of ["error", "text", "challenge", "token", "redirect"]) {
    const client = { tokenURL: `${url}/token-${how}`, clientID: { value: "c" }, clientSecret: ref("plain"), authMethod: "Post" };
    endpoint(`oauth-${how}`, { auth: { oauth2: client } });
  }
  const loginBy = (path: string, changes: object): object => ({
    auth: {
      login: {
        inputs: input("plain"),
        requests: [{ path, headers: echoed("plain"), body: { json: "${ .inputs.a }" } }],
        send: [{ header: "Authorization", value: "Bearer ${ .responses[0].body.echo }" }],
        ...changes,
      },
    },
  });
  endpoint("login", loginBy("/echo", {}));
  endpoint("login-fail", loginBy("/fail", {}), "CredentialRefused");
  endpoint("login-redirect", loginBy("/redirect", {}), "CredentialRefused");
  endpoint("login-cookie", loginBy("/echo", { send: [{ cookie: "*" }] }), "CredentialRefused");
  const sends = {
    object: ".responses[0].body",
    error: ".responses[0].body.echo | error",
    lines: '"\\n" + .responses[0].body.echo',
  };
  for (const [name, program] of Object.entries(sends))
    endpoint(
      `login-${name}`,
      loginBy("/echo", { send: [{ header: "X-Token", value: `\${ ${program} }` }] }),
      "CredentialRefused",
    );
  endpoint("login-expires", loginBy("/echo", { expires: ".responses[0].body.echo" }), "CredentialRefused");
  endpoint("login-query", loginBy("/echo", { send: [{ query: "token", value: "${ .responses[0].body.echo }" }] }));
  const that = { path: "/echo", headers: echoed("plain"), expect: { that: ".response.body.echo | error" } };
  endpoint("login-that", loginBy("/echo", { requests: [that] }), "CredentialRefused");
  const second = { path: "/${ .responses[0].body.echo }/x", headers: [{ name: "x", value: "${ .responses[0].body.missing }" }] };
  endpoint(
    "login-second",
    loginBy("/echo", { requests: [{ path: "/echo", headers: echoed("plain") }, second] }),
    "CredentialRefused",
  );
  const exchange = { tokenURL: `${url}/token-error`, tokenExchange: { subjectToken: ref("plain") } };
  endpoint("exchange", { auth: { oauth2: exchange } });
  const user = { username: { value: "ada" }, password: ref("plain") };
  for (const how of ["error", "text", "token"])
    endpoint(`password-${how}`, {
      auth: { oauth2: { tokenURL: `${url}/token-${how}`, clientID: { value: "c" }, password: user } },
    });
  const parameters = [{ name: "p", ...ref("text") }];
  const refreshed = { tokenURL: `${url}/token-error`, clientID: { value: "c" }, refreshToken: ref("plain"), parameters };
  endpoint("refresh", { auth: { oauth2: refreshed } });
  const assertion = { jwt: { key: ref("key") } };
  endpoint("assertion", { auth: { oauth2: { tokenURL: `${url}/token-error`, jwtBearer: { assertion } } } }, "InvalidCredential");
  endpoint("login-jwt", loginBy("/echo", { inputs: { a: assertion } }), "InvalidCredential");
  const asks = (what: string): object => ({ baseURL: `${url}/asks-${what}` });
  endpoint("digest", { ...asks("digest"), auth: { digest: { username: ref("plain"), password: ref("text") } } });
  endpoint(
    "digest-md5",
    { ...asks("md5"), auth: { digest: { username: ref("plain"), password: ref("text") } } },
    "ChallengeRefused",
  );
  const images = { username: ref("plain"), password: ref("text") };
  for (const how of ["error", "text", "token"])
    endpoint(`registry-${how}`, { ...asks(how), auth: { registry: { tokenURL: `${url}/token-${how}`, ...images } } });
  endpoint(
    "jwt",
    { auth: { oauth2: { tokenURL: `${url}/token-error`, clientID: { value: "c" }, privateKeyJWT: { key: ref("key") } } } },
    "InvalidCredential",
  );

  const shape = { headers: echoed("plain"), url: `${url}/echo` };
  const resource = (name: string, spec: object): unknown =>
    requests.push({ kind: "HTTPResource", name, spec: { inputs: input("plain"), ...spec } });
  const wanted = { password: "${ .inputs.a }", nested: { list: ["${ .inputs.a }"] }, number: "${ .inputs.a | length }" };
  resource("drift", { drift: "Report", observe: { ...shape }, update: { url, body: { json: wanted } } });
  resource("drift-echo", {
    drift: "Report",
    observe: { ...shape },
    update: { url, body: { json: { echo: "x${ .inputs.a }" } } },
  });
  resource("id", { observe: shape, create: shape, externalID: ".response.body.missing | error" });
  resource("id-echo", { create: shape, externalID: ".response.body.echo" });
  resource("id-part", { create: shape, externalID: '.response.body.echo | "id-" + .' });
  resource("id-lookup", {
    lookup: { ...shape, url: `${url}/pages`, items: ".response.body.items", match: "true", externalID: ".item.echo" },
    create: shape,
    externalID: ".response.body.id",
  });
  resource("lookup", {
    lookup: { ...shape, url: `${url}/pages`, items: ".response.body.items", match: ".item.echo | error" },
    create: shape,
    externalID: ".response.body.id",
  });
  resource("pages", {
    lookup: { ...shape, url: `${url}/pages`, items: ".response.body.items", match: "false" },
    create: shape,
    externalID: ".response.body.id",
  });
  resource("next", {
    lookup: { ...shape, items: "[]", match: "false", next: '"http://other.example/" + .response.body.echo' },
    create: shape,
    externalID: ".response.body.id",
  });
  return requests;
}
const echoed = (_key: string): object[] => [{ name: "x-echo", value: "${ .inputs.a }" }];

describeWithControlPlane("attack 7: a secret that a library chokes on, or a server sends back,", (plane) => {
  const started = new AsyncDisposableStack();
  let namespace: string;
  let origin: FaultOrigin;
  let controller: HoldfastProcess;
  let all: readonly Declared[];
  const forms = [mark, ...Object.values(values).flatMap((value) => [...formsOf(value)].map((pieces) => [...pieces].join("")))];
  /** The forms of secrets that a text holds, with what is around the first. */
  const found = (text: string): readonly string[] =>
    [...new Set(forms)]
      .filter((form) => text.includes(form))
      .map((form) => text.slice(Math.max(0, text.indexOf(form) - 80), text.indexOf(form) + form.length + 20));
  const kinds = { HTTPRequest: "httprequests", HTTPResource: "httpresources", HTTPEndpoint: "httpendpoints" } as const;
  const group = "/apis/holdfast.dev/v1alpha1/namespaces";
  type Seen = {
    readonly metadata: { readonly name: string };
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly reason: string }[] };
  };
  async function objects(kind: string): Promise<readonly Seen[]> {
    const { body } = await plane.admin("GET", `${group}/${namespace}/${kinds[kind as keyof typeof kinds]}`);
    return (body as { items: Seen[] }).items;
  }
  const reasonOf = ({ status }: Seen): string => status?.conditions?.find(({ type }) => type === "Ready")?.reason ?? "";

  beforeAll(async () => {
    namespace = await plane.createNamespace("canaries");
    origin = started.use(await startFaultOrigin());
    origin.reply = ({ path, headers, body }) => {
      const echo = String(headers["x-echo"] ?? `${body}${headers.authorization ?? ""}`);
      const fields = { "x-echo": encodeURI(echo), "content-type": "application/json" };
      const content = { echo, [echo]: echo, items: [{ echo }], password: "other" };
      const where = path.split("?")[0] ?? "";
      if (where === "/fail") return { type: "answer", status: 418, headers: fields, body: content };
      if (where === "/redirect") return { type: "answer", status: 302, headers: { location: `http://${encodeURI(echo)}:x/` } };
      if (where === "/poll")
        return { type: "answer", status: 202, headers: { location: `/fail?token=${encodeURIComponent(echo)}` }, body: content };
      if (where === "/pages")
        return { type: "answer", headers: { link: `<http://other.example/${encodeURI(echo)}>; rel="next"` }, body: content };
      if (where.startsWith("/asks-")) {
        const what = where.split("/")[1]?.slice("asks-".length) ?? "";
        const quoted = encodeURI(headers.authorization ?? "n").replaceAll('"', "");
        const digest = { digest: "SHA-256", md5: "MD5" }[what];
        const challenge =
          digest === undefined
            ? `Bearer realm="${origin.url}/token-${what}",service="s",scope="${quoted}"`
            : `Digest realm="${quoted}", nonce="${quoted}", algorithm=${digest}, qop="auth"`;
        return { type: "answer", status: 401, headers: { "www-authenticate": challenge }, body: echo };
      }
      if (where === "/token-error")
        return { type: "answer", status: 400, body: { error: echo, error_description: echo, error_uri: echo } };
      if (where === "/token-text") return { type: "answer", status: 500, headers: { "content-type": "text/plain" }, body: echo };
      if (where === "/token-challenge")
        return { type: "answer", status: 401, headers: { "www-authenticate": `Bearer error="${encodeURI(echo)}"` }, body: echo };
      if (where === "/token-token") return { type: "answer", body: { access_token: `${echo}\u0001`, token_type: echo } };
      if (where === "/token-redirect") return { type: "answer", status: 307, headers: { location: `/fail?${encodeURI(echo)}` } };
      return { type: "answer", headers: fields, body: content };
    };
    const encoded = Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
    const data = Object.fromEntries(encoded) as object;
    expect(
      (await plane.admin("POST", `/api/v1/namespaces/${namespace}/secrets`, { metadata: { name: "canaries" }, data })).status,
    ).toBe(201);
    const args = ["--namespace", namespace, "--admin-address", "127.0.0.1:0"];
    controller = started.use(await startController(["--kubeconfig", plane.kubeconfigs.holdfast, ...args]));
    all = declarations(origin.url);
    for (const { kind, name, spec } of all) {
      const object = { apiVersion: "holdfast.dev/v1alpha1", kind, metadata: { name }, spec };
      const { status, body } = await plane.admin("POST", `${group}/${namespace}/${kinds[kind as keyof typeof kinds]}`, object);
      expect([name, status, (body as { message?: string }).message]).toEqual([name, 201, undefined]);
    }
    const areTried = async (): Promise<boolean> => {
      const seen = (await Promise.all(Object.keys(kinds).map(objects))).flat();
      return seen.length === all.length && seen.every((one) => !/^$|Sending|Progressing|EndpointNotFound/.test(reasonOf(one)));
    };
    await until("everything has been tried", areTried, 120_000);
  });
  afterAll(() => started.disposeAsync());

  test("fails for the reason that is its own, so that nothing below is empty by chance", async () => {
    const reasons = new Map((await objects("HTTPRequest")).map((one) => [one.metadata.name, reasonOf(one)]));
    for (const { name, reason } of all) if (reason !== undefined) expect([name, reasons.get(name)]).toEqual([name, reason]);
    const jq = [...reasons].filter(([name]) => name.startsWith("jq-"));
    expect(jq.filter(([, reason]) => reason.startsWith("Expression")).length).toBeGreaterThan(14);
    expect(origin.requests.some(({ headers }) => String(headers["x-echo"]).includes(mark))).toBe(true);
  });
  test("is in no status and no event", async () => {
    for (const kind of Object.keys(kinds))
      for (const one of await objects(kind))
        expect([one.metadata.name, found(JSON.stringify(one))]).toEqual([one.metadata.name, []]);
    const { body } = await plane.admin("GET", `/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
    expect((body as { items: object[] }).items.length).toBeGreaterThan(20);
    expect(found(JSON.stringify(body))).toEqual([]);
  });
  test("is in no line of the log, no metric, and not on the admin page", async () => {
    expect(controller.log.length).toBeGreaterThan(all.length);
    for (const line of controller.log) expect([line.message, found(JSON.stringify(line))]).toEqual([line.message, []]);
    const metrics = await controller.metrics();
    expect(metrics).toContain("holdfast_http_requests_total");
    expect(found(metrics)).toEqual([]);
    const { statusCode, page } = await adminPageOf(controller);
    expect([statusCode, page.includes(namespace)]).toEqual([200, true]);
    expect(found(page)).toEqual([]);
  });
  test("is in nothing that render or run prints", async () => {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-canaries-"));
    try {
      const metadata = { namespace: "canaries" };
      const objects = all.map(({ kind, name, spec }) => ({
        apiVersion: "holdfast.dev/v1alpha1",
        kind,
        metadata: { ...metadata, name },
        spec,
      }));
      const secret = { apiVersion: "v1", kind: "Secret", metadata: { ...metadata, name: "canaries" }, stringData: values };
      const file = join(folder, "all.json");
      await writeFile(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: [secret, ...objects] }));
      const [rendered, ran] = await Promise.all([
        holdfast(["render", "-f", file]),
        holdfast(["run", "-f", file, "--once", "--log-level", "debug"]),
      ]);
      expect(rendered.stdout + rendered.stderr).toContain("HTTPRequest canaries/echo");
      expect(ran.stdout + ran.stderr).toContain("jq-error");
      for (const { stdout, stderr } of [rendered, ran]) expect([found(stdout), found(stderr)]).toEqual([[], []]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
