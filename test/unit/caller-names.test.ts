/** What a caller may set beside an admin's endpoint: names are compared as servers read them, and what is not known is refused. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { clusterHTTPEndpoint } from "../../src/api/cluster-http-endpoint.ts";
import { validator } from "../../src/api/validate.ts";
import { endpointFault } from "../../src/kinds/request/endpoint-faults.ts";
import { callerNamesRefusal, harmlessHeaders } from "../../src/kinds/request/caller-names.ts";
import type { Endpoint } from "../../src/kinds/types.ts";
import { runs } from "../support/fuzz.ts";
import { driveIn, httpRequest } from "../support/request-plan.ts";

const secretKeyRef = { name: "s", key: "k" };
const inQuery = { apiKey: { in: "Query", name: "api_key", value: { secretKeyRef } } } as const;
const inHeader = { apiKey: { in: "Header", name: "X-Api-Key", value: { secretKeyRef } } } as const;

function endpoint(spec: Partial<Endpoint["spec"]> = {}, namespace = ""): Endpoint {
  const metadata = { namespace, name: "crm", uid: "u", generation: 1, resourceVersion: "1" };
  return { metadata, spec: { baseURL: "https://crm.example/v1", http2: false, ...spec } };
}
const headersOf = (...names: string[]) => ({ headers: names.map((name) => ({ name, value: "v" })) });
const queryOf = (name: string) => ({ query: [{ name, value: "v" }] });
function saidOf(shape: Parameters<typeof callerNamesRefusal>[0], of: Endpoint, keyHeader?: string): string | undefined {
  return callerNamesRefusal(shape, { field: "spec.create", endpoint: of, keyHeader })?.message;
}
const named = (name: string): string => `spec.create.headers[0].name: the header ${name} is `;

/** Another identity, host, path or method, for some server. */
const powerful = (
  "Impersonate-User Impersonate-Group Sudo X-Remote-User X-Forwarded-User X-Auth-Request-Email X-Scope-OrgID X-Original-Host X-Original-URL " +
  "X-Rewrite-URL X-Real-IP X-Forwarded-For X-Forwarded-Host X_Forwarded_Host True-Client-IP X-Client-Cert X-SSL-Client-DN Remote-User Remote_User " +
  "Authorization Cookie Cookie2 Forwarded Via From Origin Referer User-Agent Proxy Destination Content-Location X-HTTP-Method-Override " +
  "X_HTTP_Method_Override X-Method-Override X-HTTP-Method X-WP-Nonce X-Amz-Security-Token X-GitHub-Token X-Vault-Token X-Consul-Token " +
  "Private-Token PRIVATE_TOKEN Content_Length Transfer_Encoding Content_Type Accept_ X-Forwarded_Proto Baggage X-Request-ID Expect-CT Upgrade-X"
).split(" ");

describe("header fields on a ClusterHTTPEndpoint", () => {
  test.each(powerful)("%s is refused, and so is it as the name of an idempotency key", (name) => {
    expect(saidOf(headersOf(name), endpoint())).toContain(named(name));
    expect(saidOf({}, endpoint(), name)).toContain(`spec.idempotencyKey.header: the header ${name} is `);
  });

  test("those of the content go along", () => {
    expect(
      saidOf(headersOf("Accept", "CONTENT-TYPE", "If-Match", "Idempotency-Key", "Prefer"), endpoint(), "Idempotency-Key"),
    ).toBe(undefined);
  });

  test("those that the admin allows go along, in any case and in no other spelling", () => {
    const of = endpoint({ allowedHeaders: ["X-Trace", "Sudo"] });
    expect(saidOf(headersOf("x-trace", "SUDO"), of)).toBe(undefined);
    expect(saidOf(headersOf("X_Trace"), of)).toContain(named("X_Trace"));
  });

  test("the endpoint's own key header is nobody's to choose, and refuses no key", () => {
    const of = endpoint({ idempotencyKey: { header: "X-Request-Key" } });
    expect(saidOf({}, of, "X-Request-Key")).toBe(undefined);
    expect(saidOf({}, of, "X_Request_Key")).toContain("spec.idempotencyKey.header");
  });

  test("what the endpoint signs with is not a request's to set, but an idempotency key may be the signed id", () => {
    const of = endpoint({ sign: { scheme: "StandardWebhooks", keys: [{ secretKeyRef }] }, allowedHeaders: ["webhook-id"] });
    for (const name of ["Webhook-Signature", "webhook_id", "webhook-timestamp"])
      expect(saidOf(headersOf(name), of)).toContain(named(name));
    expect(saidOf({}, of, "Webhook-ID")).toBe(undefined);
    expect(saidOf({}, of, "webhook-timestamp")).toContain("spec.idempotencyKey.header");
  });

  test.each([
    ["Authorization", { auth: { bearer: { token: { secretKeyRef } } } }],
    ["x_api-key", { auth: inHeader }],
    ["Traceparent", { traceContext: "W3C" }],
  ] as const)("a signature in %s, where something else of the endpoint goes, takes its place from nothing", (name, spec) => {
    const hmac = { algorithm: "SHA256", keyEncoding: "Text", encoding: "Hex", content: "${ .body }" } as const;
    const headers = [{ name, value: "${ .signature }" }];
    const sign = { scheme: "HMAC", keys: [{ secretKeyRef }], hmac: { ...hmac, headers } } as const;
    expect(endpointFault(endpoint({ ...spec, sign }))?.message).toBe(
      `spec.sign: sets the header ${name}, which the credential or the trace is sent in`,
    );
    expect(endpointFault(endpoint({ sign }))).toBe(undefined);
  });

  test("what a request's own sign sets is not to be set besides, by what asks after its work neither", () => {
    const sign = { scheme: "Slack", keys: [{ secretKeyRef }] } as const;
    const name = "X_Slack-Signature";
    const poll = { interval: "1s", timeout: "1m", headers: [{ name, value: "v" }] };
    const key = { idempotencyKey: { header: "X-Slack-Signature" } };
    for (const [spec, field] of [
      [headersOf(name), "spec.headers[0].name"],
      [{ poll }, "spec.poll.headers[0].name"],
      [key, "spec.idempotencyKey.header"],
    ] as const) {
      const { status, steps } = driveIn({ resource: httpRequest({ sign, ...spec }) });
      expect([steps, status.conditions?.[0]?.message]).toEqual([[], expect.stringContaining(`${field}: the header `)]);
    }
  });

  test("whatever is sent is on the list: any other token is refused", () => {
    const letter = fc.constantFrom(...Array.from("abcxyzABCXYZ0189-_.!#$%&'*+^`|~"));
    const token = fc.oneof(
      fc.array(letter, { minLength: 1, maxLength: 20 }).map((all) => all.join("")),
      fc
        .tuple(fc.constantFrom(...harmlessHeaders), letter, fc.nat(20))
        .map(([name, one, at]) => name.slice(0, at) + one + name.slice(at)),
    );
    fc.assert(
      fc.property(token, (name) => {
        expect(saidOf(headersOf(name), endpoint()) === undefined).toBe(harmlessHeaders.includes(name.toLowerCase()));
      }),
      runs(2_000),
    );
  });

  test("no spelling of what the admin sets goes along, even where the admin allowed that spelling", () => {
    const spelt = fc
      .constantFrom("X-Tenant", "Accept-Language", "X-Api-Key", "X_Under_Score")
      .chain((own) =>
        fc
          .tuple(
            ...Array.from(own, (one) =>
              /[-_]/.test(one) ? fc.constantFrom(...Array.from("-_.!~")) : fc.constantFrom(one.toLowerCase(), one.toUpperCase()),
            ),
          )
          .map((all) => all.join("")),
      );
    fc.assert(
      fc.property(spelt, (name) => {
        const headers = ["X-Tenant", "Accept-Language", "X_Under_Score"].map((own) => ({ name: own, value: "a" }));
        const of = endpoint({ headers, auth: inHeader, allowedHeaders: [name] });
        expect(saidOf(headersOf(name), of)).toContain(`${named(name)}ClusterHTTPEndpoint "crm"'s to set`);
      }),
      runs(1_000),
    );
  });

  test("on an HTTPEndpoint only what its credential sets is refused, in any spelling", () => {
    const own = endpoint({ auth: inHeader, headers: [{ name: "X-Team", value: "a" }] }, "team-a");
    expect(saidOf(headersOf("X-Team", "X-Remote-User"), own)).toBe(undefined);
    for (const name of ["x-api-key", "X_Api_Key", "X.API-KEY"]) expect(saidOf(headersOf(name), own)).toContain(named(name));
  });
});

test.each([
  "api_key",
  "%61pi_key",
  "%2561pi%5Fkey",
  "API_KEY",
  "api+key",
  "api key",
  "api.key",
  " api_key",
  "api_key[]",
  "api_key[0]",
  "api_key\0",
  "ａpi_key",
])("the query parameter %j is the credential's, for some server", (name) => {
  for (const namespace of ["", "team-a"])
    expect(saidOf(queryOf(name), endpoint({ auth: inQuery }, namespace))).toContain(
      "spec.create.query[0].name: the query parameter ",
    );
});
test("other query parameters go along", () => {
  for (const name of ["api", "key", "apikey2", "my_api_key", "page[api_key]", "%", "100%", "größe", "?"])
    expect(saidOf(queryOf(name), endpoint({ auth: inQuery }))).toBe(undefined);
});

describe("at admission", () => {
  const validate = validator(clusterHTTPEndpoint.spec);
  const problems = (spec: object): string[] =>
    validate({
      baseURL: "https://crm.example",
      allowedNamespaces: { from: "All" },
      secretNamespace: "admins",
      ...spec,
    }).problems.map(({ path, message }) => `${path}: ${message}`);

  test.each([
    [{ allowedHeaders: ["X_Tenant"], headers: [{ name: "X-Tenant", value: "a" }] }, "field that headers sets"],
    [{ allowedHeaders: ["AUTHORIZATION"], auth: { bearer: { token: { secretKeyRef } } } }, "what auth sets"],
    [{ allowedHeaders: ["x_api_key"], auth: inHeader }, "what auth sets"],
    [{ allowedHeaders: ["Host"] }, "the client sets itself"],
    [{ allowedHeaders: ["a b"] }, ""],
  ])("%j is refused", (spec, text) => {
    expect(problems(spec)).toEqual([expect.stringMatching(new RegExp(`^allowedHeaders.*${text}`))]);
  });

  test("what the credential does not set may be allowed", () => {
    expect(
      problems({
        allowedHeaders: ["X-Team", "Sudo", "Authorization"],
        headers: [{ name: "X-Tenant", value: "a" }],
        auth: inHeader,
      }),
    ).toEqual([]);
  });
});
