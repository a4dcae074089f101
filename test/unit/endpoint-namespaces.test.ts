/** Whom an admin's endpoint serves: only namespaces that are known to be chosen. */
import { describe, expect, test } from "@jest/globals";
import { clusterHTTPEndpoint, type ClusterHTTPEndpointSpec } from "../../src/api/cluster-http-endpoint.ts";
import { validator } from "../../src/api/validate.ts";
import type { Situation } from "../../src/core/plan.ts";
import { clusterHTTPEndpointKind } from "../../src/kinds/http-endpoint.ts";
import { httpRequestKind } from "../../src/kinds/http-request/plan.ts";
import { httpResourceKind } from "../../src/kinds/http-resource/plan.ts";
import { httpRequest } from "../support/request-plan.ts";

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
