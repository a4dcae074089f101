/** Every kind there is, in the order in which the CRDs are printed. */
import { clusterHTTPEndpoint } from "./cluster-http-endpoint.ts";
import { egressPolicy } from "./egress-policy.ts";
import { httpEndpoint } from "./http-endpoint.ts";
import { httpRequest } from "./http-request.ts";
import { httpResource } from "./http-resource.ts";
import type { KindDefinition } from "./kind-definition.ts";

export const definitions: readonly KindDefinition[] = [
  httpRequest,
  httpResource,
  httpEndpoint,
  clusterHTTPEndpoint,
  egressPolicy,
];
