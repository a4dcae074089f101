/** The peer's objects, served on a real API server: made, taken over, handed back and paused. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { until } from "../support/fault-world.ts";
import { peerOrigin, type PeerOrigin } from "../support/peer-origin.ts";
import {
  conditionText,
  getServed,
  makeLiveMember,
  memberRequest,
  servedGroup,
  servedPath,
  toldTo,
  startServing,
  untilSays,
  type Served,
} from "../support/serving.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const longMs = 120_000;

describeWithControlPlane("serving", (plane) => {
  let origin: PeerOrigin;
  let namespace: string;
  let vault: string;
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());

  const get = (plural: string, name: string): Promise<Served | undefined> => getServed(plane, plural, namespace, name);
  const request = (name: string, more: Parameters<typeof memberRequest>[1] = {}): ReturnType<typeof memberRequest> =>
    memberRequest({ name, namespace, origin: origin.url }, more);
  const sent = (): readonly string[] => toldTo(origin);
  const says = (plural: string, name: string, type: string, text: string): Promise<void> =>
    untilSays(plane, { plural, namespace, name }, { type, text, limitMs: longMs });
  async function remove(plural: string, name: string): Promise<void> {
    await plane.kubectl("delete", `${plural}.${servedGroup}`, name, "-n", namespace, "--wait=false");
  }
  const annotate = (plural: string, name: string, annotations: object): Promise<unknown> =>
    plane.adminPatch(servedPath(plural, namespace, name), { metadata: { annotations } });
  const live = async (name: string, more: Parameters<typeof memberRequest>[1] = {}): Promise<Served> =>
    (await makeLiveMember(plane, { name, namespace, origin: origin.url }, more)).object;

  beforeAll(async () => {
    namespace = await plane.createNamespace("serve");
    origin = stack.use(await peerOrigin());
    vault = await plane.createNamespace("serve-vault");
    stack.use(await startServing(plane, namespace, ["--serve-secret-namespace", vault]));
  }, longMs);

  test(
    "a Request is created, told of, changed and deleted",
    async () => {
      await plane.apply(JSON.stringify(request("ada")));
      await says("requests", "ada", "Ready", "True Available");
      await until("it is observed", async () => (await get("requests", "ada"))?.status?.requestDetails?.method === "GET", longMs);
      const made = await get("requests", "ada");
      expect(made?.metadata.finalizers).toEqual(["finalizer.managedresource.crossplane.io"]);
      expect(made?.metadata.annotations).toMatchObject({ "crossplane.io/external-name": "ada" });
      expect(conditionText(made, "Synced")).toBe("True ReconcileSuccess");
      expect(conditionText(made, "Served")).toBe("True Exactly");
      const id = [...origin.objects.keys()].find((key) => origin.objects.get(key)?.["nick"] === "ada")?.split("/")[1];
      const response = {
        statusCode: 200,
        body: JSON.stringify({ nick: "ada", id }),
        headers: { "Content-Type": ["application/json"] },
      };
      expect(made?.status).toEqual({
        response,
        requestDetails: { method: "GET", url: `${origin.url}/api/members/${id}` },
        cache: { lastUpdated: expect.any(String), response },
        conditions: expect.any(Array),
      });

      const payload = { baseUrl: `${origin.url}/api/members`, body: JSON.stringify({ nick: "lovelace" }) };
      await plane.adminPatch(servedPath("requests", namespace, "ada"), { spec: { forProvider: { payload } } });
      await until("it is updated", () => origin.objects.get(`members/${id}`)?.["nick"] === "lovelace", longMs);
      await until(
        "that is told",
        async () => (await get("requests", "ada"))?.status?.response?.body?.includes("lovelace") === true,
        longMs,
      );
      await remove("requests", "ada");
      await until("it is gone", async () => (await get("requests", "ada")) === undefined, longMs);
      expect(origin.objects.size).toBe(0);
      expect(await get("httpresources", "ada")).toBeUndefined();
      expect(sent()).toEqual(["POST /api/members", `PUT /api/members/${id}`, `DELETE /api/members/${id}`]);
    },
    5 * longMs,
  );

  test(
    "live objects are taken over by looks alone, handed back with what is known of them, and taken again",
    async () => {
      const names = Array.from({ length: 12 }, (_, index) => `live-${index}`);
      const before: Served[] = [];
      for (const name of names) before.push(await live(name));
      const count = sent().length;
      for (const name of names) await says("requests", name, "Served", "True Exactly");
      for (const name of names) await says("requests", name, "Ready", "True Available");
      for (const name of names) await annotate("requests", name, { "holdfast.dev/serve": "false" });
      for (const name of names) await says("requests", name, "Served", "False HandedBack");
      for (const [index, name] of names.entries()) {
        const back = await get("requests", name);
        const given = before[index]?.status;
        expect(back?.status?.response?.body).toBe(given?.response?.body);
        expect(back?.status?.requestDetails).toEqual(given?.requestDetails);
        expect(back?.metadata.finalizers).toEqual(before[index]?.metadata.finalizers);
        expect(await get("httpresources", name)).toBeUndefined();
      }
      for (const name of names) await annotate("requests", name, { "holdfast.dev/serve": null });
      for (const name of names) await says("requests", name, "Served", "True Exactly");
      for (const name of names) await says("requests", name, "Ready", "True Available");
      expect(sent()).toHaveLength(count);
      expect(origin.objects.size).toBe(names.length);
      for (const name of names) await remove("requests", name);
      await until("all are gone", () => origin.objects.size === 0, longMs);
      expect(sent().slice(count).toSorted()).toEqual([...new Set(sent().slice(count))].toSorted());
      expect(sent()).toHaveLength(count + names.length);
    },
    2 * longMs,
  );

  test(
    "a paused object is let be, even where it is deleted, and one that may only be observed is never changed",
    async () => {
      await live("resting", { annotations: { "crossplane.io/paused": "true" } });
      await live("watched", { spec: { managementPolicies: ["Observe"] } });
      const count = sent().length;
      await says("requests", "resting", "Synced", "False ReconcilePaused");
      await says("requests", "watched", "Ready", "True Available");
      expect(await get("httpresources", "resting")).toBeUndefined();
      await remove("requests", "resting");
      await remove("requests", "watched");
      await until("the watched one is gone", async () => (await get("requests", "watched")) === undefined, longMs);
      expect(await get("requests", "resting")).toBeDefined();
      expect(sent()).toHaveLength(count);
      await annotate("requests", "resting", { "crossplane.io/paused": null });
      await until("the other is gone, too", async () => (await get("requests", "resting")) === undefined, longMs);
      expect(sent().slice(count)).toHaveLength(1);
      expect(origin.objects.size).toBe(1);
    },
    5 * longMs,
  );

  test(
    "what cannot be is told on the object, and nothing is sent",
    async () => {
      const count = origin.requests.length;
      const cases: readonly (readonly [string, Parameters<typeof memberRequest>[1], string])[] = [
        [
          "without-config",
          { spec: { providerConfigRef: { name: "nobody", kind: "ProviderConfig" } } },
          "ProviderConfig nobody is not there",
        ],
        [
          "of-elsewhere",
          { forProvider: { headers: { "X-Key": ["{{ key:kube-system:key }}"] } } },
          "--serve-secret-namespace kube-system",
        ],
        ["never-looks", { forProvider: { mappings: [{ action: "CREATE", url: ".payload.baseUrl" }] } }, "no OBSERVE"],
        ["of-no-kind", { forProvider: { mappings: 5 } }, "mappings"],
      ];
      for (const [name, more] of cases) await plane.admin("POST", servedPath("requests", namespace), request(name, more));
      for (const [name, , why] of cases) {
        await says("requests", name, "Served", "False Refused");
        const object = await get("requests", name);
        expect(conditionText(object, "Synced")).toBe("False ReconcileError");
        expect(conditionText(object, "Ready")).toBe("False Creating");
        expect(object?.status?.conditions?.find(({ type }) => type === "Synced")?.message).toContain(why);
        expect(await get("httpresources", name)).toBeUndefined();
        await remove("requests", name);
      }
      expect(origin.requests).toHaveLength(count);
    },
    5 * longMs,
  );

  test(
    "what a shadow reads of another namespace nobody else reads by its name",
    async () => {
      await plane.kubectl("create", "secret", "generic", "key", "-n", vault, "--from-literal=key=of-the-vault");
      const headers = { "X-Key": [`{{ key:${vault}:key }}`] };
      await plane.apply(JSON.stringify(request("opens", { forProvider: { headers } })));
      await says("requests", "opens", "Ready", "True Available");
      const isKeyed = ({ method, headers: sent }: (typeof origin.requests)[number]): boolean =>
        method === "GET" && sent["x-key"] === "of-the-vault";
      await until("it is observed with the key", () => origin.requests.some(isKeyed), longMs);
      const [alias] = /served-[0-9a-f]{32}/.exec(JSON.stringify((await get("httpresources", "opens"))?.spec)) ?? [];
      expect(alias).toBeDefined();
      const inputs = { key: { secretKeyRef: { name: alias, key: "key" } } };
      const spec = { url: `${origin.url}/notes`, method: "POST", inputs, body: { text: "${ .inputs.key }" } };
      const plain = { apiVersion: "holdfast.dev/v1alpha1", kind: "HTTPRequest", metadata: { name: "thief", namespace }, spec };
      await plane.apply(JSON.stringify(plain));
      const reasons = (): Promise<readonly string[]> =>
        get("httprequests", "thief").then((one) => (one?.status?.conditions ?? []).map(({ reason }) => reason));
      await until("it is told that there is none", async () => (await reasons()).includes("SecretNotFound"), longMs);
      expect(origin.requests.filter(({ url }) => url === "/notes")).toEqual([]);
      await plane.kubectl("delete", "httprequest", "thief", "-n", namespace);
      await remove("requests", "opens");
      await until("it is gone", async () => (await get("requests", "opens")) === undefined, longMs);
    },
    5 * longMs,
  );

  test(
    "a Request is looked at now where it is asked for, and stays what it is where its conditions are taken away while it is paused",
    async () => {
      await live("poked", { annotations: { "crossplane.io/poll-interval": "1h" } });
      await says("requests", "poked", "Ready", "True Available");
      const before = await get("requests", "poked");
      const id = (JSON.parse(before?.status?.response?.body ?? "{}") as { readonly id: string }).id;
      const count = sent().length;
      const looks = (): number => origin.requests.filter(({ method, url }) => method === "GET" && url.endsWith(`/${id}`)).length;
      const seen = looks();
      await annotate("requests", "poked", { "crossplane.io/reconcile-requested-at": "2026-11-30T00:00:00Z" });
      await until("it is looked at", () => looks() > seen, longMs);

      await annotate("requests", "poked", { "crossplane.io/paused": "true" });
      await says("requests", "poked", "Synced", "False ReconcilePaused");
      await plane.adminPatch(`${servedPath("requests", namespace, "poked")}/status`, { status: { conditions: [] } });
      await annotate("requests", "poked", { "crossplane.io/paused": "false" });
      for (const condition of ["Ready", "Synced"])
        await plane.kubectl(
          "wait",
          `requests.${servedGroup}/poked`,
          "-n",
          namespace,
          `--for=condition=${condition}`,
          "--timeout=60s",
        );
      const after = await get("requests", "poked");
      expect(after?.status?.response).toEqual(before?.status?.response);
      expect(after?.metadata.annotations?.["crossplane.io/external-name"]).toBe("poked");
      expect(sent()).toHaveLength(count);
      await remove("requests", "poked");
      await until("it is gone", async () => (await get("requests", "poked")) === undefined, longMs);
      expect(sent()).toHaveLength(count + 1);
    },
    5 * longMs,
  );

  test(
    "shadows that somebody deletes go without a word to their server, and are made again",
    async () => {
      const names = Array.from({ length: 20 }, (_, index) => `kept-${index}`);
      for (const name of names) await live(name);
      for (const name of names) await says("requests", name, "Ready", "True Available");
      const count = sent().length;
      const before = await Promise.all(names.map((name) => get("httpresources", name)));
      await plane.kubectl("delete", "httpresource", ...names, "-n", namespace, "--wait=false");
      for (const [index, name] of names.entries()) {
        const { uid } = before[index]?.metadata ?? {};
        const isAnew = async (): Promise<boolean> => ![undefined, uid].includes((await get("httpresources", name))?.metadata.uid);
        await until(`there is another ${name}`, isAnew, longMs);
        expect(sent().slice(count)).toEqual([]);
        await says("httpresources", name, "Ready", "True Adopted");
      }
      expect(sent().slice(count)).toEqual([]);
      for (const name of names) await remove("requests", name);
      for (const name of names) await until(`${name} is gone`, async () => (await get("requests", name)) === undefined, longMs);
      expect(sent().slice(count)).toHaveLength(names.length);
    },
    5 * longMs,
  );
});
