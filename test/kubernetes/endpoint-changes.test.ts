/** What becomes of those who use an endpoint when that, its credential, or their namespace changes. The origin counts. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { apiVersion } from "../../src/api/kind-definition.ts";
import type { ControlPlaneClient } from "../support/control-plane-client.ts";
import { startController } from "../support/controller-process.ts";
import { declaredRequests, isReady, stateOf, type DeclaredRequests } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { until } from "../support/fault-world.ts";
import { describeWithControlPlane, sharedControlPlane } from "../support/shared-control-plane.ts";

describeWithControlPlane("those who use an endpoint", () => {
  let plane: ControlPlaneClient;
  let origin: FaultOrigin;
  let namespace: string;
  let requests: DeclaredRequests;
  const stack = new AsyncDisposableStack();
  /** Other tests' objects on this control plane are not this controller's. */
  let shard: Readonly<Record<string, string>>;

  beforeAll(async () => {
    plane = stack.use(await sharedControlPlane());
    origin = stack.use(await startFaultOrigin());
    namespace = await plane.createNamespace("users-of");
    requests = declaredRequests(plane, namespace);
    shard = { "test.holdfast.dev/shard": namespace };
    const selector = `test.holdfast.dev/shard=${namespace}`;
    stack.use(await startController(["--kubeconfig", plane.kubeconfigs.holdfast, "--watch-label-selector", selector]));
  }, 60_000);
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
    await until("both are sent", () => origin.count("/chosen/sent") === 1 && origin.count("/chosen/kept") === 1, 5_000);
    await requests.until("it is ready", (all) => isReady(all.get("sender")));
    await label(null);
    await until("it is refused again", async () => (await resourceReason("keeper")) === "EndpointNotAllowed", 5_000);
    await requests.annotate("sender", { "holdfast.dev/reconcile-at": "now" });
    await requests.until("it is refused again", (all) => stateOf(all.get("sender")) === "NotReady/EndpointNotAllowed");
    expect([origin.count("/chosen/sent"), origin.count("/chosen/kept")]).toEqual([1, 1]);
  }, 60_000);

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
  }, 20_000);
});
