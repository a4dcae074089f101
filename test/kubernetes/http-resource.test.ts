/** HTTPResource on a real API server, against a users API that counts and misbehaves. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { HTTPResourceStatus } from "../../src/api/http-resource.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { startUsersOrigin, type UsersOrigin } from "../support/users-origin.ts";

interface Declared {
  readonly metadata: {
    readonly name: string;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
    readonly resourceVersion: string;
  };
  readonly status?: HTTPResourceStatus;
}

describeWithControlPlane("an HTTPResource", (plane) => {
  let origin: UsersOrigin;
  let controller: HoldfastProcess;
  let collection: string;
  let namespace: string;
  let args: readonly string[];
  const stack = new AsyncDisposableStack();

  beforeAll(async () => {
    origin = stack.use(await startUsersOrigin());
    namespace = await plane.createNamespace("resources");
    collection = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httpresources`;
    args = ["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace];
    await declareEndpoint("users-api");
    controller = await startController(args);
  });
  afterAll(async () => {
    await controller[Symbol.asyncDispose]();
    await stack.disposeAsync();
  });

  async function must(reply: Promise<{ status: number; body: unknown }>): Promise<void> {
    const { status, body } = await reply;
    if (status > 299) throw new Error(`answered ${status}: ${JSON.stringify(body).slice(0, 800)}`);
  }
  async function declareEndpoint(name: string): Promise<void> {
    const spec = { baseURL: origin.url };
    const endpoint = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPEndpoint", metadata: { name }, spec };
    await must(plane.admin("POST", collection.replace("httpresources", "httpendpoints"), endpoint));
  }
  /** As a user writes it, known by the id that the server gives. */
  function user(name: string, more: object = {}): object {
    return {
      endpointRef: { name: "users-api" },
      parameters: { name, age: 36 },
      externalID: ".response.body.id",
      observe: { path: "/users/${ .externalID }" },
      create: { path: "/users", body: { json: "${ .parameters }" } },
      update: { path: "/users/${ .externalID }", body: { json: "${ .parameters }" } },
      delete: { path: "/users/${ .externalID }" },
      retry: { backoff: { initial: "200ms", max: "1s" } },
      interval: "1s",
      ...more,
    };
  }
  const byName = { lookup: { path: "/users", items: ".response.body.items", match: ".item.name == .parameters.name" } };
  async function create(name: string, spec: object, annotations: object = {}): Promise<void> {
    const object = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPResource", metadata: { name, annotations }, spec };
    await must(plane.admin("POST", collection, object));
  }
  const change = (name: string, patch: object): Promise<void> => must(plane.adminPatch(`${collection}/${name}`, patch));
  const remove = (name: string): Promise<void> => must(plane.admin("DELETE", `${collection}/${name}`));
  async function get(name: string): Promise<Declared | undefined> {
    const { status, body } = await plane.admin("GET", `${collection}/${name}`);
    return status === 200 ? (body as Declared) : undefined;
  }
  const condition = (object: Declared | undefined, type: string) => object?.status?.conditions?.find((one) => one.type === type);
  /** Waits until Ready has one of these, a status and a reason; gives the object. */
  async function becomes(name: string, ...states: readonly string[]): Promise<Declared> {
    let seen: Declared | undefined;
    await until(`${name} is ${states.join(" or ")}`, async () => {
      seen = await get(name);
      const { status, reason } = condition(seen, "Ready") ?? {};
      return states.includes(`${status}/${reason}`);
    }).catch((cause: unknown) => {
      throw new Error(`${name}: ${JSON.stringify(seen?.status)}; sent: ${origin.sent(name).join(", ")}`, { cause });
    });
    return seen as Declared;
  }
  const isGone = (name: string): Promise<void> => until(`${name} is gone`, async () => (await get(name)) === undefined);
  function idOf(object: Declared): string {
    return object.status?.externalID ?? "";
  }
  const posts = (name: string): number =>
    origin.requests.filter(({ method, body }) => method === "POST" && body.includes(`"${name}"`)).length;
  const writes = (method: string, id: string): number =>
    origin.requests.filter((one) => one.method === method && one.path === `/users/${id}`).length;
  /** Waits until it has been observed so many times more. */
  async function isObserved(id: string, times: number): Promise<void> {
    const before = writes("GET", id);
    await until(`${id} is observed`, () => writes("GET", id) >= before + times);
  }

  test("is created once, observed each interval, and at rest neither written nor given a new socket", async () => {
    await create("ada", user("ada"));
    const ada = await becomes("ada", "True/Created");
    expect(posts("ada")).toBe(1);
    expect(ada.metadata.finalizers).toEqual(["holdfast.dev/release"]);
    expect(origin.users.get(idOf(ada))).toMatchObject({ name: "ada", age: 36 });
    await until("that it was seen is recorded", async () => (await get("ada"))?.status?.seen === true);
    const [before, sockets] = [await get("ada"), await controller.metric("holdfast_http_sockets_opened_total")];
    await isObserved(idOf(ada), 3);
    expect((await get("ada"))?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
    expect(await controller.metric("holdfast_http_sockets_opened_total")).toBe(sockets);
    expect(posts("ada")).toBe(1);
    const events = (await plane.auditEvents()).filter(
      (event) => event.namespace === namespace && event.name === "ada" && event.verb === "patch",
    );
    expect(events.map(({ subresource }) => subresource)).toEqual(["", "status", "status", "status"]); // and that it was seen
  });

  test("wish 1, mistake 1: is not touched, and loses no id, because of a 401, a 500 or a reset to observe", async () => {
    await create("grace", user("grace"));
    const grace = await becomes("grace", "True/Created");
    const id = idOf(grace);
    for (const [reply, reason] of [
      [{ type: "answer", status: 401, body: { id: "stolen" } }, "NotAuthorized"],
      [{ type: "answer", status: 500, body: {} }, "UnexpectedStatus"],
      [{ type: "reset" }, "ConnectionReset"],
    ] as const) {
      origin.misbehave = ({ path }) => (path === `/users/${id}` ? reply : undefined);
      expect(idOf(await becomes("grace", `Unknown/${reason}`))).toBe(id);
      await isObserved(id, 2);
    }
    origin.misbehave = () => undefined;
    const after = await becomes("grace", "True/AsDeclared");
    expect(idOf(after)).toBe(id);
    expect([posts("grace"), writes("PUT", id), writes("DELETE", id)]).toEqual([1, 0, 0]);
  });

  test("mistake 2: is neither created nor let go where its server only breaks the connection, and says the way out", async () => {
    origin.users.set("there", { id: "there", name: "emmy", age: 36 });
    origin.misbehave = ({ path }) => (path === "/users/there" ? { type: "reset" } : undefined);
    const path = "/users/there";
    await create("emmy", user("emmy", { observe: { path }, update: undefined, delete: { path } }));
    await becomes("emmy", "Unknown/ConnectionReset");
    await isObserved("there", 2);
    expect(posts("emmy")).toBe(0);
    origin.misbehave = () => undefined;
    await becomes("emmy", "True/Adopted");
    origin.misbehave = ({ path }) => (path === "/users/there" ? { type: "reset" } : undefined);
    await remove("emmy");
    const emmy = await becomes("emmy", "False/ConnectionReset");
    expect(emmy.metadata.finalizers).toEqual(["holdfast.dev/release"]);
    expect(condition(emmy, "Ready")?.message).toContain('holdfast.dev/orphan: "true"');
    origin.misbehave = () => undefined;
    await isGone("emmy");
    expect([origin.users.has("there"), posts("emmy")]).toEqual([false, 0]);
  });

  test("wish 19: that drifts is corrected by one PUT, and what the server adds is no drift", async () => {
    await create("alan", user("alan"));
    const id = idOf(await becomes("alan", "True/Created"));
    origin.users.set(id, { ...origin.users.get(id), id, age: 99, extra: { added: true } });
    const alan = await becomes("alan", "True/Updated");
    expect(condition(alan, "Drifted")).toMatchObject({
      status: "False",
      reason: "Corrected",
      message: "corrected: .age (wanted: 36)",
    });
    await isObserved(id, 2);
    expect(writes("PUT", id)).toBe(1);
    expect(origin.users.get(id)).toMatchObject({ age: 36, extra: { added: true } });
  });

  test("wish 19: sends a PATCH of only what differs, and masks what is secret where it reports", async () => {
    await must(
      plane.admin("POST", `/api/v1/namespaces/${namespace}/secrets`, {
        metadata: { name: "team" },
        stringData: { team: "s3cret-team" },
      }),
    );
    const inputs = { team: { secretKeyRef: { name: "team", key: "team" } } };
    const mergePatch = { name: "edsger", age: "${ .parameters.age }", team: "${ .inputs.team }" };
    const update = { path: "/users/${ .externalID }", body: { mergePatch } };
    await create("edsger", user("edsger", { inputs, update, drift: "Report" }));
    const reported = await becomes("edsger", "False/NotDelivered");
    const id = idOf(reported);
    expect(writes("PATCH", id)).toBe(0);
    await change("edsger", { spec: { drift: "Correct" } });
    await becomes("edsger", "True/Updated");
    await isObserved(id, 2);
    const patches = origin.requests.filter(({ method, path }) => method === "PATCH" && path === `/users/${id}`);
    expect(patches.map(({ body }) => body)).toEqual(['{"team":"s3cret-team"}']);
    expect(patches[0]?.headers["content-type"]).toBe("application/merge-patch+json");
  });

  test("wish 20: takes its id from a Location header", async () => {
    await create("barbara", user("barbara", { externalID: '.response.headers.location | split("/") | last' }));
    const barbara = await becomes("barbara", "True/Created");
    expect(origin.users.get(idOf(barbara))).toMatchObject({ name: "barbara" });
  });

  test("wish 6, wish 20: that exists on the third page of a list is taken over and not created", async () => {
    for (let number = 0; number < 6; number += 1)
      origin.users.set(`old-${number}`, { id: `old-${number}`, name: `old-${number}`, age: 36 });
    origin.users.set("existing", { id: "existing", name: "margaret", age: 36 });
    await create("margaret", user("margaret", byName));
    expect(idOf(await becomes("margaret", "True/Adopted"))).toBe("existing");
    expect(posts("margaret")).toBe(0);
    expect(origin.sent("page=3").length).toBeGreaterThan(0);
  });

  test.each([
    ["query parameters", "dora", ".response.body.next | if . then {page: .} else null end"],
    ["a URL", "emmy", '.response.body.next | if . then "/users?page=\\(.)" else null end'],
  ])("wish 20: is found on a page that an expression names by %s", async (_how, name, next) => {
    origin.users.set(`id-of-${name}`, { id: `id-of-${name}`, name, age: 36 });
    await create(name, user(name, { lookup: { ...byName.lookup, next } }));
    expect(idOf(await becomes(name, "True/Adopted"))).toBe(`id-of-${name}`);
    expect(posts(name)).toBe(0);
  });

  test("wish 19: is there, and as declared, as exists and upToDate say, and stays by its deletionPolicy", async () => {
    const judged = { exists: '.response.body.state != "gone"', upToDate: ".response.body.age >= .parameters.age" };
    await create("olga", user("olga", { ...judged, deletionPolicy: "Orphan" }));
    const id = idOf(await becomes("olga", "True/Created"));
    origin.users.set(id, { ...origin.users.get(id), id, age: 40 });
    await isObserved(id, 2);
    expect(writes("PUT", id)).toBe(0);
    origin.users.set(id, { ...origin.users.get(id), id, age: 35 });
    await becomes("olga", "True/Updated");
    origin.users.set(id, { ...origin.users.get(id), id, state: "gone" });
    await until("it is created again", () => posts("olga") === 2);
    const again = idOf(await becomes("olga", "True/Created"));
    await remove("olga");
    await isGone("olga");
    expect([again === id, origin.users.has(again), writes("DELETE", again)]).toEqual([false, true, 0]);
  });

  test("with an observe alone is Absent until somebody else makes it, and is sent nothing but GETs", async () => {
    await create("vera", { endpointRef: { name: "users-api" }, observe: { path: "/users/vera" }, interval: "1s" });
    await becomes("vera", "False/Absent");
    origin.users.set("vera", { id: "vera" });
    expect((await becomes("vera", "True/Adopted")).metadata).not.toHaveProperty("finalizers");
    await remove("vera");
    await isGone("vera");
    expect(new Set(origin.sent("vera"))).toEqual(new Set(["GET /users/vera"]));
  });

  test("with a create and an update alone is sent each change of what update sends, once", async () => {
    const { create: making, update } = user("hanna") as Record<"create" | "update", object>;
    const declared = { ...user("hanna"), observe: undefined, delete: undefined };
    await create("hanna", { ...declared, create: making, update });
    const hanna = await becomes("hanna", "True/Created");
    expect(hanna.metadata).not.toHaveProperty("finalizers");
    await change("hanna", { spec: { update: { body: { json: { age: 37 } } } } });
    await becomes("hanna", "True/Updated");
    expect(origin.users.get(idOf(hanna))).toMatchObject({ age: 37 });
    await change("hanna", { spec: { interval: "2s" } });
    await until("it is seen", async () => (await get("hanna"))?.status?.observedGeneration === 3);
    expect([posts("hanna"), writes("PUT", idOf(hanna)), writes("GET", idOf(hanna))]).toEqual([1, 1, 0]);
  });

  test("wish 6: takes over the id in its annotation", async () => {
    origin.users.set("imported", { id: "imported", name: "hedy", age: 36 });
    await create("hedy", user("hedy"), { "holdfast.dev/external-id": "imported" });
    expect(idOf(await becomes("hedy", "True/Adopted"))).toBe("imported");
    expect(posts("hedy")).toBe(0);
  });

  test("wish 6: is not created in place of an object whose id is wrong, until somebody says so", async () => {
    await create("annie", user("annie"), { "holdfast.dev/external-id": "no-such-id" });
    const annie = await becomes("annie", "False/ImportNotFound");
    expect(condition(annie, "Stalled")?.message).toContain("holdfast.dev/external-id");
    expect(annie.status).not.toHaveProperty("externalID");
    await isObserved("no-such-id", 2);
    expect([(await get("annie"))?.metadata.resourceVersion, posts("annie")]).toEqual([annie.metadata.resourceVersion, 0]);
    await change("annie", { metadata: { annotations: { "holdfast.dev/external-id": null } } });
    await becomes("annie", "True/Created");
    expect(posts("annie")).toBe(1);
  });

  test("wish 6: is not so either where its endpoint is restored after it", async () => {
    const annotations = { "holdfast.dev/external-id": "of-before" };
    await create("edith", { ...user("edith"), endpointRef: { name: "restored-later" } }, annotations);
    const early = await becomes("edith", "False/EndpointNotFound");
    expect(early.status).not.toHaveProperty("externalID");
    await declareEndpoint("restored-later");
    await becomes("edith", "False/ImportNotFound");
    origin.users.set("of-before", { id: "of-before", name: "edith", age: 36 });
    expect(idOf(await becomes("edith", "True/Adopted"))).toBe("of-before");
    expect(posts("edith")).toBe(0);
  });

  test("wish 10, wish 19: tells of each drift once, by an event without a secret, and not of one's own change", async () => {
    await must(
      plane.admin("POST", `/api/v1/namespaces/${namespace}/secrets`, {
        metadata: { name: "club" },
        stringData: { club: "s3cret-club" },
      }),
    );
    const parameters = { name: "lise", age: 36 };
    const body = { json: { age: "${ .parameters.age }", club: "${ .inputs.club }" } };
    const inputs = { club: { secretKeyRef: { name: "club", key: "club" } } };
    const update = { path: "/users/${ .externalID }", body };
    await create("lise", user("lise", { inputs, update }));
    const id = idOf(await becomes("lise", "True/Updated")); // the server did not know the club
    const told = async (): Promise<string[]> => {
      const { body } = await plane.admin("GET", `/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
      const { items } = body as { items: { type: string; reason: string; note: string; regarding: { name: string } }[] };
      return items.filter((one) => one.regarding.name === "lise").map(({ type, reason, note }) => `${type} ${reason}: ${note}`);
    };
    const isTold = (count: number): Promise<void> => until(`${count} events`, async () => (await told()).length >= count);
    await change("lise", { spec: { parameters: { ...parameters, age: 37 } } });
    await until("one's own change is sent", () => origin.users.get(id)?.["age"] === 37);
    await isObserved(id, 2);
    origin.users.set(id, { ...origin.users.get(id), id, age: 99, club: "another" });
    await isTold(1);
    await isObserved(id, 2);

    await change("lise", { spec: { drift: "Report" } });
    await until("that is seen", async () => (await get("lise"))?.status?.observedGeneration === 3); // or the next is still corrected
    origin.users.set(id, { ...origin.users.get(id), id, age: 98 });
    await becomes("lise", "False/Drifted");
    await isObserved(id, 2);
    await isTold(2);
    expect((await told()).toSorted()).toEqual([
      "Normal Corrected: corrected: .age (wanted: 37)",
      "Warning Drifted: the remote object is not as declared, and nothing is sent: spec.drift is Report. Correct it at its server, or set spec.drift: Correct",
    ]);
  });

  test("wish 15: whose create was answered by a reset is not created twice, but found", async () => {
    origin.misbehave = ({ method, body }) => (method === "POST" && body.includes('"katherine"') ? { type: "reset" } : undefined);
    await create("katherine", user("katherine", byName));
    const katherine = await becomes("katherine", "True/AsDeclared", "True/Adopted");
    origin.misbehave = () => undefined;
    expect(origin.users.get(idOf(katherine))).toMatchObject({ name: "katherine" });
    expect(posts("katherine")).toBe(1);
  });

  test("wish 7: is deleted once, and an object whose server is gone can be let go", async () => {
    await create("mary", user("mary"));
    const id = idOf(await becomes("mary", "True/Created"));
    await remove("mary");
    await isGone("mary");
    expect(writes("DELETE", id)).toBe(1);
    expect(origin.users.has(id)).toBe(false);

    await create("joan", user("joan"));
    const joan = idOf(await becomes("joan", "True/Created"));
    origin.misbehave = ({ path }) => (path === `/users/${joan}` ? { type: "reset" } : undefined);
    await remove("joan");
    const stuck = await becomes("joan", "False/ConnectionReset");
    expect(condition(stuck, "Ready")?.message).toContain('holdfast.dev/orphan: "true"');
    expect(stuck.metadata.finalizers).toEqual(["holdfast.dev/release"]);
    await change("joan", { metadata: { annotations: { "holdfast.dev/orphan": "true" } } });
    await isGone("joan");
    origin.misbehave = () => undefined;
  });

  test("wish 15: whose controller is killed while it creates stays one object, and goes on after a restart", async () => {
    const held = Promise.withResolvers<never>();
    let arrived = false;
    origin.misbehave = ({ method, body }) => {
      if (method !== "POST" || !body.includes('"sophie"')) return undefined;
      arrived = true;
      return held.promise as never;
    };
    await create("sophie", user("sophie", byName));
    await until("the create has arrived", () => arrived);
    controller.kill("SIGKILL");
    await controller.exited;
    origin.misbehave = () => undefined;
    const before = posts("ada");
    controller = await startController(args);
    const sophie = await becomes("sophie", "True/AsDeclared", "True/Adopted");
    expect(origin.users.get(idOf(sophie))).toMatchObject({ name: "sophie" });
    expect(posts("sophie")).toBe(1);
    expect(posts("ada")).toBe(before);
    await isObserved(idOf((await get("ada")) as Declared), 2);
  });

  test("wish 5, wish 7, wish 15: whose requests go on after a 202 is sent each once, through a kill in the middle", async () => {
    const ended = { create: false, update: false, delete: false };
    const jobs = (): number => origin.sent("/jobs/").length;
    const rosalind = () => [...origin.users.values()].find(({ name }) => name === "rosalind");
    origin.misbehave = ({ method, path, body }) => {
      if (method === "POST" && body.includes('"rosalind"'))
        return { type: "answer", status: 202, headers: { location: "/jobs/make" }, body: { state: "making" } };
      if (method === "PUT") return { type: "answer", status: 202, headers: { "operation-location": "/jobs/change" }, body: {} };
      if (method === "DELETE") return { type: "answer", status: 202, headers: { location: "/jobs/remove" } };
      if (path === "/jobs/make")
        return ended.create ? { type: "answer", body: rosalind() } : { type: "answer", status: 202, body: {} };
      if (path === "/jobs/change") return { type: "answer", body: { status: ended.update ? "Succeeded" : "Running" } };
      if (path === "/jobs/remove") return { type: "answer", status: ended.delete ? 404 : 202 };
      return undefined;
    };
    const poll = { interval: "200ms" };
    const { create: making, update, delete: removing } = user("rosalind") as Record<"create" | "update" | "delete", object>;
    const polled = { create: { ...making, poll }, update: { ...update, poll }, delete: { ...removing, poll } };
    await create("rosalind", user("rosalind", polled));
    const polling = await becomes("rosalind", "False/Polling");
    expect(polling.status).toMatchObject({ attempt: { verb: "Create", phase: "Polling" }, poll: { url: "/jobs/make" } });
    await until("the work is asked after", () => jobs() >= 2);
    expect((await get("rosalind"))?.metadata.resourceVersion).toBe(polling.metadata.resourceVersion);
    controller.kill("SIGKILL");
    await controller.exited;
    const before = jobs();
    controller = await startController(args);
    await until("the work is asked after again", () => jobs() > before);
    ended.create = true;
    const made = await becomes("rosalind", "True/Created");
    expect(idOf(made)).toBe(rosalind()?.id);
    expect(made.status).not.toHaveProperty("poll");
    expect(posts("rosalind")).toBe(1);
    await isObserved(idOf(made), 1);

    origin.users.set(idOf(made), { ...origin.users.get(idOf(made)), id: idOf(made), age: 99 });
    expect(condition(await becomes("rosalind", "False/Polling"), "Drifted")).toMatchObject({ status: "True" });
    await until("the update is asked after", () => origin.sent("/jobs/change").length >= 2);
    ended.update = true;
    expect(condition(await becomes("rosalind", "True/Updated"), "Drifted")).toMatchObject({ reason: "Corrected" });
    expect(writes("PUT", idOf(made))).toBe(1);

    await remove("rosalind");
    await until("its end is asked after", () => origin.sent("/jobs/remove").length >= 2);
    expect(await becomes("rosalind", "False/Polling")).toMatchObject({ metadata: { finalizers: ["holdfast.dev/release"] } });
    ended.delete = true;
    await isGone("rosalind");
    expect(writes("DELETE", idOf(made))).toBe(1);
    origin.misbehave = () => undefined;
  });
});
