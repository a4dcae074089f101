/** What `holdfast convert` makes beside the objects (endpoints, copies of Secrets), and what it can be told to do otherwise. */
import { describe, expect, test } from "@jest/globals";
import { copySecrets } from "../../src/convert/copies.ts";
import { joinEndpoints } from "../../src/convert/endpoints.ts";
import { readDocument } from "../../src/convert/documents.ts";
import type { PeerConfig } from "../../src/convert/peer-object.ts";
import { egressPolicy, privateHosts } from "../../src/convert/private-hosts.ts";
import { lookTogether } from "../../src/convert/together.ts";
import type { Translation } from "../../src/convert/translation.ts";
import { readObject } from "../../src/standalone/object.ts";
import { openTranslator, peerConfig, peerDisposable, peerRequest } from "../support/peer-objects.ts";

const { translated } = openTranslator();

const baseUrl = "https://origin.example/things";
const url = '.payload.baseUrl + "/" + .response.body.id';
const mappings = [
  { action: "CREATE", url: ".payload.baseUrl", body: ".payload.body" },
  { action: "OBSERVE", url },
  { action: "REMOVE", url },
];
const payload = { baseUrl, body: '{"a":1}' };
const said = ({ findings }: Translation): readonly string[] => findings.map(({ level, field }) => `${level} ${field}`);

describe("a ProviderConfig", () => {
  const config = (more: object = {}): PeerConfig =>
    peerConfig({ name: "cred", namespace: "vault" }, { kind: "ClusterProviderConfig", metadata: { name: "shared" }, ...more });
  const withConfig = (value: unknown, given = config()): Promise<Translation> =>
    translated(value, { config: given, endpoints: true });

  test("becomes an endpoint of what sends all to one server, and its credential the endpoint's", async () => {
    const one = await withConfig(peerRequest({ payload, mappings, headers: { "X-Team": ["{{ a:here:b }}"] } }));
    const other = await withConfig(peerDisposable({ url: "https://origin.example/do" }));
    const { endpoints, translations } = joinEndpoints([one, other]);
    expect(endpoints.map(({ manifest }) => manifest)).toEqual([
      {
        apiVersion: "holdfast.dev/v1alpha1",
        kind: "HTTPEndpoint",
        metadata: { name: "shared", namespace: "here" },
        spec: {
          baseURL: "https://origin.example",
          auth: { apiKey: { in: "Header", name: "Authorization", value: { secretKeyRef: { name: "cred", key: "token" } } } },
        },
      },
    ]);
    expect(endpoints[0]?.findings).toEqual([
      { level: "STEP", field: "Secret", message: "copy Secret vault/cred (token) to namespace here" },
    ]);
    const headers = [{ name: "X-Team", value: "${ .inputs.a_b }" }];
    expect(translations[0]?.manifest?.spec).toEqual({
      endpointRef: { name: "shared" },
      externalID: ".response.body.id",
      create: { path: "/things", headers, body: { json: { a: 1 } } },
      observe: { path: "/things/${ .externalID }", headers },
      delete: { path: "/things/${ .externalID }", headers },
      interval: "1m",
      timeout: "5m",
      inputs: { a_b: { secretKeyRef: { name: "a", key: "b" } } },
    });
    expect(translations[1]?.manifest?.spec).toMatchObject({ endpointRef: { name: "shared" }, path: "/do", method: "GET" });
    for (const { manifest } of [...endpoints, ...translations])
      expect(readObject(manifest)).toEqual([expect.objectContaining({ type: "object" })]);
  });

  test("that several namespaces use is an endpoint of the cluster, for each server, which reads where its Secret is", async () => {
    const there = { metadata: { name: "one", namespace: "there" } };
    const all = [
      await withConfig(peerDisposable({ url: "https://origin.example/do", headers: { "X-A": ["1"] } })),
      await withConfig(peerDisposable({ url: "https://origin.example/do", headers: { "x-b": ["1"] } }, there)),
      await withConfig(peerDisposable({ url: "https://other.example:8443/do" }, there)),
    ];
    const { endpoints, translations } = joinEndpoints(all);
    expect(endpoints.map(({ manifest: { kind, metadata }, findings }) => ({ kind, metadata, findings }))).toEqual([
      { kind: "ClusterHTTPEndpoint", metadata: { name: "shared-origin.example" }, findings: [] },
      { kind: "ClusterHTTPEndpoint", metadata: { name: "shared-other.example-8443" }, findings: [] },
    ]);
    expect(endpoints[0]?.manifest.spec).toMatchObject({
      allowedHeaders: ["x-a", "x-b"],
      allowedNamespaces: { from: "Names", names: ["here", "there"] },
      secretNamespace: "vault",
    });
    expect(translations[2]?.manifest?.spec["endpointRef"]).toEqual({
      kind: "ClusterHTTPEndpoint",
      name: "shared-other.example-8443",
    });
    for (const { manifest } of endpoints) expect(readObject(manifest)).toEqual([expect.objectContaining({ type: "object" })]);
  });

  test.each([
    ["http://[fd00::1]:8080", "shared-fd00-1-8080"],
    ["HTTPS://A.Example.", "shared-a.example"],
    ["http://a_b.example:81", "shared-a-b.example-81"],
  ])("of %s is called %s beside another", async (origin, name) => {
    const all = [
      await withConfig(peerDisposable({ url: `${origin}/do` })),
      await withConfig(peerDisposable({ url: "https://other.example/do" })),
    ];
    expect(joinEndpoints(all).endpoints[0]?.manifest.metadata.name).toBe(name);
  });

  test("has a name of its own, also where one of the namespace is called like one of the cluster", async () => {
    const own = { kind: "ProviderConfig", metadata: { name: "shared", namespace: "here" } };
    const all = [
      await withConfig(peerDisposable({ url: "https://origin.example/do" })),
      await withConfig(peerDisposable({ url: "https://origin.example/do" }), config(own)),
    ];
    const { endpoints, translations } = joinEndpoints(all);
    expect(endpoints.map(({ manifest }) => manifest.metadata.name)).toEqual(["shared", "shared-2"]);
    expect(translations.map(({ manifest }) => manifest?.spec["endpointRef"])).toEqual([{ name: "shared" }, { name: "shared-2" }]);
  });

  test.each<[string, unknown]>([
    ["TLS of its own", peerDisposable({ tlsConfig: { insecureSkipVerify: true } })],
    ["an Authorization of its own", peerDisposable({ headers: { authorization: ["x"] } })],
    ["a query", peerDisposable({ url: "https://origin.example/do?a=1" })],
    [
      "a list that is searched",
      peerRequest({
        payload,
        mappings: [
          mappings[0],
          { action: "OBSERVE", url: '.payload.baseUrl + "?name=a"' },
          { action: "REMOVE", url: '.payload.baseUrl + "/" + .response.body[0].id' },
        ],
      }),
    ],
    ["a path that goes up", peerDisposable({ url: "https://origin.example/a/../b" })],
    ["an encoded slash", peerDisposable({ url: "https://origin.example/a%2Fb" })],
    ["a server that a Secret names", peerDisposable({ url: "https://{{ a:here:host }}/b" })],
    ["a server that an answer names", peerRequest({ payload, mappings: [{ action: "OBSERVE", url: ".response.body.self" }] })],
    [
      "two servers",
      peerRequest({ payload, mappings: [...mappings.slice(0, 2), { action: "REMOVE", url: '"https://other.example/a"' }] }),
    ],
  ])("stays with what has %s", async (_, value) => {
    const { manifest, endpoint } = await withConfig(value);
    expect(endpoint).toBeUndefined();
    expect(readObject(manifest)).toEqual([expect.objectContaining({ type: "object" })]);
    expect(manifest?.spec).not.toHaveProperty("endpointRef");
  });
});

describe("Secrets of other namespaces", () => {
  const value = peerDisposable({
    headers: { A: ["{{ key:there:b }}"], B: ["{{ key:there:none }}"], C: ["{{ other:there:b }}"] },
  });
  const given = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "key", namespace: "there", uid: "1", labels: { a: "b" } },
    data: { b: "eA==", more: "eQ==" },
    stringData: { none: 'q"\n' },
  };

  test("are copied where they were given, with what is read of them", async () => {
    const one = await translated(value);
    const { manifests, settle } = copySecrets([one], [], [given]);
    expect(manifests).toEqual([
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "key", namespace: "here" },
        data: { b: "eA==" },
        stringData: { none: 'q"\n' },
      },
    ]);
    expect(settle(one.findings).flatMap(({ level, message }) => (level === "STEP" ? [message] : []))).toEqual([
      "copy Secret there/other (b) to namespace here",
    ]);
  });

  test("are not copied over another, and not in part", async () => {
    const own = { ...given, metadata: { name: "key", namespace: "here" } };
    const part = { ...given, stringData: {} };
    const one = await translated(value);
    for (const all of [[given, own], [part]]) {
      const { manifests, settle } = copySecrets([one], [], all);
      expect(manifests).toEqual([]);
      expect(settle(one.findings).filter(({ level }) => level === "STEP")).toHaveLength(2);
    }
  });

  const reading = (...from: readonly string[]): unknown =>
    peerDisposable({
      headers: Object.fromEntries(from.map((namespace) => [`A-${namespace}`, [`{{ creds:${namespace}:token }}`]])),
    });
  test.each([[["a", "b"]], [["here", "b"]]])(
    "of %j that have one name would be one: no object reads both, and several are warned of",
    async (from) => {
      expect(said(await translated(reading(...from)))).toContain("HARD Secret");
      const each = [await translated(reading(from[0] ?? "")), await translated(reading(from[1] ?? ""))];
      for (const one of each) expect(said(one)).not.toContain("HARD Secret");
      expect(lookTogether(each).map((all) => all.some(({ level, field }) => level === "WARN" && field === "Secret"))).toEqual([
        true,
        true,
      ]);
      const secret = (namespace: string): object => ({
        kind: "Secret",
        metadata: { name: "creds", namespace },
        data: { token: "eA==" },
      });
      expect(copySecrets(each, [], from.map(secret)).manifests).toEqual([]);
      const others = from.filter((one) => one !== "here");
      expect(copySecrets(each, [], others.map(secret)).manifests).toEqual([]);
    },
  );
  test("of a credential count as well", async () => {
    const config = peerConfig({ name: "creds", namespace: "a" });
    for (const endpoints of [true, false])
      expect(said(await translated(reading("b"), { config, endpoints }))).toContain("HARD Secret");
  });
});

describe("what can be chosen", () => {
  test("an object that was never sent, having no OBSERVE", async () => {
    const value = peerRequest({ payload, mappings: mappings.slice(0, 1) });
    expect((await translated(value)).manifest).toBeUndefined();
    const { manifest, findings } = await translated(value, { choices: { force: true } });
    expect(findings.filter(({ level }) => level === "HARD")).toEqual([]);
    expect(manifest?.spec).toMatchObject({ create: { url: baseUrl } });
  });
  test("that what is only observed is Ready whatever its check says", async () => {
    const expectedResponseCheck = { type: "CUSTOM", logic: ".response.body.ok" };
    const value = peerRequest({ payload, mappings: mappings.slice(0, 2), expectedResponseCheck });
    expect((await translated(value)).manifest?.spec).toHaveProperty("upToDate");
    const { manifest, findings } = await translated(value, { choices: { readyOnDrift: true } });
    expect(manifest?.spec).not.toHaveProperty("upToDate");
    expect(findings.map(({ level, field }) => `${level} ${field}`)).toContain("DROP expectedResponseCheck");
  });
  test("redirects, and sending again", async () => {
    const value = peerDisposable({ method: "POST" });
    expect((await translated(value)).manifest?.spec).not.toHaveProperty("maxRedirects");
    const chosen = await translated(value, { choices: { keepRedirects: true, atLeastOnce: true } });
    expect(chosen.manifest?.spec).toMatchObject({ maxRedirects: 10, onUnknown: "Resend" });
    expect(said(chosen)).not.toContain("CHANGE method");
  });
});

describe("what is told", () => {
  test.each<[string, unknown, string]>([
    [
      "what was written in vain",
      peerRequest(
        { payload, mappings },
        { spec: { writeConnectionSecretToRef: { name: "a" }, forProvider: { payload, mappings } } },
      ),
      "DROP writeConnectionSecretToRef",
    ],
    [
      "that it may not be observed",
      peerRequest({}, { spec: { managementPolicies: ["Create"], forProvider: { payload, mappings } } }),
      "HARD managementPolicies",
    ],
    [
      "numbers that were rounded",
      peerRequest({ payload: { baseUrl, body: '{"a":9007199254740993}' }, mappings }),
      "INFO payload.body",
    ],
    [
      "errors that are allowed, and have an id to give",
      peerRequest({ payload, mappings, allowedStatusCodes: [409] }),
      "CHANGE allowedStatusCodes",
    ],
    [
      "a token that is fetched again and again",
      peerDisposable({
        method: "POST",
        body: "grant_type=client_credentials",
        shouldLoopInfinitely: true,
        nextReconcile: "1h",
        secretInjectionConfigs: [{ secretRef: { name: "a" }, keyMappings: [{ secretKey: "a", responseJQ: ".body.a" }] }],
      }),
      "INFO forProvider",
    ],
  ])("%s", async (_, value, finding) => {
    expect(said(await translated(value))).toContain(finding);
  });

  test("a version that nobody knows is no object that is passed over", () => {
    const value = { apiVersion: "http.m.crossplane.io/v1beta1", kind: "Request", metadata: { name: "a" }, spec: {} };
    expect(readDocument({ value, at: [] })).toMatchObject({ type: "invalid" });
    const usage = { ...value, kind: "ProviderConfigUsage" };
    expect(readDocument({ value: usage, at: [] })).toMatchObject({ type: "ignored" });
  });

  test("hosts that are private, once for each namespace", async () => {
    const one = await translated(peerDisposable({ url: "http://api.prod.svc.cluster.local:8080/do" }));
    const other = await translated(peerRequest({ payload: { baseUrl: "http://10.1.2.3/things" }, mappings }));
    const open = await translated(peerDisposable({ url: "http://93.184.216.34/do" }));
    const fields = lookTogether([one, one, other, open]).map(
      (each) => each.filter(({ field }) => field === "EgressPolicy").length,
    );
    expect(fields).toEqual([1, 0, 1, 0]);
    const short = await translated(peerDisposable({ url: "http://keycloak:8080/do" }));
    expect(lookTogether([short])[0]).toEqual([expect.objectContaining({ level: "WARN", field: "EgressPolicy" })]);
    const policy = egressPolicy("here", [one, other].flatMap(privateHosts));
    expect(policy).toMatchObject({
      spec: {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "here" } },
        allow: [
          { services: [{ namespace: "prod", name: "api" }], ports: [8080] },
          { cidrs: ["10.1.2.3"], ports: [80] },
        ],
      },
    });
    expect(readObject(policy)).toEqual([expect.objectContaining({ type: "object" })]);
    const many = Array.from({ length: 100 }, (_, n) => ({ type: "address" as const, host: `10.0.0.${n}`, port: 80 + (n % 2) }));
    expect(readObject(egressPolicy("here", many))).toEqual([expect.objectContaining({ type: "object" })]);
  });
});

test("a host that is only known in part is none", async () => {
  for (const host of ["10.0.0.{{ a:here:b }}", "192.168.{{ a:here:b }}", "10.0.0.1{{ a:here:b }}:80"])
    expect(privateHosts(await translated(peerDisposable({ url: `http://${host}/do` })))).toEqual([]);
  expect(privateHosts(await translated(peerDisposable({ url: "http://10.0.0.1/{{ a:here:b }}" })))).toHaveLength(1);
});

describe("a list that is searched", () => {
  const listing = (query: string): unknown =>
    peerRequest({
      payload: { baseUrl, body: '{"name":"www"}' },
      mappings: [
        mappings[0],
        { action: "OBSERVE", url: `.payload.baseUrl + ${query}` },
        { action: "REMOVE", url: '.payload.baseUrl + "/" + .response.body.result[0].id' },
      ],
    });

  test.each([
    ['"?name=" + .payload.body.name', '(.item.name | tostring) == "www"'],
    ['"?type=A%20A&name=a+b"', '(.item.type | tostring) == "A A" and (.item.name | tostring) == "a b"'],
  ])("by %s", async (query, match) => {
    const { manifest, findings } = await translated(listing(query));
    expect(manifest?.spec).toMatchObject({
      lookup: { url: expect.stringContaining(`${baseUrl}?`), items: ".response.body.result", match, externalID: ".item.id" },
      delete: { url: `${baseUrl}/\${ .externalID }` },
      suspend: true,
    });
    expect(manifest?.spec).not.toHaveProperty("observe");
    expect(findings.map(({ level, field }) => `${level} ${field}`)).toContain("HARD mappings[1]");
    expect(readObject(manifest)).toEqual([expect.objectContaining({ type: "object" })]);
  });

  test("by nothing: it is told, and nothing is guessed", async () => {
    const { manifest, findings } = await translated(listing('"/all"'));
    expect(manifest?.spec).not.toHaveProperty("lookup");
    expect(findings.map(({ level, field }) => `${level} ${field}`)).toContain("HARD mappings[1]");
  });
});
