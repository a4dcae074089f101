/** What a resource takes from others of its namespace, and what it waits for. */
import { objectName } from "./fields.ts";
import type { Infer, Schema } from "./schema.ts";

const dependencyKind = {
  type: "string",
  enum: ["HTTPRequest", "HTTPResource"],
  description: "The object's kind.",
} as const satisfies Schema;

const expression = { type: "string", minLength: 1, maxLength: 8192 } as const satisfies Schema;

export const fieldRef = {
  type: "object",
  description: "A field of the object itself, as the downward API names it.",
  properties: {
    fieldPath: {
      type: "string",
      minLength: 1,
      maxLength: 340,
      pattern: "^metadata\\.(name|namespace|uid|(labels|annotations)\\['[^'\\\\]+'\\])$",
      description: "metadata.name, metadata.namespace, metadata.uid, metadata.labels['KEY'] or metadata.annotations['KEY'].",
    },
  },
  required: ["fieldPath"],
} as const satisfies Schema;

export const objectRef = {
  type: "object",
  description: "A value of another object of this namespace, taken once that is Ready; until then nothing is sent.",
  properties: {
    kind: dependencyKind,
    name: { ...objectName, description: "The object's name." },
    expression: {
      ...expression,
      description: "jq that sees the object's `.metadata`, `.spec` and `.status`, for example `.status.response.statusCode`.",
    },
  },
  required: ["kind", "name", "expression"],
} as const satisfies Schema;

export const dependsOn = {
  type: "array",
  description:
    "Objects of this namespace that come first: nothing is sent before each is Ready, or as `that` says. None can wait for itself, not even by way of others.",
  maxItems: 32,
  "x-kubernetes-list-type": "atomic",
  items: {
    type: "object",
    properties: {
      kind: dependencyKind,
      name: { ...objectName, description: "The object's name." },
      that: {
        ...expression,
        description:
          "jq that sees the object's `.metadata`, `.spec` and `.status` and yields true when it is so. Without it: the object is Ready.",
      },
    },
    required: ["kind", "name"],
  },
} as const satisfies Schema;

export type FieldRef = Infer<typeof fieldRef>;
export type ObjectRef = Infer<typeof objectRef>;
export type DependsOn = Infer<typeof dependsOn>;
