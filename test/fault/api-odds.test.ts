/** What an API server, those who administer it and those who restore it do on odd days: each holds, and says so. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { isReady, stateOf } from "../support/declared-requests.ts";
import { faultWorld, never, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { rewriteLines } from "../support/watch-rewriting.ts";

const alone = ["--leader-elect", "false"];

describeWithControlPlane("on odd days", (plane) => {
  async function createSecret(namespace: string, name: string, value: string): Promise<void> {
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData: { value } };
    expect((await plane.admin("POST", `/api/v1/namespaces/${namespace}/secrets`, secret)).status).toBe(201);
  }
  const withSecret = {
    inputs: { value: { secretKeyRef: { name: "shared", key: "value" } } },
    headers: [{ name: "x-value", value: "${ .inputs.value }" }],
  };

  test("F25: a Secret that many objects use is read a few times, however many they are and whenever it is rotated", async () => {
    await using world = await faultWorld(plane, "shared");
    const { origin, api, requests, namespace } = world;
    await createSecret(namespace, "shared", "value-one");
    await using _controller = await world.start();
    const names = Array.from({ length: 120 }, (_, n) => `many-${n}`);
    for (const name of names)
      await requests.create(name, { url: `${origin.url}/${name}`, method: "PUT", ...withSecret, rerunOn: { inputs: ["*"] } });
    await requests.until("all are Ready", (all) => names.every((name) => isReady(all.get(name))), 60_000);
    const reads = (): number => api.requests.filter((line) => line.startsWith("GET") && line.endsWith("/secrets/shared")).length;
    const rotate = async (value: string): Promise<void> =>
      expect((await plane.adminPatch(`/api/v1/namespaces/${namespace}/secrets/shared`, { stringData: { value } })).status).toBe(
        200,
      );
    const saw = (): ReadonlySet<unknown> =>
      new Set(names.map((name) => origin.requests.findLast(({ path }) => path === `/${name}`)?.headers["x-value"]));
    let before = reads();
    await rotate("value-two");
    await until("all were sent again", () => names.every((name) => origin.count(`/${name}`) >= 2), 60_000);
    expect(saw()).toEqual(new Set(["value-two"]));
    expect(reads() - before).toBeLessThan(names.length / 10);

    before = reads();
    for (const name of names) await requests.annotate(name, { "holdfast.dev/reconcile-at": "again" });
    await rotate("value-three");
    await until("all were sent a third time", () => names.every((name) => origin.count(`/${name}`) >= 3), 60_000);
    expect([...saw()].filter((value) => value !== "value-two" && value !== "value-three")).toEqual([]);
    // Each changed in another moment, and may read what is newer than that; and once more after the Secret has changed.
    expect(reads() - before).toBeLessThanOrEqual(2 * names.length);
  });

  test("F25: whoever changes a Secret and then an object has the new value sent, though the watch of Secrets tells nothing", async () => {
    await using world = await faultWorld(plane, "ordered");
    const { origin, api, requests, namespace } = world;
    await createSecret(namespace, "shared", "value-0");
    api.rewrite = ({ path }) =>
      path.includes("/secrets?") ? rewriteLines((line) => (line.includes('"type":"MODIFIED"') ? [] : [line])) : undefined;
    await using _controller = await world.start();
    await requests.create("a", { url: `${origin.url}/a`, method: "PUT", ...withSecret });
    await requests.create("b", { url: `${origin.url}/b`, method: "PUT", ...withSecret });
    await until("both were sent", () => origin.count("/a") + origin.count("/b") === 2);
    for (let n = 1; n <= 8; n += 1) {
      await plane.adminPatch(`/api/v1/namespaces/${namespace}/secrets/shared`, { stringData: { value: `value-${n}` } });
      await requests.annotate("a", { "holdfast.dev/reconcile-at": String(n) });
      await until("it was sent again", () => origin.count("/a") === n + 1);
      expect(origin.requests.findLast(({ path }) => path === "/a")?.headers["x-value"]).toBe(`value-${n}`);
    }
  });

  test("F26: reads of Secrets that are answered 429 are left alone for as long as that says, and go on then", async () => {
    await using world = await faultWorld(plane, "patience");
    const { origin, api, requests, namespace } = world;
    await createSecret(namespace, "shared", "value-one");
    await using controller = await world.start();
    const askedMs: number[] = [];
    api.answer = ({ method, path }) => {
      if (method !== "GET" || !path.endsWith("/secrets/shared")) return undefined;
      askedMs.push(performance.now());
      return { status: 429, headers: { "retry-after": "4" } };
    };
    await requests.create("a", { url: `${origin.url}/a`, method: "POST", ...withSecret });
    await until("it is asked four times", () => askedMs.length >= 4);
    // The first listing of the Secrets, which are watched for this object, has it looked once more.
    expect(askedMs.slice(1).filter((ms, index) => ms - (askedMs[index] ?? 0) < 3_900).length).toBeLessThanOrEqual(1);
    await controller.logged(({ error }) => String(error).includes("answered 429"));
    api.answer = () => undefined;
    await requests.until("it is Ready", (all) => isReady(all.get("a")));
    expect(origin.count("/a")).toBe(1);
  });

  test("F27: conditions that an admin has overwritten are written anew at the next start, and nothing is sent", async () => {
    await using world = await faultWorld(plane, "overwritten");
    const { origin, requests } = world;
    const names = ["post", "put", "keyed"];
    const specs = { post: { method: "POST" }, put: { method: "PUT" }, keyed: { method: "POST", idempotencyKey: {} } };
    {
      await using _first = await world.start(alone);
      for (const [name, spec] of Object.entries(specs)) await requests.create(name, { url: `${origin.url}/${name}`, ...spec });
      await requests.until("all are Ready", (all) => names.every((name) => isReady(all.get(name))));
    }
    for (const [name, object] of await requests.all()) {
      const status = {
        ...object.status,
        conditions: [
          { type: "Ready", status: "Unknown", reason: "X", message: "", lastTransitionTime: new Date().toISOString() },
        ],
      };
      expect((await plane.admin("PUT", `${requests.collection}/${name}/status`, { ...object, status })).status).toBe(200);
    }
    await using _second = await world.start(alone);
    const all = await requests.until("all are Ready", (seen) =>
      names.every((name) => stateOf(seen.get(name)) === "Ready/Succeeded"),
    );
    for (const name of names)
      expect(all.get(name)?.status?.conditions?.find(({ type }) => type === "Ready")?.message).toMatch(/\w/);
    expect(names.map((name) => origin.count(`/${name}`))).toEqual([1, 1, 1]);
  });

  test("F28: a schedule with a key that is killed in a run sends that run again with its key, whatever ticks have come", async () => {
    await using world = await faultWorld(plane, "tick");
    const { origin, requests } = world;
    origin.reply = ({ nth }) => (nth === 2 ? never() : { type: "answer" });
    {
      await using first = await world.start(alone);
      await requests.create("tick", {
        url: `${origin.url}/tick`,
        method: "POST",
        idempotencyKey: {},
        schedule: { every: "1s" },
        body: { json: "${ .now }" },
      });
      await until("the second run is on its way", () => origin.count("/tick") === 2);
      first.kill("SIGKILL");
      await first.exited;
    }
    await sleep(2_500); // some ticks pass
    await using _second = await world.start(alone);
    await until("it goes on", () => origin.count("/tick") >= 6);
    const keys = origin.requests.map(({ headers }) => headers["idempotency-key"]);
    expect(keys[2]).toBe(keys[1]);
    const { completedRuns = 0 } = (await requests.all()).get("tick")?.status ?? {};
    expect(new Set(keys).size).toBeLessThanOrEqual(completedRuns + 1);
  });
});
