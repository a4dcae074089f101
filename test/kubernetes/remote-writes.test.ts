/** What an HTTPResource costs the API server, in each part of its life: the counts of docs/performance.md, as its audit log has them. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { HTTPResourceStatus } from "../../src/api/http-resource.ts";
import { startController } from "../support/controller-process.ts";
import { until } from "../support/fault-world.ts";
import { loopbackServer, type LoopbackServer } from "../support/loopback.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

type Thing = Record<string, unknown>;

describeWithControlPlane("what an HTTPResource writes", (plane) => {
  const things = new Map<string, Thing>();
  const started = new AsyncDisposableStack();
  let origin: LoopbackServer;
  let group: string;
  let namespace: string;

  beforeAll(async () => {
    let count = 0;
    // What is put or posted is kept as it is, but for a password, and what `kept-small` has is put in small letters.
    origin = started.use(
      await loopbackServer(({ method, url, body }, response) => {
        const sent = body === "" ? {} : (JSON.parse(body) as Thing);
        const path = method === "POST" ? `${url}/${(count += 1)}` : url;
        const isNew = !things.has(path);
        if (method === "POST" || method === "PUT") things.set(path, { ...sent, id: path.split("/").at(-1) });
        const { password: _, name, ...thing } = things.get(path) ?? {};
        if (method === "DELETE") things.delete(path);
        const shown = { ...thing, name: path.includes("kept-small") ? String(name).toLowerCase() : name };
        const status = method === "DELETE" ? 204 : method === "GET" && isNew ? 404 : 200;
        response.writeHead(status, { "content-type": "application/json" });
        response.end(status === 200 ? JSON.stringify(shown) : undefined);
      }),
    );
    namespace = await plane.createNamespace("remote-writes");
    group = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}`;
    started.use(await startController(["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace]));
    await must("POST", `${group}/httpendpoints`, object("HTTPEndpoint", "api", { baseURL: origin.url }));
    await must("POST", `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: "s" },
      stringData: { password: "a-password-that-is-kept" },
    });
  });
  afterAll(() => started.disposeAsync());

  async function must(method: Parameters<typeof plane.admin>[0], path: string, body?: object): Promise<void> {
    const { status, body: said } = await plane.admin(method, path, body);
    if (status > 299) throw new Error(`answered ${status}: ${JSON.stringify(said).slice(0, 800)}`);
  }
  const object = (kind: string, name: string, spec: object): object => ({
    apiVersion: "holdfast.dev/v1alpha1",
    kind,
    metadata: { name },
    spec,
  });
  const declare = (name: string, spec: object): Promise<void> =>
    must("POST", `${group}/httpresources`, object("HTTPResource", name, spec));
  async function statusOf(name: string): Promise<HTTPResourceStatus | undefined> {
    const { status, body } = await plane.admin("GET", `${group}/httpresources/${name}`);
    return status === 200 ? ((body as { readonly status?: HTTPResourceStatus }).status ?? {}) : undefined;
  }
  const becomes = (name: string, reason: string): Promise<void> =>
    until(`${name} is ${reason}`, async () =>
      ((await statusOf(name))?.conditions ?? []).some((one) => one.type === "Ready" && one.reason === reason),
    );
  /** Until it has been looked at so many times more, so that what follows from that has been written. */
  async function looks(path: string, times = 3): Promise<void> {
    const count = (): number => origin.requests.filter(({ method, url }) => method === "GET" && url === path).length;
    const before = count();
    await until(`${path} is looked at`, () => count() >= before + times);
  }
  /** What the controller has written of one since it was asked last: `object`, `status`. */
  const since = new Map<string, number>();
  async function writes(name: string, resource = "httpresources"): Promise<readonly string[]> {
    const events = (await plane.auditEvents()).filter(
      (event) =>
        event.namespace === namespace &&
        event.resource === resource &&
        event.name === name &&
        event.verb === "patch" &&
        event.user === "holdfast" &&
        event.code < 300,
    );
    const before = since.get(name) ?? 0;
    since.set(name, events.length);
    return events.slice(before).map(({ subresource }) => (subresource === "" ? "object" : subresource));
  }

  const given = (path: string, more: object = {}): object => ({
    endpointRef: { name: "api" },
    parameters: { name: "Ada", size: 1 },
    externalID: ".response.body.id",
    observe: { path: `${path}/\${ .externalID }` },
    create: { path, body: { json: "${ .parameters }" } },
    update: { path: `${path}/\${ .externalID }`, body: { json: "${ .parameters }" } },
    delete: { path: `${path}/\${ .externalID }` },
    interval: "1s",
    ...more,
  });
  const put = (path: string, more: object = {}): object => ({
    endpointRef: { name: "api" },
    parameters: { name: "Ada", size: 1 },
    externalID: ".metadata.name",
    observe: { path },
    create: { path, method: "PUT", body: { json: "${ .parameters }" } },
    update: { path, body: { json: "${ .parameters }" } },
    delete: { path },
    interval: "1s",
    ...more,
  });

  test("created by a POST: the finalizer, the intent, the outcome, and that it was seen; nothing at rest", async () => {
    await declare("posted", given("/posted"));
    await until("it is seen", async () => (await statusOf("posted"))?.seen === true);
    const [path = ""] = [...things.keys()].filter((key) => key.startsWith("/posted/"));
    await looks(path);
    expect(await writes("posted")).toEqual(["object", "status", "status", "status"]);
    await looks(path);
    expect(await writes("posted")).toEqual([]);
  });

  test("created by a PUT: the outcome, with delete the finalizer and that it was seen, too; changed or put right: the outcome", async () => {
    await declare("stays", put("/stays", { delete: undefined }));
    await becomes("stays", "Created");
    await looks("/stays");
    expect(await writes("stays")).toEqual(["status"]);
    await must("DELETE", `${group}/httpresources/stays`);
    things.delete("/stays");
    await declare("put", put("/put"));
    await until("it is seen", async () => (await statusOf("put"))?.seen === true);
    await looks("/put");
    expect(await writes("put")).toEqual(["object", "status", "status"]);
    await plane.adminPatch(`${group}/httpresources/put`, { spec: { parameters: { size: 2 } } });
    await until("it is changed", () => things.get("/put")?.["size"] === 2);
    await becomes("put", "Updated");
    await looks("/put", 6); // what differs sooner has not held, which is recorded until it holds
    expect(await writes("put")).toEqual(["status"]);
    things.set("/put", { ...things.get("/put"), size: 99 });
    await until("it is put right", () => things.get("/put")?.["size"] === 2);
    await looks("/put");
    expect(await writes("put")).toEqual(["status"]);
    await looks("/put");
    expect(await writes("put")).toEqual([]);
  });

  test("that was there already: the finalizer and one status, also where a password has to be sent first", async () => {
    things.set("/there", { name: "Ada", size: 1 });
    await declare("there", put("/there"));
    await becomes("there", "Adopted");
    await looks("/there");
    expect(await writes("there")).toEqual(["object", "status"]);
    things.set("/told", { name: "Ada", size: 1 });
    const json = "${ .parameters + {password: .inputs.password} }";
    const inputs = { password: { secretKeyRef: { name: "s", key: "password" } } };
    await declare("told", put("/told", { inputs, update: { path: "/told", body: { json } } }));
    await becomes("told", "Updated");
    await looks("/told");
    expect(await writes("told")).toEqual(["object", "status"]);
  });

  test("whose corrections do not hold: one status each for the first, and then none until the next is due", async () => {
    await declare("small", put("/kept-small"));
    await becomes("small", "NotHeld");
    await writes("small");
    await looks("/kept-small", 2);
    expect((await writes("small")).length).toBeLessThanOrEqual(1);
  });

  test("deleted: the finalizer; and its endpoint one for the time in which it is needed", async () => {
    const names = ["posted", "put", "there", "told", "small"];
    for (const name of names) await writes(name);
    for (const name of names) await must("DELETE", `${group}/httpresources/${name}`);
    for (const name of names) await until(`${name} is gone`, async () => (await statusOf(name)) === undefined);
    expect(things.size).toBe(0);
    for (const name of names) expect([name, await writes(name)]).toEqual([name, ["object"]]);
    // Its own status, the finalizer before the first request, and off after the last.
    await until("it is let go", async () => {
      const { body } = await plane.admin("GET", `${group}/httpendpoints/api`);
      return ((body as { metadata: { finalizers?: readonly string[] } }).metadata.finalizers ?? []).length === 0;
    });
    expect((await writes("api", "httpendpoints")).toSorted()).toEqual(["object", "object", "status"]);
  });
});
