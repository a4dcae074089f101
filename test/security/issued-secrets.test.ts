/**
 * What servers give to this process to be sent along, and what is made to be presented for it: tokens, sessions, credentials to sign
 * with. Nothing that can be read afterwards holds one, though every server sends back what it was sent.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { generateKeyPairSync } from "node:crypto";
import { createSecretRegistry } from "../../src/telemetry/secret-registry.ts";
import { adminPageOf } from "../support/admin-page.ts";
import { accepted } from "../support/accepted.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const given = (what: string): string => `given-${what}-${crypto.randomUUID()}`;
const issued = {
  access: given("access"),
  refresh: given("refresh"),
  session: given("session"),
  cookie: given("cookie"),
  image: given("image"),
  signing: given("signing").replaceAll("-", "/"),
  sts: given("sts").replaceAll("-", "/"),
};
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const declared = {
  password: given("password"),
  key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  signing: given("hmac"),
};
const ref = (key: keyof typeof declared): object => ({ secretKeyRef: { name: "declared", key } });
const account = { serviceAccountName: "robot" };
const role = { roleARN: "arn:aws:iam::123456789012:role/caller", ...account };

/** By what `auth` is, at a server that gives what is asked for, or fails and sends back what it was sent (`how`). */
function ways(url: string, how: string): Readonly<Record<string, object>> {
  const tokenURL = `${url}/token-${how}`;
  const clientID = { value: "c" };
  const user = { username: { value: "ada" }, password: ref("password") };
  const presented = { serviceAccountToken: { ...account, audience: "https://sts.example" } };
  const jwt = { jwt: { key: ref("key"), algorithm: "ES256", issuer: "me" } };
  const login = (changes: object): object => ({
    login: {
      inputs: { pass: ref("password"), made: jwt, robot: presented },
      requests: [{ path: `/token-${how}`, body: { json: "${ .inputs }" } }],
      send: [{ header: "Authorization", value: "Bearer ${ .responses[0].body.session }" }],
      ...changes,
    },
  });
  return {
    client: { oauth2: { tokenURL, clientID, clientSecret: ref("password") } },
    password: { oauth2: { tokenURL, clientID, password: user } },
    refresh: { oauth2: { tokenURL, clientID, refreshToken: { ...ref("password"), keepIn: `kept-${how}` } } },
    unkept: { oauth2: { tokenURL, clientID, refreshToken: ref("password") } },
    assertion: { oauth2: { tokenURL, jwtBearer: { assertion: jwt } } },
    exchange: { oauth2: { tokenURL, clientAssertion: presented, tokenExchange: { subjectToken: presented, actorToken: jwt } } },
    role: { awsSigV4: { region: "eu-central-1", service: "s", webIdentity: { ...role, stsURL: `${url}/sts-${how}` } } },
    robot: { serviceAccountToken: { ...account, audience: `https://${how}.example` } },
    login: login({ logout: { path: "/logout", body: { json: "${ .inputs.pass }" } } }),
    cookies: login({ send: [{ cookie: "*" }, { query: "s", value: "${ .responses[0].body.session }" }] }),
    digest: { digest: user },
    registry: { registry: { tokenURL, ...user } },
  };
}

describeWithControlPlane("what is issued", (plane) => {
  const started = new AsyncDisposableStack();
  let namespace: string;
  let root: string;
  let origin: FaultOrigin;
  let controller: HoldfastProcess;
  const names: string[] = [];
  type Item = { metadata: { name: string }; status?: { conditions?: { type: string; status: string; reason: string }[] } };
  const listed = async (plural: string): Promise<readonly Item[]> =>
    ((await accepted(plane, "GET", `${root}/${plural}`)) as { items: Item[] }).items;
  const readyOf = ({ status }: Item) => status?.conditions?.find(({ type }) => type === "Ready");

  function answer(path: string, sent: string) {
    const where = path.split("?")[0] ?? "";
    const echo = `${path} ${sent}`;
    const headers = { "x-echo": encodeURI(echo).slice(0, 4_000), "set-cookie": `sid=${issued.cookie}; Path=/` };
    if (where.endsWith("-refuse"))
      return { status: 400, headers, body: { error: echo, error_description: echo, Error: { Code: echo } } };
    if (where.endsWith("-text")) return { status: 500, headers: { ...headers, "content-type": "text/plain" }, body: echo };
    if (where === "/sts-give") {
      const Credentials = { AccessKeyId: "ASIA1", SecretAccessKey: issued.signing, SessionToken: issued.sts };
      return {
        status: 200,
        headers,
        body: { AssumeRoleWithWebIdentityResponse: { AssumeRoleWithWebIdentityResult: { Credentials } } },
      };
    }
    if (where === "/token-give") {
      const tokens = { access_token: issued.access, refresh_token: issued.refresh, token: issued.image, session: issued.session };
      return { status: 200, headers, body: { ...tokens, token_type: "bearer", expires_in: 3_600, echo } };
    }
    return { status: where.startsWith("/fail") ? 418 : 200, headers, body: { echo } };
  }

  beforeAll(async () => {
    namespace = await plane.createNamespace("issued");
    root = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}`;
    origin = started.use(await startFaultOrigin());
    origin.reply = ({ path, headers, body }) => {
      const asks = /^\/asks-(digest|registry)-(\w+)/.exec(path);
      if (asks && headers.authorization === undefined) {
        const [, scheme, how] = asks;
        const challenge =
          scheme === "digest"
            ? 'Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"'
            : `Bearer realm="${origin.url}/token-${how}",service="s",scope="a:b:pull"`;
        return { type: "answer", status: 401, headers: { "www-authenticate": challenge }, body: "" };
      }
      const said = answer(path, `${headers.authorization ?? ""} ${JSON.stringify(headers)} ${body}`);
      return { type: "answer", ...said };
    };
    await accepted(plane, "POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "robot" } });
    await accepted(plane, "POST", `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: "declared" },
      stringData: declared,
    });
    const role = "--clusterrole=holdfast-token-requester";
    await plane.kubectl("create", "rolebinding", "tokens", `--namespace=${namespace}`, role, "--user=holdfast");
    const args = ["--namespace", namespace, "--admin-address", "127.0.0.1:0", "--log-level", "info"];
    controller = started.use(await startController(["--kubeconfig", plane.kubeconfigs.holdfast, ...args]));
    const create = (plural: string, kind: string, name: string, spec: object): Promise<unknown> =>
      accepted(plane, "POST", `${root}/${plural}`, { apiVersion: "holdfast.dev/v1alpha1", kind, metadata: { name }, spec });
    const hmac = { content: "${ .body }", headers: [{ name: "x-signature", value: "${ .signature }" }] };
    const sign = { scheme: "HMAC", keys: [ref("signing")], hmac };
    for (const how of ["give", "refuse", "text"])
      for (const [way, auth] of Object.entries(ways(origin.url, how))) {
        const name = `${way}-${how}`;
        const asks = way === "digest" || way === "registry" ? `/asks-${way}-${how}` : "";
        await create("httpendpoints", "HTTPEndpoint", name, { baseURL: `${origin.url}${asks}`, auth, sign });
        const inputs = { pass: ref("password") };
        const spec = { endpointRef: { name }, record: "Body", inputs, retry: { limit: 0 } };
        for (const [verb, path] of [
          ["ok", "/echo"],
          ["fail", "/fail"],
        ] as const) {
          const sends = { method: "POST", body: { text: "${ .inputs.pass }" } };
          await create("httprequests", "HTTPRequest", `${name}-${verb}`, { ...spec, ...sends, path });
          names.push(`${name}-${verb}`);
        }
        const trigger = { name: `${name}-fail`, when: ["Failed"] };
        const tells = { url: `${origin.url}/notice`, method: "POST", body: { json: "${ .trigger }" }, record: "Body", trigger };
        await create("httprequests", "HTTPRequest", `${name}-told`, tells);
      }
    await until(
      "everything has been tried",
      async () => {
        const seen = new Map((await listed("httprequests")).map((one) => [one.metadata.name, readyOf(one)]));
        return names.every((name) => !/^$|Sending|Progressing|EndpointNotFound|TokenPending/.test(seen.get(name)?.reason ?? ""));
      },
      90_000,
    );
    await until("the notices are sent", () => origin.requests.filter(({ path }) => path === "/notice").length >= 10, 60_000);
  });
  afterAll(() => started.disposeAsync());

  /** All that was issued or made, by where it went. */
  function secrets(): readonly string[] {
    const sent = origin.requests.flatMap(({ headers, body }) => {
      return `${headers.authorization ?? ""} ${body}`.match(/eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/g) ?? [];
    });
    const signatures = origin.requests.slice(-20).flatMap(({ headers }) => String(headers["x-signature"] ?? ""));
    const parts = sent.flatMap((token) => [token, token.split(".")[2] ?? ""]);
    return [...new Set([...Object.values(issued), declared.password, declared.signing, ...parts, ...signatures])].filter(
      (one) => one.length > 8,
    );
  }
  /** In whatever form. */
  function found(text: string): readonly string[] {
    const unlimited = { namespaceBytes: Infinity, totalBytes: Infinity };
    const all = createSecretRegistry(unlimited);
    for (const secret of secrets()) all.add(secret, "");
    if (all.scrub(text) === text) return [];
    return secrets().filter((secret) => {
      const one = createSecretRegistry(unlimited);
      one.add(secret, "");
      return one.scrub(text) !== text;
    });
  }

  test("is had and sent along by each way, so that nothing below is empty by chance", async () => {
    const seen = new Map((await listed("httprequests")).map((one) => [one.metadata.name, readyOf(one)]));
    const ofGood = Object.keys(ways("", "give")).map((way) => [way, seen.get(`${way}-give-ok`)?.reason]);
    expect(ofGood).toEqual(Object.keys(ways("", "give")).map((way) => [way, "Succeeded"]));
    const sent = JSON.stringify(origin.requests.map(({ path, headers, body }) => [path, headers, body]));
    for (const secret of Object.values(issued).filter((one) => one !== issued.signing && one !== issued.refresh))
      expect([secret, sent.includes(secret)]).toEqual([secret, true]);
    expect(secrets().filter((one) => one.startsWith("eyJ")).length).toBeGreaterThan(5);
    const [login] = origin.requests.filter(({ body }) => body.includes(declared.password));
    expect(found(JSON.stringify(login))).toContain(declared.password); // what looks for them finds them
  });
  test("is in no status, no event and no notice's record", async () => {
    for (const plural of ["httprequests", "httpendpoints"])
      expect([plural, found(JSON.stringify(await listed(plural)))]).toEqual([plural, []]);
    const { body } = await plane.admin("GET", `/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
    expect((body as { items: object[] }).items.length).toBeGreaterThan(10);
    expect(found(JSON.stringify(body))).toEqual([]);
    const told = origin.requests.filter(({ path }) => path === "/notice").map(({ body: text }) => text);
    expect([told.length > 10, found(told.join("\n"))]).toEqual([true, []]);
  });
  test("is in no line of the log, no metric, and not on the admin page", async () => {
    expect(found(controller.log.map((line) => JSON.stringify(line)).join("\n"))).toEqual([]);
    const metrics = await controller.metrics();
    expect(metrics).toContain("holdfast_http_requests_total");
    expect(found(metrics)).toEqual([]);
    const { statusCode, page } = await adminPageOf(controller);
    expect([statusCode, found(page)]).toEqual([200, []]);
  });
});
