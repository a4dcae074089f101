/** A watch's connection that goes dead without a word, and an API server that asks for patience. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { AuditEvent } from "../support/audit-log.ts";
import { isReady } from "../support/declared-requests.ts";
import { faultWorld, inSoak, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";

/** In a soak the real one. */
const idle = inSoak({ flag: ["--watch-idle-timeout", "3s"], ms: 3_000 }, { flag: [], ms: 180_000 });

/** Whether it asks for all there is. */
function isRelist({ verb, uri, resource }: AuditEvent): boolean {
  return resource.startsWith("http") && (verb === "list" || uri.includes("sendInitialEvents"));
}

describeWithControlPlane("a watch", (plane) => {
  test(
    "F1: whose connection is black-holed is opened again in time: nothing is lost, and nothing is listed anew",
    async () => {
      await using world = await faultWorld(plane, "black-hole");
      const { origin, requests, namespace } = world;
      await using proxy = await startTcpProxy(plane.url);
      await using controller = await world.start([...idle.flag, "--leader-elect", "false"], {
        via: `https://127.0.0.1:${proxy.port}`,
      });
      for (let round = 0; round < 2; round += 1) {
        await until("it watches", async () => (await controller.probe("/readyz")).status === 200);
        await sleep(500);
        const since = new Date().toISOString();
        proxy.blackHole();
        const names = Array.from({ length: 20 }, (_, n) => `${round}.${n}`);
        for (const name of names) await requests.create(name, { url: `${origin.url}/${name}`, method: "POST" });
        await until("all are seen", () => names.every((name) => origin.count(`/${name}`) === 1), idle.ms + 60_000);
        await requests.until("all are Ready", (all) => names.every((name) => isReady(all.get(name))));
        expect(names.filter((name) => origin.count(`/${name}`) !== 1)).toEqual([]);
        const audit = (await plane.auditEvents()).filter(({ at, uri }) => at > since && uri.includes(`/${namespace}/`));
        expect(audit.filter((event) => event.user === "holdfast" && isRelist(event)).map(({ uri }) => uri)).toEqual([]);
        // The calls' connections are as dead as the watches', and no call waits for its deadline on one of them.
        const late = (await controller.metrics()).match(/^rest_client_requests_total\{code="TIMEOUT",method="PATCH".*$/gm);
        expect(late).toBeNull();
      }
      const told = controller.log.filter(({ resource }) => String(resource).startsWith("httprequests"));
      const ends = told.filter(({ message }) => message === "watch ended");
      expect(ends.length).toBeGreaterThanOrEqual(2);
      for (const end of ends) {
        expect(end).toMatchObject({ level: "warn", reason: "silent" });
        expect(Number(end["session_duration_secs"])).toBeGreaterThanOrEqual(idle.ms / 1_000);
        expect(Number(end["delayMs"])).toBeGreaterThanOrEqual(500); // a second, and up to half of it is taken off
        expect(Number(end["delayMs"])).toBeLessThanOrEqual(1_000);
      }
      const connected = told.filter(({ message }) => message === "watch connected");
      expect(connected.length).toBeGreaterThan(ends.length);
      expect(connected.map(({ level }) => level)).toEqual(connected.map(() => "info"));
    },
    3 * (idle.ms + 60_000),
  );

  test("F4: waits as long as the API server asks, and recovers: lists, watches and statuses answered 429", async () => {
    await using world = await faultWorld(plane, "throttled");
    const { origin, api, requests } = world;
    const atMs: Record<string, number[]> = { list: [], watch: [], status: [] };
    const throttled = { status: 429, headers: { "retry-after": "2" } };
    const times = 2;
    api.answer = ({ method, path }) => {
      if (!path.includes("/httprequests")) return undefined;
      const isAsked = path.includes("sendInitialEvents")
        ? "list"
        : path.includes("watch=true")
          ? "watch"
          : method === "PATCH"
            ? "status"
            : "";
      if (isAsked === "") return undefined;
      const seen = atMs[isAsked] ?? [];
      seen.push(performance.now());
      return seen.length <= times ? throttled : undefined;
    };
    await using controller = await world.start();
    await requests.create("post", { url: `${origin.url}/post`, method: "POST" });
    await requests.create("get", { url: `${origin.url}/get` });
    await requests.until("they are Ready", (all) => isReady(all.get("post")) && isReady(all.get("get")));
    api.reset();
    await controller.logged(({ message, reason }) => message === "watch ended" && reason === "throttled");
    await requests.create("later", { url: `${origin.url}/later`, method: "POST" });
    await requests.until("one that came later is Ready", (all) => isReady(all.get("later")));
    for (const [what, seen] of Object.entries(atMs)) {
      expect([what, seen.length > times]).toEqual([what, true]);
      const gaps = seen.slice(1, times + 1).map((ms, index) => ms - (seen[index] ?? 0));
      // Two objects' statuses are written at once: theirs is told below, by the object.
      if (what !== "status") expect([what, gaps.every((gapMs) => gapMs >= 1_950)]).toEqual([what, true]);
    }
    expect(["post", "get", "later"].map((name) => origin.count(`/${name}`))).toEqual([1, 1, 1]);
  });

  // The API server sends a bookmark a minute, and that is not to be changed.
  if (inSoak(false, true))
    test("F5: on which nothing happens for 200 s is kept by the bookmarks, and never opened anew", async () => {
      await using world = await faultWorld(plane, "quiet");
      await using controller = await world.start();
      await until("it watches", async () => (await controller.probe("/readyz")).status === 200);
      const linesBefore = controller.log.length;
      await sleep(200_000);
      const since = controller.log.slice(linesBefore).map(({ message }) => message);
      expect(since.filter((message) => message.startsWith("watch"))).toEqual([]);
      const ages = (await controller.metrics()).match(/^holdfast_watch_last_event_age_seconds\{.*$/gm) ?? [];
      expect(ages.length).toBeGreaterThan(0);
      for (const age of ages) expect([age, Number(age.split(" ").at(-1)) < 70]).toEqual([age, true]);
    }, 260_000);
});
