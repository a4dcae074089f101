/** Intervals at the ends of what can be declared: one beyond the longest timer of 2^31 ms, and none at all. The origin counts. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { isReady } from "../support/declared-requests.ts";
import { faultWorld, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

describeWithControlPlane("an interval", (plane) => {
  test("F17: of thirty days, or a cron that comes once a year, waits as long and makes no loop", async () => {
    await using world = await faultWorld(plane, "intervals");
    const { origin, requests, namespace } = world;
    origin.reply = ({ path }) => ({ type: "answer", status: path === "/failing" ? 503 : 200 });
    await using controller = await world.start();
    const now = new Date();
    const yearly = `0 0 ${Math.min(now.getUTCDate(), 28)} ${now.getUTCMonth() + 1} *`;
    await requests.create("every", { url: `${origin.url}/every`, schedule: { every: "720h" } });
    await requests.create("yearly", { url: `${origin.url}/yearly`, schedule: { cron: yearly } });
    const backoff = { initial: "720h", max: "720h" };
    await requests.create("failing", { url: `${origin.url}/failing`, retry: { limit: 5, backoff } });
    const resource = {
      apiVersion: "holdfast.dev/v1alpha1",
      kind: "HTTPResource",
      metadata: { name: "observed" },
      spec: { create: { url: `${origin.url}/observed` }, observe: { url: `${origin.url}/observed` }, interval: "720h" },
    };
    const made = await plane.admin("POST", `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httpresources`, resource);
    expect(made.status).toBe(201);
    const ready = await requests.until(
      "those that are sent have been",
      (all) => isReady(all.get("every")) && isReady(all.get("yearly")) && all.get("failing")?.status?.nextRunAt !== undefined,
    );
    await until("the other is observed", () => origin.count("/observed") > 0);
    const inDays = (Date.parse(ready.get("every")?.status?.nextRunAt ?? "") - Date.now()) / 86_400_000;
    expect(Math.round(inDays)).toBe(30);
    expect(new Date(ready.get("yearly")?.status?.nextRunAt ?? "").getUTCFullYear()).toBe(now.getUTCFullYear() + 1);
    let before = -1;
    await until("it rests", async () => {
      const last = before;
      before = await reconciles();
      await sleep(1_000);
      return last === before;
    });
    const counts = (): readonly number[] => ["every", "yearly", "failing", "observed"].map((name) => origin.count(`/${name}`));
    expect(counts()).toEqual([1, 0, 1, 1]);
    await sleep(3_000);
    expect(await reconciles()).toBe(before);
    expect(counts()).toEqual([1, 0, 1, 1]);

    async function reconciles(): Promise<number> {
      const lines = (await controller.metrics()).match(/^controller_runtime_reconcile_total\{.*$/gm) ?? [];
      return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    }
  });

  test.each([
    [{ schedule: { every: "0s" } }],
    [{ schedule: { every: "1ms" } }],
    [{ poll: { interval: "0s" } }],
    [{ retry: { backoff: { initial: "0s" } } }],
    [{ timeout: "0s" }],
  ])("F17: of nothing is refused at admission: %j", async (spec) => {
    await using world = await faultWorld(plane, "intervals");
    await expect(world.requests.create("none", { url: "http://127.0.0.1:1/", ...spec })).rejects.toThrow(
      /at least|longer than zero/,
    );
  });
});
