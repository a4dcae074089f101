/** Fields of a selector of namespaces, as Kubernetes writes them: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ */
import type { ArraySchema, MapSchema, Schema } from "./schema.ts";

const labelKey = {
  type: "string",
  minLength: 1,
  maxLength: 317,
  pattern: "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
  description: "The label's key.",
} as const satisfies Schema;
const labelValue = {
  type: "string",
  maxLength: 63,
  pattern: "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
} as const satisfies Schema;

export const matchLabels = {
  type: "object",
  description: "Labels that a namespace must have.",
  maxProperties: 32,
  additionalProperties: labelValue,
} as const satisfies MapSchema;

export const matchExpressions = {
  type: "array",
  description: "Requirements that a namespace's labels must all meet.",
  maxItems: 32,
  "x-kubernetes-list-type": "atomic",
  items: {
    type: "object",
    properties: {
      key: labelKey,
      operator: {
        type: "string",
        enum: ["In", "NotIn", "Exists", "DoesNotExist"],
        description: "How the label's value relates to values.",
      },
      values: {
        type: "array",
        description: "Some for In and NotIn, none for the others.",
        maxItems: 64,
        "x-kubernetes-list-type": "atomic",
        items: labelValue,
      },
    },
    required: ["key", "operator"],
    "x-kubernetes-validations": [
      {
        rule: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
        message: "values go with In and NotIn, and with nothing else",
      },
    ],
  },
} as const satisfies ArraySchema;
