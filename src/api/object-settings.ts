/** What an HTTPResource says of its remote object: which is its own, how it is compared, what cannot be changed. */
import { jq } from "./request.ts";
import type { Schema } from "./schema.ts";

/** As core/difference prints them. */
const place = {
  type: "string",
  minLength: 1,
  maxLength: 512,
  pattern: '^(\\.[A-Za-z_][A-Za-z0-9_-]*|\\["[^"\\\\]+"\\]|\\[[0-9]*\\])+$',
} as const satisfies Schema;

export const refusedIf = {
  ...jq,
  description:
    "jq that sees `.response` and yields true of an answer which says that nothing was done, whatever its status: to create, update or delete that is a failure, and certain; of observe and lookup such an answer says nothing.",
} as const satisfies Schema;

export const mine = {
  ...jq,
  description:
    "jq that yields true where `.object` is the one that this resource looks after. Where it yields false nothing is sent to it: it is neither adopted, updated nor deleted.",
} as const satisfies Schema;

export const replace = {
  type: "array",
  description:
    "What makes Holdfast delete and create in place of update: a place whose declared value is another (`.region`), a status that update is answered with (422, 4xx), or Moved: externalID declares another id.",
  maxItems: 16,
  "x-kubernetes-list-type": "set",
  items: {
    type: "string",
    maxLength: 512,
    pattern: '^(Moved|[45](xx|[0-9]{2}|[0-9]{2}-[45][0-9]{2})|(\\.[A-Za-z_][A-Za-z0-9_-]*|\\["[^"\\\\]+"\\]|\\[[0-9]*\\])+)$',
  },
} as const satisfies Schema;

export const ignore = {
  type: "array",
  description: "Places of the object that are sent and never compared, as differences are printed: `.startsAt`, `.items[].id`.",
  maxItems: 64,
  "x-kubernetes-list-type": "set",
  items: place,
} as const satisfies Schema;

export const values = {
  type: "object",
  description:
    "Facts of the object that its status shows under the same names, for people and for `objectRef` of others (`.status.values.NAME`): jq over what was observed, as `.object` and `.response`. A value has up to 1 KiB as JSON, all have 4 KiB; null is left out. Secrets are not for a status: what holds one of the request's or of what outputs keep in a Secret is refused.",
  maxProperties: 16,
  additionalProperties: jq,
  "x-kubernetes-validations": [
    {
      rule: "self.all(name, name.matches('^[A-Za-z_][A-Za-z0-9_-]{0,62}$'))",
      message: "a name is up to 63 letters, digits, - and _, and does not start with a digit",
    },
  ],
} as const satisfies Schema;

export const compare = {
  type: "array",
  description: "How values are compared at places where the server keeps them in another form than it is sent them.",
  maxItems: 32,
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["path"],
  items: {
    type: "object",
    properties: {
      path: { ...place, description: "The place, as differences are printed." },
      as: {
        ...jq,
        description:
          "jq that both sides are put through before they are compared: `ascii_downcase`, `sort`. What it fails on is compared as it is; nothing is null.",
      },
    },
    required: ["path", "as"],
  },
} as const satisfies Schema;
