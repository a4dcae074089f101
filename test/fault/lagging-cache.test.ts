/**
 * A cache that lags behind what has been written: events that come late, twice, out of order or again, and lists that
 * are old. The oracle is the origin's count: whatever the cache believes, nothing is sent again.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { InterposedRequest } from "../support/api-interposer.ts";
import { isReady, stateOf } from "../support/declared-requests.ts";
import { faultWorld, inSoak, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { delayed, rewriteLines } from "../support/watch-rewriting.ts";

const lagMs = inSoak(4_000, 10_000);

const methods = {
  get: { method: "GET" },
  put: { method: "PUT", body: { json: 1 } },
  post: { method: "POST", body: { json: 1 } },
  keyed: { method: "POST", body: { json: 1 }, idempotencyKey: {} },
  "keyed-now": { method: "POST", body: { json: "${ .now }" }, idempotencyKey: {} },
};

function isWatch({ path }: InterposedRequest): boolean {
  return path.includes("/httprequests?") && path.includes("watch=true");
}
function isResumed(request: InterposedRequest): boolean {
  return isWatch(request) && !request.path.includes("sendInitialEvents");
}

describeWithControlPlane("a cache that lags", (plane) => {
  test("F6: sends everything once when events come late, whoever else writes meanwhile", async () => {
    await using world = await faultWorld(plane, "lag");
    const { origin, api, requests } = world;
    let lag = 0;
    api.rewrite = (request) => (isWatch(request) ? delayed(() => lag) : undefined);
    await using _controller = await world.start();
    lag = lagMs;
    const names = Object.keys(methods).flatMap((method) => [0, 1, 2, 3].map((n) => `${method}.${n}`));
    const specOf = (name: string): object => methods[name.split(".")[0] as keyof typeof methods];
    let hasChanged = false;
    // Between the request and its status somebody labels the one, changes what the other declares about its time-out and asks the third to wait.
    origin.reply = async ({ path }) => {
      if (!hasChanged) await until("all are on their way or waiting", () => hasChanged);
      return { type: "answer", body: { path } };
    };
    for (const name of names) await requests.create(name, { url: `${origin.url}/${name}`, ...specOf(name) });
    await until("the first have been sent", () => origin.requests.length > 0);
    for (const name of names) {
      if (name.endsWith(".1")) await requests.annotate(name, { touched: "true" });
      if (name.endsWith(".2")) await requests.change(name, { timeout: "7s" });
      if (name.endsWith(".3")) await plane.adminPatch(`${requests.collection}/${name}/status`, { status: { nextRunAt: "soon" } });
    }
    hasChanged = true;
    await requests.until("all are Ready", (all) => names.every((name) => isReady(all.get(name))), 30_000 + 5 * lagMs);
    await sleep(2 * lagMs);
    const wrong = names.filter((name) => {
      const [count, effects] = [origin.count(`/${name}`), origin.effects(`/${name}`)];
      // Somebody wrote its status meanwhile, so that its outcome did not land: what may be sent again was, and no more than once.
      return name.endsWith(".3") && !name.startsWith("post")
        ? count > 2 || (name.startsWith("keyed") && effects !== 1)
        : count !== 1;
    });
    expect(wrong.map((name) => [name, origin.count(`/${name}`), origin.effects(`/${name}`)])).toEqual([]);
  });

  test("F6: sends no more for an object that is gone when it hears of that late", async () => {
    await using world = await faultWorld(plane, "lag");
    const { origin, api, requests } = world;
    let lag = 0;
    api.rewrite = (request) => (isWatch(request) ? delayed(() => lag) : undefined);
    await using _controller = await world.start();
    const names = Object.keys(methods);
    origin.reply = () => ({ type: "answer", status: 503, headers: { "retry-after": "1" } });
    // Time to remove them before they are tried again, and to try them before their end is told of.
    const retry = { limit: 5, backoff: { initial: "12s" } };
    const toldMs = 25_000;
    for (const [name, spec] of Object.entries(methods))
      await requests.create(name, { url: `${origin.url}/${name}`, ...spec, retry });
    await requests.until("all are to be tried again", (all) =>
      names.every((name) => all.get(name)?.status?.attempt?.phase === "Retrying"),
    );
    lag = toldMs;
    origin.reply = () => ({ type: "answer" });
    for (const name of names) await requests.remove(name);
    await sleep(toldMs + 1_000);
    // What needs no precaution goes out once more; then its status finds nobody.
    expect(names.map((name) => [name, origin.count(`/${name}`)])).toEqual(
      names.map((name) => [name, ["get", "put", "keyed"].includes(name) ? 2 : 1]),
    );
    expect(origin.effects("/keyed")).toBe(1);
  });

  test("F6: sends one DELETE for an object whose end it hears of late, whatever else makes it look meanwhile", async () => {
    await using world = await faultWorld(plane, "lag");
    const { origin, api, namespace } = world;
    let lag = 0;
    api.rewrite = ({ path }) =>
      path.includes("/httpresources?") && path.includes("watch=true") ? delayed(() => lag) : undefined;
    await using controller = await world.start();
    const path = (plural: string): string => `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/${plural}`;
    const object = (kind: string, spec: object): object => ({
      apiVersion: "holdfast.dev/v1alpha1",
      kind,
      metadata: { name: "one" },
      spec,
    });
    const get = async () => plane.admin("GET", `${path("httpresources")}/one`);
    await plane.admin("POST", path("httpendpoints"), object("HTTPEndpoint", { baseURL: origin.url }));
    await plane.admin(
      "POST",
      path("httpresources"),
      object("HTTPResource", {
        endpointRef: { name: "one" },
        observe: { path: "/thing" },
        create: { path: "/thing", method: "PUT" },
        delete: { path: "/thing" },
      }),
    );
    await until("it is Ready", async () => isReady((await get()).body as Parameters<typeof isReady>[0]));
    lag = lagMs;
    await plane.admin("DELETE", `${path("httpresources")}/one`);
    await until("it is gone", async () => (await get()).status === 404, 60_000 + lagMs);
    for (const timeout of ["7s", "8s", "9s"]) await plane.adminPatch(`${path("httpendpoints")}/one`, { spec: { timeout } });
    const gauge = 'holdfast_resources{kind="HTTPResource",condition="Ready",status="True"}';
    await sleep(lagMs);
    await until("it has heard of it", async () => ((await controller.metric(gauge)) ?? 0) === 0);
    expect(origin.requests.filter(({ method }) => method === "DELETE")).toHaveLength(1);
  });

  test("F6: sends nothing twice when it starts from an old list", async () => {
    await using world = await faultWorld(plane, "lag");
    const { origin, api, requests } = world;
    const names = Object.keys(methods).flatMap((method) => [0, 1, 2].map((n) => `${method}.${n}`));
    for (const name of names) {
      await requests.create(name, { url: `${origin.url}/${name}`, ...methods[name.split(".")[0] as keyof typeof methods] });
    }
    const old = JSON.stringify((await plane.admin("GET", requests.collection)).body);
    const first = await world.start();
    await requests.until("all are Ready", (all) => names.every((name) => isReady(all.get(name))));
    await first[Symbol.asyncDispose]();
    // A server whose cache is behind: it lists what there was, and its watch has nothing to tell for a while.
    let isBehind = true;
    api.answer = (request) => {
      if (request.path.includes("sendInitialEvents")) return { status: 400 };
      const isList = request.method === "GET" && request.path.includes("/httprequests?limit");
      return isList ? { status: 200, headers: { "content-type": "application/json" }, body: old } : undefined;
    };
    api.hold = (request, what) =>
      isResumed(request) && what === "request" ? until("the watch goes on", () => !isBehind, 120_000) : undefined;
    await using second = await world.start();
    const found = (name: string): boolean => second.log.some((line) => line["result"] === "conflict" && line["name"] === name);
    await until("it has found out that each is done", () => names.every(found));
    await sleep(lagMs);
    isBehind = false;
    await sleep(1_000);
    const sent = names.map((name) => [name, origin.count(`/${name}`)]);
    expect(sent).toEqual(names.map((name) => [name, 1]));
    const all = await requests.all();
    expect(names.filter((name) => !isReady(all.get(name)))).toEqual([]);
  });

  test("F6: sends no old PUT after a newer one when it comes to lead, for one live read of each object that is from before that", async () => {
    await using world = await faultWorld(plane, "lag");
    const { origin, api, requests, namespace } = world;
    const args = ["--lease-namespace", namespace, "--lease-name", "leader", "--retry-period", "500ms"];
    await using leader = await world.start(args, { via: plane.url });
    await leader.logged(({ message }) => message === "leading");
    let lag = 0;
    api.rewrite = (request) => (isWatch(request) ? delayed(() => lag) : undefined);
    await using successor = await world.start(args);
    await successor.logged(({ message }) => message === "standing by");
    const names = ["put.0", "put.1", "get.0", "delete.0"];
    for (const name of names) {
      const method = name.split(".")[0]?.toUpperCase();
      const body = method === "PUT" ? { body: { text: "old" } } : {};
      await requests.create(name, { url: `${origin.url}/${name}`, method, ...body, suspend: true });
    }
    await requests.until("all are suspended", (all) => names.every((name) => stateOf(all.get(name)) === "NotReady/Suspended"));
    const has = 'holdfast_resources{kind="HTTPRequest",condition="Ready",status="False"}';
    await until("the successor knows them", async () => (await successor.metric(has)) === names.length);
    lag = lagMs;
    const changed = async (spec: object): Promise<void> => {
      for (const name of names)
        await requests.change(name, name.startsWith("put") ? { ...spec, suspend: false } : { suspend: false });
      await requests.until("all are Ready", (all) => names.every((name) => isReady(all.get(name))));
    };
    await changed({ body: { text: "old" } });
    await changed({ body: { text: "newer" } });
    leader.kill("SIGTERM");
    const led = await successor.logged(({ message }) => message === "leading");
    await requests.create("after", { url: `${origin.url}/after`, method: "PUT" });
    const found = (name: string): boolean => successor.log.some((line) => line["result"] === "conflict" && line["name"] === name);
    await until("it has found out that each is done", () => names.every(found), 60_000 + lagMs);
    await requests.until("the new one is Ready", (all) => isReady(all.get("after")), 60_000 + lagMs);
    await sleep(lagMs);
    expect(origin.requests.map(({ path }) => path).toSorted()).toEqual([
      "/after",
      "/delete.0",
      "/get.0",
      "/put.0",
      "/put.0",
      "/put.1",
      "/put.1",
    ]);
    const reads = (await plane.auditEvents()).filter(
      ({ user, verb, resource, namespace: where, at }) =>
        user === "holdfast" &&
        verb === "get" &&
        resource === "httprequests" &&
        where === namespace &&
        at >= String(led["timestamp"]),
    );
    expect(reads.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
  });

  test("F5: sends nothing more for events that come twice, in another order, or again long after", async () => {
    await using world = await faultWorld(plane, "replay");
    const { origin, api, requests } = world;
    let seed = 1;
    const dice = (sides: number): number => (seed = (seed * 48_271) % 2_147_483_647) % sides;
    const history: string[] = [];
    let heldBack: string | undefined;
    let bookmark = "";
    api.rewrite = (request) =>
      isWatch(request)
        ? rewriteLines((line) => {
            const { type, object } = JSON.parse(line) as { type: string; object: { metadata: { resourceVersion: string } } };
            if (type === "BOOKMARK") return ((bookmark = line), [line]);
            bookmark = JSON.stringify({
              type: "BOOKMARK",
              object: { metadata: { resourceVersion: object.metadata.resourceVersion } },
            });
            const again = history.length === 0 ? [] : [0, 1, 2].map(() => history[dice(history.length)] as string);
            history.push(line);
            const swapped = heldBack;
            heldBack = dice(2) === 0 ? line : undefined;
            // A line that is held back comes after the next one; the bookmarks let even the last one come.
            return [
              ...(heldBack === undefined ? [line, line] : []),
              ...again,
              ...(swapped === undefined ? [] : [swapped, swapped]),
              ...again,
            ];
          })
        : undefined;
    await using controller = await world.start();
    const names = Object.keys(methods).flatMap((method) => [0, 1, 2, 3, 4].map((n) => `${method}.${n}`));
    for (const name of names) {
      await requests.create(name, { url: `${origin.url}/${name}`, ...methods[name.split(".")[0] as keyof typeof methods] });
    }
    await requests.create("last", { url: `${origin.url}/last` });
    for (let touch = 0; touch < 5; touch += 1) {
      // Another generation each time, which sends nothing; an older one, with its older status, makes a key due all the same.
      for (const name of names) await requests.change(name, { timeout: `${20 + touch}s` });
      await requests.annotate("last", { touched: String(touch) });
    }
    await requests.until("all are Ready", (all) => names.every((name) => isReady(all.get(name))));
    await sleep(2_000);
    expect(names.map((name) => [name, origin.count(`/${name}`)])).toEqual(names.map((name) => [name, 1]));
    expect(bookmark).not.toBe("");
    expect(await controller.metric('controller_runtime_reconcile_errors_total{controller="httprequest"}')).toBe(0);
  });

  test("F5: sends and writes nothing in an hour of bookmarks", async () => {
    await using world = await faultWorld(plane, "bookmarks");
    const { origin, api, requests } = world;
    const bookmarksAnHour = 60;
    api.rewrite = (request) =>
      isWatch(request)
        ? rewriteLines((line) => {
            const { type, object } = JSON.parse(line) as { type: string; object: { metadata: { resourceVersion: string } } };
            if (type === "BOOKMARK") return [line];
            const bookmark = JSON.stringify({
              type: "BOOKMARK",
              object: { metadata: { resourceVersion: object.metadata.resourceVersion } },
            });
            return [line, ...Array.from({ length: bookmarksAnHour }, () => bookmark)];
          })
        : undefined;
    await using _controller = await world.start();
    await requests.create("steady", { url: `${origin.url}/steady`, method: "POST" });
    await requests.until("it is Ready", (all) => isReady(all.get("steady")));
    const before = api.requests.filter((request) => request.startsWith("PATCH") && request.includes("/status")).length;
    await requests.annotate("steady", { touched: "1" });
    await sleep(1_000);
    expect(origin.count("/steady")).toBe(1);
    expect(api.requests.filter((request) => request.startsWith("PATCH") && request.includes("/status"))).toHaveLength(before);
  });
});
