/** Schedules, polls and retries on a real API server, across a controller that is killed: what the origin saw decides. */
import { expect, test } from "@jest/globals";
import { isReady, stateOf, type AllDeclared } from "../support/declared-requests.ts";
import { faultWorld, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

describeWithControlPlane("time", (plane) => {
  test("wish 3, wish 4, wish 5, wish 9, wish 15: ticks, work that goes on and retries survive kill -9, and nothing is sent twice", async () => {
    await using world = await faultWorld(plane, "time");
    const { origin, requests } = world;
    let hasEnded = false;
    origin.reply = ({ path, method, nth }) => {
      if (path === "/jobs" && method === "POST") return { type: "answer", status: 202, headers: { location: "/jobs/1" } };
      if (path === "/jobs/1") return { type: "answer", status: hasEnded ? 200 : 202 };
      if (path === "/teapot") return { type: "answer", status: nth <= 2 ? 418 : 200 };
      if (path === "/busy" && nth === 1) return { type: "answer", status: 429, headers: { "retry-after": "2" } };
      if (path === "/later" && nth === 1) {
        const at = new Date(Date.now() + 3_000).toUTCString(); // whole seconds: more than two from now
        return { type: "answer", status: 503, headers: { "retry-after": at } };
      }
      if (path === "/gone") return { type: "answer", status: 503 };
      return { type: "answer" };
    };
    const post = (path: string, more: object): object => ({ url: `${origin.url}${path}`, method: "POST", ...more });
    const backoff = { initial: "100ms", max: "200ms" };
    await requests.create("tick", post("/tick", { schedule: { every: "1s" }, historyLimit: 10 }));
    await requests.create("job", post("/jobs", { poll: { interval: "200ms" } }));
    await requests.create("nightly", post("/nightly", { schedule: { cron: "0 3 * * *", timeZone: "Europe/Berlin" } }));
    await requests.create("nowhere", post("/nowhere", { schedule: { cron: "0 3 * * *", timeZone: "Mars/Olympus" } }));
    await requests.create("listed", { url: `${origin.url}/teapot`, retry: { when: ["418"], backoff } });
    for (const name of ["busy", "later"]) await requests.create(name, { url: `${origin.url}/${name}`, retry: { backoff } });
    await requests.create("never", { url: `${origin.url}/gone`, retry: { never: ["503"], backoff } });

    const runs: string[] = [];
    const gather = (all: AllDeclared): void => {
      for (const { tick } of all.get("tick")?.status?.history ?? []) if (tick !== undefined) runs.push(tick);
    };
    {
      await using first = await world.start();
      gather(await requests.until("ticks were run", () => origin.count("/tick") >= 3));
      await until("the work was asked after", () => origin.count("/jobs/1") >= 2);
      // A kill between an answer and its record would have these two sent once more.
      await requests.until(
        "two are at their ends",
        (all) => stateOf(all.get("listed")) === "Ready/Succeeded" && stateOf(all.get("never")) === "Stalled/UnexpectedStatus",
      );
      const job = (await requests.all()).get("job");
      expect(job?.status).toMatchObject({ attempt: { phase: "Polling" }, poll: { url: "/jobs/1" } });
      gather(await requests.all());
      first.kill("SIGKILL");
      await first.exited;
    }
    const before = { ticks: origin.count("/tick"), polls: origin.count("/jobs/1") };
    await using _second = await world.start();
    await until("the work is asked after again", () => origin.count("/jobs/1") > before.polls);
    hasEnded = true;
    // A kill between a POST and its record leaves that run unknown, and its schedule waits for a person.
    const all = await requests.until("it goes on", (seen) => {
      gather(seen);
      const isLost = stateOf(seen.get("tick")) === "Stalled/OutcomeUnknown";
      const areTold = isReady(seen.get("nightly")) && stateOf(seen.get("nowhere")) === "Stalled/InvalidSchedule";
      return isReady(seen.get("job")) && areTold && (isLost || origin.count("/tick") >= before.ticks + 2);
    });
    expect(origin.count("/jobs")).toBe(1);
    expect(all.get("job")?.status).not.toHaveProperty("poll");
    expect(isReady(all.get("nightly"))).toBe(true);
    expect(all.get("nightly")?.status?.nextRunAt).toMatch(/T0[12]:00:00\.000Z$/);
    expect(stateOf(all.get("nowhere"))).toBe("Stalled/InvalidSchedule");
    expect(origin.count("/nightly") + origin.count("/nowhere")).toBe(0);
    const [listed, never] = [all.get("listed"), all.get("never")];
    expect({ sent: origin.count("/teapot"), state: stateOf(listed), listed }).toMatchObject({
      sent: 3,
      state: "Ready/Succeeded",
    });
    expect({ sent: origin.count("/gone"), state: stateOf(never), never }).toMatchObject({
      sent: 1,
      state: "Stalled/UnexpectedStatus",
    });
    for (const path of ["/busy", "/later"]) {
      await until(`${path} is tried again`, () => origin.count(path) === 2);
      const [first = 0, second = 0] = origin.requests.filter((one) => one.path === path).map(({ atMs }) => atMs);
      expect(second - first).toBeGreaterThanOrEqual(1_990);
    }
    await requests.change("tick", { suspend: true });
    const rested = await requests.until("no tick comes any more", (seen) =>
      ["NotReady/Suspended", "Stalled/OutcomeUnknown"].includes(stateOf(seen.get("tick"))),
    );
    const { completedRuns = 0, schedule } = rested.get("tick")?.status ?? {};
    expect(Math.abs(origin.count("/tick") - completedRuns)).toBeLessThanOrEqual(1); // of one nobody may know
    expect(new Set(runs).size).toBeGreaterThanOrEqual(2);
    const [firstTick = "", lastTick = ""] = [[...runs].toSorted()[0], schedule?.handledUpTo];
    const ticksInAll = (Date.parse(lastTick) - Date.parse(firstTick)) / 1_000 + 1;
    expect(origin.count("/tick")).toBeLessThanOrEqual(ticksInAll + 2); // the run at the start, and the one that was lost
  });

  test.each([
    [{ every: "500ms" }, "at least 1s"],
    [{ every: "1m", cron: "* * * * *" }, "exactly one of every, cron and at"],
    [{ every: "1m", timeZone: "UTC" }, "timeZone goes with cron"],
    [{ cron: "TZ=UTC 0 3 * * *" }, "spec.schedule.cron"],
  ])("the API server refuses the schedule %j", async (schedule, message) => {
    await using world = await faultWorld(plane, "time");
    await expect(world.requests.create("a", { url: "http://127.0.0.1:1/", schedule })).rejects.toThrow(message);
  });
});
