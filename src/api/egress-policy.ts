/** EgressPolicy: where the requests of which namespaces may go. */
import { conditions, objectName, observedGeneration } from "./fields.ts";
import { readyColumns, type KindDefinition } from "./kind-definition.ts";
import { matchExpressions, matchLabels } from "./label-selector.ts";
import { method } from "./request.ts";
import type { Infer, Schema } from "./schema.ts";

const namespaceSelector = {
  type: "object",
  description:
    "The namespaces that it speaks of, by their labels; all of them without it. Each namespace has the label kubernetes.io/metadata.name.",
  properties: { matchLabels, matchExpressions },
} as const satisfies Schema;

const octet = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const rule = {
  type: "object",
  minProperties: 1,
  properties: {
    hosts: {
      type: "array",
      description:
        "Host names, in small letters (xn-- for others); *.example.com is whatever is below it. What a name resolves to may not be private: that takes cidrs or services as well.",
      minItems: 1,
      maxItems: 64,
      "x-kubernetes-list-type": "atomic",
      items: {
        type: "string",
        minLength: 1,
        maxLength: 255,
        pattern: "^(\\*\\.)?[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$",
      },
    },
    services: {
      type: "array",
      description:
        "Services of the cluster, asked for as NAME.NAMESPACE.svc or with the cluster's domain after that. Their addresses may be private. Counts as hosts does: one of both must match.",
      minItems: 1,
      maxItems: 64,
      "x-kubernetes-list-type": "atomic",
      items: {
        type: "object",
        properties: {
          namespace: { ...objectName, maxLength: 63, description: "The Service's namespace." },
          name: { ...objectName, maxLength: 63, description: "The Service's name; without it every Service of the namespace." },
        },
        required: ["namespace"],
      },
    },
    cidrs: {
      type: "array",
      description:
        "Networks, for example 10.20.0.0/16 or fd12::/16, private ones too; each address that a name resolves to counts.",
      minItems: 1,
      maxItems: 64,
      "x-kubernetes-list-type": "atomic",
      items: {
        type: "string",
        minLength: 2,
        maxLength: 64,
        pattern: `^((${octet}\\.){3}${octet}(/(3[0-2]|[12]?[0-9]))?|[0-9a-f:]*:[0-9a-f:.]*(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$`,
      },
    },
    ports: {
      type: "array",
      description: "Ports of the URL, for example 443; any without it.",
      minItems: 1,
      maxItems: 64,
      "x-kubernetes-list-type": "atomic",
      items: { type: "integer", format: "int32", minimum: 1, maximum: 65535 },
    },
    methods: {
      type: "array",
      description: "The requests' methods; any without it.",
      minItems: 1,
      maxItems: 16,
      "x-kubernetes-list-type": "atomic",
      items: method,
    },
  },
} as const satisfies Schema;

const spec = {
  type: "object",
  description:
    "What is allowed and denied. Whatever a rule sets must match; a rule that denies wins. Loopback, link-local, metadata and multicast addresses and the API server are closed whatever a policy says.",
  properties: {
    namespaceSelector,
    default: {
      type: "string",
      enum: ["AllowPublic", "Deny"],
      description:
        "What becomes of requests that no rule speaks of, in place of --egress-default. Where several policies speak of a namespace, Deny wins.",
    },
    allow: {
      type: "array",
      description: "What may be reached.",
      maxItems: 64,
      "x-kubernetes-list-type": "atomic",
      items: rule,
    },
    deny: {
      type: "array",
      description: "What may not be reached, whatever allows it.",
      maxItems: 64,
      "x-kubernetes-list-type": "atomic",
      items: rule,
    },
  },
} as const satisfies Schema;

const status = {
  type: "object",
  description: "Whether the policy is as it can be kept.",
  properties: { observedGeneration, conditions },
} as const satisfies Schema;

export const egressPolicy = {
  kind: "EgressPolicy",
  plural: "egresspolicies",
  shortName: "egp",
  scope: "Cluster",
  description: "Where the requests of which namespaces may go.",
  spec,
  status,
  columns: [
    ...readyColumns,
    { name: "Default", type: "string", jsonPath: ".spec.default" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
} as const satisfies KindDefinition;

export type EgressPolicySpec = Infer<typeof spec>;
export type EgressPolicyRule = Infer<typeof rule>;
export type EgressPolicyStatus = Infer<typeof status>;
