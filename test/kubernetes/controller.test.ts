/** The controller as a process of its own, on a real API server: what the origin saw, what the API server was asked. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { customResourceDefinition } from "../../src/api/crd.ts";
import { definitions } from "../../src/api/definitions.ts";
import type { ControlPlaneClient } from "../support/control-plane-client.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { startDemoOrigin, type DemoOrigin } from "../support/demo-origin.ts";
import { examplesFor } from "../support/examples.ts";
import { until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const crds = join(import.meta.dirname, "../../crds");

describeWithControlPlane("the controller", (plane) => {
  let controller: HoldfastProcess;
  let namespace: string;
  let origin: DemoOrigin;
  const started = new AsyncDisposableStack();

  beforeAll(async () => {
    namespace = await plane.createNamespace("controller");
    origin = started.use(await startDemoOrigin(0));
    controller = started.use(await startController(["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace]));
  });
  afterAll(async () => {
    await started.disposeAsync();
  });

  function kubectl(...args: string[]): ReturnType<ControlPlaneClient["kubectl"]> {
    return plane.kubectl("-n", namespace, ...args);
  }
  function post(name: string, spec: object = {}): object {
    const url = `http://127.0.0.1:${origin.port}/echo`;
    const metadata = { name, namespace };
    return {
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "HTTPRequest",
      metadata,
      spec: { url, method: "POST", body: { json: { name } }, ...spec },
    };
  }
  async function apply(...objects: readonly object[]): Promise<void> {
    await plane.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
  }
  async function untilReady(...names: readonly string[]): Promise<void> {
    const { code, stderr } = await kubectl(
      "wait",
      "--for=condition=Ready",
      "--timeout=60s",
      ...names.map((name) => `hreq/${name}`),
    );
    if (code !== 0) throw new Error(stderr);
  }
  function echoes(): number {
    return origin.requests.get("POST /echo") ?? 0;
  }
  /** In its namespace: other files' controllers are the same user. */
  async function writes(since: string): Promise<readonly string[]> {
    return (await plane.auditEvents())
      .filter(
        (event) =>
          event.user === "holdfast" &&
          event.namespace === namespace &&
          event.resource !== "leases" &&
          event.at > since &&
          ["create", "update", "patch", "delete"].includes(event.verb),
      )
      .map(({ verb, resource, subresource, name }) => `${verb} ${resource}/${subresource} ${name}`);
  }

  test("is ready once it watches", async () => {
    await until("it is ready", async () => (await controller.probe("/readyz")).status === 200);
    expect(await controller.probe("/readyz")).toEqual({ status: 200, text: "ok\n" });
    expect(await controller.probe("/healthz")).toEqual({ status: 200, text: "ok\n" });
  });

  test("the API server takes the generated CRDs as they are", async () => {
    const { code, stdout, stderr } = await plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", crds);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("httprequests.holdfast.dev");
    for (const definition of definitions) {
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.plural}.holdfast.dev`;
      // What kubectl's reader of YAML makes of a field's name shows here.
      expect((await plane.admin("GET", path)).body).toMatchObject(
        JSON.parse(JSON.stringify(customResourceDefinition(definition))) as object,
      );
    }
  });

  test("runs every example, which the API server takes as it is, to Ready", async () => {
    await using examples = await examplesFor(origin.port);
    expect(examples.files.length).toBeGreaterThan(3);
    const { code, stderr } = await kubectl("apply", "-f", examples.path);
    expect([code, stderr]).toEqual([0, ""]);
    const waited = await kubectl("wait", "--for=condition=Ready", "--timeout=90s", "hreq,hres,hep", "--all");
    expect([waited.code, waited.stderr]).toEqual([0, ""]);
    expect(origin.requests.get("PUT /users/grace%2Fhopper")).toBe(1);
    expect(origin.requests.get("GET /search?q=caf%C3%A9%20au%20lait&limit=10")).toBe(1);
  });

  test("shows the columns that people look for", async () => {
    const { stdout } = await kubectl("get", "hreq", "announce");
    const [head = "", row = ""] = stdout.split("\n");
    expect(head.trim().split(/\s+/)).toEqual(["NAME", "READY", "REASON", "CODE", "METHOD", "LAST", "NEXT", "AGE"]);
    expect(row).toMatch(/^announce\s+True\s+Succeeded\s+202\s+POST\s+\d+[smh]\S*\s+\d+[smh]/);
    expect((await kubectl("get", "holdfast")).stdout).toContain("httpendpoint.holdfast.dev/users-api");
  });

  test("kubectl explain says what each field is", async () => {
    const { stdout } = await plane.kubectl("explain", "httprequest.spec.idempotencyKey");
    expect(stdout).toContain("the server treats requests with the same key as one");
    expect((await plane.kubectl("explain", "hreq.spec", "--recursive")).stdout).toContain("secretKeyRef");
  });

  test("sends no more for a changed label, timeout or suspension, and exactly one more for a changed body", async () => {
    await apply(post("steady"));
    await untilReady("steady");
    const before = echoes();
    await kubectl("label", "hreq", "steady", "team=a");
    for (const spec of [{ timeout: "7s" }, { timeout: "7s", suspend: true }, { timeout: "7s", suspend: false }]) {
      await apply(post("steady", spec));
      await untilReady("steady");
    }
    expect(echoes()).toBe(before);
    await apply(post("steady", { timeout: "7s", body: { json: { name: "changed" } } }));
    await untilReady("steady");
    expect(echoes()).toBe(before + 1);
  });

  test("kubectl wait is not fooled by an old Ready after a change of the spec", async () => {
    const slow = { expect: { that: '.response.body.echo.name == "second"' } };
    await apply(post("fooled", { ...slow, body: { json: { name: "second" } } }));
    await untilReady("fooled");
    await apply(post("fooled", { ...slow, body: { json: { name: "third" } } }));
    const { code } = await kubectl("wait", "--for=condition=Ready", "--timeout=3s", "hreq/fooled");
    expect(code).not.toBe(0);
  });

  test("waits for a missing Secret, says which, and heals when it appears", async () => {
    await apply(
      post("needs-secret", {
        inputs: { token: { secretKeyRef: { name: "later", key: "token" } } },
        body: { json: "${ .inputs.token }" },
      }),
    );
    await controller.logged(({ name, reason }) => name === "needs-secret" && reason === "SecretNotFound");
    const { stdout } = await kubectl(
      "get",
      "hreq",
      "needs-secret",
      "-o",
      'jsonpath={.status.conditions[?(@.type=="Ready")].message}',
    );
    expect(stdout).toContain("spec.inputs.token");
    expect(stdout).toContain('"later"');
    await apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "later", namespace },
      stringData: { token: "s3cr3t-canary" },
    });
    await untilReady("needs-secret");
    expect(JSON.stringify(controller.log)).not.toContain("s3cr3t-canary");
  });

  test("sends a request anew when it is asked to by annotation, once", async () => {
    await apply(post("again"));
    await untilReady("again");
    const before = echoes();
    await kubectl("annotate", "hreq", "again", "holdfast.dev/reconcile-at=now");
    await kubectl("wait", "--for=jsonpath={.status.lastHandledReconcileAt}=now", "--timeout=60s", "hreq/again");
    await untilReady("again");
    expect(echoes()).toBe(before + 1);
  });

  test("refuses bad input at admission, naming the field", async () => {
    const bad: readonly [object, string][] = [
      [{ nonsense: 1 }, 'unknown field "nonsense"'],
      [{ timeout: 5 }, "spec.timeout"],
      [{ timeout: "3 days" }, "spec.timeout"],
      [{ endpointRef: { name: "x" } }, "exactly one of url and endpointRef"],
      [{ url: undefined }, "exactly one of url and endpointRef"],
      [{ method: "fetch" }, "spec.method"],
      [{ method: "TRACE" }, "spec.method"],
      [{ body: { json: 1, text: "a" } }, "spec.body"],
      [{ headers: [{ name: "Host", value: "a" }] }, "spec.headers[0].name"],
      [{ headers: [{ name: "a", value: "b\r\nc: d" }] }, "spec.headers[0].value"],
      [{ inputs: { "1a": { value: 1 } } }, "spec.inputs"],
    ];
    for (const [spec, message] of bad) {
      await expect(apply(post("bad", spec))).rejects.toThrow(message);
    }
  });

  test("sends 200 POSTs for 200 requests over no more connections than its limit, and then writes nothing", async () => {
    const names = Array.from({ length: 200 }, (_, n) => `fleet-${n}`);
    const [before, beganMs] = [echoes(), performance.now()];
    const repeats = (): Promise<number> => controller.metric('holdfast_http_retries_total{reason="unsent"}');
    const repeatsBefore = await repeats();
    const collection = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httprequests`;
    await Promise.all(names.map((name) => plane.admin("POST", collection, post(name))));
    const ready = async (): Promise<number> => {
      const { body } = await plane.admin("GET", collection);
      const { items } = body as {
        items: { metadata: { name: string }; status?: { conditions?: { type: string; status: string }[] } }[];
      };
      const isReady = (status: (typeof items)[number]["status"]): boolean =>
        status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;
      return items.filter(({ metadata, status }) => metadata.name.startsWith("fleet-") && isReady(status)).length;
    };
    await until("all are ready", async () => (await ready()) === 200, 120_000);
    expect(echoes() - before).toBe(200);
    // Idle ones are closed and opened anew where the machine is slow, and what met a closed one has a fresh one to itself.
    expect(origin.mostOpen("POST /echo", beganMs)).toBeGreaterThan(1);
    expect(origin.mostOpen("POST /echo", beganMs)).toBeLessThanOrEqual(6 + (await repeats()) - repeatsBefore);
    const rested = new Date().toISOString();
    await sleep(process.env["CI"] === "true" ? 30_000 : 5_000);
    expect(await writes(rested)).toEqual([]);
    expect(echoes() - before).toBe(200);
    const own = (await plane.auditEvents()).filter(
      (event) =>
        event.user === "holdfast" && event.namespace === namespace && event.verb === "patch" && event.name.startsWith("fleet-"),
    );
    expect(own).toHaveLength(400); // the intent and the outcome of each
  });

  test("wish 21: serves the metrics of what it did", async () => {
    expect(await controller.metric('holdfast_http_requests_total{method="POST",code="2xx",reason=""}')).toBeGreaterThanOrEqual(
      200,
    );
    expect(await controller.metric("holdfast_http_clients")).toBeGreaterThan(0);
    const text = await controller.metrics();
    for (const family of [
      "controller_runtime_reconcile_time_seconds_count",
      "workqueue_adds_total",
      "workqueue_queue_duration_seconds_count",
      "rest_client_requests_total",
      "leader_election_master_status",
      "holdfast_relists_total",
    ]) {
      const values = text.match(new RegExp(`^${family}(\\{.*)? .*$`, "gm"))?.map((line) => Number(line.split(" ").at(-1))) ?? [];
      expect([family, Math.max(0, ...values) > 0]).toEqual([family, true]);
    }
    expect(await controller.metric('controller_runtime_reconcile_errors_total{controller="httprequest"}')).toBe(0);
  });

  test("mistake 8: wrote statuses, and nothing into what a user has written", async () => {
    const kinds = (await plane.auditEvents()).filter(
      ({ user, verb, resource, namespace: where }) =>
        user === "holdfast" && where === namespace && resource.startsWith("http") && !["get", "list", "watch"].includes(verb),
    );
    expect(kinds.length).toBeGreaterThan(0);
    const others = kinds.filter(({ subresource, verb }) => subresource !== "status" || verb !== "patch");
    // Finalizers of the examples' HTTPResources, and of the endpoints that these need, which their metadata holds.
    const held = ["httpresources", "httpendpoints"];
    expect(others.filter(({ resource, verb }) => !held.includes(resource) || verb !== "patch")).toEqual([]);
    const { body } = await plane.admin("GET", `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httprequests/fleet-0`);
    expect((body as { metadata: { generation: number } }).metadata.generation).toBe(1);
  });

  test("ends well on SIGTERM", async () => {
    controller.kill("SIGTERM");
    expect(await controller.exited).toBe(0);
  });
});
