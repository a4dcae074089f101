/** `--watch-label-selector`, by which several controllers share the work, and `--namespace`. The origin counts. */
import { expect, test } from "@jest/globals";
import { startController } from "../support/controller-process.ts";
import { declaredRequests, isReady } from "../support/declared-requests.ts";
import { startFaultOrigin } from "../support/fault-origin.ts";
import { holdfast } from "../support/holdfast.ts";
import { startInterposer } from "../support/api-interposer.ts";
import { until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

describeWithControlPlane("sharding by labels", (plane) => {
  test("each works on what its selector names, at the same time, and on an object from when it is labelled", async () => {
    const namespace = await plane.createNamespace("shards");
    const requests = declaredRequests(plane, namespace);
    await using origin = await startFaultOrigin();
    const common = ["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace, "--lease-namespace", namespace];
    await using one = await startController([...common, "--watch-label-selector", "shard=1"]);
    await using other = await startController([...common, "--watch-label-selector", "shard in (2, 3)"]);
    for (const name of ["shard-1", "shard-2", "shard-3", "shard-4"]) {
      await requests.create(name, { url: `${origin.url}/${name}`, method: "POST" });
      await plane.adminPatch(`${requests.collection}/${name}`, { metadata: { labels: { shard: name.slice(-1) } } });
    }
    await requests.until("three are ready", (all) => [...all.values()].filter(isReady).length === 3);
    expect(origin.requests.map(({ path }) => path).toSorted()).toEqual(["/shard-1", "/shard-2", "/shard-3"]);
    const didOf = (log: typeof one.log): ReadonlySet<unknown> =>
      new Set(log.filter(({ message }) => message === "exchanged").map(({ name }) => name));
    await until("their logs have come", () => didOf(one.log).size + didOf(other.log).size >= 3);
    expect(didOf(one.log)).toEqual(new Set(["shard-1"]));
    expect(didOf(other.log)).toEqual(new Set(["shard-2", "shard-3"]));

    await plane.adminPatch(`${requests.collection}/shard-4`, { metadata: { labels: { shard: "1" } } });
    await requests.until("the fourth is ready", (all) => isReady(all.get("shard-4")));
    expect(origin.requests).toHaveLength(4);
    const { body } = await plane.admin("GET", `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`);
    expect((body as { items: unknown[] }).items).toHaveLength(2);
  });

  test("of several namespaces, one that may not be looked at holds up none of the others, and readiness names it", async () => {
    const [open, closed] = [await plane.createNamespace("open"), await plane.createNamespace("closed")];
    const [inOpen, inClosed] = [declaredRequests(plane, open), declaredRequests(plane, closed)];
    await using origin = await startFaultOrigin();
    await using api = await startInterposer(plane);
    let isClosed = true;
    api.answer = ({ path }) => (isClosed && path.includes(`/namespaces/${closed}/`) ? { status: 403 } : undefined);
    const kubeconfig = await plane.kubeconfigVia("holdfast", api.url);
    const namespaces = ["--namespace", open, "--namespace", closed, "--lease-namespace", open];
    await using controller = await startController(["--kubeconfig", kubeconfig, ...namespaces]);
    await inOpen.create("a", { url: `${origin.url}/a`, method: "POST" });
    await inClosed.create("b", { url: `${origin.url}/b`, method: "POST" });
    await inOpen.until("what may be seen is ready", (all) => isReady(all.get("a")));
    await until("only the other is named", async () => {
      const { status, text } = await controller.probe("/readyz");
      return status === 503 && text.includes(`httprequests.holdfast.dev in namespace ${closed}`) && !text.includes(open);
    });
    isClosed = false;
    await inClosed.until("the other is ready, too", (all) => isReady(all.get("b")));
    await until("it is ready", async () => (await controller.probe("/readyz")).status === 200);
    expect(origin.requests.map(({ path }) => path)).toEqual(["/a", "/b"]);
  });

  test("a text that is no selector is refused, and says so in one line", async () => {
    for (const text of ["a b", "a in (b"]) {
      const { code, stderr } = await holdfast(["controller", "--watch-label-selector", text]);
      expect([text, code, stderr.split("\n").length]).toEqual([text, 2, 2]);
      expect(stderr).toContain("Give a label selector");
    }
  });
});
