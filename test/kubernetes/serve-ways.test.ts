/** Ways of the peer's objects over their life, served on a real API server: what changes around them, and what never succeeds or never ends. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { until } from "../support/fault-world.ts";
import { peerOrigin, type PeerOrigin } from "../support/peer-origin.ts";
import {
  conditionText,
  getServed,
  memberRequest,
  plainConfig,
  servedGroup,
  servedPath,
  startServing,
  untilSays,
  type Served,
} from "../support/serving.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const longMs = 120_000;

describeWithControlPlane("served objects", (plane) => {
  let origin: PeerOrigin;
  let namespace: string;
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());

  const get = (plural: string, name: string): Promise<Served | undefined> => getServed(plane, plural, namespace, name);
  const becomes = (plural: string, name: string, type: string, text: string): Promise<void> =>
    untilSays(plane, { plural, namespace, name }, { type, text, limitMs: longMs });
  async function make(manifest: object): Promise<void> {
    await plane.apply(JSON.stringify(manifest));
  }
  /** Looked at every other second. */
  const member = (name: string, forProvider: object): ReturnType<typeof memberRequest> =>
    memberRequest({ name, namespace, origin: origin.url }, { forProvider, annotations: { "crossplane.io/poll-interval": "2s" } });
  const once = (name: string, forProvider: object): object => ({
    apiVersion: `${servedGroup}/v1alpha2`,
    kind: "DisposableRequest",
    metadata: { name, namespace },
    spec: { providerConfigRef: { name: "plain", kind: "ProviderConfig" }, forProvider },
  });
  const secretPath = (name: string): string => servedPath("secrets", namespace, name);
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const dataOf = async (name: string): Promise<unknown> => {
    const { body } = await plane.admin("GET", secretPath(name));
    return (body as { readonly data?: unknown }).data;
  };
  const membersCalled = (nick: string): readonly string[] =>
    [...origin.objects].flatMap(([key, fields]) => (fields["nick"] === nick ? [key] : []));
  const postsTo = (url: string): number => origin.requests.filter((one) => one.method === "POST" && one.url === url).length;

  beforeAll(async () => {
    namespace = await plane.createNamespace("serve-ways");
    origin = stack.use(await peerOrigin());
    stack.use(await startServing(plane, namespace));
  }, longMs);

  test(
    "a Secret that is changed is sent, and is in no status",
    async () => {
      const secret = (word: string): object => ({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "words", namespace },
        data: { word: base64(word) },
      });
      await make(secret("the first word"));
      const payload = { baseUrl: `${origin.url}/api/members`, body: JSON.stringify({ nick: `{{ words:${namespace}:word }}` }) };
      await make(member("told", { payload }));
      await becomes("requests", "told", "Ready", "True Available");
      const [key] = membersCalled("the first word");
      expect(key).toBeDefined();
      await make(secret("the second word"));
      await until("it is sent", () => origin.objects.get(key ?? "")?.["nick"] === "the second word", longMs);
      // What a Secret held before, nobody knows any more: an answer that still has it is told of until the next look.
      const isMasked = ({ status }: Served): boolean =>
        status?.response?.body?.includes('"***"') === true && !/the (first|second) word/.test(JSON.stringify(status));
      await until(
        "it is observed, and masked",
        async () => {
          const told = await get("requests", "told");
          return told !== undefined && isMasked(told);
        },
        longMs,
      );
      expect(membersCalled("the first word")).toEqual([]);
    },
    5 * longMs,
  );

  test(
    "what is gone from its server is made again, and a Secret of its answers that is gone, too",
    async () => {
      const injected = {
        secretInjectionConfigs: [
          {
            secretRef: { name: "facts", namespace },
            keyMappings: [
              { secretKey: "id", responseJQ: ".body.id" },
              { secretKey: "none", responseJQ: ".body.none", missingFieldStrategy: "setEmpty" },
            ],
          },
        ],
      };
      await make(member("again", injected));
      await becomes("requests", "again", "Ready", "True Available");
      const idOf = (key = ""): string => key.split("/")[1] ?? "";
      const isTold = async (id: string): Promise<boolean> =>
        JSON.stringify(await dataOf("facts")) === JSON.stringify({ id: base64(id), none: "" });
      const [first] = membersCalled("again");
      await until("its id is told", () => isTold(idOf(first)), longMs);
      await plane.admin("DELETE", secretPath("facts"));
      await until("it is told again", () => isTold(idOf(first)), longMs);

      await fetch(`${origin.url}/api/${first}`, { method: "DELETE" });
      await until("there is another", () => membersCalled("again").some((key) => key !== first), longMs);
      const [second] = membersCalled("again");
      await until("that is told", () => isTold(idOf(second)), longMs);
      await becomes("requests", "again", "Ready", "True Available");
      expect(membersCalled("again")).toHaveLength(1);
      await plane.kubectl("delete", `requests.${servedGroup}`, "again", "-n", namespace, "--wait=false");
      await until("it is gone", async () => (await get("requests", "again")) === undefined, longMs);
      expect(membersCalled("again")).toEqual([]);
    },
    2 * longMs,
  );

  test(
    "what is never answered as expected is sent as often as it may, and says so",
    async () => {
      const url = `${origin.url}/api/messages`;
      await make(
        once("unheard", { url, method: "POST", body: "{}", expectedResponse: '.body.state == "done"', rollbackRetriesLimit: 2 }),
      );
      await becomes("disposablerequests", "unheard", "ErrorObserved", "True RetriesExhausted");
      const { status } = (await get("disposablerequests", "unheard")) ?? {};
      expect(status).toMatchObject({
        failed: 2,
        error: "Response does not match the expected format, retries limit 2",
        response: { statusCode: 201, body: '{"number":123,"state":"posted","more":{"one":1}}' },
        requestDetails: { method: "POST", url, body: "{}" },
      });
      expect(status?.synced ?? false).toBe(false);
      expect(postsTo("/api/messages")).toBe(2);
      await plane.kubectl("delete", `disposablerequests.${servedGroup}`, "unheard", "-n", namespace, "--wait=false");
      await until("it is gone", async () => (await get("disposablerequests", "unheard")) === undefined, longMs);
      expect(postsTo("/api/messages")).toBe(2);
    },
    5 * longMs,
  );

  test(
    "what is never answered is sent as often as it may, and says so",
    async () => {
      // Nothing listens at port 1.
      await make(once("nowhere", { url: "http://127.0.0.1:1/", method: "POST", rollbackRetriesLimit: 2, nextReconcile: "1s" }));
      await becomes("disposablerequests", "nowhere", "ErrorObserved", "True RetriesExhausted");
      const { status } = (await get("disposablerequests", "nowhere")) ?? {};
      expect(status).toMatchObject({ failed: 2, error: expect.stringContaining("127.0.0.1:1") as unknown });
      expect(conditionText(await get("disposablerequests", "nowhere"), "Ready")).toBe("False Creating");

      await make(once("keyless", { url: `${origin.url}/api/hooks`, method: "POST", body: `{{ gone:${namespace}:key }}` }));
      await becomes("disposablerequests", "keyless", "Synced", "False ReconcileError");
      const keyless = await get("disposablerequests", "keyless");
      expect(keyless?.status).toMatchObject({ failed: 1, error: expect.stringContaining("gone") as unknown });
      expect(conditionText(keyless, "Ready")).toBe("False Creating");
      expect(postsTo("/api/hooks")).toBe(0);
      const gone = { apiVersion: "v1", kind: "Secret", metadata: { name: "gone", namespace }, stringData: { key: "k" } };
      await make(gone);
      await becomes("disposablerequests", "keyless", "Ready", "True Available");
      expect(postsTo("/api/hooks")).toBe(1);
    },
    5 * longMs,
  );

  test(
    "what failed is sent once what is written lets it succeed, be it tried still or given up",
    async () => {
      const asks = (expectedResponse: string, limit: number | undefined, name: string): object =>
        once(name, {
          url: `${origin.url}/api/messages`,
          method: "POST",
          body: "{}",
          expectedResponse,
          nextReconcile: "1s",
          ...(limit !== undefined && { rollbackRetriesLimit: limit }),
        });
      const failed = async (name: string): Promise<number> => (await get("disposablerequests", name))?.status?.failed ?? 0;
      await make(asks('.body.state == "done"', undefined, "tried-still"));
      await until("it has failed twice", async () => (await failed("tried-still")) >= 2, longMs);
      await make(asks('.body.state == "posted"', undefined, "tried-still"));
      await becomes("disposablerequests", "tried-still", "Ready", "True Available");
      expect((await get("disposablerequests", "tried-still"))?.status).toMatchObject({ synced: true });

      await make(asks('.body.state == "done"', 1, "given-up"));
      await becomes("disposablerequests", "given-up", "ErrorObserved", "True RetriesExhausted");
      await make(asks('.body.state == "posted"', 3, "given-up"));
      await becomes("disposablerequests", "given-up", "Ready", "True Available");
      expect(conditionText(await get("disposablerequests", "given-up"), "ErrorObserved")).toBe("none");
    },
    5 * longMs,
  );

  test(
    "a creation of which nobody knows is told with its answer, and what people write on the object about it is done",
    async () => {
      const payload = { baseUrl: `${origin.url}/api/failures`, body: '{"nick":"doubtful"}' };
      await make(member("doubtful", { payload }));
      await becomes("requests", "doubtful", "Synced", "False ReconcileError");
      expect((await get("requests", "doubtful"))?.status).toMatchObject({
        response: { statusCode: 500, body: '{"error":"as always"}' },
        requestDetails: { method: "POST" },
        failed: 1,
      });
      const annotate = (value: string): Promise<unknown> =>
        plane.adminPatch(servedPath("requests", namespace, "doubtful"), { metadata: { annotations: { [value]: "true" } } });
      await annotate("holdfast.dev/reconcile-at");
      await until("it is sent again", () => postsTo("/api/failures") === 2, longMs);
      await plane.kubectl("delete", `requests.${servedGroup}`, "doubtful", "-n", namespace, "--wait=false");
      const message = async (): Promise<string> =>
        (await get("requests", "doubtful"))?.status?.conditions?.find(({ type }) => type === "Synced")?.message ?? "";
      await until("it says why it stays", async () => (await message()).includes("holdfast.dev/orphan"), longMs);
      await annotate("holdfast.dev/orphan");
      await until("it is gone", async () => (await get("requests", "doubtful")) === undefined, longMs);
      expect(postsTo("/api/failures")).toBe(2);
    },
    5 * longMs,
  );

  test(
    "what is deleted with its config, of a file whose config comes first, ends",
    async () => {
      const config = { ...(JSON.parse(plainConfig(namespace)) as object), metadata: { name: "own", namespace } };
      const spec = { providerConfigRef: { name: "own", kind: "ProviderConfig" } };
      await make(config);
      const place = { name: "of-a-file", namespace, origin: origin.url };
      await make(memberRequest(place, { spec }));
      const sent = once("of-a-file", { url: `${origin.url}/api/sessions`, method: "POST" }) as { readonly spec: object };
      await make({ ...sent, spec: { ...sent.spec, ...spec } });
      const plurals = ["requests", "disposablerequests"];
      for (const plural of plurals) await becomes(plural, "of-a-file", "Ready", "True Available");
      await until(
        "it has been observed",
        async () => (await get("requests", "of-a-file"))?.status?.requestDetails?.method === "GET",
        longMs,
      );
      await plane.kubectl("delete", `providerconfigs.${servedGroup}`, "own", "-n", namespace);
      for (const plural of plurals) await becomes(plural, "of-a-file", "Served", "False Refused");
      for (const plural of plurals)
        await plane.kubectl("delete", `${plural}.${servedGroup}`, "of-a-file", "-n", namespace, "--wait=false");
      for (const plural of plurals)
        await until(`of ${plural} it is gone`, async () => (await get(plural, "of-a-file")) === undefined, longMs);
      expect(membersCalled("of-a-file")).toEqual([]);
    },
    5 * longMs,
  );

  test(
    "what loops is sent again and again, and is Ready meanwhile",
    async () => {
      const url = `${origin.url}/api/notes`;
      await make(once("loops", { url, method: "POST", body: "a", shouldLoopInfinitely: true, nextReconcile: "1s" }));
      await until("it is sent for the fourth time", () => postsTo("/api/notes") >= 4, longMs);
      await becomes("disposablerequests", "loops", "Ready", "True Available");
      const before = await get("disposablerequests", "loops");
      expect(before?.status).toMatchObject({ synced: true, response: { statusCode: 201 } });
      await until(
        "a later one is told of",
        async () =>
          Date.parse((await get("disposablerequests", "loops"))?.status?.lastReconcileTime ?? "") >
          Date.parse(before?.status?.lastReconcileTime ?? ""),
        longMs,
      );
      await plane.kubectl("delete", `disposablerequests.${servedGroup}`, "loops", "-n", namespace, "--wait=false");
      await until("it is gone", async () => (await get("disposablerequests", "loops")) === undefined, longMs);
    },
    5 * longMs,
  );
});
