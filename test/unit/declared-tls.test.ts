/** What a spec declares of TLS. Its client's key is found by the object. */
import { expect, test } from "@jest/globals";
import { httpRequest } from "../../src/api/http-request.ts";
import { validator } from "../../src/api/validate.ts";
import type { TlsSources } from "../../src/core/connection.ts";
import { buildExchange, declaredRequest } from "../../src/kinds/request/request.ts";
import type { HTTPRequest } from "../../src/kinds/types.ts";

const attempt = { id: "a", startedAt: "2026-01-01T00:00:00Z" } as Parameters<typeof declaredRequest>[1];
const metadata = { namespace: "team", name: "r", uid: "r", generation: 1, resourceVersion: "1" };
function sound(spec: object): HTTPRequest["spec"] {
  const { value, problems } = validator(httpRequest.spec)(spec);
  expect(problems).toEqual([]);
  return value as HTTPRequest["spec"];
}
function tlsOf(spec: HTTPRequest["spec"]): TlsSources {
  const exchange = buildExchange(declaredRequest({ spec, metadata }, attempt), undefined);
  if ("type" in exchange) throw new Error(exchange.message);
  return exchange.tls;
}

test("is one object for all specs that say nothing of it, and for each that does", () => {
  const silent = { url: "https://h.example" };
  expect(tlsOf(sound(silent))).toBe(tlsOf(sound(silent)));
  const own = sound({ url: "https://h.example", tls: { ca: { inline: "CA" }, serverName: "h", minVersion: "TLSv1.3" } });
  const ca = { field: "spec.tls.ca", type: "literal", value: "CA" };
  expect(tlsOf(own)).toEqual({ ca, serverName: "h", insecureSkipVerify: false, minVersion: "TLSv1.3" });
  expect(tlsOf(own)).toBe(tlsOf(own));
});
