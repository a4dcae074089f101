/** One request an item of a list. */
import type { Infer, Schema } from "./schema.ts";

export const maxForEachItems = 40;

export const forEach = {
  type: "object",
  description:
    "The request is sent once for each item of a list, in parallel; expressions see `.item` and `.index`, which counts from 0. Each item has an attempt id of its own, and is tried again for itself. Exactly one of its fields.",
  properties: {
    items: {
      type: "array",
      description: "The list, written here. Its items are data, in which no expression is expanded.",
      maxItems: maxForEachItems,
      "x-kubernetes-list-type": "atomic",
      items: { "x-kubernetes-preserve-unknown-fields": true, description: "Any JSON value." },
    },
    expression: {
      type: "string",
      minLength: 1,
      maxLength: 8192,
      description: `jq that yields the list, of at most ${maxForEachItems} items.`,
    },
  },
  minProperties: 1,
  maxProperties: 1,
} as const satisfies Schema;
export type ForEach = Infer<typeof forEach>;

const itemStatus = {
  type: "object",
  description: "One item.",
  properties: {
    index: { type: "integer", format: "int32", minimum: 0, description: "Its place in the list." },
    id: { type: "string", maxLength: 36, description: "Its own attempt id; the idempotency key, where one is declared." },
    phase: {
      type: "string",
      enum: ["Succeeded", "Failed", "Retrying", "Unknown"],
      description:
        "Retrying: will be sent again, alone. Failed: will not, in this attempt. Unknown: was refused after a try that may have arrived, and is sent again where a person asks.",
    },
    inDoubt: { type: "boolean", description: "With a key, where it is not over: whether a try of it may have arrived." },
    statusCode: { type: "integer", format: "int32", minimum: 100, maximum: 999, description: "The latest answer's status code." },
    reason: { type: "string", maxLength: 64, description: "Why, as one CamelCase word." },
    tries: { type: "integer", format: "int32", minimum: 0, description: "How many times it has been sent." },
  },
  required: ["index", "id", "phase", "reason", "tries"],
} as const satisfies Schema;
export type ItemStatus = Infer<typeof itemStatus>;

export const itemStatuses = {
  type: "array",
  description: "With forEach: what came of each item in the latest attempt, in the order of the list.",
  maxItems: maxForEachItems,
  "x-kubernetes-list-type": "atomic",
  items: itemStatus,
} as const satisfies Schema;
