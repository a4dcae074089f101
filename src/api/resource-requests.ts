/** The requests of an HTTPResource: how its remote object is observed, looked up, created, changed and deleted. */
import { poll } from "./poll.ts";
import { endpointRef, expect, idempotent, jq, method, requestProperties as ofAnyRequest } from "./request.ts";
import type { Schema } from "./schema.ts";

const requestProperties = {
  ...ofAnyRequest,
  endpointRef: {
    ...endpointRef,
    description:
      "The endpoint of this one request, in place of spec.endpointRef: where it is sent, how, and with which credential.",
  },
} as const satisfies Readonly<Record<string, Schema>>;

export const observe = {
  type: "object",
  description:
    "Asks for the remote object. 404 and 410 say that it is not there; any other answer that is not as expected, and none at all, says nothing, and nothing is done because of it.",
  properties: {
    ...requestProperties,
    expect,
    object: {
      ...jq,
      description:
        "jq that yields the object from the answer, which expressions see as `.object`; null, or nothing, says that it is not there, and an error says nothing. Without it `.response.body`. Of an answer to create or update it is what this yields there, else the body.",
    },
  },
} as const satisfies Schema;

export const lookup = {
  type: "object",
  description:
    "Looks for the remote object in a list, while its id is not known, and before what was there is created again: what exists is taken over. Without observe it is how the object is observed. At most 40 pages are read.",
  properties: {
    ...requestProperties,
    expect,
    items: {
      ...jq,
      default: ".response.body",
      description: "jq that yields the list, or its items one after the other. What a plain path yields must be the list.",
    },
    match: {
      ...jq,
      description:
        "jq that sees one of them as `.item`, beside all else, and yields true for the object. The first page with such an item decides.",
    },
    externalID: {
      ...jq,
      description:
        "Superseded by spec.externalID, which sees the item as `.object` and `.response.body`: jq that yields the id of the item that matches, which it sees as `.item`.",
    },
    next: {
      ...jq,
      description:
        "jq that yields where the next page is: a URL of the same origin, an object of query parameters to set, true where this request says so itself, since it sees the page before as `.response` (null at first), or after the last null, false, or an object of nulls. Without it the answer's Link header says so (rel=next, RFC 8288).",
    },
  },
  required: ["match"],
} as const satisfies Schema;

export const create = {
  type: "object",
  description: "Creates the remote object, where it is not there.",
  properties: { ...requestProperties, method: { ...requestProperties.method, default: "POST" }, idempotent, expect, poll },
} as const satisfies Schema;

export const update = {
  type: "object",
  description: "Changes the remote object, where it is not as declared.",
  properties: {
    ...requestProperties,
    method: {
      ...method,
      description: "The method, any token in capitals. Without it PUT, or PATCH with body.mergePatch.",
    },
    object: {
      ...jq,
      description:
        "jq that sees the body that update sends as `.body`, and yields what of it is held against `.object`, where the body wraps it: `.body.variables.input`.",
    },
    body: {
      ...requestProperties.body,
      properties: {
        ...requestProperties.body.properties,
        mergePatch: {
          "x-kubernetes-preserve-unknown-fields": true,
          description:
            "Any JSON value, written as in json. Sent is only what the observed object does not have of it, as a JSON Merge Patch (RFC 7396); nothing where it has all of it. Goes with the method PATCH.",
        },
      },
    },
    idempotent,
    expect,
    poll,
  },
} as const satisfies Schema;

export const beforeDelete = {
  type: "object",
  description:
    "Sent before delete, each time that is to be sent: what has to be disabled or emptied before it can be deleted. Success, 404 or 410 lets delete go.",
  properties: { ...requestProperties, method: { ...requestProperties.method, default: "PATCH" }, idempotent, expect, poll },
} as const satisfies Schema;

export const remove = {
  type: "object",
  description:
    "Deletes the remote object, when this one is deleted. 404 and 410 count as success, where observe, which is asked once then, does not deny it.",
  properties: {
    ...requestProperties,
    method: { ...requestProperties.method, default: "DELETE" },
    idempotent,
    expect,
    poll: {
      ...poll,
      description: `${poll.description} Without until, a 404 or 410 says that the object is gone, but not at an operation's URL.`,
    },
  },
} as const satisfies Schema;
