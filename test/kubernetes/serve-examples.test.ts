/** The 31 objects of the fixtures, unchanged, served on a real API server against a server that behaves as theirs. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { isRecord } from "../../src/core/tools/json.ts";
import { createAuthority } from "../support/certificates.ts";
import { grantServing } from "../support/chart-rights.ts";
import { startController } from "../support/controller-process.ts";
import { until } from "../support/fault-world.ts";
import { installPeerCRDs } from "../support/peer-crds.ts";
import { peerDocuments, peerFiles, peerText } from "../support/peer-objects.ts";
import { peerKey, peerOrigin, type PeerOrigin } from "../support/peer-origin.ts";
import { conditionText, getServed, type Served } from "../support/serving.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const longMs = 180_000;
const phrase = 'line "one"\nline \\(two) ${ three } {{ four:default:five }}';

interface Made {
  readonly data: Readonly<Record<string, string>>;
  readonly metadata: {
    readonly labels?: object;
    readonly annotations?: object;
    readonly ownerReferences?: readonly object[];
  };
}
interface Given {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: { readonly forProvider: Readonly<Record<string, unknown>> };
}

describeWithControlPlane("serving the examples", (plane) => {
  let plain: PeerOrigin;
  let tls: PeerOrigin;
  let spaces: Readonly<Record<"default" | "vault", string>>;
  let managed: readonly Given[];
  const live = new Map<string, Served>();
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());

  const nameOf = ({ kind, metadata }: Given): string =>
    `${kind} ${metadata.namespace === undefined ? "" : "here/"}${metadata.name}`;
  const look = ({ kind, metadata }: Given): Promise<Served | undefined> =>
    getServed(plane, `${kind.toLowerCase()}s`, metadata.namespace, metadata.name);
  const failing = (one: Given): boolean => one.metadata.name.startsWith("failing");
  const isDone = (one: Given, object: Served | undefined): boolean =>
    failing(one) ? object?.status?.failed === 3 : conditionText(object, "Ready") === "True Available";

  beforeAll(async () => {
    spaces = { default: await plane.createNamespace("serve-home"), vault: await plane.createNamespace("serve-vault") };
    const authority = stack.use(createAuthority("peer"));
    const server = authority.issue("IP:127.0.0.1");
    const client = authority.issue("DNS:client", { usage: "clientAuth" });
    plain = stack.use(await peerOrigin({ key: peerKey }));
    const mutual = { ...server, ca: authority.ca, requestCert: true, rejectUnauthorized: false };
    tls = stack.use(await peerOrigin({ tls: mutual }));
    await installPeerCRDs(plane);
    await grantServing(plane);
    const data = {
      ...Object.fromEntries(["service", "session-key", "root-key"].map((name) => [name, { key: peerKey }])),
      "root-user": { name: "root" },
      phrases: { ada: phrase },
      authorities: { "ca.crt": authority.ca },
      client: { "tls.crt": client.cert, "tls.key": client.key },
    };
    for (const namespace of Object.values(spaces))
      for (const [name, stringData] of Object.entries(data))
        await plane.apply(stringify({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace }, stringData }));
    const texts = peerFiles.map((file) =>
      peerText(file, plain.url, tls.url)
        .replaceAll(/namespace: default\b/g, `namespace: ${spaces.default}`)
        .replaceAll(/namespace: vault\b/g, `namespace: ${spaces.vault}`)
        .replaceAll(":default:", `:${spaces.default}:`)
        .replaceAll(":vault:", `:${spaces.vault}:`),
    );
    const documents = texts.flatMap((text) => peerDocuments(text));
    // As a client that does not ask for strict validation: what a version does not have is taken away.
    for (const one of documents) expect((await plane.admin("POST", pathOf(one), one)).status).toBe(201);
    managed = documents.filter((one): one is Given & Readonly<Record<string, unknown>> => isRecord(one) && isGiven(one));
    stack.use(
      await startController([
        "--kubeconfig",
        plane.kubeconfigs.server,
        "--namespace",
        `${spaces.default},${spaces.vault}`,
        "--serve-namespace",
        spaces.vault,
        "--serve-provider-http",
        "all",
        "--provider-http-lease",
        "none",
        "--serve-secret-namespace",
        "*",
      ]),
    );
    const pending = (): Promise<readonly string[]> =>
      Promise.all(
        managed.map(async (one) => {
          const object = await look(one);
          if (object) live.set(nameOf(one), object);
          return isDone(one, object) ? "" : `${nameOf(one)}: ${JSON.stringify(object?.status)}`;
        }),
      );
    await until("all to be done", async () => (await pending()).every((one) => one === ""), longMs).catch(
      async (error: unknown) => {
        throw new Error((await pending()).filter((one) => one !== "").join("\n"), { cause: error });
      },
    );
    // What was created is looked at once more, a moment later.
    await until(
      "all to be observed",
      async () =>
        (await pending()).length > 0 &&
        managed.every((one) => one.kind !== "Request" || live.get(nameOf(one))?.status?.requestDetails?.method === "GET"),
      longMs,
    );
  }, 3 * longMs);

  test("there are 31 of them", () => {
    expect(managed).toHaveLength(31);
    expect(new Set(managed.map(nameOf)).size).toBe(31);
  });

  test("what they declare is as it was written", () => {
    for (const one of managed) expect(live.get(nameOf(one))?.spec["forProvider"]).toEqual(one.spec.forProvider);
  });

  test("each is Ready and Synced, but for the one that always failed", () => {
    const said = managed.map((one) => {
      const object = live.get(nameOf(one));
      return `${nameOf(one)}: ${conditionText(object, "Ready")}, ${conditionText(object, "Synced")}`;
    });
    const fine = managed.map((one) =>
      failing(one)
        ? `${nameOf(one)}: False Creating, False ReconcileError`
        : `${nameOf(one)}: True Available, True ReconcileSuccess`,
    );
    expect(said).toEqual(fine);
  });

  test("each was created once, and told of by the request that was sent last", () => {
    const all = [...plain.requests, ...tls.requests];
    for (const one of managed) {
      const { status = {} } = live.get(nameOf(one)) ?? {};
      const { response, requestDetails: details, cache } = status;
      const { forProvider } = one.spec;
      if (one.kind === "Request") {
        expect([nameOf(one), response?.statusCode, details?.method]).toEqual([nameOf(one), 200, "GET"]);
        const asked = all.filter(({ method, url }) => method === "GET" && details?.url.endsWith(url));
        expect([nameOf(one), asked.length > 0]).toEqual([nameOf(one), true]);
        expect(cache?.response).toEqual(response);
      } else {
        expect([nameOf(one), status.synced ?? false]).toEqual([nameOf(one), !failing(one)]);
        expect(Date.parse(status.lastReconcileTime ?? "")).toBeGreaterThan(0);
        expect(details).toMatchObject({ method: forProvider["method"], url: forProvider["url"] });
        expect(details?.headers ?? {}).toEqual(forProvider["headers"] ?? {});
        expect([nameOf(one), response?.statusCode === 500]).toEqual([nameOf(one), failing(one)]);
      }
    }
    expect(
      all.filter(({ method }) => method === "POST").filter(({ url }) => /\/(members|spaces|pieces)$/.test(url)),
    ).toHaveLength(13);
  });

  test("what failed as often as it may says so, as whoever waits for it expects", async () => {
    for (const one of managed.filter(failing)) {
      const plural = `${one.kind.toLowerCase()}s.${one.apiVersion.split("/")[0]}`;
      const where = one.metadata.namespace === undefined ? [] : ["-n", one.metadata.namespace];
      await plane.kubectl("wait", "--for=condition=ErrorObserved", plural, one.metadata.name, ...where, "--timeout=60s");
      const object = await look(one);
      expect(object?.status).toMatchObject({
        failed: 3,
        error: "HTTP POST request failed with status code: 500",
        response: { statusCode: 500, body: '{"error":"as always"}' },
      });
      expect(object?.status?.conditions?.find(({ type }) => type === "ErrorObserved")).toMatchObject({
        status: "True",
        reason: "RetriesExhausted",
        message: object?.status?.error,
      });
    }
  });

  test("no status holds a secret, also where a server tells in answer to a look what only CREATE had sent", () => {
    const told = JSON.stringify(managed.map((one) => live.get(nameOf(one))?.status));
    for (const value of [peerKey, phrase]) {
      const inJSON = JSON.stringify(value).slice(1, -1);
      for (const text of [inJSON, JSON.stringify(inJSON).slice(1, -1)]) expect(told).not.toContain(text);
    }
  });

  test("an answer that Secrets are made of is told with a placeholder where each of them stood", () => {
    const bodyOf = (name: string): unknown => JSON.parse(live.get(name)?.status?.response?.body ?? "null");
    expect(bodyOf("Request here/member-here")).toEqual({
      nick: "hedy",
      mail: `{{member-facts-here:${spaces.default}:mail}}`,
      floor: 25,
      phrase: `{{member-phrase-here:${spaces.default}:phrase}}`,
      id: expect.any(String),
    });
    expect(bodyOf("DisposableRequest here/message-for-all")).toEqual({
      number: 123,
      state: `{{message-facts-for-all:${spaces.vault}:state}}`,
      more: { one: 1 },
    });
    expect(bodyOf("DisposableRequest here/session-here")).toEqual({ token: `{{session-token-here:${spaces.default}:token}}` });
  });

  test("Secrets are made where they were declared, with labels of the answer, and go with the object that owns them", async () => {
    const secret = async (namespace: string, name: string): Promise<Made> => {
      const { body } = await plane.admin("GET", `/api/v1/namespaces/${namespace}/secrets/${name}`);
      const { data, metadata } = body as Made;
      const plainText = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]);
      return { data: Object.fromEntries(plainText), metadata };
    };
    const facts = await secret(spaces.default, "member-facts-here");
    expect(facts.data).toEqual({ mail: "hedy@example.org", stamp: "of today" });
    expect(facts.metadata.labels).toEqual({ "kept-by": "tests-here" });
    expect(facts.metadata.annotations).toEqual({ nick: "hedy" });
    const { uid } = live.get("Request here/member-here")?.metadata ?? {};
    expect(facts.metadata.ownerReferences).toEqual([
      { apiVersion: "http.m.crossplane.io/v1alpha2", kind: "Request", name: "member-here", uid },
    ]);
    const open = await secret(spaces.default, "member-phrase-here");
    expect(open.data).toEqual({ phrase: `open ${phrase}`, floor: "25" });
    const far = await secret(spaces.vault, "message-facts-for-all");
    expect(far.data).toEqual({ state: "posted", number: "123" });
    expect(far.metadata.labels).toEqual({ state: "posted", "kept-by": "tests-for-all" });
    expect(far.metadata).not.toHaveProperty("ownerReferences");
  });

  test(
    "they are deleted with what they made",
    async () => {
      // Whoever needs a Secret that another made goes before it.
      for (const one of managed.toSorted(
        (a, b) => Number(a.kind === "DisposableRequest") - Number(b.kind === "DisposableRequest"),
      )) {
        const plural = `${one.kind.toLowerCase()}s.${one.apiVersion.split("/")[0]}`;
        const where = one.metadata.namespace === undefined ? [] : ["-n", one.metadata.namespace];
        await plane.kubectl("delete", plural, one.metadata.name, ...where, "--wait=false");
        if (one.kind === "Request") await until(`${nameOf(one)} is gone`, async () => (await look(one)) === undefined, longMs);
      }
      await until("all are gone", async () => (await Promise.all(managed.map(look))).every((one) => one === undefined), longMs);
      expect([plain.objects.size, tls.objects.size]).toEqual([0, 0]);
      expect([...plain.requests, ...tls.requests].filter(({ method }) => method === "DELETE")).toHaveLength(13);
    },
    5 * longMs,
  );
});

function pathOf(value: unknown): string {
  const { apiVersion, kind, metadata } = value as Given;
  const within = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  return `/apis/${apiVersion}${within}/${kind.toLowerCase()}s`;
}
function isGiven(value: Readonly<Record<string, unknown>>): boolean {
  return value["kind"] === "Request" || value["kind"] === "DisposableRequest";
}
