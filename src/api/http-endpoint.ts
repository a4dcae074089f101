/** HTTPEndpoint: where and how to connect. */
import { conditions, duration, headers, idempotencyKey, observedGeneration, tls } from "./fields.ts";
import type { KindDefinition } from "./kind-definition.ts";
import type { Infer, Schema } from "./schema.ts";

const spec = {
  type: "object",
  description: "Where and how to connect.",
  properties: {
    baseURL: {
      type: "string",
      minLength: 1,
      maxLength: 2048,
      pattern: "^https?://[^/?#@\\s\\\\]+(/[^?#\\s\\\\]*)?$",
      description: "Scheme, host, port and a path prefix that no request leaves; no user, query or fragment.",
    },
    headers: {
      ...headers,
      description: "Header fields of every request, taken as they stand; a request's own field of the same name replaces them.",
    },
    tls,
    timeout: { ...duration, description: "Limit on a whole exchange, for requests that set none. 30s where neither does." },
    idempotencyKey,
  },
  required: ["baseURL"],
} as const satisfies Schema;

const status = {
  type: "object",
  description: "Whether the endpoint can be used.",
  properties: { observedGeneration, conditions },
} as const satisfies Schema;

export const httpEndpoint = {
  kind: "HTTPEndpoint",
  plural: "httpendpoints",
  shortName: "hep",
  scope: "Namespaced",
  description: "Where and how to connect: base URL, headers, TLS, timeout.",
  spec,
  status,
  columns: [
    { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: "Reason", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: "URL", type: "string", jsonPath: ".spec.baseURL" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
} as const satisfies KindDefinition;

export type HTTPEndpointSpec = Infer<typeof spec>;
export type HTTPEndpointStatus = Infer<typeof status>;
