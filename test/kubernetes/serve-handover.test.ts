/**
 * Serving takes live objects over, gives them back and takes them again, and is killed in the middle of each: the server of the remote
 * objects is asked and never told anything, and every Secret stays the one that it was.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createPrograms } from "../../src/convert/programs.ts";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { grantServing } from "../support/chart-rights.ts";
import { startController, type HoldfastProcess } from "../support/controller-process.ts";
import { inSoak, until } from "../support/fault-world.ts";
import { installPeerCRDs } from "../support/peer-crds.ts";
import { peerOrigin, type PeerOrigin } from "../support/peer-origin.ts";
import {
  conditionText,
  listServed,
  makeLive,
  makeLiveMember,
  plainConfig,
  servedGroup,
  servedPath,
  toldTo,
  type Served,
} from "../support/serving.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const count = inSoak(16, 200);
const members = Array.from({ length: count }, (_, index) => `member-${index}`);
const messages = Array.from({ length: Math.ceil(count / 8) }, (_, index) => `message-${index}`);
const longMs = inSoak(120_000, 600_000);
/** Of how many it has been told when the process is killed. */
const kills = [0, 1, Math.ceil(count / 3), Math.ceil((2 * count) / 3)];

describeWithControlPlane("serving, killed in the middle", (plane) => {
  let origin: PeerOrigin;
  let namespace: string;
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());

  const list = async (plural: string): Promise<readonly Served[]> => listServed(plane, plural, namespace);
  const all = async (): Promise<readonly Served[]> => (await Promise.all(["requests", "disposablerequests"].map(list))).flat();
  const told = (): readonly string[] => toldTo(origin);
  const start = (): Promise<HoldfastProcess> =>
    startController(
      `--kubeconfig ${plane.kubeconfigs.server} --namespace ${namespace} --serve-provider-http all --provider-http-lease none`.split(
        " ",
      ),
    );

  /** Each Secret's uid, owners and values, by its name. */
  async function secrets(): Promise<ReadonlyMap<string, object>> {
    const { body } = await plane.admin("GET", servedPath("secrets", namespace));
    const { items } = body as {
      readonly items: readonly {
        readonly metadata: { readonly name: string; readonly uid: string; readonly ownerReferences?: readonly object[] };
        readonly data?: object;
      }[];
    };
    return new Map(
      items.map(({ metadata: { name, uid, ownerReferences = [] }, data }) => [name, { uid, data, ownerReferences }]),
    );
  }

  async function makeMember(name: string, index: number): Promise<void> {
    const owns = index % 2 === 0;
    const config = {
      secretRef: { name: `${name}-facts`, namespace },
      keyMappings: [{ secretKey: "stamp", responseJQ: '.headers."X-Stamp"[0]' }],
      setOwnerReference: owns,
    };
    const forProvider = { secretInjectionConfigs: [config] };
    const { object } = await makeLiveMember(
      plane,
      { name, namespace, origin: origin.url },
      { forProvider, annotations: { "holdfast.dev/serve": "false" } },
    );
    const { apiVersion, metadata } = object;
    const owner = { apiVersion, kind: "Request", name, uid: metadata.uid, controller: true };
    await plane.admin("POST", servedPath("secrets", namespace), {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: `${name}-facts`, namespace, ...(owns && { ownerReferences: [owner] }) },
      stringData: { stamp: "of today", "of-others": "kept" },
    });
  }
  async function makeMessage(name: string): Promise<void> {
    const forProvider = { url: `${origin.url}/api/messages`, method: "POST", body: "{}", rollbackRetriesLimit: 3 };
    const manifest = {
      apiVersion: `${servedGroup}/v1alpha2`,
      kind: "DisposableRequest",
      metadata: { name, namespace },
      spec: { providerConfigRef: { name: "plain", kind: "ProviderConfig" }, forProvider },
    };
    const response = { statusCode: 201, body: "{}" };
    await makeLive(plane, manifest, { synced: true, response, lastReconcileTime: "2026-01-01T00:00:00Z" });
  }

  beforeAll(async () => {
    namespace = await plane.createNamespace("serve-handover");
    origin = stack.use(await peerOrigin());
    await installPeerCRDs(plane);
    await grantServing(plane);
    await plane.apply(plainConfig(namespace));
    for (const [index, name] of members.entries()) await makeMember(name, index);
    for (const name of messages) await makeMessage(name);
  }, longMs);

  /** Until all say so, with a process that dies again and again on the way. The one that ends it is left running. */
  async function throughKills(condition: RegExp): Promise<HoldfastProcess> {
    const done = async (): Promise<number> => {
      const texts = (await all()).map((one) => conditionText(one, "Served"));
      return texts.filter((text) => condition.test(text)).length;
    };
    for (const fewest of kills) {
      await using process = await start();
      await until(`${fewest} are ${condition}`, async () => (await done()) >= fewest, longMs);
      process.kill("SIGKILL");
      await process.exited;
    }
    await using cleanup = new AsyncDisposableStack();
    const last = cleanup.use(await start());
    await until(`all are ${condition}`, async () => (await done()) === count + messages.length, longMs);
    cleanup.move();
    return last;
  }
  const annotateAll = async (value: "false" | null): Promise<void> => {
    for (const { kind, metadata } of await all())
      await plane.adminPatch(servedPath(`${kind.toLowerCase()}s`, namespace, metadata.name), {
        metadata: { annotations: { "holdfast.dev/serve": value } },
      });
  };
  const isReady = async (): Promise<boolean> => (await all()).every((one) => conditionText(one, "Ready") === "True Available");

  /** What the provider would ask next, by what the status says: a URL of an object that is there. */
  async function asksForWhatIsThere(): Promise<void> {
    await using evaluator = createEvaluator({ deadlineMs: 20_000 });
    const programs = createPrograms(evaluator, new AbortController().signal);
    for (const { spec, status, metadata } of await list("requests")) {
      const { mappings, payload } = spec["forProvider"] as {
        readonly payload: object;
        readonly mappings: readonly { readonly action: string; readonly url: string }[];
      };
      const program = mappings.find(({ action }) => action === "OBSERVE")?.url ?? "";
      const { statusCode, body = "", headers } = status?.response ?? {};
      const answer = { statusCode, headers: headers ?? {}, body: JSON.parse(body) as object };
      const [url] = await programs.run(program, { payload }, [answer]);
      const known = [...origin.objects].find(([, { nick }]) => nick === metadata.name)?.[0];
      expect(url).toEqual({ type: "value", value: `${origin.url}/api/${known}` });
    }
  }

  test(
    "objects go over, back and over again, and nothing is made, changed or deleted",
    async () => {
      const before = { told: told().length, secrets: await secrets() };
      expect(before.secrets.size).toBe(count);
      const checkAll = async (): Promise<void> => {
        expect(told()).toHaveLength(before.told);
        expect(origin.objects.size).toBe(count);
        expect(await secrets()).toEqual(before.secrets);
        expect((await list("disposablerequests")).map(({ status }) => status?.synced)).toEqual(messages.map(() => true));
      };
      for (const way of ["over", "back", "over again"]) {
        await annotateAll(way === "back" ? "false" : null);
        // A POST that may have arrived is not sent again here: messages are served otherwise.
        await using _ = await throughKills(way === "back" ? /^False HandedBack$/ : /^True (Exactly|Otherwise)$/);
        if (way === "back") expect([...(await list("httpresources")), ...(await list("httprequests"))]).toEqual([]);
        else await until("all are Ready", isReady, longMs);
        await checkAll();
        await asksForWhatIsThere();
      }
    },
    6 * longMs,
  );
});
