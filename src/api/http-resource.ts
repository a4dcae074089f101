/** HTTPResource: a remote object that is kept as declared. */
import { dependsOn } from "./dependencies.ts";
import { duration, idempotencyKey } from "./fields.ts";
import { httpRequest } from "./http-request.ts";
import { readyColumns, type KindDefinition } from "./kind-definition.ts";
import { outputs } from "./outputs.ts";
import { poll, pollStatus } from "./poll.ts";
import { endpointRef, expect, inputs, jq, method, requestProperties, serviceAccountName } from "./request.ts";
import { retry } from "./retry.ts";
import type { Infer, Rule, Schema } from "./schema.ts";

const { timeout, maxRedirects, tls, record, recordDigest, suspend } = httpRequest.spec.properties;

const observe = {
  type: "object",
  description:
    "Asks for the remote object. 404 and 410 say that it is not there; any other answer that is not as expected, and none at all, says nothing, and nothing is done because of it.",
  properties: { ...requestProperties, expect },
} as const satisfies Schema;

const lookup = {
  type: "object",
  description:
    "Looks for the remote object in a list, while its id is not known: what exists is taken over and not created again. At most 40 pages are read.",
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
        "jq that yields the id of the item that matches, which it sees as `.item`. Without it spec.externalID, which sees the item as `.response.body`.",
    },
    next: {
      ...jq,
      description:
        "jq that yields where the next page is: a URL of the same origin, an object of query parameters to set, or after the last null, or an object of nulls. Without it the answer's Link header says so (rel=next, RFC 8288).",
    },
  },
  required: ["match"],
} as const satisfies Schema;

const create = {
  type: "object",
  description: "Creates the remote object, where it is not there.",
  properties: { ...requestProperties, method: { ...requestProperties.method, default: "POST" }, expect, poll },
} as const satisfies Schema;

const update = {
  type: "object",
  description: "Changes the remote object, where it is not as declared.",
  properties: {
    ...requestProperties,
    method: {
      ...method,
      description: "The method, any token in capitals. Without it PUT, or PATCH with body.mergePatch.",
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
    expect,
    poll,
  },
} as const satisfies Schema;

const remove = {
  type: "object",
  description: "Deletes the remote object, when this one is deleted. 404 and 410 count as success.",
  properties: {
    ...requestProperties,
    method: { ...requestProperties.method, default: "DELETE" },
    expect,
    poll: {
      ...poll,
      description: `${poll.description} Without until, a 404 or 410 says that the object is gone, but not at an operation's URL.`,
    },
  },
} as const satisfies Schema;

const target = (verb: string): readonly Rule[] => [
  {
    rule: `!has(self.${verb}) || has(self.${verb}.url) != has(self.endpointRef)`,
    message: `exactly one of ${verb}.url and endpointRef must be set`,
  },
  {
    rule: `!has(self.${verb}) || !has(self.${verb}.path) || has(self.endpointRef)`,
    message: `${verb}.path goes with endpointRef; with url, write the path into it`,
  },
];

const spec = {
  type: "object",
  description: "The remote object, and the requests that look after it. Any of them can be left out.",
  properties: {
    endpointRef,
    parameters: {
      "x-kubernetes-preserve-unknown-fields": true,
      description: "Any JSON value, taken as it stands; expressions see it as `.parameters`.",
    },
    externalID: {
      ...jq,
      description:
        "jq that yields the object's id, a text or number, from the response to create: `.response.body.id`, or a header. With create.poll it is asked of the last poll's answer, and of create's where that yields none. It is kept in status.externalID, and expressions see it as `.externalID`, as text.",
    },
    observe,
    lookup,
    create,
    update,
    delete: remove,
    exists: {
      ...jq,
      description:
        "jq that sees the response to observe, and yields true where the object is there, and false where it is not: for servers that answer 200 either way.",
    },
    upToDate: {
      ...jq,
      description:
        "jq that sees the response to observe, and yields true where the object is as declared. Without it, it is so where it has everything that update.body.json or mergePatch says, whatever the server added.",
    },
    drift: {
      type: "string",
      enum: ["Correct", "Report"],
      default: "Correct",
      description:
        "When the object is not as declared. Correct: update it; Report: say so in the condition Drifted, and send nothing.",
    },
    interval: {
      ...duration,
      default: "10m",
      description: "How often the object is observed. A fleet is spread over the interval; a restart changes nothing about it.",
      "x-kubernetes-validations": [{ rule: "duration(self) >= duration('1s')", message: "must be at least 1s" }],
    },
    deletionPolicy: {
      type: "string",
      enum: ["Delete", "Orphan"],
      default: "Delete",
      description:
        "When this object is deleted. Delete: the request in delete is sent, if there is one; Orphan: the remote object stays.",
    },
    inputs,
    dependsOn,
    timeout,
    maxRedirects,
    tls,
    idempotencyKey: { ...idempotencyKey, description: `${idempotencyKey.description} It goes with create, update and delete.` },
    retry,
    onUnknown: {
      type: "string",
      enum: ["Stall", "Resend", "Lookup"],
      description:
        "When a create that must not be sent twice may or may not have arrived. Stall: stop, and say so; Resend: send it again, with the same attempt id; Lookup: lookup decides. Without it Lookup where there is a lookup, else Stall.",
    },
    record: {
      ...record,
      description:
        "What is kept in the status of the latest response to create, update or delete: nothing, its summary, or its body too (cut at 16 KiB), and then that of observe as well.",
    },
    recordDigest,
    outputs: {
      ...outputs,
      description: `${outputs.description} Their expressions see the answer to create, update or observe, whichever came last; what only create answers is kept with whenMissing: Keep.`,
    },
    serviceAccountName,
    suspend,
  },
  "x-kubernetes-validations": [
    ...["observe", "lookup", "create", "update", "delete"].flatMap(target),
    { rule: "has(self.observe) || has(self.create)", message: "at least one of observe and create must be set" },
    {
      rule: "!has(self.lookup) || has(self.externalID) || has(self.lookup.externalID)",
      message: "lookup needs externalID, to say what it has found",
    },
    { rule: "!has(self.onUnknown) || self.onUnknown != 'Lookup' || has(self.lookup)", message: "onUnknown: Lookup needs lookup" },
    { rule: "!has(self.exists) || has(self.observe)", message: "exists goes with observe" },
    { rule: "!has(self.upToDate) || has(self.observe)", message: "upToDate goes with observe" },
    {
      rule: "!has(self.update) || !has(self.observe) || has(self.upToDate) || has(self.update.body)",
      message: "update without a body needs upToDate, to say when it is sent",
    },
  ],
} as const satisfies Schema;

const { observedGeneration, conditions, completedRuns, lastHandledReconcileAt, nextRunAt, response } =
  httpRequest.status.properties;

const attempt = {
  ...httpRequest.status.properties.attempt,
  description: "The latest attempt to create, update or delete the remote object.",
  properties: {
    ...httpRequest.status.properties.attempt.properties,
    verb: { type: "string", enum: ["Create", "Update", "Delete"], description: "Which of the spec's requests it sends." },
    succeeded: {
      type: "boolean",
      description:
        "Whether it ended as declared, once it is Done. True while Unknown: it arrived, and what came of it is not known.",
    },
    update: {
      type: "string",
      maxLength: 64,
      description:
        "Of a create, where nothing is compared: SHA-256 over what update would have sent then. Another makes an update.",
    },
  },
  required: [...httpRequest.status.properties.attempt.required, "verb"],
} as const satisfies Schema;

const status = {
  type: "object",
  description: "What is known of the remote object.",
  properties: {
    observedGeneration,
    conditions: {
      ...conditions,
      description: "Ready always; Drifted once it was observed; Reconciling and Stalled only while true (kstatus).",
    },
    externalID: {
      type: "string",
      maxLength: 1024,
      description:
        "The remote object's id, taken once. Another takes its place only when the object is created again or imported.",
    },
    lastHandledExternalID: {
      type: "string",
      maxLength: 1024,
      description: "The value of the annotation holdfast.dev/external-id that was taken over last.",
    },
    adoptedUpdate: {
      type: "string",
      maxLength: 64,
      description:
        "Of an object that was there already, where nothing is compared: SHA-256 over what update would have sent then. Another makes an update.",
    },
    attempt,
    completedRuns,
    lastHandledReconcileAt,
    nextRunAt,
    poll: pollStatus,
    response: { ...response, description: "The latest response to create, update or delete, as far as spec.record keeps it." },
  },
} as const satisfies Schema;

export const httpResource = {
  kind: "HTTPResource",
  plural: "httpresources",
  shortName: "hres",
  scope: "Namespaced",
  description: "A remote object that is kept as declared: observed, created, updated, deleted.",
  spec,
  status,
  columns: [
    ...readyColumns,
    { name: "External-ID", type: "string", jsonPath: ".status.externalID" },
    { name: "Drifted", type: "string", jsonPath: '.status.conditions[?(@.type=="Drifted")].status' },
    { name: "Code", type: "integer", jsonPath: ".status.response.statusCode" },
    { name: "Last", type: "date", jsonPath: ".status.attempt.finishedAt" },
    { name: "Next", type: "string", jsonPath: ".status.nextRunAt" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
} as const satisfies KindDefinition;

export type HTTPResourceSpec = Infer<typeof spec>;
export type HTTPResourceStatus = Infer<typeof status>;
