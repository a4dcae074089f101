/** Exchanges with an endpoint as its spec declares it, defaults and all. */
import { httpEndpoint, type HTTPEndpointSpec } from "../../src/api/http-endpoint.ts";
import { validator } from "../../src/api/validate.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { connectionOf } from "../../src/kinds/request/endpoint.ts";
import { exchange, scope } from "./loopback-requester.ts";

const validate = validator(httpEndpoint.spec);

interface By {
  readonly namespace?: string;
  readonly name?: string;
}
type Changes = Omit<Parameters<typeof exchange>[0], "url"> & { readonly path?: string };

/** By an endpoint of the spec, which must be sound; a GET of its baseURL, but for what is said otherwise. */
export function byEndpoint(
  spec: { readonly baseURL: string; readonly auth: object },
  { path, ...changes }: Changes = {},
  { namespace = "team-a", name = "users" }: By = {},
): Exchange {
  const { value, problems } = validate(spec);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const metadata = { name, namespace, uid: `uid-${name}`, generation: 1, resourceVersion: "1" };
  const connection = connectionOf({ metadata, spec: value as HTTPEndpointSpec });
  const located = path === undefined ? {} : { path: { field: "spec.path", text: path } };
  const url = { type: "joined", base: spec.baseURL, ...located } as const;
  const asked = exchange({ url, ...connection, ...changes });
  return { ...asked, scope: { ...asked.scope, metadata: { ...scope.metadata, namespace } } };
}
