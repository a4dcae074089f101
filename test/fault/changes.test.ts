/** What users do while a request is on its way: delete and make anew, change, suspend. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { HoldfastProcess } from "../support/controller-process.ts";
import { isReady, stateOf } from "../support/declared-requests.ts";
import { faultWorld, until, type FaultWorld } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

describeWithControlPlane("what happens to an object while its request is on its way", (plane) => {
  let world: FaultWorld;
  let controller: HoldfastProcess;
  /** Lets go of the first request for each path; those after it are answered at once. */
  let release: () => void;
  const started = new AsyncDisposableStack();
  beforeAll(async () => {
    world = started.use(await faultWorld(plane, "changes"));
    controller = started.use(await world.start());
    let gate = Promise.withResolvers<void>();
    release = () => {
      gate.resolve();
      gate = Promise.withResolvers<void>();
    };
    world.origin.reply = async ({ nth }) => {
      if (nth === 1) await gate.promise;
      return { type: "answer", body: { nth } };
    };
  });
  afterAll(async () => {
    await started.disposeAsync();
  });

  const methods = {
    post: { method: "POST", body: { json: 1 } },
    keyed: { method: "POST", body: { json: 1 }, idempotencyKey: {} },
    "keyed-now": { method: "POST", body: { json: "${ .now }" }, idempotencyKey: {} },
    get: { method: "GET" },
  };

  test("F11: deleted and made anew under its name: the old outcome never lands on the new one, which is sent once", async () => {
    const { origin, requests } = world;
    const names = Object.keys(methods).map((method) => `anew-${method}`);
    const specOf = (name: string): object => ({
      ...methods[name.slice("anew-".length) as keyof typeof methods],
      url: `${origin.url}/${name}`,
      record: "Body",
    });
    for (const name of names) await requests.create(name, specOf(name));
    await until("all are on their way", () => names.every((name) => origin.count(`/${name}`) === 1));
    for (const name of names) {
      await requests.remove(name);
      await requests.create(name, specOf(name));
    }
    release();
    const all = await requests.until("the new ones are Ready", (seen) => names.every((name) => isReady(seen.get(name))));
    expect(names.map((name) => all.get(name)?.status?.response?.body)).toEqual(names.map(() => '{"nth":2}'));
    await sleep(2_000);
    expect(names.map((name) => origin.count(`/${name}`))).toEqual(names.map(() => 2));
  });

  test("F12: changed: what it declares then is sent once, and what it declared before is not sent again", async () => {
    const { origin, requests } = world;
    const names = Object.keys(methods);
    for (const [name, spec] of Object.entries(methods)) await requests.create(name, { url: `${origin.url}/${name}/1`, ...spec });
    await until("all are on their way", () => names.every((name) => origin.count(`/${name}/1`) === 1));
    for (const name of names) await requests.change(name, { url: `${origin.url}/${name}/2` });
    release();
    await until("what is declared now is on its way", () => names.every((name) => origin.count(`/${name}/2`) === 1));
    release();
    await requests.until("all are Ready", (seen) => names.every((name) => isReady(seen.get(name))));
    await sleep(2_000);
    const counts = names.map((name) => [origin.count(`/${name}/1`), origin.count(`/${name}/2`)]);
    expect(counts).toEqual(names.map(() => [1, 1]));
  });

  test("F12: suspended and changed: what it declares then is sent once, when it is no longer suspended", async () => {
    const { origin, requests } = world;
    const names = Object.keys(methods).map((method) => `suspended-${method}`);
    for (const name of names) {
      const spec = methods[name.slice("suspended-".length) as keyof typeof methods];
      await requests.create(name, { url: `${origin.url}/${name}/1`, ...spec });
    }
    await until("all are on their way", () => names.every((name) => origin.count(`/${name}/1`) === 1));
    for (const name of names) await requests.change(name, { suspend: true, url: `${origin.url}/${name}/2` });
    release();
    await requests.until("all are suspended", (seen) => names.every((name) => stateOf(seen.get(name)) === "NotReady/Suspended"));
    await sleep(1_000);
    expect(names.map((name) => origin.count(`/${name}/2`))).toEqual(names.map(() => 0));
    for (const name of names) await requests.change(name, { suspend: false });
    await until("what is declared now is on its way", () => names.every((name) => origin.count(`/${name}/2`) === 1));
    release();
    await requests.until("all are Ready", (seen) => names.every((name) => isReady(seen.get(name))));
    const counts = names.map((name) => [origin.count(`/${name}/1`), origin.count(`/${name}/2`)]);
    expect(counts).toEqual(names.map(() => [1, 1]));
  });

  test.each([["taken away"], ["replaced by others' fields"]])(
    "F27: its status is %s: what came of it is recorded, and nothing is sent again",
    async (how) => {
      const { origin, requests } = world;
      const isTaken = how === "taken away";
      const names = Object.keys(methods).map((method) => `wiped-${isTaken ? "" : "in-part-"}${method}`);
      const specOf = (name: string): object => methods[name.replace(/wiped-(in-part-)?/, "") as keyof typeof methods];
      for (const name of names) await requests.create(name, { url: `${origin.url}/${name}`, ...specOf(name) });
      await until("all are on their way", () => names.every((name) => origin.count(`/${name}`) === 1));
      for (const name of names) {
        const others = isTaken ? {} : { conditions: [] };
        const object = (await requests.all()).get(name);
        const { status } = await plane.admin("PUT", `${requests.collection}/${name}/status`, { ...object, status: others });
        expect(status).toBe(200);
      }
      await sleep(500); // the watch tells
      release();
      const all = await requests.until("all are Ready", (seen) => names.every((name) => isReady(seen.get(name))));
      await sleep(1_000);
      const counts = names.map((name) => [name, origin.count(`/${name}`), all.get(name)?.status?.attempt?.tries]);
      expect(counts).toEqual(names.map((name) => [name, 1, 1]));
    },
    180_000,
  );

  test("restored without its status: what is said to be done is not sent, and what it declares later is", async () => {
    const { origin, requests } = world;
    const names = Object.keys(methods).map((method) => `restored-${method}`);
    const specOf = (name: string): object => methods[name.slice("restored-".length) as keyof typeof methods];
    for (const name of names) {
      const metadata = { name, annotations: { "holdfast.dev/assume-done": "true" } };
      const object = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPRequest", metadata };
      const made = await plane.admin("POST", requests.collection, {
        ...object,
        spec: { ...specOf(name), url: `${origin.url}/${name}/1` },
      });
      expect(made.status).toBe(201);
    }
    await requests.until("all are Ready", (seen) => names.every((name) => isReady(seen.get(name))));
    for (const name of names) await requests.change(name, { url: `${origin.url}/${name}/2` });
    await until("what is declared now is on its way", () => names.every((name) => origin.count(`/${name}/2`) === 1));
    release();
    await requests.until("all are Ready", (seen) => names.every((name) => seen.get(name)?.status?.observedGeneration === 2));
    const counts = names.map((name) => [origin.count(`/${name}/1`), origin.count(`/${name}/2`)]);
    expect(counts).toEqual(names.map(() => [0, 1]));
  });

  test("none of it was a mistake of ours", async () => {
    expect(await controller.metric('controller_runtime_reconcile_panics_total{controller="httprequest"}')).toBe(0);
  });
});
