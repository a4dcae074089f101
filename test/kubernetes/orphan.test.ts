/** `holdfast orphan`, on a real API server and without a controller: what would wait for ever is let go of. */
import { beforeAll, expect, test } from "@jest/globals";
import { startInterposer } from "../support/api-interposer.ts";
import { holdfast } from "../support/holdfast.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

describeWithControlPlane("orphan", (plane) => {
  let collection: string;
  let namespace: string;

  beforeAll(async () => {
    namespace = await plane.createNamespace("orphans");
    collection = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httpresources`;
    for (const [name, finalizers] of [
      ["kept", ["holdfast.dev/release"]],
      ["going", ["holdfast.dev/release"]],
      ["others", ["example.com/theirs", "holdfast.dev/release"]],
      ["free", []],
    ] as const) {
      const spec = { observe: { url: "http://127.0.0.1:1/" }, delete: { url: "http://127.0.0.1:1/" } };
      const object = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata: { name, finalizers }, spec };
      expect((await plane.admin("POST", collection, object)).status).toBe(201);
    }
    await plane.admin("DELETE", `${collection}/going`);
  });

  const run = (...args: string[]): ReturnType<typeof holdfast> =>
    holdfast(["orphan", "--kubeconfig", plane.kubeconfigs.admin, ...args]);
  const metadata = async (name: string): Promise<Record<string, unknown> | undefined> => {
    const { status, body } = await plane.admin("GET", `${collection}/${name}`);
    return status === 200 ? (body as { metadata: Record<string, unknown> }).metadata : undefined;
  };

  test("asks where, and changes nothing until it is told", async () => {
    const { code, stderr } = await run();
    expect([code, stderr]).toEqual([2, "error: give --all or --namespace NAME\n"]);
    const both = await run("--all", "--namespace", namespace); // or HOLDFAST_NAMESPACE, of which nobody thinks
    expect([both.code, both.stderr]).toEqual([2, "error: give --all or --namespace NAME, not both\n"]);
    expect((await metadata("going"))?.["deletionTimestamp"]).toBeDefined();
  });

  test("takes Holdfast's finalizer off and marks the object; what was being deleted goes, and others' finalizers stay", async () => {
    const { code, stdout, stderr } = await run("--namespace", namespace);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("let go of 3 HTTPResources; 1 held nothing\n");
    expect(await metadata("going")).toBeUndefined();
    const marked = { "holdfast.dev/orphan": "true" };
    const kept = await metadata("kept");
    expect(kept).toMatchObject({ annotations: marked });
    expect(kept?.["finalizers"]).toBeUndefined();
    expect(await metadata("others")).toMatchObject({ annotations: marked, finalizers: ["example.com/theirs"] });
    expect((await metadata("free"))?.["annotations"]).toBeUndefined();
  });

  test("takes what they needed off endpoints, too, of one namespace or of all", async () => {
    const metadata = { name: "needed-once", finalizers: ["holdfast.dev/in-use"] };
    const spec = { baseURL: "http://127.0.0.1:1/" };
    const root = "/apis/holdfast.dev/v1alpha1";
    const own = `${root}/namespaces/${namespace}/httpendpoints`;
    const shared = `${root}/clusterhttpendpoints`;
    const apiVersion = "holdfast.dev/v1alpha1";
    const more = { allowedNamespaces: { from: "All" } };
    expect((await plane.admin("POST", own, { apiVersion, kind: "HTTPEndpoint", metadata, spec })).status).toBe(201);
    const cluster = { apiVersion, kind: "ClusterHTTPEndpoint", metadata, spec: { ...spec, ...more } };
    expect((await plane.admin("POST", shared, cluster)).status).toBe(201);
    for (const one of [own, shared]) await plane.admin("DELETE", `${one}/needed-once`);
    expect((await run("--namespace", namespace)).stdout).toContain(`${namespace}/needed-once  let go\n`);
    expect((await plane.admin("GET", `${own}/needed-once`)).status).toBe(404);
    expect((await plane.admin("GET", `${shared}/needed-once`)).status).toBe(200);
    expect((await run("--all")).stdout).toMatch(/^needed-once {2}let go$/m);
    expect((await plane.admin("GET", `${shared}/needed-once`)).status).toBe(404);
  });

  test("lets go of what a controller writes meanwhile, and says so only where that is so", async () => {
    const busy = await plane.createNamespace("busy");
    const busyCollection = `/apis/holdfast.dev/v1alpha1/namespaces/${busy}/httpresources`;
    const spec = { observe: { url: "http://127.0.0.1:1/" }, delete: { url: "http://127.0.0.1:1/" } };
    const metadata = { name: "kept", finalizers: ["holdfast.dev/release"] };
    await plane.admin("POST", busyCollection, { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata, spec });
    await using api = await startInterposer(plane);
    let writes = 0;
    let last = 1;
    api.hold = ({ body }, what) =>
      what === "request" && body.includes("/metadata/finalizers") && writes < last
        ? plane.adminPatch(`${busyCollection}/kept/status`, { status: { completedRuns: (writes += 1) } })
        : undefined;
    const kubeconfig = await plane.kubeconfigVia("admin", api.url);
    const held = async (): Promise<unknown> =>
      ((await plane.admin("GET", `${busyCollection}/kept`)).body as { metadata: { finalizers?: unknown } }).metadata.finalizers;
    last = Infinity;
    const never = await holdfast(["orphan", "--kubeconfig", kubeconfig, "--namespace", busy]);
    expect([never.code, never.stderr]).toEqual([1, `${busy}/kept  somebody else keeps changing it: try again\n`]);
    expect(await held()).toEqual(["holdfast.dev/release"]);
    last = writes + 1;
    const { code, stderr, stdout } = await holdfast(["orphan", "--kubeconfig", kubeconfig, "--namespace", busy]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("let go of 1 HTTPResources");
    expect(await held()).toBeUndefined();
  });

  test("says what it may not do, and fails", async () => {
    const { code, stderr } = await holdfast(["orphan", "--all", "--kubeconfig", plane.kubeconfigs.visitor]);
    expect(code).toBe(1);
    expect(stderr).toContain("403");
  });
});
