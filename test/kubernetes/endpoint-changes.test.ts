/** What becomes of those who use an endpoint when that, its credential, or their namespace changes. The origin counts. */
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { apiVersion } from "../../src/api/kind-definition.ts";
import { createAuthority, type Pair } from "../support/certificates.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { declaredRequests, isReady, stateOf, type DeclaredRequests } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { until } from "../support/fault-world.ts";
import { loopbackServer } from "../support/loopback.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

describeWithControlPlane("those who use an endpoint", (plane) => {
  let origin: FaultOrigin;
  let controller: HoldfastProcess;
  let namespace: string;
  let requests: DeclaredRequests;
  const stack = new AsyncDisposableStack();
  /** Other tests' objects on this control plane are not this controller's. */
  let shard: Readonly<Record<string, string>>;

  beforeAll(async () => {
    origin = stack.use(await startFaultOrigin());
    namespace = await plane.createNamespace("users-of");
    requests = declaredRequests(plane, namespace);
    shard = { "test.holdfast.dev/shard": namespace };
    const selector = `test.holdfast.dev/shard=${namespace}`;
    controller = stack.use(
      await startController(["--kubeconfig", plane.kubeconfigs.holdfast, "--watch-label-selector", selector]),
    );
  });
  afterAll(() => stack.disposeAsync());

  async function apply(
    kind: string,
    name: string,
    spec: object,
    where: { readonly namespace?: string } = { namespace },
  ): Promise<void> {
    await plane.apply(JSON.stringify({ apiVersion, kind, metadata: { name, ...where, labels: shard }, spec }));
  }
  async function shared(name: string, spec: object): Promise<void> {
    await apply("ClusterHTTPEndpoint", name, { baseURL: `${origin.url}/${name}`, ...spec }, {});
    stack.defer(async () => void (await plane.admin("DELETE", `/apis/${apiVersion}/clusterhttpendpoints/${name}`)));
  }
  async function label(value: string | null): Promise<void> {
    const { status } = await plane.adminPatch(`/api/v1/namespaces/${namespace}`, { metadata: { labels: { crm: value } } });
    expect(status).toBe(200);
  }
  const resourceReason = async (name: string): Promise<string | undefined> => {
    const { body } = await plane.admin("GET", `/apis/${apiVersion}/namespaces/${namespace}/httpresources/${name}`);
    const { status } = body as { status?: { conditions?: readonly { type: string; reason: string }[] } };
    return status?.conditions?.find(({ type }) => type === "Ready")?.reason;
  };

  test("wish 13: a namespace gains an admin's endpoint with a label, and loses it with that, at once", async () => {
    await shared("chosen", { allowedNamespaces: { from: "Selector", selector: { matchLabels: { crm: "open" } } } });
    const endpointRef = { kind: "ClusterHTTPEndpoint", name: "chosen" };
    await apply("HTTPRequest", "sender", { endpointRef, path: "/sent", method: "POST" });
    await apply("HTTPResource", "keeper", { endpointRef, observe: { path: "/kept" }, interval: "1h" });
    await requests.until("it is refused", (all) => stateOf(all.get("sender")) === "NotReady/EndpointNotAllowed");
    await until("so is the other", async () => (await resourceReason("keeper")) === "EndpointNotAllowed");
    await label("open");
    await until("both are sent", () => origin.count("/chosen/sent") === 1 && origin.count("/chosen/kept") === 1);
    await requests.until("it is ready", (all) => isReady(all.get("sender")));
    await label(null);
    await until("it is refused again", async () => (await resourceReason("keeper")) === "EndpointNotAllowed");
    await requests.annotate("sender", { "holdfast.dev/reconcile-at": "now" });
    await requests.until("it is refused again", (all) => stateOf(all.get("sender")) === "NotReady/EndpointNotAllowed");
    expect([origin.count("/chosen/sent"), origin.count("/chosen/kept")]).toEqual([1, 1]);
  });

  async function putSecret(where: string, name: string, token: string): Promise<void> {
    const metadata = { name, namespace: where };
    await plane.apply(JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata, stringData: { token } }));
  }
  const tokensAt = (path: string): readonly unknown[] =>
    origin.requests.filter((request) => request.path === path).map(({ headers }) => headers.authorization);
  const bearerOf = (name: string): object => ({ auth: { bearer: { token: { secretKeyRef: { name, key: "token" } } } } });

  test("wish 12: an endpoint's rotated credential is used at once by what is kept, and sends no request again", async () => {
    await putSecret(namespace, "rotating", "first");
    await apply("HTTPEndpoint", "rotated", { baseURL: `${origin.url}/rotated`, ...bearerOf("rotating") });
    const endpointRef = { name: "rotated" };
    await apply("HTTPRequest", "once", { endpointRef, path: "/once", method: "POST" });
    await apply("HTTPRequest", "by-inputs", { endpointRef, path: "/by-inputs", method: "POST", rerunOn: { inputs: ["*"] } });
    await apply("HTTPRequest", "scheduled", { endpointRef, path: "/scheduled", schedule: { every: "1h" } });
    await apply("HTTPResource", "kept", { endpointRef, observe: { path: "/kept" }, interval: "1h" });
    const all = ["/once", "/by-inputs", "/scheduled", "/kept"].map((path) => `/rotated${path}`);
    await until("all are sent", () => all.every((path) => origin.count(path) === 1));
    await until("it is ready", async () => (await resourceReason("kept")) !== undefined);

    await putSecret(namespace, "rotating", "second");
    await until("it is observed again", () => origin.count("/rotated/kept") === 2);
    await apply("HTTPEndpoint", "rotated", {
      baseURL: `${origin.url}/rotated`,
      headers: [{ name: "X-New", value: "1" }],
      ...bearerOf("rotating"),
    });
    await until("and again", () => origin.count("/rotated/kept") === 3);
    expect(tokensAt("/rotated/kept")).toEqual(["Bearer first", "Bearer second", "Bearer second"]);
    const reconciled = (name: string): number =>
      controller.log.filter((line) => line["name"] === name && line["result"] === "unchanged").length;
    await until("the others were looked at", () => ["once", "by-inputs", "scheduled"].every((name) => reconciled(name) >= 2));
    for (const path of all.slice(0, 3)) expect([path, tokensAt(path)]).toEqual([path, ["Bearer first"]]);
  });

  test("wish 8: what waits for an endpoint's Secret goes on as soon as that is there, an admin's in another namespace, too", async () => {
    const admins = await plane.createNamespace("admins-of");
    await apply("HTTPEndpoint", "own", { baseURL: `${origin.url}/own`, ...bearerOf("late") });
    await shared("lent", { allowedNamespaces: { from: "All" }, secretNamespace: admins, ...bearerOf("late") });
    await apply("HTTPRequest", "waits-own", { endpointRef: { name: "own" }, path: "/a" });
    await apply("HTTPRequest", "waits-lent", { endpointRef: { kind: "ClusterHTTPEndpoint", name: "lent" }, path: "/a" });
    // They look again after as long as they have waited, twice as long each time: not for sixteen seconds after the fifth.
    const looks = (name: string): number =>
      controller.log.filter((line) => line["name"] === name && line["result"] === "waiting").length;
    await until("both have looked five times", () => looks("waits-own") >= 5 && looks("waits-lent") >= 5);
    await putSecret(namespace, "late", "mine");
    await putSecret(admins, "late", "theirs");
    await until("both are sent", () => origin.count("/own/a") === 1 && origin.count("/lent/a") === 1, 11_000);
    expect([tokensAt("/own/a"), tokensAt("/lent/a")]).toEqual([["Bearer mine"], ["Bearer theirs"]]);
  });

  test("wish 12: an endpoint's rotated client certificate, and the CA in a ConfigMap, are used at once, and send no request again", async () => {
    using old = createAuthority("old");
    using next = createAuthority("next");
    const seen: string[] = [];
    const demanding = { ca: [old.ca, next.ca], requestCert: true, rejectUnauthorized: true };
    const at = "IP:127.0.0.1";
    await using server = await loopbackServer(
      ({ url }, response) => {
        const { subjectaltname = "" } = (response.socket as TLSSocket).getPeerCertificate();
        seen.push(`${url} ${subjectaltname}`);
        response.end("{}");
      },
      { ...old.issue(at), ...demanding },
    );
    async function put(ca: string, { cert, key }: Pair): Promise<void> {
      const metadata = (name: string): object => ({ name, namespace });
      await plane.apply(
        JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: metadata("me"), stringData: { cert, key } }),
      );
      await plane.apply(JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: metadata("them"), data: { ca } }));
    }
    await put(old.ca, old.issue("DNS:first", { usage: "clientAuth" }));
    const mine = (key: string): object => ({ secretKeyRef: { name: "me", key } });
    const ca = { configMapKeyRef: { name: "them", key: "ca" } };
    await apply("HTTPEndpoint", "mutual", { baseURL: server.url, tls: { ca, certificate: mine("cert"), key: mine("key") } });
    const endpointRef = { name: "mutual" };
    await apply("HTTPRequest", "mutual", { endpointRef, path: "/once", method: "POST" });
    await apply("HTTPResource", "mutual", { endpointRef, observe: { path: "/kept" }, interval: "1h" });
    await until("both are sent", () => seen.length === 2);
    expect(seen.toSorted()).toEqual(["/kept DNS:first", "/once DNS:first"]);
    await until("it is ready", async () => (await resourceReason("mutual")) !== undefined);

    await put(old.ca, old.issue("DNS:second", { usage: "clientAuth" }));
    await until("the new one is used", () => seen.includes("/kept DNS:second"));
    await put(next.ca, old.issue("DNS:third", { usage: "clientAuth" }));
    await until("the server is not believed any more", async () => (await resourceReason("mutual")) === "CertificateInvalid");
    expect(seen.filter((line) => line.startsWith("/once"))).toEqual(["/once DNS:first"]);
    await plane.admin("DELETE", `/apis/${apiVersion}/namespaces/${namespace}/httpresources/mutual`);
  });

  test("wish 13: a selector that says nothing, or goes with something else, is not admitted", async () => {
    const spec = { baseURL: origin.url };
    for (const allowedNamespaces of [
      { from: "Selector" },
      { from: "Selector", selector: {} },
      { from: "Selector", selector: { matchLabels: {} } },
      { from: "All", selector: { matchLabels: { a: "b" } } },
      {},
    ]) {
      const object = {
        apiVersion,
        kind: "ClusterHTTPEndpoint",
        metadata: { name: "wrong" },
        spec: { ...spec, allowedNamespaces },
      };
      const { status, body } = await plane.admin("POST", `/apis/${apiVersion}/clusterhttpendpoints`, object);
      expect([status, JSON.stringify(body)]).toEqual([422, expect.stringContaining("spec.allowedNamespaces")]);
    }
  });
});
