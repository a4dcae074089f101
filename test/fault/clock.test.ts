/** A wall clock that is set an hour ahead and an hour back while the controller runs: leases, pauses and limits do not care. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { isReady } from "../support/declared-requests.ts";
import { faultWorld, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { wallClock } from "../support/wall-clock.ts";

const hourSecs = 3_600;
/** Without the random name that each controller of a test has otherwise: these two compete. */
const lease = ["--lease-name", "clock", "--lease-duration", "10s", "--renew-deadline", "8s", "--retry-period", "500ms"];

describeWithControlPlane("a wall clock that jumps", (plane) => {
  test.each([
    ["ahead", hourSecs],
    ["back", -hourSecs],
  ])(
    "F15: an hour %s moves no lease, hurries no try and ends no request",
    async (_where, aheadSecs) => {
      await using world = await faultWorld(plane, "clock");
      const { origin, requests, namespace } = world;
      await using clock = await wallClock();
      const args = [...lease, "--lease-namespace", namespace];
      await using leader = await world.start(args, { env: clock.env });
      await leader.logged(({ message }) => message === "leading");
      await using standby = await world.start(args);
      const gate = Promise.withResolvers<void>();
      origin.reply = async ({ path, nth }) => {
        if (path === "/slow") await gate.promise;
        return { type: "answer", status: path === "/failing" && nth <= 2 ? 503 : 200 };
      };
      await requests.create("slow", { url: `${origin.url}/slow`, method: "POST", timeout: "60s" });
      await requests.create("failing", { url: `${origin.url}/failing`, retry: { backoff: { initial: "6s", max: "6s" } } });
      await until("both are on their way", () => origin.count("/slow") === 1 && origin.count("/failing") === 1);
      await clock.jumpTo(aheadSecs);
      await sleep(1_000);
      await requests.create("later", { url: `${origin.url}/later`, method: "POST" });
      await requests.until("one that came later is Ready", (all) => isReady(all.get("later")));
      const readAheadMs = Date.parse(String(leader.log.at(-1)?.["timestamp"])) - Date.now();
      expect(Math.round(readAheadMs / 1_000 / hourSecs)).toBe(aheadSecs / hourSecs); // it did jump
      gate.resolve();
      await requests.until(
        "all are Ready",
        (all) => ["slow", "failing", "later"].every((name) => isReady(all.get(name))),
        90_000,
      );
      await sleep(11_000); // longer than the lease
      expect(["slow", "failing", "later"].map((name) => origin.count(`/${name}`))).toEqual([1, 3, 1]);
      const tries = origin.requests.filter(({ path }) => path === "/failing").map(({ atMs }) => atMs);
      // A pause of six seconds, less a quarter at most, is kept whatever the clock says, and one that has begun, too: neither is none, nor an hour.
      for (const index of [1, 2]) expect((tries[index] ?? 0) - (tries[index - 1] ?? 0)).toBeGreaterThan(4_400);
      expect(standby.log.filter(({ message }) => message === "leading")).toEqual([]);
      expect(leader.log.filter(({ message }) => message.startsWith("lost the lease"))).toEqual([]);
    },
    180_000,
  );
});
