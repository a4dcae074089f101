/** Notices of failed runs while the controller is killed again and again: each end is told of once. */
import { expect, test } from "@jest/globals";
import type { OriginRequest } from "../support/fault-origin.ts";
import { faultWorld, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const shortLease = ["--lease-name", "short", "--lease-duration", "3s", "--renew-deadline", "2500ms", "--retry-period", "400ms"];
const key = ({ headers }: OriginRequest): string => String(headers["idempotency-key"]);
/** Which runs fail follows from their ids alone, whoever sends them, and however often. */
const fails = (id: string): boolean => /[0-7]$/.test(id);

describeWithControlPlane("wish 26: notices", (plane) => {
  test("tell of each run that failed once, though the controller is killed in between, by name and by labels", async () => {
    await using world = await faultWorld(plane, "notices");
    const { origin, requests, namespace } = world;
    origin.reply = (request) => ({
      type: "answer",
      status: request.path.startsWith("/job") && fails(key(request)) ? 500 : 200,
    });
    const notice = { method: "POST", idempotencyKey: {}, retry: { limit: 20, backoff: { initial: "100ms", max: "1s" } } };
    const body = { json: { run: "${ .trigger.attempt.id }", why: "${ .trigger.reason }", code: "${ .trigger.statusCode }" } };
    await requests.create("named", {
      ...notice,
      url: `${origin.url}/named`,
      body,
      trigger: { name: "job", when: ["Failed"] },
    });
    await requests.create("labelled", {
      ...notice,
      url: `${origin.url}/labelled`,
      body,
      trigger: { selector: { matchLabels: { tier: "gold" } }, when: ["Failed"] },
    });
    // With an intent, by which the next process knows of a run that its origin has seen, and nobody recorded.
    const job = { method: "POST", body: { json: "${ .now }" }, idempotencyKey: {}, retry: { limit: 0 }, historyLimit: 10 };
    await requests.create("job", { ...job, url: `${origin.url}/job`, schedule: { every: "1s" } });
    await plane.adminPatch(`${requests.collection}/job`, { metadata: { labels: { tier: "gold" } } });
    const runs = (): string[] => [...new Set(origin.requests.filter(({ path }) => path === "/job").map(key))];
    for (let kills = 0; kills < 3; kills += 1) {
      const controller = await world.start([...shortLease, "--lease-namespace", namespace]);
      const before = runs().length;
      await until("some runs have ended", () => runs().length >= before + 4, 60_000);
      await controller[Symbol.asyncDispose]();
    }
    await using _ = await world.start([...shortLease, "--lease-namespace", namespace]);
    const before = runs().length;
    await until("it goes on", () => runs().length > before); // what was under way at the last kill has ended by then
    await requests.change("job", { suspend: true });
    const told = (path: string): Map<string, string[]> => {
      const all = origin.requests.filter((request) => request.path === path);
      return Map.groupBy(all, ({ body: sent }) => (JSON.parse(sent) as { run: string }).run) as never;
    };
    const failed = (): string[] => runs().filter(fails).toSorted();
    const isTold = (path: string): boolean => JSON.stringify([...told(path).keys()].toSorted()) === JSON.stringify(failed());
    await until("all is told", () => failed().length > 0 && isTold("/named") && isTold("/labelled"), 60_000);
    for (const path of ["/named", "/labelled"])
      for (const [run, notices] of told(path)) {
        const keys = new Set((notices as unknown as OriginRequest[]).map(key));
        expect({ path, run, keys: keys.size }).toEqual({ path, run, keys: 1 });
      }
    const [one] = origin.requests.filter(({ path }) => path === "/named");
    expect(JSON.parse(one?.body ?? "")).toMatchObject({ why: "UnexpectedStatus", code: 500 });
    const seen = await requests.until("the notices rest", (all) => all.get("named")?.status?.attempt?.phase === "Done");
    expect(seen.get("named")?.status?.conditions?.find(({ type }) => type === "Ready")?.status).toBe("True");
  }, 240_000);

  test("go to nobody of another namespace, and of a failing notice nothing falls back on the run", async () => {
    await using world = await faultWorld(plane, "told");
    await using other = await faultWorld(plane, "untold");
    const { origin, requests } = world;
    origin.reply = ({ path }) => ({ type: "answer", status: path === "/ok" ? 200 : 400 });
    const selector = { matchLabels: { tier: "gold" } };
    const trigger = { selector, when: ["Failed", "Succeeded"] };
    await other.requests.create("notice", { url: `${origin.url}/elsewhere`, method: "POST", trigger });
    await requests.create("notice", { url: `${origin.url}/notice`, method: "POST", trigger });
    await requests.create("of-notice", {
      url: `${origin.url}/of-notice`,
      method: "POST",
      trigger: { name: "notice", when: ["Failed"] },
    });
    for (const [name, path] of [
      ["good", "/ok"],
      ["bad", "/bad"],
    ] as const) {
      await requests.create(name, { url: `${origin.url}${path}`, method: "POST" });
      await plane.adminPatch(`${requests.collection}/${name}`, { metadata: { labels: { tier: "gold" } } });
    }
    await using _ = await world.start();
    await using __ = await other.start();
    await until("both are told of, and what became of that, too", () => origin.count("/of-notice") === 2, 60_000);
    expect(origin.count("/notice")).toBe(2);
    expect(origin.count("/elsewhere")).toBe(0);
    const all = await requests.all();
    expect(all.get("good")?.status?.conditions?.[0]).toMatchObject({ type: "Ready", status: "True", reason: "Succeeded" });
    expect(all.get("notice")?.status?.conditions?.find(({ type }) => type === "Stalled")?.reason).toBe("UnexpectedStatus");
    const loop = { url: `${origin.url}/loop`, method: "POST", trigger: { name: "loop", when: ["Succeeded"] } };
    await requests.create("loop", loop);
    await requests.until("a loop is told", (now) => JSON.stringify(now.get("loop")?.status ?? {}).includes("DependencyCycle"));
  });
});
