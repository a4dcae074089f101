/**
 * The controller's rights are the least: in a run that exercises everything, by the chart's own roles, each right was needed,
 * and nothing more was asked for. Who takes one away from the chart, or adds one, is told which test says so.
 */
import { request } from "node:https";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startInterposer, type ApiInterposer } from "../support/api-interposer.ts";
import type { PolicyRule } from "../support/chart-rights.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { createAuthority } from "../support/certificates.ts";
import { freePorts } from "../support/free-ports.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";
import { chart, createHelm, describeWithHelm, podOf, type Manifest } from "./helm.ts";
import { runContainer, type PodProcess, type ServiceAccount } from "./pod-process.ts";
import { rights, rightsOf, rolesOfOthers } from "./rights.ts";
import { until } from "./until.ts";

const namespace = "holdfast-system";
const user = `system:serviceaccount:${namespace}:holdfast`;
const api = "/apis/holdfast.dev/v1alpha1";
/** One each, so that it is seen by which role something was allowed. */
const granted = {
  reads: "holdfast-secret-reader",
  writes: "holdfast-output-writer",
  acts: "holdfast-impersonator",
  tokens: "holdfast-token-requester",
};

describeWithHelm("the least rights", () => {
  let plane: ControlPlane;
  let origin: LoopbackServer;
  let apiServer: ApiInterposer;
  let manifests: readonly Manifest[];
  let controller: PodProcess;
  /** `role: verb resource` of what the controller was answered. */
  const used = new Set<string>();
  let refused: readonly string[] = [];
  const problems: unknown[] = [];
  const started = new AsyncDisposableStack();

  beforeAll(async () => {
    // Without streaming lists, as before Kubernetes 1.32: what takes them needs fewer rights.
    plane = started.use(await startControlPlane({ apiServerArgs: ["--feature-gates=WatchList=false"] }));
    apiServer = started.use(await startInterposer(plane));
    let answers = 0;
    origin = started.use(
      await loopbackServer((_, response) => response.end(JSON.stringify({ id: "1", answer: (answers += 1) }))),
    );
    await using helm = await createHelm(plane.kubeconfigs.admin);
    const [metricsPort = 0, healthPort = 0, ...others] = await freePorts(4);
    const values = {
      controller: { metricsAddress: `127.0.0.1:${metricsPort}`, healthAddress: `127.0.0.1:${healthPort}` },
      metrics: { secure: { enabled: true, certificateSecret: "certificate" } },
    };
    await helm.done(["install", "holdfast", chart, "--namespace", namespace, "--create-namespace"], values);
    manifests = await helm.installed("holdfast", namespace);
    await prepare();
    const { spec, container } = podOf(manifests);
    const token = await tokenOf(spec.serviceAccountName);
    const account: ServiceAccount = { server: new URL(apiServer.url), ca: plane.certificate.cert, token, namespace };
    const opened = { ...container, args: [...container.args, "--egress-unsafe-allow=127.0.0.0/8"] };
    holdUp("httprequests", "httpresources", "httpendpoints", "clusterhttpendpoints", "egresspolicies");
    using authority = createAuthority("an authority");
    const { cert, key } = authority.issue("IP:127.0.0.1");
    const mounted = { "/etc/holdfast/metrics/tls.crt": cert, "/etc/holdfast/metrics/tls.key": key };
    controller = started.use(await runContainer(spec, opened, account, mounted));
    await declare();
    const addresses = others.map((port, index) => `--${["metrics", "health"][index]}-address=127.0.0.1:${port}`);
    const second = { ...opened, args: [...opened.args, ...addresses] };
    await allOf(
      exercise,
      () => standBy(() => runContainer(spec, second, account, mounted)),
      () => scrape(metricsPort, authority.ca),
    );
    for (const { code, role, verb, resource, subresource, impersonated } of await asked()) {
      const what = `${verb} ${resource}${subresource && `/${subresource}`}`;
      if (code < 300) used.add(impersonated === "" ? `${role}: ${what}` : `${granted.acts}: impersonate serviceaccounts`);
    }
    refused = (await asked())
      .filter(({ code }) => code === 401 || code === 403)
      .map(({ verb, resource, name }) => `${verb} ${resource} ${name}`);
  });
  afterAll(() => started.disposeAsync());

  const asked = async (): ReturnType<ControlPlane["auditEvents"]> =>
    (await plane.auditEvents()).filter((event) => event.user === user);
  async function post(path: string, body: object): Promise<unknown> {
    const reply = await plane.admin("POST", path, body);
    if (reply.status > 299) throw new Error(`POST ${path} was answered ${reply.status}: ${JSON.stringify(reply.body)}`);
    return reply.body;
  }
  async function patch(path: string, body: object): Promise<void> {
    const { status } = await plane.adminPatch(path, body);
    expect([path, status]).toEqual([path, 200]);
  }
  async function tokenOf(name: string): Promise<string> {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    return ((await post(path, { spec: { expirationSeconds: 3600 } })) as { status: { token: string } }).status.token;
  }
  async function kubectl(...args: readonly string[]): Promise<void> {
    const { code, stderr } = await plane.kubectl(...args);
    expect([args, code, stderr]).toEqual([args, 0, ""]);
  }
  async function prepare(): Promise<void> {
    const holdfast = `--serviceaccount=${namespace}:holdfast`;
    for (const [where, role] of Object.entries(granted)) {
      await post("/api/v1/namespaces", { metadata: { name: where } });
      await kubectl("create", "rolebinding", role, `--namespace=${where}`, `--clusterrole=${role}`, holdfast);
      const object = { metadata: { name: "given" } };
      await post(`/api/v1/namespaces/${where}/configmaps`, { ...object, data: { word: "hello" } });
      await post(`/api/v1/namespaces/${where}/secrets`, { ...object, stringData: { word: "sesame" } });
      await post(`/api/v1/namespaces/${where}/serviceaccounts`, { metadata: { name: "robot" } });
    }
    await kubectl("create", "role", "robot", "--namespace=acts", "--verb=get", "--resource=configmaps");
    await kubectl("create", "rolebinding", "robot", "--namespace=acts", "--role=robot", "--serviceaccount=acts:robot");
    await post(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "prometheus" } });
    const prometheus = `--serviceaccount=${namespace}:prometheus`;
    await kubectl("create", "clusterrolebinding", "metrics", "--clusterrole=holdfast-metrics-reader", prometheus);
  }
  /** Before the first status of each of these is written, somebody labels the object: the controller has to look at it anew. */
  function holdUp(...plurals: readonly string[]): void {
    const left = new Set(plurals);
    apiServer.hold = ({ method, path }, what) => {
      const [, object = "", plural = ""] = /^(\S*\/(\w+)\/[\w-]+)\/status\?/.exec(path) ?? [];
      if (method !== "PATCH" || what !== "request" || !left.delete(plural)) return undefined;
      return patch(object, { metadata: { labels: { changed: "meanwhile" } } });
    };
  }
  async function create(kind: string, where: string, name: string, spec: object): Promise<void> {
    const within = where === "" ? "" : `/namespaces/${where}`;
    const plural = kind === "EgressPolicy" ? "egresspolicies" : `${kind.toLowerCase()}s`;
    await post(`${api}${within}/${plural}`, { apiVersion: "holdfast.dev/v1alpha1", kind, metadata: { name }, spec });
  }
  const url = (name: string): string => `${origin.url}/${name}`;
  async function declare(): Promise<void> {
    const word = { configMapKeyRef: { name: "given", key: "word" } };
    const secret = { secretKeyRef: { name: "given", key: "word" } };
    await create("EgressPolicy", "", "everybody", { allow: [{ hosts: ["api.example.com"] }] });
    await create("ClusterHTTPEndpoint", "", "shared", { baseURL: url("shared"), allowedNamespaces: { from: "All" } });
    await create("HTTPEndpoint", "reads", "own", { baseURL: url("own"), auth: { bearer: { token: secret } } });
    await create("HTTPRequest", "reads", "one", { endpointRef: { name: "own" }, path: "/one", inputs: { word, secret } });
    await create("HTTPRequest", "reads", "over", { url: url("over"), ttlSecondsAfterFinished: 0 });
    await create("HTTPRequest", "reads", "denied", { url: "http://169.254.169.254/" });
    await create("HTTPResource", "reads", "thing", {
      externalID: ".response.body.id",
      create: { url: url("things") },
      observe: { url: `${url("things")}/\${ .externalID }` },
      inputs: { secret },
      update: { url: `${url("things")}/\${ .externalID }`, body: { json: { word: "${ .inputs.secret }" } } },
      beforeDelete: { endpointRef: { name: "own" }, path: "/before", method: "POST" },
      delete: { endpointRef: { kind: "ClusterHTTPEndpoint", name: "shared" }, path: "/${ .externalID }" },
    });
    const data = { answer: ".response.body.answer" };
    const outputs = [
      { secret: { name: "kept" }, data },
      { configMap: { name: "kept" }, data },
    ];
    await create("HTTPRequest", "writes", "one", { url: url("kept"), method: "POST", outputs });
    await create("HTTPRequest", "acts", "one", { url: url("acts"), inputs: { word }, serviceAccountName: "robot" });
    const auth = { serviceAccountToken: { serviceAccountName: "robot", audience: "https://partner.example" } };
    await create("HTTPEndpoint", "tokens", "robot", { baseURL: url("tokens"), auth });
    await create("HTTPRequest", "tokens", "one", { endpointRef: { name: "robot" }, path: "/one" });
  }
  async function isReady(path: string): Promise<boolean> {
    const { body } = await plane.admin("GET", `${api}/${path}`);
    const { status, metadata } = body as {
      metadata: { generation: number };
      status?: { observedGeneration?: number; conditions?: { type: string; status: string }[] };
    };
    const ready = status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
    return ready && status?.observedGeneration === metadata.generation;
  }
  function soon(what: string, check: () => Promise<boolean>): Promise<void> {
    return until(check, () => `not ${what}; the controller's last lines:\n${controller.log.slice(-5).join("\n")}`);
  }
  /** Where one is held up, by a right that is missing say, the tests tell which. */
  async function allOf(...steps: readonly (() => Promise<void>)[]): Promise<void> {
    for (const step of steps) await step().catch((error: unknown) => problems.push(error));
  }
  async function exercise(): Promise<void> {
    const names = ["reads/httprequests/one", "reads/httpresources/thing", "writes/httprequests/one"];
    const all = [...names, "acts/httprequests/one", "tokens/httprequests/one"].map((name) => `namespaces/${name}`);
    for (const name of [...all, "clusterhttpendpoints/shared", "egresspolicies/everybody"])
      await soon(`ready: ${name}`, () => isReady(name));
    await patch(`${api}/namespaces/writes/httprequests/one`, { spec: { url: url("kept-anew") } });
    await soon("sent anew", () => isReady("namespaces/writes/httprequests/one"));
    const thing = `${api}/namespaces/reads/httpresources/thing`;
    await plane.admin("DELETE", thing);
    await soon("gone", async () => (await plane.admin("GET", thing)).status === 404);
    for (const what of [
      "delete httprequests",
      "patch httpendpoints",
      "patch clusterhttpendpoints",
      "create events",
      "watch secrets",
      "watch configmaps",
      "patch secrets",
      "patch leases",
    ])
      await soon(what, () => didAsk(what));
  }
  const didAsk = async (what: string): Promise<boolean> =>
    (await asked()).some(({ verb, resource, code }) => `${verb} ${resource}` === what && code < 300);
  async function standBy(start: () => Promise<PodProcess>): Promise<void> {
    await using standby = await start();
    await soon("standing by", () => didAsk("watch leases"));
    standby.kill("SIGTERM");
    await standby.exited;
  }
  async function scrape(port: number, ca: string): Promise<void> {
    const headers = { authorization: `Bearer ${await tokenOf("prometheus")}` };
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    request({ host: "127.0.0.1", port, path: "/metrics", headers, ca, agent: false }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    })
      .on("error", reject)
      .end();
    expect(await promise).toBe(200);
  }

  test("the table of rights has each that the chart gives, and no other", () => {
    const roles = manifests.filter(
      ({ kind, metadata }) => /^(Cluster)?Role$/.test(kind) && !rolesOfOthers.includes(metadata.name),
    );
    const given = roles.map(({ metadata, rules }) => [metadata.name, rightsOf(rules as readonly PolicyRule[]).toSorted()]);
    expect(Object.fromEntries(given)).toEqual(
      Object.fromEntries(Object.entries(rights).map(([role, uses]) => [role, Object.keys(uses).toSorted()])),
    );
  });

  describe.each(Object.entries(rights))("%s lets the controller", (role, uses) => {
    test.each(Object.entries(uses))("%s, to %s", (right) => {
      expect([...used]).toContain(`${role}: ${right}`);
    });
  });

  test("nothing else was asked for, and all was done", () => {
    expect([refused, problems]).toEqual([[], []]);
  });
});
