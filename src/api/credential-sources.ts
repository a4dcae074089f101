/** Where the values of credentials come from. Invariant: what is secret is a key of a Secret, and never written here. */
import { secretKeyRef } from "./fields.ts";
import type { ObjectSchema } from "./schema.ts";

export const fromSecret = {
  type: "object",
  properties: { secretKeyRef },
  required: ["secretKeyRef"],
} as const satisfies ObjectSchema;

/** For what is no secret by itself. */
export const valueOrSecret = {
  type: "object",
  properties: {
    value: {
      type: "string",
      minLength: 1,
      maxLength: 1024,
      pattern: "^[^\\r\\n\\x00]*$",
      description: "The value, written here, on one line.",
    },
    secretKeyRef,
  },
  minProperties: 1,
  maxProperties: 1,
} as const satisfies ObjectSchema;

export const word = { type: "string", minLength: 1, maxLength: 256, pattern: "^[!-~]+$" } as const;
