/** A request that goes without its endpoint's credential: what that set is free, and what an admin forbids stays forbidden. */
import { expect, test } from "@jest/globals";
import { clusterHTTPEndpoint } from "../../src/api/cluster-http-endpoint.ts";
import { httpEndpoint } from "../../src/api/http-endpoint.ts";
import { httpRequest } from "../../src/api/http-request.ts";
import type { Schema } from "../../src/api/schema.ts";
import { validator } from "../../src/api/validate.ts";
import { buildExchange, declaredRequest } from "../../src/kinds/request/request.ts";
import type { HTTPRequest, UsedEndpoint } from "../../src/kinds/types.ts";

function sound(schema: Schema, spec: object): unknown {
  const { value, problems } = validator(schema)(spec);
  expect(problems).toEqual([]);
  return value;
}
const attempt = { id: "a", startedAt: "2026-01-01T00:00:00Z" } as Parameters<typeof declaredRequest>[1];
const metadata = (namespace: string, name: string) => ({ namespace, name, uid: name, generation: 1, resourceVersion: "1" });
const signed = { scheme: "GitHub", keys: [{ secretKeyRef: { name: "s", key: "k" } }] };
const secured = {
  baseURL: "https://h.example",
  auth: { bearer: { token: { secretKeyRef: { name: "s", key: "k" } } } },
  sign: signed,
};
function built(spec: object, endpoint: object = secured, namespace = "team"): ReturnType<typeof buildExchange> {
  const schema = namespace === "" ? clusterHTTPEndpoint.spec : httpEndpoint.spec;
  const used: UsedEndpoint = { metadata: metadata(namespace, "e"), spec: sound(schema, endpoint) as UsedEndpoint["spec"] };
  const kind = namespace === "" ? "ClusterHTTPEndpoint" : "HTTPEndpoint";
  const declared = { endpointRef: { kind, name: "e" }, path: "/a", ...spec };
  const request = sound(httpRequest.spec, declared) as HTTPRequest["spec"];
  return buildExchange(declaredRequest({ spec: request, metadata: metadata("team", "r") }, attempt), used);
}
const headers = [{ name: "Authorization", value: "Bearer mine" }];

test("neither the credential nor the signature goes along, and their names are the request's own", () => {
  expect(built({})).toHaveProperty("auth");
  expect(built({ headers })).toMatchObject({ type: "refusal", message: expect.stringContaining("Authorization") });
  const without = built({ auth: "None", headers: [...headers, { name: "X-Hub-Signature-256", value: "mine" }] });
  expect(without).not.toHaveProperty("type");
  expect(without).not.toHaveProperty("auth");
  expect(without).not.toHaveProperty("sign");
  expect(without).toHaveProperty("endpoint.key.name", "e");
});

test("on an admin's endpoint callers set no more than before", () => {
  const admins = { ...secured, secretNamespace: "admins", allowedNamespaces: { from: "All" } };
  expect(built({ auth: "None" }, admins, "")).not.toHaveProperty("auth");
  expect(built({ auth: "None", headers }, admins, "")).toMatchObject({
    type: "refusal",
    message: expect.stringContaining("its admin can allow it in spec.allowedHeaders"),
  });
});

test("it is refused where there is no endpoint", () => {
  const { problems } = validator(httpRequest.spec)({ url: "https://h.example/", auth: "None" });
  expect(problems.map(({ message }) => message).join()).toContain("auth goes with endpointRef");
});
