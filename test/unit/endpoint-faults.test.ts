/** What is wrong with an endpoint as it is written: its own status says it, and nothing is sent by it. */
import { expect, test } from "@jest/globals";
import { httpEndpointKind, clusterHTTPEndpointKind } from "../../src/kinds/http-endpoint.ts";
import { endpointFault } from "../../src/kinds/request/endpoint-faults.ts";
import type { Endpoint } from "../../src/kinds/types.ts";
import { condition, driveIn, followPlan, httpRequest } from "../support/request-plan.ts";

const secretKeyRef = { name: "s", key: "k" };
function endpoint(auth: unknown, namespace = "team-a"): Endpoint {
  const metadata = { namespace, name: "e", uid: "u", generation: 1, resourceVersion: "1" };
  return { metadata, spec: { baseURL: "https://h.example", http2: false, auth: auth as NonNullable<Endpoint["spec"]["auth"]> } };
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
