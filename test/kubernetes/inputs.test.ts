/** What requests wait for and take from others, on a real API server: in which order an origin was asked, and how often. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { group } from "../../src/api/kind-definition.ts";
import { grantController } from "../support/chart-rights.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { declaredRequests, isReady, stateOf, type DeclaredRequest, type DeclaredRequests } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

describeWithControlPlane("requests that need others", (plane) => {
  let origin: FaultOrigin;
  let namespace: string;
  let requests: DeclaredRequests;
  let controller: HoldfastProcess;
  const stack = new AsyncDisposableStack();

  beforeAll(async () => {
    namespace = await plane.createNamespace("inputs");
    origin = stack.use(await startFaultOrigin());
    requests = declaredRequests(plane, namespace);
    controller = stack.use(await startController(["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace]));
  });
  afterAll(() => stack.disposeAsync());

  const on = (...names: readonly string[]): object => ({ dependsOn: names.map((name) => ({ kind: "HTTPRequest", name })) });
  const message = (request: DeclaredRequest | undefined): string | undefined =>
    request?.status?.conditions?.find(({ type }) => type === "Ready")?.message;
  async function putSecret(
    where: string,
    name: string,
    token: string,
    labels: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const metadata = { name, namespace: where, labels };
    await plane.apply(JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata, stringData: { token } }));
  }
  const withToken = (path: string, name: string): object => ({
    url: `${origin.url}${path}`,
    method: "POST",
    headers: [{ name: "Authorization", value: "Bearer ${ .inputs.token }" }],
    inputs: { token: { secretKeyRef: { name, key: "token" } } },
  });
  const tokensAt = (path: string): readonly (string | undefined)[] =>
    origin.requests.filter((request) => request.path === path).map(({ headers }) => headers.authorization);

  test("a chain is sent in its order, whatever the order of its creation, each once the one before it is Ready", async () => {
    origin.reply = ({ path, nth }) => ({ type: "answer", status: path === "/a" && nth < 3 ? 503 : 201, body: { id: path } });
    const retry = { retry: { backoff: { initial: "500ms" } } };
    await requests.create("c", { url: `${origin.url}/c`, ...on("b", "a") });
    await requests.create("b", {
      url: `${origin.url}/b?code=\${ .inputs.code }`,
      inputs: { code: { objectRef: { kind: "HTTPRequest", name: "a", expression: ".status.response.statusCode" } } },
    });
    await requests.until(
      "both wait",
      (all) => stateOf(all.get("c")) === "NotReady/DependencyNotReady" && stateOf(all.get("b")) === "NotReady/DependencyNotReady",
    );
    expect(origin.requests).toHaveLength(0);
    await requests.create("a", { url: `${origin.url}/a`, ...retry });
    await requests.until("all are ready", (all) => ["a", "b", "c"].every((name) => isReady(all.get(name))));
    expect(origin.requests.map(({ path }) => path)).toEqual(["/a", "/a", "/a", "/b?code=201", "/c"]);
    await requests.annotate("a", { "holdfast.dev/reconcile-at": "now" }); // another run of a is none of theirs
    await until("a was sent again", () => origin.count("/a") === 4);
    await requests.until("a is ready", (all) => all.get("a")?.status?.lastHandledReconcileAt === "now" && isReady(all.get("a")));
    await sleep(500);
    expect([origin.count("/b?code=201"), origin.count("/c")]).toEqual([1, 1]);
  });

  test("a circle is stalled and names its way; when it is cut, all are sent", async () => {
    for (const [name, other] of [
      ["x", "y"],
      ["y", "z"],
      ["z", "x"],
    ] as const)
      await requests.create(name, { url: `${origin.url}/${name}`, ...on(other) });
    const circle = ["x", "y", "z"];
    const stalled = await requests.until("all stall", (all) =>
      circle.every((name) => stateOf(all.get(name)) === "Stalled/DependencyCycle"),
    );
    expect(message(stalled.get("y"))).toContain("HTTPRequest/y -> HTTPRequest/z -> HTTPRequest/x -> HTTPRequest/y");
    expect(circle.map((name) => origin.count(`/${name}`))).toEqual([0, 0, 0]);
    await requests.change("z", { dependsOn: null });
    await requests.until("all are ready", (all) => circle.every((name) => isReady(all.get(name))));
    expect(circle.map((name) => origin.count(`/${name}`))).toEqual([1, 1, 1]);
  });

  test("a request takes an HTTPResource's id once that is Ready, and a circle across kinds names its way", async () => {
    const applyResource = (name: string, spec: object): Promise<void> =>
      plane.apply(JSON.stringify({ apiVersion: `${group}/v1alpha1`, kind: "HTTPResource", metadata: { name, namespace }, spec }));
    origin.reply = ({ path }) => ({ type: "answer", status: path === "/users" ? 201 : 200, body: { id: "u-17" } });
    const id = { objectRef: { kind: "HTTPResource", name: "user", expression: ".status.externalID" } };
    await requests.create("welcome", { url: `${origin.url}/welcome/\${ .inputs.id }`, method: "POST", inputs: { id } });
    await requests.until("it waits", (all) => stateOf(all.get("welcome")) === "NotReady/DependencyNotReady");
    await applyResource("user", { externalID: ".response.body.id", create: { url: `${origin.url}/users`, method: "POST" } });
    await requests.until("it is sent", (all) => isReady(all.get("welcome")));
    expect(origin.requests.map(({ path }) => path).slice(-2)).toEqual(["/users", "/welcome/u-17"]);

    const dependsOn = (kind: string, name: string): object => ({ dependsOn: [{ kind, name }] });
    await applyResource("egg", { create: { url: `${origin.url}/egg`, method: "POST" }, ...dependsOn("HTTPRequest", "hen") });
    await requests.create("hen", { url: `${origin.url}/hen`, ...dependsOn("HTTPResource", "egg") });
    const all = await requests.until("it stalls", (seen) => stateOf(seen.get("hen")) === "Stalled/DependencyCycle");
    expect(message(all.get("hen"))).toContain("HTTPRequest/hen -> HTTPResource/egg -> HTTPRequest/hen");
    expect([origin.count("/hen"), origin.count("/egg")]).toEqual([0, 0]);
    await requests.remove("hen");
    for (const name of ["user", "egg"]) await plane.kubectl("-n", namespace, "delete", "hres", name, "--wait=false");
  });

  test("wish 12: a rotated Secret is sent again, once, where inputs count, and nowhere else", async () => {
    await putSecret(namespace, "rotating", "first");
    await requests.create("counts", { ...withToken("/counts", "rotating"), rerunOn: { inputs: ["*"] } });
    await requests.create("does-not", withToken("/does-not", "rotating"));
    const bothReady = (): Promise<unknown> =>
      requests.until("both are ready", (all) => isReady(all.get("counts")) && isReady(all.get("does-not")));
    await bothReady();
    await putSecret(namespace, "rotating", "first", { only: "a-label" });
    await putSecret(namespace, "rotating", "second");
    await until("it was sent again", () => origin.count("/counts") === 2);
    await bothReady();
    await sleep(500);
    expect(tokensAt("/counts")).toEqual(["Bearer first", "Bearer second"]);
    expect(tokensAt("/does-not")).toEqual(["Bearer first"]);
    const { attempt } = (await requests.all()).get("counts")?.status ?? {};
    expect(attempt?.inputs).toMatch(/^[0-9a-f]{8}:[0-9a-f]{64}$/);
    expect(JSON.stringify([...(await requests.all()).values()])).not.toContain("second");
    await plane.admin("DELETE", `/api/v1/namespaces/${namespace}/secrets/rotating`);
    await sleep(500);
    expect(isReady((await requests.all()).get("counts"))).toBe(true); // what was delivered stands
  });

  test("wish 12: an HTTPResource that uses a Secret observes again as soon as that has changed", async () => {
    await putSecret(namespace, "of-resource", "first");
    const authorization = { name: "Authorization", value: "Bearer ${ .inputs.token }" };
    const spec = {
      observe: { url: `${origin.url}/thing`, headers: [authorization] },
      interval: "1h",
      inputs: { token: { secretKeyRef: { name: "of-resource", key: "token" } } },
    };
    const metadata = { name: "observed", namespace };
    await plane.apply(JSON.stringify({ apiVersion: `${group}/v1alpha1`, kind: "HTTPResource", metadata, spec }));
    await until("it was observed", () => origin.count("/thing") === 1);
    await controller.logged(({ name, kind }) => name === "observed" && kind === "HTTPResource");
    await putSecret(namespace, "of-resource", "second");
    await until("it was observed again", () => origin.count("/thing") === 2);
    await sleep(500);
    expect(tokensAt("/thing")).toEqual(["Bearer first", "Bearer second"]);
    await plane.kubectl("-n", namespace, "delete", "hres", "observed", "--wait=false");
  });

  test("who waits for a Secret gets going as soon as it is there, and not when it would have looked again", async () => {
    await requests.create("waits", withToken("/waits", "late"));
    // It looks again after as long as it has waited, twice as long each time: not for sixteen seconds after the fifth.
    await controller.logged(({ name, reason }) => name === "waits" && reason === "SecretNotFound");
    const looks = (): number => controller.log.filter(({ name, result }) => name === "waits" && result === "waiting").length;
    await until("it has looked five times", () => looks() >= 5);
    await putSecret(namespace, "late", "here");
    await until("it was sent", () => origin.count("/waits") === 1, 11_000);
    expect(tokensAt("/waits")).toEqual(["Bearer here"]);
  });

  test("nothing is watched that nothing refers to, and Secrets no longer than something does", async () => {
    const events = await plane.auditEvents();
    const watched = events.filter(
      ({ namespace: where, verb, resource }) =>
        where === namespace && verb === "watch" && ["secrets", "configmaps"].includes(resource),
    );
    expect(new Set(watched.map(({ resource }) => resource))).toEqual(new Set(["secrets"]));
    for (const name of ["waits", "counts", "does-not"]) await requests.remove(name);
    await until("the watch has ended", async () => {
      return (await plane.auditEvents()).some(
        ({ namespace: where, verb, resource, isComplete }) =>
          where === namespace && verb === "watch" && resource === "secrets" && isComplete,
      );
    });
  });

  test("forEach: twelve items, as many at once as a namespace has sockets; one that fails is sent again alone, and told apart", async () => {
    let isFailing = true;
    let inFlight = 0;
    let most = 0;
    origin.reply = async ({ path }) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await until("as many as may are here", () => most >= 5);
      await sleep(100);
      inFlight -= 1;
      return { type: "answer", status: path === "/items/i7" && isFailing ? 503 : 200 };
    };
    const items = Array.from({ length: 12 }, (_, index) => `i${index}`);
    await requests.create("each", {
      url: `${origin.url}/items/\${ .item }`,
      method: "POST",
      idempotencyKey: {},
      forEach: { items },
      retry: { backoff: { initial: "500ms", max: "500ms" } },
    });
    const failing = await requests.until("one item failed", (all) => stateOf(all.get("each")) === "NotReady/ItemsFailed");
    expect(message(failing.get("each"))).toContain("1 of 12 items did not succeed: item 7: answered 503");
    isFailing = false;
    const done = await requests.until("all are sent", (all) => isReady(all.get("each")));
    const tries = origin.count("/items/i7");
    expect(tries).toBeGreaterThan(1);
    expect(items.map((item) => origin.count(`/items/${item}`))).toEqual(items.map((item) => (item === "i7" ? tries : 1)));
    expect(most).toBe(5); // of the client's six sockets the last is kept for other namespaces
    const { items: told = [] } = done.get("each")?.status ?? {};
    expect(told.map((one) => [one.index, one.phase, one.tries])).toEqual(
      items.map((item, index) => [index, "Succeeded", item === "i7" ? tries : 1]),
    );
    const keys = origin.requests
      .filter(({ path }) => path.startsWith("/items/"))
      .map(({ headers }) => headers["idempotency-key"]);
    expect(new Set(keys)).toEqual(new Set(told.map(({ id }) => id)));
    expect(new Set(keys).size).toBe(12);
  });

  test("forEach of a POST without a key, and of too long a list, are refused", async () => {
    const url = `${origin.url}/never`;
    await expect(requests.create("unkeyed", { url, method: "POST", forEach: { items: [1] } })).rejects.toThrow("idempotencyKey");
    await expect(requests.create("long", { url, forEach: { items: Array.from({ length: 41 }, () => 1) } })).rejects.toThrow(
      "forEach.items",
    );
    await requests.create("long", { url, forEach: { expression: "[range(41)]" } });
    const all = await requests.until("it stalls", (now) => stateOf(now.get("long")) === "Stalled/TooManyItems");
    expect(message(all.get("long"))).toContain("spec.forEach.expression: the expression yields 41 items; at most 40 are sent");
    expect(origin.count("/never")).toBe(0);
  });

  test("without the right to read Secrets nothing storms: one refused watch, and the process is ready", async () => {
    const where = await plane.createNamespace("no-secrets");
    await grantController(plane, "limited", ["holdfast-secret-reader", "holdfast-output-writer"]);
    await using limited = await startController([
      "--kubeconfig",
      plane.kubeconfigs.limited,
      "--namespace",
      where,
      "--lease-namespace",
      where,
    ]);
    const declared = declaredRequests(plane, where);
    await putSecret(where, "hidden", "t0ken");
    for (const name of ["one", "two", "three"]) await declared.create(name, withToken(`/${where}-${name}`, "hidden"));
    await declared.until("all say so", (all) =>
      [...all.values()].every((request) => stateOf(request) === "NotReady/ReferenceForbidden"),
    );
    await sleep(3_000);
    const refused = (await plane.auditEvents()).filter(
      (event) => event.namespace === where && event.resource === "secrets" && event.user === "limited" && event.verb !== "get",
    );
    expect(refused.map(({ verb, code }) => `${verb} ${code}`)).toEqual(["watch 403"]);
    expect(await limited.probe("/readyz")).toMatchObject({ status: 200 });
    const binding = ["create", "rolebinding", `--namespace=${where}`, "secrets"];
    await plane.kubectl(...binding, "--clusterrole=holdfast-secret-reader", "--user=limited");
    await declared.until("all are ready", (all) => [...all.values()].every(isReady));
    expect(["one", "two", "three"].map((name) => origin.count(`/${where}-${name}`))).toEqual([1, 1, 1]);
  });
});
