/**
 * etcd is taken back to an older copy while controllers run: what they know is of a future that is not to be, and their watches stay
 * silent. Whatever tells one who leads, it ends, and the next one does what there is to do.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { grantController } from "../support/chart-rights.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { declaredRequests, isReady, type AllDeclared, type DeclaredRequests } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { installCRDs } from "../support/install.ts";
import { shortLease } from "../support/replicas.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const ways = {
  alone: ["--leader-elect", "false", "--retry-period", "500ms"],
  "with-a-lease": shortLease,
  "with-slots": ["--slots", "2", ...shortLease],
};
/** So many, so that what is done at the start of the API server does not bring it as far as it was. */
const later = 40;

describeWithControlPlane("etcd taken back to an older copy", () => {
  let plane: ControlPlane;
  let origin: FaultOrigin;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    plane = stack.use(await startControlPlane());
    await installCRDs(plane);
    await grantController(plane);
    origin = stack.use(await startFaultOrigin());
  });
  afterAll(() => stack.disposeAsync());

  interface Way {
    readonly name: string;
    readonly requests: DeclaredRequests;
    readonly start: () => Promise<HoldfastProcess>;
  }
  async function way(name: string, flags: readonly string[]): Promise<Way> {
    const namespace = await plane.createNamespace(name);
    const place = ["--namespace", namespace, "--lease-namespace", namespace, "--lease-name", "own"];
    return {
      name,
      requests: declaredRequests(plane, namespace),
      start: async () => stack.use(await startController(["--kubeconfig", plane.kubeconfigs.holdfast, ...place, ...flags])),
    };
  }
  const areReady = (all: AllDeclared, names: readonly string[]): boolean => names.every((name) => isReady(all.get(name)));

  test("F32: ends each controller, with a lease, with slots and with neither, and the next one goes on from what is there", async () => {
    const all = await Promise.all(Object.entries(ways).map(([name, flags]) => way(name, flags)));
    const declare = ({ name, requests }: Way, what: string, spec: object = {}): Promise<void> =>
      requests.create(what, { url: `${origin.url}/${name}/${what}`, method: "POST", ...spec });
    const sent = (what: string): readonly number[] => all.map(({ name }) => origin.count(`/${name}/${what}`));

    const first = await Promise.all(all.map(({ start }) => start()));
    for (const one of all) {
      await declare(one, "kept");
      await declare(one, "changed", { method: "PUT", body: { text: "old" } });
      await declare(one, "removed");
      await one.requests.until("all that is copied is Ready", (seen) => areReady(seen, ["kept", "changed", "removed"]));
    }
    await plane.copyStore();
    const names = Array.from({ length: later }, (_, nth) => `later-${nth}`);
    for (const one of all) {
      for (const name of names) await declare(one, name);
      await one.requests.change("changed", { body: { text: "new" } });
      await one.requests.remove("removed");
      await one.requests.until("all that came later is Ready", (seen) => areReady(seen, [...names, "changed"]));
    }
    expect(sent("changed")).toEqual([2, 2, 2]);

    await plane.restoreStore();
    const text = "error: the API server has gone back to an older state (etcd was restored): the process ends, to begin anew";
    for (const one of first) {
      await one.logged(({ message }) => message === text);
      expect(await one.exited).toBe(1);
    }
    await Promise.all(all.map(({ start }) => start()));
    for (const one of all) {
      await declare(one, "after");
      await one.requests.until("what is there is Ready", (seen) => areReady(seen, ["kept", "changed", "removed", "after"]));
      expect([...(await one.requests.all()).keys()].toSorted()).toEqual(["after", "changed", "kept", "removed"]);
    }
    expect(["kept", "removed", "after"].map(sent)).toEqual([
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ]);
    expect(sent("changed")).toEqual([2, 2, 2]);
  });
});
