/** What the peer's objects may do, by their policies, annotations and configs, served on a real API server. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { until } from "../support/fault-world.ts";
import { peerOrigin, type PeerOrigin } from "../support/peer-origin.ts";
import {
  getServed,
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

describeWithControlPlane("policies of served objects", (plane) => {
  let origin: PeerOrigin;
  let namespace: string;
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());

  const get = (name: string): Promise<Served | undefined> => getServed(plane, "requests", namespace, name);
  const says = (name: string, type: string, text: string): Promise<void> =>
    untilSays(plane, { plural: "requests", namespace, name }, { type, text, limitMs: longMs });
  async function make(name: string, more: Parameters<typeof memberRequest>[1]): Promise<void> {
    await plane.apply(JSON.stringify(memberRequest({ name, namespace, origin: origin.url }, more)));
  }
  async function remove(name: string): Promise<void> {
    await plane.kubectl("delete", `requests.${servedGroup}`, name, "-n", namespace, "--wait=false");
    await until(`${name} is gone`, async () => (await get(name)) === undefined, longMs);
  }
  const membersCalled = (nick: string): readonly string[] =>
    [...origin.objects].flatMap(([key, fields]) => (fields["nick"] === nick ? [key] : []));
  const toldOf = (text: string): readonly string[] => toldTo(origin).filter((line) => line.includes(text));

  beforeAll(async () => {
    namespace = await plane.createNamespace("serve-policies");
    origin = stack.use(await peerOrigin());
    stack.use(await startServing(plane, namespace));
  }, longMs);

  test(
    "one that is paused when it is made is made when the pause is over",
    async () => {
      await make("later", { annotations: { "crossplane.io/paused": "true" } });
      await says("later", "Synced", "False ReconcilePaused");
      expect(membersCalled("later")).toEqual([]);
      await plane.adminPatch(servedPath("requests", namespace, "later"), {
        metadata: { annotations: { "crossplane.io/paused": null } },
      });
      await says("later", "Ready", "True Available");
      await says("later", "Synced", "True ReconcileSuccess");
      expect(membersCalled("later")).toHaveLength(1);
      await remove("later");
      expect(membersCalled("later")).toEqual([]);
    },
    2 * longMs,
  );

  test(
    "one that may not delete leaves what it made, and one that may not create looks alone",
    async () => {
      await make("left", { spec: { managementPolicies: ["Observe", "Create", "Update", "LateInitialize"] } });
      await says("left", "Ready", "True Available");
      await remove("left");
      const [key = ""] = membersCalled("left");
      expect(toldOf(key)).toEqual([]);

      const looks = { mappings: [{ action: "OBSERVE", url: `"${origin.url}/api/${key}"` }] };
      await make("looks", { forProvider: looks, spec: { managementPolicies: ["Observe"] } });
      await says("looks", "Ready", "True Available");
      const { status } = (await get("looks")) ?? {};
      expect(status?.response).toMatchObject({ statusCode: 200, body: expect.stringContaining('"nick":"left"') });
      expect(status?.requestDetails).toMatchObject({ method: "GET", url: `${origin.url}/api/${key}` });
      await remove("looks");
      expect(toldOf(key)).toEqual([]);
    },
    2 * longMs,
  );

  test(
    "methods, header fields and bodies are those of the mappings",
    async () => {
      const url = '.payload.baseUrl + "/" + (.response.body.id | tostring)';
      const form = {
        "Content-Type": ["application/x-www-form-urlencoded"],
        "X-Nick": [".payload.body.nick"],
        "X-Plain": ["2022-11-28"],
      };
      const forProvider = {
        mappings: [
          { action: "CREATE", url: ".payload.baseUrl", body: "{nick: .payload.body.nick}" },
          { action: "OBSERVE", url },
          { action: "UPDATE", method: "PATCH", url, body: '"nick=" + (.payload.body.nick | @uri)', headers: form },
          { action: "REMOVE", url },
        ],
        expectedResponseCheck: { type: "CUSTOM", logic: ".response.body.nick == .payload.body.nick" },
      };
      await make("formed", { forProvider });
      await says("formed", "Ready", "True Available");
      const payload = { baseUrl: `${origin.url}/api/members`, body: JSON.stringify({ nick: "a b&c" }) };
      await plane.adminPatch(servedPath("requests", namespace, "formed"), { spec: { forProvider: { payload } } });
      const patches = (): typeof origin.requests => origin.requests.filter(({ method }) => method === "PATCH");
      await until("it is updated", () => patches().length > 0, longMs);
      expect(patches()[0]).toMatchObject({
        body: "nick=a%20b%26c",
        headers: { "content-type": "application/x-www-form-urlencoded", "x-nick": "a b&c", "x-plain": "2022-11-28" },
      });
      await remove("formed");
    },
    2 * longMs,
  );

  test(
    "a DisposableRequest that has been sent is not sent again, whatever of it is changed",
    async () => {
      const path = servedPath("disposablerequests", namespace, "once");
      const forProvider = { url: `${origin.url}/api/hooks`, method: "POST", body: "a", nextReconcile: "1s" };
      const manifest = {
        apiVersion: `${servedGroup}/v1alpha2`,
        kind: "DisposableRequest",
        metadata: { name: "once", namespace },
        spec: { providerConfigRef: { name: "plain", kind: "ProviderConfig" }, forProvider },
      };
      await plane.apply(JSON.stringify(manifest));
      const ready = { type: "Ready", text: "True Available", limitMs: longMs };
      await untilSays(plane, { plural: "disposablerequests", namespace, name: "once" }, ready);
      await plane.adminPatch(path, { spec: { forProvider: { body: "b", waitTimeout: "10s" } } });
      await plane.adminPatch(path, { metadata: { annotations: { "crossplane.io/paused": "true" } } });
      await untilSays(
        plane,
        { plural: "disposablerequests", namespace, name: "once" },
        { type: "Synced", text: "False ReconcilePaused", limitMs: longMs },
      );
      await plane.adminPatch(path, { metadata: { annotations: { "crossplane.io/paused": null } } });
      await untilSays(
        plane,
        { plural: "disposablerequests", namespace, name: "once" },
        { type: "Synced", text: "True ReconcileSuccess", limitMs: longMs },
      );
      expect(toldOf("/api/hooks")).toHaveLength(1);
      const { status } = (await getServed(plane, "disposablerequests", namespace, "once")) ?? {};
      expect(status).toMatchObject({
        synced: true,
        response: { statusCode: 201 },
        requestDetails: { method: "POST", body: "a" },
      });
    },
    2 * longMs,
  );
});
