/** What an endpoint may say, and for whom it is. */
import { describe, expect, test } from "@jest/globals";
import { clusterHTTPEndpoint, type ClusterHTTPEndpointSpec } from "../../src/api/cluster-http-endpoint.ts";
import { validator } from "../../src/api/validate.ts";
import type { Situation } from "../../src/core/plan.ts";
import { clusterHTTPEndpointKind, httpEndpointKind } from "../../src/kinds/http-endpoint.ts";
import { httpRequestKind } from "../../src/kinds/http-request/plan.ts";
import { httpResourceKind } from "../../src/kinds/http-resource/plan.ts";
import { httpRequest, condition, driveIn, followPlan } from "../support/request-plan.ts";
import { endpointFault } from "../../src/kinds/request/endpoint-faults.ts";
import type { Endpoint } from "../../src/kinds/types.ts";

// Whom an admin's endpoint serves: only namespaces that are known to be chosen.
describe("endpoint namespaces", () => {
  const endpointRef = { kind: "ClusterHTTPEndpoint", name: "crm" } as const;
  const asked = httpRequest({ endpointRef, path: "/a", method: "GET" });
  const selector = { matchLabels: { crm: "yes" } };
  type Allowed = ClusterHTTPEndpointSpec["allowedNamespaces"];

  /** `labels`: of the namespace; null: it is not known. */
  function references(allowedNamespaces: Allowed | undefined, labels: Record<string, string> | null): Situation["references"] {
    const metadata = { namespace: "", uid: "1", generation: 1, resourceVersion: "1" };
    const endpoint = { metadata: { ...metadata, name: "crm" }, spec: { baseURL: "https://crm.example", allowedNamespaces } };
    return [endpoint, labels === null ? undefined : { metadata: { ...metadata, name: "team-a", labels }, spec: {} }];
  }
  /** The type of the first step, or why there is none. */
  function begins(allowed: Allowed | undefined, labels: Record<string, string> | null): string {
    const now = new Date("2026-01-02T03:04:05Z");
    const step = httpRequestKind.plan({ resource: asked, references: references(allowed, labels), now, instanceId: "me" }).next();
    return step.done ? step.value.reason : step.value.type;
  }

  test("a namespace whose labels are chosen may use it, and one that is not, or has lost its label, may not", () => {
    const allowed = { from: "Selector", selector } as const;
    expect(begins(allowed, { crm: "yes", other: "1" })).toBe("exchange");
    expect(begins(allowed, { crm: "no" })).toBe("EndpointNotAllowed");
    expect(begins(allowed, {})).toBe("EndpointNotAllowed");
  });

  test("nobody may whose labels are not known, whatever is asked of them", () => {
    const expressions = { matchExpressions: [{ key: "barred", operator: "DoesNotExist" }] } as const;
    expect(begins({ from: "Selector", selector: expressions }, {})).toBe("exchange");
    expect(begins({ from: "Selector", selector: expressions }, { barred: "" })).toBe("EndpointNotAllowed");
    expect(begins({ from: "Selector", selector: expressions }, null)).toBe("EndpointNotAllowed");
    expect(begins({ from: "Selector", selector }, null)).toBe("EndpointNotAllowed");
    expect(begins({ from: "Selector" }, { crm: "yes" })).toBe("EndpointNotAllowed");
    expect(begins(undefined, { crm: "yes" })).toBe("EndpointNotAllowed");
  });

  test("labels make no difference where namespaces are named, or all are meant", () => {
    expect(begins({ from: "All" }, null)).toBe("exchange");
    expect(begins({ from: "Names", names: ["team-a"] }, null)).toBe("exchange");
    expect(begins({ from: "Names", names: ["team-b"] }, { crm: "yes" })).toBe("EndpointNotAllowed");
  });

  test("what uses one is due when its namespace's labels change", () => {
    const keys = [...httpRequestKind.references(asked), ...httpResourceKind.references(asked as never)].map(({ type, key }) => [
      type.kind,
      key.name,
    ]);
    const both = [
      ["ClusterHTTPEndpoint", "crm"],
      ["Namespace", "team-a"],
    ];
    expect(keys).toEqual([...both, ...both]);
  });

  describe("what an endpoint refers to is watched", () => {
    const of = (name: string): object => ({ secretKeyRef: { name, key: "k" } });
    const named = (spec: object): readonly string[] => {
      const metadata = { namespace: "", name: "crm", uid: "1", generation: 1, resourceVersion: "1" };
      const endpoint = { metadata, spec: { baseURL: "https://crm.example", secretNamespace: "admins", ...spec } } as never;
      return clusterHTTPEndpointKind.references(endpoint).map(({ type, key }) => `${type.kind} ${key.namespace}/${key.name}`);
    };
    test.each<[string, object, readonly string[]]>([
      ["nothing", {}, []],
      ["basic", { auth: { basic: { username: { value: "ada" }, password: of("a") } } }, ["a"]],
      ["bearer", { auth: { bearer: { token: of("a") } } }, ["a"]],
      ["apiKey", { auth: { apiKey: { in: "Query", name: "key", value: of("a") } } }, ["a"]],
      ["clientSecret", { auth: { oauth2: { tokenURL: "https://t", clientID: of("a"), clientSecret: of("b") } } }, ["a", "b"]],
      [
        "privateKeyJWT",
        { auth: { oauth2: { tokenURL: "https://t", clientID: of("a"), privateKeyJWT: { key: of("b") } } } },
        ["a", "b"],
      ],
      ["awsSigV4", { auth: { awsSigV4: { accessKeyID: of("a"), secretAccessKey: of("a"), sessionToken: of("b") } } }, ["a", "b"]],
      ["serviceAccountToken", { auth: { serviceAccountToken: { serviceAccountName: "robot", audience: "a" } } }, []],
      ["proxy", { proxy: of("a") }, ["a"]],
      ["tls", { tls: { ca: of("a"), certificate: of("b"), key: of("b") } }, ["a", "b"]],
    ])("%s", (_what, spec, names) => {
      expect(named(spec)).toEqual(names.map((name) => `Secret admins/${name}`));
    });
    test("a ConfigMap's certificate, too", () => {
      expect(named({ tls: { ca: { configMapKeyRef: { name: "c", key: "k" } } } })).toEqual(["ConfigMap admins/c"]);
    });
  });

  describe("admission", () => {
    const validate = validator(clusterHTTPEndpoint.spec);
    const problems = (allowedNamespaces?: object): readonly string[] =>
      validate({ baseURL: "https://crm.example", ...(allowedNamespaces && { allowedNamespaces }) }, ["spec"]).problems.map(
        ({ path, message }) => `${path}: ${message}`,
      );
    test("takes a selector that says something, with from: Selector only", () => {
      expect(problems({ from: "Selector", selector })).toEqual([]);
      expect(problems({ from: "Selector" })).toEqual([expect.stringContaining("selector goes with from: Selector")]);
      expect(problems({ from: "All", selector })).toEqual([expect.stringContaining("selector goes with from: Selector")]);
    });
    test("refuses what would choose everybody by accident", () => {
      for (const empty of [{}, { matchLabels: {} }, { matchExpressions: [] }])
        expect([empty, problems({ from: "Selector", selector: empty })]).toEqual([empty, [expect.stringContaining("selector")]]);
      expect(problems()).toHaveLength(1);
      expect(problems({})).toHaveLength(1);
    });
  });
});

// What is wrong with an endpoint as it is written: its own status says it, and nothing is sent by it.
describe("endpoint faults", () => {
  const secretKeyRef = { name: "s", key: "k" };
  function endpoint(auth: unknown, namespace = "team-a"): Endpoint {
    const metadata = { namespace, name: "e", uid: "u", generation: 1, resourceVersion: "1" };
    return {
      metadata,
      spec: { baseURL: "https://h.example", http2: false, auth: auth as NonNullable<Endpoint["spec"]["auth"]> },
    };
  }
  const send = [{ header: "X-Token", value: "a" }];
  const request = { path: "/a", method: "POST", expect: { status: ["2xx"] } };
  const login = (body: object): object => ({ login: { renewOn: ["401"], requests: [{ ...request, body }], send } });
  const jwt = (claims: object): object => {
    const assertion = { jwt: { key: { secretKeyRef }, algorithm: "RS256", lifetime: "5m", claims } };
    return { oauth2: { tokenURL: "https://h.example/token", authMethod: "Basic", use: "AccessToken", jwtBearer: { assertion } } };
  };
  const tooLong: readonly (readonly [string, object])[] = [
    ["a body of a login that is long text", login({ text: "x".repeat(66_000) })],
    ["one of many values", login({ json: Array.from({ length: 1_001 }, () => 1) })],
    ["one whose keys are long", login({ json: { ["k".repeat(66_000)]: 1 } })],
    ["one that is deep", login({ json: JSON.parse("[".repeat(1_100) + "]".repeat(1_100)) as unknown })],
    ["claims that are long", jwt({ scope: "x".repeat(66_000) })],
    ["claims that are many", jwt({ scope: Array.from({ length: 1_001 }, () => ({})) })],
  ];

  test.each(tooLong)("%s is refused, on an admin's endpoint too, before anything is read", (_name, auth) => {
    for (const [kind, namespace] of [
      [httpEndpointKind, "team-a"],
      [clusterHTTPEndpointKind, ""],
    ] as const) {
      const resource = endpoint(auth, namespace);
      const plan = kind.plan({ resource, references: [], now: new Date(0), instanceId: "me" });
      const verdict = followPlan(plan, () => {
        throw new Error("something was asked");
      });
      expect(verdict).toMatchObject({ result: "stalled", reason: "InvalidRequest" });
      expect(JSON.stringify(verdict.status)).toContain("spec.auth: holds more than 65536 characters");
      expect(kind.references(resource)).toEqual([]);
    }
  });

  test("a request by it waits, and says why; one without its credential does not", () => {
    const bad = endpoint(tooLong[0]?.[1]);
    const spec = { endpointRef: { kind: "HTTPEndpoint", name: "e" }, path: "/a" } as const;
    const { steps, status } = driveIn({ resource: httpRequest(spec), references: [bad] });
    expect(steps).toEqual([]);
    expect(condition(status, "Ready")).toMatchObject({
      reason: "EndpointNotReady",
      message: expect.stringContaining('spec.endpointRef: HTTPEndpoint "e": spec.auth: holds more than'),
    });
    const cluster = { endpointRef: { kind: "ClusterHTTPEndpoint", name: "e" }, path: "/a" } as const;
    const admins = { ...endpoint(tooLong[0]?.[1], ""), spec: { ...bad.spec, allowedNamespaces: { from: "All" } } } as Endpoint;
    const told = driveIn({ resource: httpRequest(cluster), references: [admins] });
    expect(condition(told.status, "Ready")?.message).toBe(
      'spec.endpointRef: ClusterHTTPEndpoint "e" cannot be used as it is written; its own status says why',
    );
    const answered = { type: "failure", reason: "ConnectionRefused", message: "nobody listens there", sent: false } as const;
    const without = driveIn({ resource: httpRequest({ ...spec, auth: "None" }), references: [bad] }, [answered]);
    expect(without.steps.map(({ type }) => type)).toEqual(["exchange"]);
  });

  test("what is as long as it may be is taken", () => {
    expect(endpointFault(endpoint(login({ text: "x".repeat(65_000) })))).toBe(undefined);
    expect(endpointFault(endpoint(login({ json: Array.from({ length: 900 }, () => 1) })))).toBe(undefined);
  });
});
