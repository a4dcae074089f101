/** The API server itself goes away, and comes back having forgotten: on a control plane of its own. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import type { HoldfastProcess } from "../support/controller-process.ts";
import { isReady } from "../support/declared-requests.ts";
import { faultWorld, inSoak, until, type FaultWorld } from "../support/fault-world.ts";
import { grantController } from "../support/chart-rights.ts";
import { installCRDs } from "../support/install.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

/** In a soak the default. The outage outlives it: the leader stands by until the API server is back. */
const lease = inSoak(["--lease-duration", "6s", "--renew-deadline", "4s", "--retry-period", "1s"], []);
const stopMs = inSoak(8_000, 60_000);
/** Within a request's default timeout. */
const answeredAfterMs = inSoak(4_000, 15_000);

describeWithControlPlane("an API server that stops", () => {
  let plane: ControlPlane;
  let world: FaultWorld;
  let controller: HoldfastProcess;
  const started = new AsyncDisposableStack();
  beforeAll(async () => {
    plane = started.use(await startControlPlane());
    await installCRDs(plane);
    await grantController(plane);
    world = started.use(await faultWorld(plane, "stopped"));
    controller = started.use(await world.start(lease, { via: plane.url }));
  });
  afterAll(async () => {
    await started.disposeAsync();
  });

  /** How often each type has been asked for all there is, since then. */
  async function relists(since: string): Promise<Readonly<Record<string, number>>> {
    const counts: Record<string, number> = {};
    for (const { user, at, verb, uri, resource, code } of await plane.auditEvents()) {
      const isOurs = user === "holdfast" && at > since && resource.startsWith("http") && code === 200;
      if (isOurs && (verb === "list" || uri.includes("sendInitialEvents"))) counts[resource] = (counts[resource] ?? 0) + 1;
    }
    return counts;
  }

  test(
    `F2: for ${stopMs / 1000} s leaves requests on their way alone and the process too, and is watched again after its return`,
    async () => {
      const { origin, requests } = world;
      const gate = Promise.withResolvers<void>();
      origin.reply = async () => (await gate.promise, { type: "answer" });
      const names = ["post", "get", "keyed"];
      const specs = { post: { method: "POST" }, get: {}, keyed: { method: "POST", idempotencyKey: {} } };
      for (const [name, spec] of Object.entries(specs)) await requests.create(name, { url: `${origin.url}/${name}`, ...spec });
      await until("all are on their way", () => names.every((name) => origin.count(`/${name}`) === 1));
      await plane.stopAPIServer();
      await sleep(answeredAfterMs);
      gate.resolve();
      await sleep(stopMs - answeredAfterMs);
      await plane.startAPIServer();
      const since = new Date().toISOString();
      await requests.create("later", { url: `${origin.url}/later`, method: "POST" });
      await until("the watch tells again", () => origin.count("/later") === 1, 90_000); // a pause is up to 30 s
      const all = await requests.until(
        "all are Ready",
        (seen) => [...names, "later"].every((name) => isReady(seen.get(name))),
        60_000,
      );
      expect(all.size).toBe(4);
      for (const name of ["post", "keyed", "later"]) expect([name, origin.effects(`/${name}`)]).toEqual([name, 1]);
      const logged = (begins: string): number => controller.log.filter(({ message }) => message.startsWith(begins)).length;
      // A machine that is busy with the return may have it lose the lease once more.
      const losses = logged("lost the lease");
      expect(losses).toBeGreaterThan(0);
      // Those without an intent may be sent again, when what came of them could not be recorded while this process led.
      for (const [name, times] of Object.entries({ post: 1, later: 1, keyed: 1 + losses, get: 1 + losses }))
        expect([name, origin.count(`/${name}`) <= times]).toEqual([name, true]);
      await until("it leads", () => logged("leading") === logged("lost the lease") + 1);
      expect(await controller.metric('leader_election_master_status{name="holdfast"}')).toBe(1);
      for (const count of Object.values(await relists(since))) expect(count).toBeLessThanOrEqual(1);
      expect((await controller.probe("/healthz")).status).toBe(200);
    },
    300_000 + stopMs,
  );

  test("F3: lists once more when it has forgotten what was missed, and sees what was deleted meanwhile", async () => {
    const { origin, requests, namespace } = world;
    origin.reply = () => ({ type: "answer", status: 503, headers: { "retry-after": "25" } });
    const retry = { limit: 50, backoff: { initial: "25s", max: "25s" } };
    for (const name of ["stays", "goes"]) await requests.create(name, { url: `${origin.url}/${name}`, retry });
    await requests.until("both are to be tried again", (all) =>
      ["stays", "goes"].every((name) => all.get(name)?.status?.attempt?.phase === "Retrying"),
    );
    await plane.stopAPIServer();
    await plane.deleteFromEtcd(`/registry/holdfast.dev/httprequests/${namespace}/goes`);
    await plane.compact();
    const since = new Date().toISOString();
    await plane.startAPIServer();
    await controller.logged(
      ({ message, reason, resource }) =>
        message === "listed" && reason === "expired" && String(resource).startsWith("httprequests"),
      90_000,
    );
    origin.reply = () => ({ type: "answer" });
    await requests.until("what stays is Ready", (all) => isReady(all.get("stays")), 60_000);
    await sleep(2_000);
    expect([origin.count("/stays"), origin.count("/goes")]).toEqual([2, 1]);
    const { httprequests, httpendpoints = 0 } = await relists(since);
    expect([httprequests, httpendpoints <= 1]).toEqual([1, true]);
  });
});
