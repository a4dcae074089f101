/** What a controller does while it lacks what it needs: it waits, says what is missing, and goes on without a restart (F16). */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { definitions } from "../../src/api/definitions.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { declaredRequests, isReady, type DeclaredRequests } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { until } from "../support/fault-world.ts";
import { grantController, untilMay } from "../support/chart-rights.ts";
import { installCRDs } from "../support/install.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

/** A watch that lasted for a second counts as a good one: the pauses between two looks double from one second. */
const flags = ["--watch-idle-timeout", "1s"];

describeWithControlPlane("a controller without its CRDs or its rights", () => {
  let plane: ControlPlane;
  let proxy: TcpProxy;
  let origin: FaultOrigin;
  let controller: HoldfastProcess;
  let requests: DeclaredRequests;
  let namespace: string;
  const stack = new AsyncDisposableStack();

  beforeAll(async () => {
    plane = stack.use(await startControlPlane());
    proxy = stack.use(await startTcpProxy(plane.url));
    origin = stack.use(await startFaultOrigin());
    namespace = await plane.createNamespace("heal");
    requests = declaredRequests(plane, namespace);
    const kubeconfig = await plane.kubeconfigVia("newcomer", `https://127.0.0.1:${proxy.port}`);
    controller = stack.use(await startController(["--kubeconfig", kubeconfig, "--namespace", namespace, ...flags]));
  });
  afterAll(() => stack.disposeAsync());

  async function says(text: string): Promise<void> {
    await until(`/readyz says: ${text}`, async () => (await controller.probe("/readyz")).text.includes(text));
  }
  async function isReadyAgain(): Promise<void> {
    await until("/readyz says ok", async () => (await controller.probe("/readyz")).status === 200);
  }
  async function sends(name: string): Promise<void> {
    await requests.create(name, { url: `${origin.url}/${name}`, method: "POST" });
    await requests.until(`${name} is ready`, (all) => isReady(all.get(name)));
    expect(origin.count(`/${name}`)).toBe(1);
  }

  test("F16: without any right, it says which it lacks, and lives", async () => {
    await says("does not let this process list and watch httprequests.holdfast.dev");
    expect(await controller.probe("/healthz")).toMatchObject({ status: 200 });
  });

  test("F16: without its CRDs, or the right to its lease, it says so, and begins when they come", async () => {
    await grantController(plane, "newcomer", ["holdfast-leader-election"]);
    await says("has no httprequests.holdfast.dev");
    await says("are the CRDs installed?");
    await installCRDs(plane);
    await isReadyAgain();
    await controller.logged(({ message }) => message === "the lease cannot be read or written");
    await grantController(plane, "newcomer");
    await sends("first");
  });

  test("F16: when its CRDs are removed, it says so, and begins anew when they come back", async () => {
    for (const { plural, group } of definitions.map((one) => ({ ...one, group: "holdfast.dev" })))
      await plane.admin("DELETE", `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.${group}`);
    await says("are the CRDs installed?");
    await installCRDs(plane);
    await isReadyAgain();
    await sends("second");
  });

  test("F16: when its rights are taken, it sends nothing and says so; when they are given back, it does what is due, once", async () => {
    await plane.admin("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/holdfast-newcomer");
    const intent = { namespace, group: "holdfast.dev", resource: "httprequests", subresource: "status", verb: "patch" };
    await untilMay(plane, "newcomer", intent, false);
    await requests.create("third", { url: `${origin.url}/third`, method: "POST" });
    await controller.logged(({ name, result }) => name === "third" && result === "error");
    proxy.reset(); // an open watch goes on without rights: the API server asks only as it opens
    await says("is its role bound?");
    expect(origin.count("/third")).toBe(0);
    await grantController(plane, "newcomer");
    await isReadyAgain();
    await requests.until("third is ready", (all) => isReady(all.get("third")));
    expect(origin.count("/third")).toBe(1);
    await sends("fourth");
    expect(controller.log.filter(({ message }) => message === "leading")).toHaveLength(1); // one process, all the time
  });
});
