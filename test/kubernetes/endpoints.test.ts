/** Endpoints on a real API server: who they are to their servers, whom they serve, and what they spare them. */
import { once } from "node:events";
import { createServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { accepted } from "../support/accepted.ts";
import { createAuthority, type Authority } from "../support/certificates.ts";
import { awsAuthorization } from "../support/aws-signature.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { declaredRequests, isReady, stateOf, type DeclaredRequest, type DeclaredRequests } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin, type OriginRequest } from "../support/fault-origin.ts";
import { until } from "../support/fault-world.ts";
import { loopbackServer } from "../support/loopback.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { startSignedService, startSTS } from "../support/sts-server.ts";
import { clientSecret, startTokenServer, type TokenServer } from "../support/token-server.ts";

const api = "/apis/holdfast.dev/v1alpha1";
const secrets = {
  password: "pass: wörd",
  token: "a-bearer-token-of-40-characters-or-so",
  key: "an api key/with=reserved&characters",
  client: clientSecret,
  aws: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
const of = (key: keyof typeof secrets): object => ({ secretKeyRef: { name: "credentials", key } });

describeWithControlPlane("endpoints", (plane) => {
  let origin: FaultOrigin;
  let tokens: TokenServer;
  let controller: HoldfastProcess;
  let [namespace, other, admins] = ["", "", ""];
  let requests: DeclaredRequests;
  const stack = new AsyncDisposableStack();

  beforeAll(async () => {
    origin = stack.use(await startFaultOrigin());
    tokens = stack.use(await startTokenServer());
    namespace = await plane.createNamespace("endpoints");
    other = await plane.createNamespace("elsewhere");
    admins = await plane.createNamespace("admins");
    requests = declaredRequests(plane, namespace);
    for (const where of [namespace, admins]) {
      await must("POST", `/api/v1/namespaces/${where}/secrets`, { metadata: { name: "credentials" }, stringData: secrets });
      await must("POST", `/api/v1/namespaces/${where}/serviceaccounts`, { metadata: { name: "robot" } });
    }
    const flags = ["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", `${namespace},${other}`];
    const grant = ["--service-account-token-grant", "token-requester --clusterrole=holdfast-token-requester --user=holdfast"];
    controller = stack.use(await startController([...flags, ...grant, "--nat64-prefix", "2a00:1:2:3::/96"]));
  });
  afterAll(() => stack.disposeAsync());

  const must = (...call: [method: "POST" | "GET" | "DELETE", path: string, body?: object]): Promise<unknown> =>
    accepted(plane, ...call);
  const endpointPath = (name: string): string => `${api}/namespaces/${namespace}/httpendpoints/${name}`;
  async function endpoint(name: string, spec: object): Promise<void> {
    const object = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPEndpoint", metadata: { name } };
    await must("POST", `${api}/namespaces/${namespace}/httpendpoints`, {
      ...object,
      spec: { baseURL: `${origin.url}/${name}`, ...spec },
    });
  }
  async function shared(name: string, spec: object): Promise<void> {
    const object = { apiVersion: "holdfast.dev/v1alpha1", kind: "ClusterHTTPEndpoint", metadata: { name } };
    await must("POST", `${api}/clusterhttpendpoints`, { ...object, spec: { baseURL: `${origin.url}/${name}/v1`, ...spec } });
    stack.defer(async () => void (await plane.admin("DELETE", `${api}/clusterhttpendpoints/${name}`)));
  }
  async function readyOf(path: string): Promise<{ status?: string; reason?: string; message?: string }> {
    const { status } = (await must("GET", path)) as {
      status?: { conditions?: { type: string; status?: string; reason?: string; message?: string }[] };
    };
    return status?.conditions?.find(({ type }) => type === "Ready") ?? {};
  }
  const sent = (path: string): readonly OriginRequest[] => origin.requests.filter((request) => request.path.startsWith(path));
  const to = (name: string, kind = "HTTPEndpoint"): object => ({ endpointRef: { kind, name } });

  test("wish 2: basic, bearer, API key in header and query are what the origin gets, and no status or log shows them", async () => {
    await endpoint("basic", { auth: { basic: { username: { value: "ada" }, password: of("password") } } });
    await endpoint("bearer", { auth: { bearer: { token: of("token") } } });
    await endpoint("in-header", { auth: { apiKey: { name: "X-Api-Key", value: of("key") } } });
    await endpoint("in-query", { auth: { apiKey: { in: "Query", name: "api key".replace(" ", "_"), value: of("key") } } });
    const names = ["basic", "bearer", "in-header", "in-query"];
    for (const name of names) await requests.create(name, { ...to(name), method: "POST", path: "/a", record: "Body" });
    await requests.until("all are ready", (all) => names.every((name) => isReady(all.get(name))));
    const pair = Buffer.from(`ada:${secrets.password}`).toString("base64");
    expect(sent("/basic")[0]?.headers.authorization).toBe(`Basic ${pair}`);
    expect(sent("/bearer")[0]?.headers.authorization).toBe(`Bearer ${secrets.token}`);
    expect(sent("/in-header")[0]?.headers["x-api-key"]).toBe(secrets.key);
    expect(sent("/in-query").map(({ path }) => path)).toEqual([`/in-query/a?api_key=${encodeURIComponent(secrets.key)}`]);
    const shown = JSON.stringify([[...(await requests.all()).values()], controller.log]);
    for (const secret of [...Object.values(secrets), pair]) expect(shown).not.toContain(secret);
  });

  test("AWS Signature Version 4 is what AWS computes from what arrived", async () => {
    const aws = {
      region: "eu-central-1",
      service: "execute-api",
      accessKeyID: { value: "AKIDEXAMPLE" },
      secretAccessKey: of("aws"),
    };
    await endpoint("aws", { auth: { awsSigV4: aws } });
    const query = [
      { name: "b", value: "ü /" },
      { name: "a", value: "(1)" },
    ];
    await requests.create("aws", { ...to("aws"), method: "POST", path: "/x", query, body: { json: { a: 1 } } });
    await requests.until("it is ready", (all) => isReady(all.get("aws")));
    const [request] = sent("/aws");
    const key = { ...aws, accessKeyID: "AKIDEXAMPLE", secretAccessKey: secrets.aws };
    expect(request?.headers.authorization).toBe(request && awsAuthorization(request, key));
  });

  test("wish 12: a server with an own CA that demands a client certificate is reached, and with others at once when they have changed", async () => {
    using first = createAuthority("the first");
    using second = createAuthority("the second");
    const serverOf = (by: Authority): ServerOptions => ({ ...by.issue("IP:127.0.0.1"), ca: by.ca });
    const seen: string[] = [];
    const certificates = new Set<string>();
    const server = createServer({ ...serverOf(first), requestCert: true, rejectUnauthorized: true }, (request, response) => {
      const { issuer, fingerprint256 } = (request.socket as TLSSocket).getPeerCertificate();
      seen.push(String(issuer.CN));
      certificates.add(fingerprint256);
      response.end("{}");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    await using _closing = { [Symbol.asyncDispose]: async () => void (server.closeAllConnections(), server.close()) };
    const material = (by: Authority): object => {
      const { cert, key } = by.issue("DNS:holdfast", { usage: "clientAuth" });
      return { metadata: { name: "pki" }, stringData: { ca: by.ca, cert, key } };
    };
    const from = (key: string): object => ({ secretKeyRef: { name: "pki", key } });
    await must("POST", `/api/v1/namespaces/${namespace}/secrets`, material(first));
    const baseURL = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await endpoint("mutual", { baseURL, tls: { ca: from("ca"), certificate: from("cert"), key: from("key") } });
    await requests.create("mutual", { ...to("mutual"), path: "/a" });
    await requests.until("it is ready", (all) => isReady(all.get("mutual")));
    expect(seen).toEqual(["the first"]);

    const again = async (by: Authority, runs: number): Promise<void> => {
      await plane.adminPatch(`/api/v1/namespaces/${namespace}/secrets/pki`, material(by));
      await requests.annotate("mutual", { "holdfast.dev/reconcile-at": `${runs}` });
      await requests.until("it is sent again", (all) => all.get("mutual")?.status?.completedRuns === runs);
      expect(stateOf((await requests.all()).get("mutual"))).toBe("Ready/Succeeded");
    };
    await again(first, 2);
    server.setSecureContext(serverOf(second));
    await again(second, 3);
    expect([seen, certificates.size]).toEqual([["the first", "the first", "the second"], 3]);
  });

  test("wish 2: 50 objects of an OAuth 2 endpoint cost one request for a token", async () => {
    const oauth2 = {
      tokenURL: tokens.tokenURL,
      clientID: { value: "basic:client" },
      clientSecret: of("client"),
      scopes: ["read"],
    };
    await endpoint("oauth2", { auth: { oauth2 } });
    const names = Array.from({ length: 50 }, (_, index) => `oauth2-${index}`);
    await Promise.all(names.map((name) => requests.create(name, { ...to("oauth2"), method: "POST", path: `/${name}` })));
    await requests.until("all are ready", (all) => names.every((name) => isReady(all.get(name))));
    expect(await tokens.find(sent("/oauth2")[0]?.headers.authorization)).toBe("basic:client read");
    expect([tokens.asked, sent("/oauth2").length]).toEqual([1, 50]);
  });

  test("wish 28: a ServiceAccount's token needs a grant, is made for its audience, and never for the API server's own", async () => {
    const account = { serviceAccountName: "robot", audience: "https://partner.example" };
    await endpoint("robot", { auth: { serviceAccountToken: account } });
    await requests.create("robot", { ...to("robot"), method: "POST", path: "/r" });
    await requests.until("it lacks the right", (all) => stateOf(all.get("robot")) === "NotReady/ReferenceForbidden");
    const message = (await requests.all()).get("robot")?.status?.conditions?.[0]?.message ?? "";
    expect(message).toContain(
      `kubectl create rolebinding --namespace=${namespace} token-requester --clusterrole=holdfast-token-requester`,
    );
    await plane.kubectl(...message.slice(message.indexOf("create rolebinding")).split(" "));
    await requests.until("it is ready", (all) => isReady(all.get("robot")));
    const [, token = ""] = /^Bearer (.*)$/.exec(sent("/robot")[0]?.headers.authorization ?? "") ?? [];
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
    expect(claims).toMatchObject({ aud: [account.audience], sub: `system:serviceaccount:${namespace}:robot` });

    await using tokenServer = await loopbackServer((_request, response) =>
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ access_token: "exchanged-for-the-account", token_type: "bearer", expires_in: 600 })),
    );
    const presented = { serviceAccountToken: { ...account, audience: "https://sts.example" } };
    const oauth2 = { tokenURL: tokenServer.url, tokenExchange: { subjectToken: presented }, clientAssertion: presented };
    await endpoint("exchange", { auth: { oauth2 } });
    await requests.create("exchange", { ...to("exchange"), path: "/r" });
    await requests.until("it is ready", (all) => isReady(all.get("exchange")));
    expect(sent("/exchange")[0]?.headers.authorization).toBe("Bearer exchanged-for-the-account");
    const form = new URLSearchParams(tokenServer.requests[0]?.body);
    for (const name of ["subject_token", "client_assertion"]) {
      const payload = Buffer.from(form.get(name)?.split(".")[1] ?? "", "base64url").toString();
      expect(JSON.parse(payload)).toMatchObject({
        aud: ["https://sts.example"],
        sub: `system:serviceaccount:${namespace}:robot`,
      });
    }

    const names = { region: "eu-central-1", service: "execute-api" };
    const sts = stack.use(await startSTS({ accepts: (presented) => presented.split(".").length === 3 }));
    const service = stack.use(await startSignedService(sts, names));
    const role = { roleARN: "arn:aws:iam::123456789012:role/caller", serviceAccountName: "robot" };
    const webIdentity = { ...role, stsURL: sts.url };
    await endpoint("role", { baseURL: service.url, auth: { awsSigV4: { ...names, webIdentity } } });
    await requests.create("role", { ...to("role"), method: "POST", path: "/x", body: { json: { a: 1 } }, record: "Body" });
    await requests.until("it is ready", (all) => isReady(all.get("role")));
    const roleForm = new URLSearchParams(sts.requests[0]?.body);
    const [, presentedClaims = ""] = roleForm.get("WebIdentityToken")?.split(".") ?? [];
    expect(JSON.parse(Buffer.from(presentedClaims, "base64url").toString())).toMatchObject({
      aud: ["sts.amazonaws.com"],
      sub: `system:serviceaccount:${namespace}:robot`,
    });
    expect(roleForm.get("RoleSessionName")).toBe(`holdfast-${namespace}`);
    const shown = JSON.stringify([[...(await requests.all()).values()], controller.log]);
    const { SecretAccessKey: secret = "", SessionToken: session = "" } = sts.given[0] ?? {};
    for (const value of [roleForm.get("WebIdentityToken") ?? "", secret, session]) expect(shown).not.toContain(value);
    const half = { ...names, accessKeyID: { value: "a" }, webIdentity: role };
    await expect(endpoint("half", { auth: { awsSigV4: half } })).rejects.toThrow("set accessKeyID and secretAccessKey");

    const own = (await must("POST", `/api/v1/namespaces/${namespace}/serviceaccounts/robot/token`, { spec: {} })) as {
      spec: { audiences: string[] };
    };
    const audience = own.spec.audiences[0] ?? "";
    await endpoint("own", { auth: { serviceAccountToken: { ...account, audience } } });
    await requests.create("own", { ...to("own"), path: "/r" });
    await requests.until("it is refused", (all) => stateOf(all.get("own")) === "Stalled/InvalidCredential");
    expect(sent("/own")).toEqual([]);
  });

  test("wish 8: an endpoint is ready only when what it refers to is there, and says what is missing", async () => {
    await endpoint("lacks", { auth: { bearer: { token: { secretKeyRef: { name: "later", key: "token" } } } } });
    await until("it says so", async () => (await readyOf(endpointPath("lacks"))).reason === "SecretNotFound");
    await must("POST", `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: "later" },
      stringData: { token: "t-o-k-e-n" },
    });
    await until("it is ready", async () => (await readyOf(endpointPath("lacks"))).status === "True");
  });

  test("wish 13: an admin's endpoint serves the namespaces that it names, with the admin's credential, which tenants do not see", async () => {
    const allowedNamespaces = { from: "Names", names: [namespace] };
    await shared("crm", {
      allowedNamespaces,
      secretNamespace: admins,
      auth: { bearer: { token: of("token") } },
      headers: [{ name: "X-Tier", value: "gold" }],
    });
    await requests.create("tenant", { ...to("crm", "ClusterHTTPEndpoint"), method: "POST", path: "/orders/1" });
    const outsider = declaredRequests(plane, other);
    await outsider.create("outsider", { ...to("crm", "ClusterHTTPEndpoint"), method: "POST", path: "/orders/2" });
    await requests.until("it is ready", (all) => isReady(all.get("tenant")));
    expect(sent("/crm").map(({ path, headers }) => [path, headers.authorization, headers["x-tier"]])).toEqual([
      ["/crm/v1/orders/1", `Bearer ${secrets.token}`, "gold"],
    ]);
    const refused = await outsider.until(
      "it is refused",
      (all) => stateOf(all.get("outsider")) === "NotReady/EndpointNotAllowed",
    );
    expect(JSON.stringify(refused.get("outsider")?.status)).not.toContain(origin.url);
  });

  test("wish 13: an admin's endpoint for labels serves nobody where Holdfast works on some namespaces, and knows no labels", async () => {
    const selector = { matchExpressions: [{ key: "barred", operator: "DoesNotExist" }] };
    await shared("by-label", { allowedNamespaces: { from: "Selector", selector } });
    await requests.create("by-label", { ...to("by-label", "ClusterHTTPEndpoint"), path: "/a" });
    const all = await requests.until("it is refused", (seen) => stateOf(seen.get("by-label")) === "NotReady/EndpointNotAllowed");
    expect(all.get("by-label")?.status?.conditions?.[0]?.message).toContain("Holdfast does not know this one's");
    expect(sent("/by-label")).toEqual([]);
  });

  test("wish 13: what tenants try with an admin's endpoint sends nothing, and names the field", async () => {
    await shared("walled", {
      allowedNamespaces: { from: "All" },
      secretNamespace: admins,
      auth: { bearer: { token: of("token") } },
      headers: [{ name: "X-Tier", value: "gold" }],
      allowedHeaders: ["X-Trace"],
    });
    const step = { inputs: { step: { value: "../../admin" } } };
    const attempts: Record<string, readonly [object, string]> = {
      "other-credential": [{ headers: [{ name: "authorization", value: "mine" }] }, "InvalidRequest spec.headers[0].name"],
      "other-tier": [{ headers: [{ name: "x-tier", value: "lead" }] }, "InvalidRequest spec.headers[0].name"],
      "other-url": [{ headers: [{ name: "X-Original-URL", value: "/admin" }] }, "InvalidRequest spec.headers[0].name"],
      impersonation: [{ headers: [{ name: "Impersonate-User", value: "admin" }] }, "InvalidRequest spec.headers[0].name"],
      "twin-of-tier": [{ headers: [{ name: "X_Tier", value: "lead" }] }, "InvalidRequest spec.headers[0].name"],
      "polls-header": [{ poll: { headers: [{ name: "Sudo", value: "root" }] } }, "InvalidRequest spec.poll.headers[0].name"],
      "key-header": [{ idempotencyKey: { header: "Authorization" } }, "InvalidRequest spec.idempotencyKey.header"],
      dots: [{ path: "/../admin" }, "InvalidURL spec.path"],
      "encoded-dots": [{ path: "/%2e%2E/admin" }, "InvalidURL spec.path"],
      "twice-encoded": [{ path: "/%252e%252e/admin" }, "InvalidURL spec.path"],
      "encoded-slash": [{ path: "/..%2fadmin" }, "InvalidURL spec.path"],
      "from-input": [{ path: "/${ .inputs.step }", ...step }, "InvalidURL spec.path"],
      backslash: [{ path: "/..\\admin" }, "InvalidURL spec.path"],
      parameters: [{ path: "/..;/admin" }, "InvalidURL spec.path"],
      nul: [{ path: "/..%00/admin" }, "InvalidURL spec.path"],
      overlong: [{ path: "/%c0%ae%c0%ae/admin" }, "InvalidURL spec.path"],
      host: [{ path: "//evil.example/" }, "InvalidURL spec.path"],
      query: [{ path: "/a?admin=1" }, "InvalidURL spec.path"],
      fragment: [{ path: "/a#b" }, "InvalidURL spec.path"],
    };
    for (const [name, [spec]] of Object.entries(attempts))
      await requests.create(name, { ...to("walled", "ClusterHTTPEndpoint"), method: "POST", path: "/a", ...spec });
    // What they are told before their endpoint is known is not what is asked here.
    const all = await requests.until("all are refused", (seen) =>
      Object.keys(attempts).every((name) => !/^(?:|NotReady\/EndpointNotFound)$/.test(stateOf(seen.get(name)))),
    );
    const said = Object.keys(attempts).map((name) => {
      const { reason = "", message = "" } = all.get(name)?.status?.conditions?.[0] ?? {};
      return [name, `${reason} ${message.split(":")[0]}`];
    });
    expect(Object.fromEntries(said)).toEqual(
      Object.fromEntries(Object.entries(attempts).map(([name, [, text]]) => [name, text])),
    );
    expect(sent("/walled")).toEqual([]);
    expect(origin.requests.filter(({ path }) => path.includes("admin"))).toEqual([]);
    const own = [
      { name: "x-trace", value: "1" },
      { name: "Accept", value: "text/plain" },
    ];
    await requests.create("content-headers", { ...to("walled", "ClusterHTTPEndpoint"), path: "/honest", headers: own });
    await requests.until("it is sent", (seen) => isReady(seen.get("content-headers")));
    expect(sent("/walled")[0]?.headers).toMatchObject({ "x-trace": "1", accept: "text/plain", "x-tier": "gold" });
  });

  test("an address behind the network's own NAT64 is the IPv4 address that it holds", async () => {
    await requests.create("metadata", { url: "http://[2a00:1:2:3::a9fe:a9fe]/" });
    const all = await requests.until("it is refused", (seen) => stateOf(seen.get("metadata")).endsWith("/EgressDenied"));
    expect(all.get("metadata")?.status?.conditions?.[0]).toMatchObject({
      reason: "EgressDenied",
      message: expect.stringContaining('by the egress rule "floor"'),
    });
  });

  test("an admin's endpoint that is not in order tells tenants that, and only its own status says why", async () => {
    await shared("broken", {
      allowedNamespaces: { from: "All" },
      secretNamespace: admins,
      auth: { bearer: { token: { secretKeyRef: { name: "hidden-name", key: "k" } } } },
    });
    await requests.create("unlucky", { ...to("broken", "ClusterHTTPEndpoint"), path: "/a" });
    const all = await requests.until("it waits", (seen) => stateOf(seen.get("unlucky")) === "NotReady/EndpointNotReady");
    expect(JSON.stringify(all.get("unlucky")?.status)).not.toContain("hidden-name");
    await until(
      "it says why",
      async () => (await readyOf(`${api}/clusterhttpendpoints/broken`)).message?.includes("hidden-name") === true,
    );
  });

  test("wish 22: a rate limit holds at the origin in any stretch, and nobody else waits", async () => {
    await endpoint("paced", { rateLimit: { requests: 3, per: "4s" } });
    await endpoint("free", {});
    const names = Array.from({ length: 8 }, (_, index) => `paced-${index}`);
    await Promise.all(names.map((name) => requests.create(name, { ...to("paced"), method: "POST", path: `/${name}` })));
    await requests.create("free", { ...to("free"), method: "POST", path: "/f" });
    await requests.until("the other is ready", (all) => isReady(all.get("free")));
    await requests.until("all are ready", (all) => names.every((name) => isReady(all.get(name))));
    const times = sent("/paced").map(({ atMs }) => atMs);
    expect(times).toHaveLength(8);
    // Arrivals are told late where the machine is busy: without a limit there would be next to nothing between them.
    for (const [index, atMs] of times.entries()) expect((times[index + 3] ?? Infinity) - atMs).toBeGreaterThan(1_000);
  });

  test("wish 22: while an origin is down its circuit lets one try now and then, costs no tries and few writes, and closes by itself", async () => {
    let isDown = true;
    origin.reply = ({ path }) => ({ type: "answer", status: isDown && path.startsWith("/down") ? 503 : 200 });
    await endpoint("down", { circuitBreaker: { failures: 3, openFor: "2s" } });
    const names = Array.from({ length: 20 }, (_, index) => `down-${index}`);
    const retry = { limit: 3, backoff: { initial: "100ms", max: "200ms" } };
    await Promise.all(names.map((name) => requests.create(name, { ...to("down"), path: `/${name}`, retry })));
    const isHeld = (one: DeclaredRequest | undefined): boolean => stateOf(one) === "NotReady/CircuitOpen";
    const held = await requests.until("they wait", (all) => names.filter((name) => isHeld(all.get(name))).length >= 15);
    const waiting = [...held.values()].find(isHeld)?.status;
    const { message = "" } = waiting?.conditions?.find(({ type }) => type === "Ready") ?? {};
    expect(message).toMatch(/, the latest time: 127\.0\.0\.1:\d+ answered 503\. Nothing is sent .*; tried again by 20\S+Z$/);
    expect(waiting?.nextRunAt).toBe(message.split("tried again by ")[1]);
    await until(
      "it has tried twice",
      () => controller.log.filter(({ result, reason }) => result === "postponed" && reason === "CircuitHalfOpen").length > 0,
    );
    const before = sent("/down").length;
    expect(before).toBeLessThan(30); // 20 may have been on their way when it opened; without a circuit there would be 80
    isDown = false;
    const all = await requests.until("all are ready", (seen) => names.every((name) => isReady(seen.get(name))));
    for (const name of names) expect(all.get(name)?.status?.attempt?.tries).toBeLessThanOrEqual(4);
    const opened = controller.log.filter(({ message }) => message === "a circuit is open").length;
    expect([opened, controller.log.filter(({ message }) => message === "a circuit is closed").length]).toEqual([1, 1]);
  });
});
