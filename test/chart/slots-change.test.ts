/** What Pods may do with leases while a release gets another number of slots: those with the number before go on until they are replaced. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { chart, createHelm, describeWithHelm, type Helm } from "./helm.ts";

const namespace = "holdfast-system";
const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;

describeWithHelm("another number of slots", () => {
  let plane: ControlPlane;
  let helm: Helm;
  const started = new AsyncDisposableStack();
  beforeAll(async () => {
    plane = started.use(await startControlPlane());
    helm = started.use(await createHelm(plane.kubeconfigs.admin));
    await plane.admin("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
  });
  afterAll(() => started.disposeAsync());

  /** The numbers whose leases the release's Pods may write; 1: the common one alone. */
  async function numbersAfter(command: "install" | "upgrade", slots: number): Promise<readonly string[]> {
    await helm.done([command, "holdfast", chart, "--namespace", namespace, "--set", `controller.slots=${slots}`]);
    const { body } = await plane.admin("GET", `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`);
    const { items } = body as { items: readonly { rules: readonly { resourceNames?: readonly string[] }[] }[] };
    const names = items.flatMap(({ rules }) => rules.flatMap(({ resourceNames = [] }) => resourceNames));
    expect(names).toContain("holdfast");
    const parts = names.flatMap((name) => /^holdfast-(?:slot|seat)-\d+-of-(\d+)$/v.exec(name)?.[1] ?? []);
    return Object.entries(Object.groupBy(parts, (number) => number)).map(([number, all = []]) => `${all.length} of ${number}`);
  }
  async function isAtWork(holderIdentity: string): Promise<void> {
    const { body } = await plane.admin("GET", `${leases}/holdfast`);
    const { metadata } = body as { readonly metadata: object };
    expect((await plane.admin("PUT", `${leases}/holdfast`, { metadata, spec: { holderIdentity } })).status).toBe(200);
  }

  test("leaves the right to the leases of the number that is at work", async () => {
    expect(await numbersAfter("install", 4)).toEqual(["8 of 4"]);
    const lease = { metadata: { name: "holdfast" }, spec: { holderIdentity: "slots-of-4" } };
    expect((await plane.admin("POST", leases, lease)).status).toBe(201);
    expect(await numbersAfter("upgrade", 2)).toEqual(["4 of 2", "8 of 4"]);
    expect(await numbersAfter("upgrade", 1)).toEqual(["8 of 4"]);
    await isAtWork("slots-of-2");
    expect(await numbersAfter("upgrade", 2)).toEqual(["4 of 2"]);
    for (const holder of ["slots-of-65", "slots-of-1000000", "slots-of-1", "one-of-them", ""]) {
      await isAtWork(holder);
      expect(await numbersAfter("upgrade", 2)).toEqual(["4 of 2"]);
    }
  }, 180_000);
});
