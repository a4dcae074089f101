/** Secrets that answers are made into, and that requests need, as the peer's objects have them, on a real API server. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { until } from "../support/fault-world.ts";
import { peerKey, peerOrigin, type PeerOrigin } from "../support/peer-origin.ts";
import {
  getServed,
  memberRequest,
  servedGroup,
  servedPath,
  startServing,
  untilSays,
  type ServedStatus,
} from "../support/serving.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const longMs = 120_000;

describeWithControlPlane("injections of served objects", (plane) => {
  let open: PeerOrigin;
  let keyed: PeerOrigin;
  let namespace: string;
  let vault: string;
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());

  const becomesReady = (name: string): Promise<void> =>
    untilSays(plane, { plural: "requests", namespace, name }, { type: "Ready", text: "True Available", limitMs: longMs });
  async function make(manifest: object): Promise<void> {
    await plane.apply(JSON.stringify(manifest));
  }
  const secret = (name: string, stringData: object, where = namespace): object => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: where },
    stringData,
  });
  async function dataOf(name: string): Promise<Readonly<Record<string, string>> | undefined> {
    const { status, body } = await plane.admin("GET", servedPath("secrets", namespace, name));
    if (status !== 200) return undefined;
    const { data = {} } = body as { readonly data?: Readonly<Record<string, string>> };
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
  }

  beforeAll(async () => {
    namespace = await plane.createNamespace("serve-injections");
    vault = await plane.createNamespace("serve-injections-vault");
    open = stack.use(await peerOrigin());
    keyed = stack.use(await peerOrigin({ key: peerKey }));
    stack.use(await startServing(plane, namespace, ["--serve-secret-namespace", vault]));
  }, longMs);

  test(
    "each key is what it was there, whatever the answer has for it, and is missing by its own strategy",
    async () => {
      const cases: readonly (readonly [string, string, string, string | undefined])[] = [
        ["user", ".body.user", "preserve", '{"a":{"c":[1],"d":"<2>"},"b":null}'],
        ["no", ".body.no", "setEmpty", "false"],
        ["empty", ".body.empty", "delete", ""],
        ["half", ".body.half", "delete", "1.5"],
        ["commented", ".body.word # as it is", "delete", "a word"],
        ["count", ".body.list | length | tostring", "delete", "2"],
        ["code", ".statusCode", "delete", "200"],
        ["stamp", '.headers["X-Stamp"][0]', "preserve", "of today"],
        // What is missing, and what is none of the values that a key can have.
        ["list", ".body.list", "delete", undefined],
        ["kept-list", ".body.list", "preserve", "before"],
        ["failing", ".body.word.more", "setEmpty", ""],
        ["kept", ".body.none", "preserve", "before"],
        ["dropped", ".body.none", "delete", undefined],
        ["never", ".body.none", "preserve", undefined],
      ];
      const before = Object.fromEntries(
        ["list", "kept-list", "failing", "kept", "dropped", "foreign"].map((key) => [key, "before"]),
      );
      await make(secret("all", before));
      const fields = {
        nick: "all",
        user: { b: null, a: { d: "<2>", c: [1] } },
        list: [1, 2],
        no: false,
        empty: "",
        half: 1.5,
        word: "a word",
      };
      const keyMappings = cases.map(([secretKey, responseJQ, missingFieldStrategy]) => ({
        secretKey,
        responseJQ,
        missingFieldStrategy,
      }));
      const url = '.payload.baseUrl + "/" + (.response.body.id | tostring)';
      const forProvider = {
        payload: { baseUrl: `${open.url}/api/members`, body: JSON.stringify(fields) },
        mappings: [
          { action: "CREATE", url: ".payload.baseUrl", body: ".payload.body", headers: { "Content-Type": ["application/json"] } },
          { action: "OBSERVE", url },
          { action: "REMOVE", url },
        ],
        secretInjectionConfigs: [
          { secretRef: { name: "all", namespace }, keyMappings },
          { secretRef: { name: "nothing", namespace }, keyMappings: [{ secretKey: "none", responseJQ: ".body.none" }] },
        ],
      };
      await make(
        memberRequest(
          { name: "all", namespace, origin: open.url },
          { forProvider, annotations: { "crossplane.io/poll-interval": "2s" } },
        ),
      );
      await becomesReady("all");
      const wanted = {
        foreign: "before",
        ...Object.fromEntries(cases.flatMap(([key, , , value]) => (value === undefined ? [] : [[key, value]]))),
      };
      // Create is answered 201.
      await until("it is observed", async () => (await dataOf("all"))?.["code"] === "200", longMs);
      expect(await dataOf("all")).toEqual(wanted);
      expect(await dataOf("nothing")).toEqual({});
      const told = async (): Promise<ServedStatus["response"]> =>
        (await getServed(plane, "requests", namespace, "all"))?.status?.response;
      await until("that is told", async () => (await told())?.statusCode === 200, longMs);
      const placed = (key: string): string => `{{all:${namespace}:${key}}}`;
      expect(JSON.parse((await told())?.body ?? "null")).toEqual({
        ...fields,
        user: placed("user"),
        word: placed("commented"),
        id: expect.any(String),
      });
    },
    3 * longMs,
  );

  test(
    "an object that is deleted together with its ProviderConfig is deleted at its server, with the credential from there",
    async () => {
      await make(secret("login", { token: `Bearer ${peerKey}` }, vault));
      const config = {
        apiVersion: `${servedGroup}/v1alpha2`,
        kind: "ProviderConfig",
        metadata: { name: "keyed", namespace },
        spec: { credentials: { source: "Secret", secretRef: { name: "login", namespace: vault, key: "token" } } },
      };
      const request = memberRequest(
        { name: "guarded", namespace, origin: keyed.url },
        { spec: { providerConfigRef: { name: "keyed", kind: "ProviderConfig" } } },
      );
      await make(config);
      await make(request);
      await becomesReady("guarded");
      expect(keyed.objects.size).toBe(1);
      await plane.kubectl("delete", `providerconfigs.${servedGroup}`, "keyed", "-n", namespace);
      await untilSays(
        plane,
        { plural: "requests", namespace, name: "guarded" },
        { type: "Served", text: "False Refused", limitMs: longMs },
      );
      await plane.kubectl("delete", `requests.${servedGroup}`, "guarded", "-n", namespace, "--wait=false");
      await until("it is gone", async () => (await getServed(plane, "requests", namespace, "guarded")) === undefined, longMs);
      expect(keyed.objects.size).toBe(0);
    },
    3 * longMs,
  );
});
