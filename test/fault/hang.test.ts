/** A process whose event loop hangs: it answers no probe, another takes over, and when it comes to itself it sends nothing. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { isReady } from "../support/declared-requests.ts";
import { faultWorld } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const lease = ["--lease-name", "hang", "--lease-duration", "6s", "--renew-deadline", "4s", "--retry-period", "500ms"];
const hangMs = 15_000;
const hanging = {
  NODE_OPTIONS: `--import ${join(import.meta.dirname, "../support/hangs-on-signal.ts")}`,
  HOLDFAST_TEST_HANG_MS: String(hangMs),
};

describeWithControlPlane("a leader whose event loop hangs", (plane) => {
  test("F8: does not answer its liveness probe, is succeeded when its lease is over, and sends nothing after that", async () => {
    await using world = await faultWorld(plane, "hang");
    const { origin, requests, namespace } = world;
    const args = [...lease, "--lease-namespace", namespace];
    await using leader = await world.start(args, { env: hanging });
    await leader.logged(({ message }) => message === "leading");
    await using standby = await world.start(args);
    await standby.logged(({ message }) => message === "standing by");
    expect((await leader.probe("/healthz")).status).toBe(200);

    leader.kill("SIGUSR2");
    await leader.logged(({ message }) => message === "hangs");
    const probing = leader.probe("/healthz").then(
      () => "answered",
      () => "refused",
    );
    expect(await Promise.race([probing, sleep(1_000, "silent")])).toBe("silent");
    const names = ["post", "get", "keyed"];
    await requests.create("post", { url: `${origin.url}/post`, method: "POST" });
    await requests.create("get", { url: `${origin.url}/get` });
    await requests.create("keyed", { url: `${origin.url}/keyed`, method: "POST", idempotencyKey: {} });
    await requests.until("the successor has sent all", (all) => names.every((name) => isReady(all.get(name))));
    await leader.logged(({ message }) => message.startsWith("lost the lease"), hangMs + 60_000);
    await probing;
    expect((await leader.probe("/healthz")).status).toBe(200); // it stands by
    await sleep(1_000);
    expect(names.map((name) => origin.count(`/${name}`))).toEqual([1, 1, 1]);
  });
});
