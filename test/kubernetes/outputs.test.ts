/** Outputs on a real API server: what becomes of an answer in Secrets and ConfigMaps, and what is never touched. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startInterposer, type Answer, type ApiInterposer } from "../support/api-interposer.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { declaredRequests, stateOf, type DeclaredRequest, type DeclaredRequests } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const token = "t0k3n-canary-0123456789";

interface DataObject {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly uid: string }[];
  };
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

describeWithControlPlane("outputs", (plane) => {
  let controller: HoldfastProcess;
  let api: ApiInterposer;
  let namespace: string;
  let origin: FaultOrigin;
  let requests: DeclaredRequests;
  const started = new AsyncDisposableStack();

  beforeAll(async () => {
    namespace = await plane.createNamespace("outputs");
    origin = started.use(await startFaultOrigin());
    api = started.use(await startInterposer(plane));
    const kubeconfig = await plane.kubeconfigVia("holdfast", api.url);
    controller = started.use(await startController(["--kubeconfig", kubeconfig, "--namespace", namespace]));
    requests = declaredRequests(plane, namespace);
  });
  afterAll(() => started.disposeAsync());

  const path = (kind: "secrets" | "configmaps", name: string): string => `/api/v1/namespaces/${namespace}/${kind}/${name}`;
  async function object(kind: "secrets" | "configmaps", name: string): Promise<DataObject | undefined> {
    const { status, body } = await plane.admin("GET", path(kind, name));
    return status === 200 ? (body as DataObject) : undefined;
  }
  async function secret(name: string): Promise<Record<string, string> | undefined> {
    const data = (await object("secrets", name))?.data;
    return data && Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, "base64").toString()]));
  }
  /** Writes of outputs by the controller, as the API server counted them. */
  async function writes(name: string): Promise<readonly string[]> {
    const of = ["secrets", "configmaps"];
    return (await plane.auditEvents())
      .filter((event) => event.user === "holdfast" && event.namespace === namespace && of.includes(event.resource))
      .filter((event) => event.name === name && event.verb !== "get" && event.code < 300)
      .map(({ verb }) => verb);
  }
  /** `GET /name`, which is answered with what `answers` has for it. */
  const answers = new Map<string, { status?: number; body?: unknown }>();
  async function declare(name: string, outputs: readonly object[], more: object = {}): Promise<void> {
    origin.reply = (request) => ({ type: "answer", ...answers.get(request.path.slice(1)) });
    await requests.create(name, { url: `${origin.url}/${name}`, outputs, ...more });
  }
  async function until(name: string, state: string): Promise<DeclaredRequest> {
    const all = await requests.until(`${name} is ${state}`, (seen) => stateOf(seen.get(name)).endsWith(state));
    return all.get(name) as DeclaredRequest;
  }
  let asked = 0;
  /** Lets it run once more, and waits until that has ended. */
  async function again(name: string, state = "Succeeded"): Promise<DeclaredRequest> {
    const value = `again-${(asked += 1)}`;
    await requests.annotate(name, { "holdfast.dev/reconcile-at": value });
    const handled = (one: DeclaredRequest | undefined): boolean =>
      one?.status?.lastHandledReconcileAt === value && one.status.attempt?.phase === "Done";
    await requests.until(`${name} has run again`, (seen) => handled(seen.get(name)));
    return until(name, state);
  }
  const messageOf = ({ status }: DeclaredRequest): string =>
    status?.conditions?.find(({ type }) => type === "Ready")?.message ?? "";

  test("wish 11: an output Secret is there before the status says so, owned, and written again only when something differs", async () => {
    answers.set("login", { body: { token, expires: 3600, scopes: ["a"] } });
    await declare("login", [
      {
        secret: { name: "login", labels: { team: "a" }, annotations: { by: "login" } },
        data: { token: ".response.body.token", "expires.in": ".response.body.expires", scopes: ".response.body.scopes" },
      },
      { configMap: { name: "login-facts" }, data: { code: ".response.statusCode", type: '.response.headers["content-type"]' } },
    ]);
    const seen = await until("login", "Ready/Succeeded");
    expect(await secret("login")).toEqual({ token, "expires.in": "3600", scopes: '["a"]' });
    const made = await object("secrets", "login");
    expect(made).toMatchObject({
      type: "Opaque",
      metadata: {
        labels: { team: "a" },
        annotations: { by: "login" },
        ownerReferences: [
          {
            apiVersion: "holdfast.dev/v1alpha1",
            kind: "HTTPRequest",
            name: "login",
            uid: seen.metadata.uid,
            controller: true,
          },
        ],
      },
    });
    expect((await object("configmaps", "login-facts"))?.data).toEqual({ code: "200", type: "application/json" });
    const order = (await plane.auditEvents())
      .filter((event) => event.user === "holdfast" && event.namespace === namespace && ["create", "patch"].includes(event.verb))
      .map(({ verb, resource, subresource, name }) => `${verb} ${resource}/${subresource} ${name}`);
    expect(order.filter((event) => /login(-facts)?$/.test(event))).toEqual([
      "create secrets/ login",
      "create configmaps/ login-facts",
      "patch httprequests/status login",
    ]);

    await again("login");
    expect(origin.count("/login")).toBe(2);
    expect([await writes("login"), await writes("login-facts")]).toEqual([["create"], ["create"]]);
    await plane.adminPatch(path("secrets", "login"), { metadata: { labels: { theirs: "stays" } } });
    answers.set("login", { body: { token: `${token}-2`, expires: 3600, scopes: ["a"] } });
    await again("login");
    expect(await secret("login")).toEqual({ token: `${token}-2`, "expires.in": "3600", scopes: '["a"]' });
    expect((await object("secrets", "login"))?.metadata.labels).toEqual({ team: "a", theirs: "stays" });
    expect([await writes("login"), await writes("login-facts")]).toEqual([["create", "patch"], ["create"]]);
  });

  test("wish 11: a failed request and a missing value take no key away; an output that is declared no more goes with the next run", async () => {
    answers.set("rotate", { body: { a: "1", b: "2" } });
    const data = { a: ".response.body.a", b: ".response.body.b" };
    await declare("rotate", [{ secret: { name: "rotate", labels: { x: "1" } }, data }], { retry: { limit: 0 } });
    await until("rotate", "Ready/Succeeded");
    answers.set("rotate", { status: 500, body: {} });
    await again("rotate", "Stalled/UnexpectedStatus");
    answers.set("rotate", { body: { a: "3" } });
    await again("rotate");
    expect(await secret("rotate")).toEqual({ a: "3", b: "2" });
    await requests.change("rotate", { outputs: [{ secret: { name: "rotate" }, data: { a: data.a } }] });
    await again("rotate");
    expect(await secret("rotate")).toEqual({ a: "3" });
    expect((await object("secrets", "rotate"))?.metadata.labels).toBeUndefined();
  });

  test("does what whenMissing says", async () => {
    for (const whenMissing of ["Keep", "Empty", "Delete", "Fail"]) {
      const name = `missing-${whenMissing.toLowerCase()}`;
      answers.set(name, { body: { a: "1", b: "2" } });
      await declare(name, [{ secret: { name }, data: { a: ".response.body.a", b: ".response.body.b" }, whenMissing }], {
        retry: { limit: 0 },
      });
      await until(name, "Ready/Succeeded");
      answers.set(name, { body: { a: "3" } });
    }
    await again("missing-keep");
    expect(await secret("missing-keep")).toEqual({ a: "3", b: "2" });
    await again("missing-empty");
    expect(await secret("missing-empty")).toEqual({ a: "3", b: "" });
    await again("missing-delete");
    expect(await secret("missing-delete")).toEqual({ a: "3" });
    const failed = await again("missing-fail", "Stalled/OutputMissing");
    expect(messageOf(failed)).toContain("spec.outputs[0].data.b");
    expect(await secret("missing-fail")).toEqual({ a: "1", b: "2" });
  });

  test("never changes a Secret that it does not own, and sends nothing whose answer it could not keep; heals when that is gone", async () => {
    await plane.admin("POST", `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: "foreign" },
      stringData: { a: "theirs" },
    });
    const before = await object("secrets", "foreign");
    answers.set("taker", { body: { a: "mine" } });
    await declare("taker", [{ secret: { name: "foreign" }, data: { a: ".response.body.a" } }], { method: "POST" });
    const refused = await until("taker", "NotReady/OutputConflict");
    expect(messageOf(refused)).toContain('spec.outputs[0].secret: Secret "foreign"');
    expect(await object("secrets", "foreign")).toEqual(before);
    expect(origin.count("/taker")).toBe(0);
    await plane.admin("DELETE", path("secrets", "foreign"));
    await until("taker", "Ready/Succeeded");
    expect([await secret("foreign"), origin.count("/taker")]).toEqual([{ a: "mine" }, 1]);

    await declare("second", [{ secret: { name: "foreign" }, data: { a: ".response.body.a" } }]);
    await until("second", "NotReady/OutputConflict");
    expect(await secret("foreign")).toEqual({ a: "mine" });
  });

  test("wish 10: no value of an output Secret is in a status, an event or the log, not even with record: Body", async () => {
    answers.set("recorded", { body: { token } });
    await declare("recorded", [{ secret: { name: "recorded" }, data: { token: ".response.body.token" } }], { record: "Body" });
    const { status } = await until("recorded", "Ready/Succeeded");
    expect(status?.response).toMatchObject({ statusCode: 200, bodyOmitted: expect.stringContaining("Secret") });
    const events = await plane.admin("GET", `/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
    expect(JSON.stringify([...(await requests.all()).values(), events.body, controller.log])).not.toContain(token);
  });

  test("makes the types of Secrets that do no harm, and lets the API server refuse what they cannot hold", async () => {
    answers.set("basic", { body: { user: "ada", password: "p", config: "no JSON" } });
    const data = { username: ".response.body.user", password: ".response.body.password" };
    await declare("basic", [{ secret: { name: "basic", type: "kubernetes.io/basic-auth" }, data }]);
    await until("basic", "Ready/Succeeded");
    expect((await object("secrets", "basic"))?.type).toBe("kubernetes.io/basic-auth");
    answers.set("typed", { body: { pem: "a key of its own, 5e1f09", auths: { auths: {} } } });
    const pem = ".response.body.pem";
    const typed = {
      tls: { "tls.crt": pem, "tls.key": pem },
      "ssh-auth": { "ssh-privatekey": pem },
      dockerconfigjson: { ".dockerconfigjson": ".response.body.auths" },
    };
    const outputs = Object.entries(typed).map(([type, of]) => ({
      secret: { name: type, type: `kubernetes.io/${type}` },
      data: of,
    }));
    await declare("typed", outputs);
    await until("typed", "Ready/Succeeded");
    for (const type of Object.keys(typed)) expect((await object("secrets", type))?.type).toBe(`kubernetes.io/${type}`);
    expect(await secret("dockerconfigjson")).toEqual({ ".dockerconfigjson": '{"auths":{}}' });
    answers.set("docker", { body: { config: "no JSON" } });
    const docker = { name: "docker", type: "kubernetes.io/dockerconfigjson" };
    await declare("docker", [{ secret: docker, data: { ".dockerconfigjson": ".response.body.config" } }], { method: "POST" });
    expect(messageOf(await until("docker", "Stalled/OutputRefused"))).toContain("data[.dockerconfigjson]");
    expect(origin.count("/docker")).toBe(1);
  });

  test("an HTTPResource keeps what only create answers, and follows what observe answers", async () => {
    origin.reply = ({ method, path }) => {
      if (method === "POST") return { type: "answer", status: 201, body: { id: 7, token: `${token}-7` } };
      return { type: "answer", ...answers.get(path.slice(1)) };
    };
    answers.set("things/7", { body: { id: 7, region: "north" } });
    const name = "thing";
    const resources = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httpresources`;
    const ready = async (): Promise<string> => {
      const { body } = await plane.admin("GET", `${resources}/${name}`);
      const { metadata, status } = body as DeclaredRequest & { status?: { lastHandledReconcileAt?: string } };
      const condition = status?.conditions?.find(({ type }) => type === "Ready");
      const seen = status?.observedGeneration === metadata.generation;
      return seen ? `${condition?.status}/${condition?.reason} ${status?.lastHandledReconcileAt ?? ""}` : "";
    };
    const untilReady = async (expected: string): Promise<void> => {
      const giveUpMs = performance.now() + 60_000;
      for (let is = await ready(); is !== expected; is = await ready()) {
        if (performance.now() > giveUpMs) throw new Error(`it is ${is} and not ${expected}`);
        await sleep(50);
      }
    };
    const spec = {
      create: { url: `${origin.url}/things`, body: { json: {} } },
      observe: { url: `${origin.url}/things/\${ .externalID }` },
      externalID: ".response.body.id",
      outputs: [
        { secret: { name }, data: { token: ".response.body.token" } },
        { configMap: { name }, data: { id: ".externalID", region: ".response.body.region" } },
      ],
    };
    await plane.admin("POST", `/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name }, data: { a: "theirs" } });
    await plane.admin("POST", resources, { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata: { name }, spec });
    await untilReady("False/OutputConflict ");
    expect(origin.count("/things")).toBe(0);
    await plane.admin("DELETE", path("configmaps", name));
    await untilReady("True/Created ");
    expect([await secret(name), (await object("configmaps", name))?.data]).toEqual([{ token: `${token}-7` }, { id: "7" }]);
    await plane.adminPatch(`${resources}/${name}`, { metadata: { annotations: { "holdfast.dev/reconcile-at": "1" } } });
    await untilReady("True/Created 1");
    expect([await secret(name), (await object("configmaps", name))?.data]).toEqual([
      { token: `${token}-7` },
      { id: "7", region: "north" },
    ]);
    await plane.admin("DELETE", path("secrets", name));
    await plane.admin("POST", `/api/v1/namespaces/${namespace}/secrets`, { metadata: { name }, stringData: { a: "theirs" } });
    await plane.adminPatch(`${resources}/${name}`, { metadata: { annotations: { "holdfast.dev/reconcile-at": "2" } } });
    await untilReady("False/OutputConflict 2");
    expect([await secret(name), origin.count("/things")]).toEqual([{ a: "theirs" }, 1]);
    // What is deleted does not come back without what only create answered, however often it is looked at.
    await plane.admin("DELETE", path("secrets", name));
    for (const value of ["3", "4"]) {
      await plane.adminPatch(`${resources}/${name}`, { metadata: { annotations: { "holdfast.dev/reconcile-at": value } } });
      await untilReady(`False/OutputMissing ${value}`);
      expect(await secret(name)).toBeUndefined();
    }
  });

  test("F31: an object that is deleted and declared anew takes over what the one before it made", async () => {
    answers.set("anew", { body: { a: "1" } });
    const outputs = [{ secret: { name: "anew" }, data: { a: ".response.body.a" } }];
    await declare("anew", outputs);
    const first = await until("anew", "Ready/Succeeded");
    await plane.admin("DELETE", `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httprequests/anew`);
    expect((await object("secrets", "anew"))?.metadata.ownerReferences?.[0]?.uid).toBe(first.metadata.uid); // nobody collects garbage here
    answers.set("anew", { body: { a: "2" } });
    await declare("anew", outputs);
    const second = await until("anew", "Ready/Succeeded");
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    expect(await secret("anew")).toEqual({ a: "2" });
    expect((await object("secrets", "anew"))?.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([second.metadata.uid]);
  });

  test("what an object of its name made, and a backup has brought back, is taken over only where that is said", async () => {
    answers.set("restored", { body: { a: "1" } });
    const outputs = [{ secret: { name: "restored" }, data: { a: ".response.body.a" } }];
    await declare("restored", outputs);
    await until("restored", "Ready/Succeeded");
    const saved = await object("secrets", "restored");
    const secrets = `/api/v1/namespaces/${namespace}/secrets`;
    await plane.admin("DELETE", `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httprequests/restored`);
    await plane.admin("DELETE", `${secrets}/restored`);
    const { ownerReferences } = saved?.metadata ?? {};
    await plane.admin("POST", secrets, { data: saved?.data, metadata: { name: "restored", ownerReferences } });
    answers.set("restored", { body: { a: "2" } });
    await declare("restored", outputs);
    const refused = await until("restored", "NotReady/OutputConflict");
    expect(JSON.stringify(refused.status)).toContain("holdfast.dev/take-over-outputs");
    expect(await secret("restored")).toEqual({ a: "1" });
    await requests.annotate("restored", { "holdfast.dev/take-over-outputs": "true" });
    const taken = await until("restored", "Ready/Succeeded");
    expect(await secret("restored")).toEqual({ a: "2" });
    expect((await object("secrets", "restored"))?.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([taken.metadata.uid]);
  });

  test("refuses harmful types, labels and keys, and what names one object twice, at admission", async () => {
    const data = { a: ".response.body" };
    const bad: readonly (readonly [readonly object[], string])[] = [
      [[{ secret: { name: "a", type: "kubernetes.io/service-account-token" }, data }], "spec.outputs[0].secret.type"],
      [[{ secret: { name: "a", type: "bootstrap.kubernetes.io/token" }, data }], "spec.outputs[0].secret.type"],
      [[{ secret: { name: "a", labels: { "kubernetes.io/x": "1" } }, data }], "none of kubernetes.io/"],
      [[{ secret: { name: "a", labels: { "app.kubernetes.io/x": "1" } }, data }], "none of kubernetes.io/"],
      [[{ configMap: { name: "a", annotations: { "helm.sh/x": "1" } }, data }], "none of kubernetes.io/"],
      [[{ configMap: { name: "a", annotations: { "holdfast.dev/x": "1" } }, data }], "none of kubernetes.io/"],
      [[{ secret: { name: "a", labels: { "k8s.io/x": "1" } }, data }], "none of kubernetes.io/"],
      ...[
        "argocd.argoproj.io/secret-type",
        "reflector.v1.k8s.emberstack.com/reflection-auto-enabled",
        "replicator.v1.mittwald.de/replicate-to",
        "app.kubernetes.io/part-of",
        "meta.helm.sh/release-name",
        "example.com/x",
        "/x",
        "x/",
      ].flatMap((key) => [
        [[{ secret: { name: "a", labels: { [key]: "1" } }, data }], "none of kubernetes.io/"] as const,
        [[{ configMap: { name: "a", annotations: { [key]: "1" } }, data }], "none of kubernetes.io/"] as const,
      ]),
      [[{ secret: { name: "a", labels: { "a b": "1" } }, data }], "a key is a name"],
      [[{ secret: { name: "a" }, configMap: { name: "a" }, data }], "exactly one of secret and configMap"],
      [[{ secret: { name: "a" }, data: { "a/b": "." } }], "a key is made of letters"],
      [[{ secret: { name: "a" }, data: {} }], "at least one key"],
      [[{ secret: { name: "a", type: "kubernetes.io/tls" }, data }], "needs the data tls.crt and tls.key"],
      [[{ secret: { name: "../a" }, data }], "spec.outputs[0].secret.name"],
      [
        [
          { secret: { name: "a" }, data },
          { secret: { name: "a" }, data },
        ],
        "each Secret may be named once",
      ],
      [Array.from({ length: 9 }, (_, n) => ({ secret: { name: `a${n}` }, data })), "spec.outputs"],
    ];
    for (const [outputs, message] of bad) await expect(declare("bad", outputs)).rejects.toThrow(message);
  });

  test("an expression that is no jq is found before anything is sent", async () => {
    await declare("broken", [{ secret: { name: "broken" }, data: { a: ".response.body[" } }], { method: "POST" });
    expect(messageOf(await until("broken", "Stalled/InvalidExpression"))).toContain("spec.outputs[0].data.a");
    expect(origin.count("/broken")).toBe(0);
  });

  test("while the API server takes no output, and where its reply is lost, the answer is kept and the request not sent again", async () => {
    const answered: Answer[] = [{ status: 503 }, { status: 503, afterwards: true }];
    api.answer = ({ method, path, body }) =>
      method === "POST" && path.includes("/secrets") && body.includes('"held"') ? answered.shift() : undefined;
    answers.set("held", { body: { a: "1" } });
    await declare("held", [{ secret: { name: "held" }, data: { a: ".response.body.a" } }], { method: "POST" });
    await until("held", "Ready/Succeeded");
    expect([answered, origin.count("/held"), await secret("held")]).toEqual([[], 1, { a: "1" }]);
  });
});
