/** Deletions on a real API server: all that belongs together at once, in whatever order, and each ends. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { startUsersOrigin, type UsersOrigin } from "../support/users-origin.ts";

const waitMs = 60_000;
const apiVersion = "holdfast.dev/v1alpha1";
const inUse = "holdfast.dev/in-use";
interface Live {
  readonly metadata: { readonly finalizers?: readonly string[]; readonly deletionTimestamp?: string };
  readonly status?: { readonly conditions?: readonly { type: string; reason: string; message: string }[] };
}

describeWithControlPlane("a deletion", (plane) => {
  let origin: UsersOrigin;
  let controller: HoldfastProcess;
  let namespace: string;
  const stack = new AsyncDisposableStack();

  beforeAll(async () => {
    origin = stack.use(await startUsersOrigin());
    namespace = await plane.createNamespace("deletions");
    controller = await startController(["--kubeconfig", plane.kubeconfigs.holdfast]);
  });
  afterAll(async () => {
    await controller[Symbol.asyncDispose]();
    await stack.disposeAsync();
  });

  const collection = (plural: string): string =>
    plural === "secrets"
      ? `/api/v1/namespaces/${namespace}/secrets`
      : plural === "clusterhttpendpoints"
        ? `/apis/${apiVersion}/${plural}`
        : `/apis/${apiVersion}/namespaces/${namespace}/${plural}`;
  async function declare(plural: string, object: object): Promise<void> {
    const { status, body } = await plane.admin("POST", collection(plural), object);
    if (status > 299) throw new Error(JSON.stringify(body));
  }
  async function get(plural: string, name: string): Promise<Live | undefined> {
    const { status, body } = await plane.admin("GET", `${collection(plural)}/${name}`);
    return status === 200 ? (body as Live) : undefined;
  }
  const remove = (plural: string, name: string) => plane.admin("DELETE", `${collection(plural)}/${name}`);
  const condition = (live: Live | undefined, type: string) => live?.status?.conditions?.find((one) => one.type === type);
  const isGone = (plural: string, name: string): Promise<void> =>
    until(`${plural}/${name} is gone`, async () => (await get(plural, name)) === undefined, waitMs).catch(
      async (cause: unknown) => {
        throw new Error(JSON.stringify((await get(plural, name))?.status?.conditions), { cause });
      },
    );
  const isReady = (name: string): Promise<void> =>
    until(`${name} is Ready`, async () => condition(await get("httpresources", name), "Ready")?.reason === "Created", waitMs);
  const secret = (name: string): Promise<void> =>
    declare("secrets", { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData: { token: `token-of-${name}` } });
  function endpoint(name: string, kind = "HTTPEndpoint", more: object = {}): Promise<void> {
    const spec = { baseURL: origin.url, auth: { bearer: { token: { secretKeyRef: { name, key: "token" } } } }, ...more };
    return declare(`${kind.toLowerCase()}s`, { apiVersion, kind, metadata: { name }, spec });
  }
  function user(name: string, more: object = {}): Promise<void> {
    const spec = {
      externalID: ".response.body.id",
      observe: { path: "/users/${ .externalID }" },
      create: { path: "/users", body: { json: { name } } },
      delete: { path: "/users/${ .externalID }" },
      interval: "1h",
      ...more,
    };
    return declare("httpresources", { apiVersion, kind: "HTTPResource", metadata: { name }, spec });
  }
  const named = (name: string) => [...origin.users.values()].filter((one) => one["name"] === name);

  const things = [
    ["secrets", "all"],
    ["httpendpoints", "all"],
    ["httpresources", "parent"],
    ["httpresources", "child"],
  ] as const;
  test.each([
    ["the Secret first, as a namespace's deletion does", things],
    ["what refers to others first", things.toReversed()],
  ])(
    "wish 7: of a folder with its endpoint, Secret, parent and child ends: %s",
    async (_, order) => {
      await secret("all");
      await endpoint("all");
      await user("parent", { endpointRef: { name: "all" } });
      const parent = { objectRef: { kind: "HTTPResource", name: "parent", expression: ".status.externalID" } };
      await user("child", {
        endpointRef: { name: "all" },
        inputs: { parent },
        create: { path: "/users", body: { json: { name: "child", parent: "${ .inputs.parent }" } } },
      });
      await isReady("child");
      expect((await get("httpendpoints", "all"))?.metadata.finalizers).toEqual([inUse]);
      const before = origin.requests.length;
      for (const [plural, name] of order) await remove(plural, name);
      for (const [plural, name] of order) await isGone(plural, name);
      const deleted = origin.requests.slice(before).filter(({ method }) => method === "DELETE");
      expect(deleted.map(({ headers }) => headers["authorization"])).toEqual(["Bearer token-of-all", "Bearer token-of-all"]);
      expect([...named("parent"), ...named("child")]).toEqual([]);
    },
    180_000,
  );

  test("F30: of all HTTPResources at once ends, and their endpoint waits for none of them any more", async () => {
    await secret("fleet");
    await endpoint("fleet");
    const names = Array.from({ length: 8 }, (_, index) => `fleet-${index}`);
    for (const [index, name] of names.entries())
      await user(name, {
        endpointRef: { name: "fleet" },
        ...(index > 0 && { dependsOn: [{ kind: "HTTPResource", name: names[index - 1] }] }),
      });
    await isReady("fleet-7");
    await plane.admin("DELETE", collection("httpresources"));
    for (const name of names) await isGone("httpresources", name);
    // It waits for no controller that may have been uninstalled by the time it is deleted.
    await until("it is let go", async () => (await get("httpendpoints", "fleet"))?.metadata.finalizers === undefined, waitMs);
    expect(names.flatMap(named)).toEqual([]);
  });

  test("of an endpoint waits for what needs it, says for whom, begins nothing new, and is let go by the annotation", async () => {
    await secret("waits");
    await endpoint("waits");
    await user("keeps", { endpointRef: { name: "waits" } });
    await isReady("keeps");
    await remove("httpendpoints", "waits");
    await until("it says so", async () => condition(await get("httpendpoints", "waits"), "InUse") !== undefined, waitMs);
    const waits = await get("httpendpoints", "waits");
    expect(condition(waits, "InUse")?.message).toMatch(
      /^HTTPResource "keeps" needs this endpoint .*holdfast\.dev\/orphan: "true"/,
    );
    expect(condition(waits, "Ready")?.reason).toBe("Accepted");
    await user("late", { endpointRef: { name: "waits" } });
    await until("it is refused", async () => condition(await get("httpresources", "late"), "Ready") !== undefined, waitMs);
    const late = await get("httpresources", "late");
    expect(condition(late, "Ready")).toMatchObject({ reason: "EndpointNotFound" });
    expect(condition(late, "Ready")?.message).toContain('HTTPEndpoint "waits" is being deleted');
    expect(named("late")).toEqual([]);
    const orphan = { metadata: { annotations: { "holdfast.dev/orphan": "true" } } };
    await plane.adminPatch(`${collection("httpendpoints")}/waits`, orphan);
    await isGone("httpendpoints", "waits");
    await remove("httpresources", "late");
    await remove("httpresources", "keeps");
    const told = async () => condition(await get("httpresources", "keeps"), "Ready");
    await until("it says what it lacks", async () => (await told())?.message.includes("holdfast.dev/orphan") === true, waitMs);
    expect(await told()).toMatchObject({ reason: "EndpointNotFound" });
    await plane.adminPatch(`${collection("httpresources")}/keeps`, orphan);
    await isGone("httpresources", "keeps");
    expect(named("keeps")).toHaveLength(1);
  });

  test("F30: of a cluster's endpoint waits, too, and a Secret that only delete reads is known to the end", async () => {
    await secret("cluster");
    await secret("only-delete");
    const allowedNamespaces = { from: "Names", names: [namespace] };
    await endpoint("cluster", "ClusterHTTPEndpoint", {
      allowedNamespaces,
      allowedHeaders: ["X-Confirm"],
      secretNamespace: namespace,
    });
    const more = { name: "X-Confirm", value: "${ .inputs.token }" };
    await user("far", {
      endpointRef: { kind: "ClusterHTTPEndpoint", name: "cluster" },
      inputs: { token: { secretKeyRef: { name: "only-delete", key: "token" } } },
      delete: { path: "/users/${ .externalID }", headers: [more] },
    });
    await isReady("far");
    for (const name of ["cluster", "only-delete"]) await remove("secrets", name);
    await remove("clusterhttpendpoints", "cluster");
    // Controllers of other files see it, too, and a part of the cluster only: they say less.
    const why = async (): Promise<string> => condition(await get("clusterhttpendpoints", "cluster"), "InUse")?.message ?? "";
    await until("it says so", async () => (await why()).includes(`an HTTPResource of the namespace "${namespace}"`), waitMs);
    await remove("httpresources", "far");
    await isGone("httpresources", "far");
    await isGone("clusterhttpendpoints", "cluster");
    const last = origin.requests.findLast(({ method }) => method === "DELETE");
    expect(last?.headers).toMatchObject({ authorization: "Bearer token-of-cluster", "x-confirm": "token-of-only-delete" });
  });

  test("F30: without a Secret that this process never read says so, with the way out, and ends by it", async () => {
    await secret("unread");
    await endpoint("unread");
    await user("unread", { endpointRef: { name: "unread" } });
    await isReady("unread");
    await controller[Symbol.asyncDispose]();
    await remove("secrets", "unread");
    await remove("httpendpoints", "unread");
    await remove("httpresources", "unread");
    controller = await startController(["--kubeconfig", plane.kubeconfigs.holdfast]);
    await until(
      "it says what it lacks",
      async () => condition(await get("httpresources", "unread"), "Ready")?.reason === "SecretNotFound",
      waitMs,
    );
    expect(condition(await get("httpresources", "unread"), "Ready")?.message).toMatch(/"unread".*holdfast\.dev\/orphan: "true"/);
    await secret("unread");
    await isGone("httpresources", "unread");
    await isGone("httpendpoints", "unread");
    expect(named("unread")).toEqual([]);
  });
});
