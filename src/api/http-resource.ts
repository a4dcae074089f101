/** HTTPResource: a remote object that is kept as declared. */
import { dependsOn } from "./dependencies.ts";
import { duration, idempotencyKey } from "./fields.ts";
import { httpRequest, tlsWithEndpoint } from "./http-request.ts";
import { status } from "./http-resource-status.ts";
import { readyColumns, type KindDefinition } from "./kind-definition.ts";
import { compare, ignore, mine, refusedIf, replace, values } from "./object-settings.ts";
import { outputs } from "./outputs.ts";
import { endpointRef, inputs, jq, serviceAccountName } from "./request.ts";
import { beforeDelete, create, lookup, observe, remove, update } from "./resource-requests.ts";
import { resourceRetry } from "./retry.ts";
import type { Infer, Rule, Schema } from "./schema.ts";

const { timeout, maxRedirects, tls, record, recordDigest, suspend } = httpRequest.spec.properties;
const verbs = ["observe", "lookup", "create", "update", "beforeDelete", "delete"];
const target = (verb: string): readonly Rule[] => [
  {
    rule: `!has(self.${verb}) || has(self.${verb}.url) != (has(self.${verb}.endpointRef) || has(self.endpointRef))`,
    message: `exactly one of ${verb}.url and endpointRef, of ${verb} or of all, must be set`,
  },
  {
    rule: `!has(self.${verb}) || !has(self.${verb}.path) || has(self.${verb}.endpointRef) || has(self.endpointRef)`,
    message: `${verb}.path goes with endpointRef; with url, write the path into it`,
  },
  {
    rule: `!has(self.${verb}) || !has(self.${verb}.auth) || has(self.${verb}.endpointRef) || has(self.endpointRef)`,
    message: `${verb}.auth goes with endpointRef: a request with a url has no credential but what it sets`,
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
        "jq that yields the object's id, a text or number. Where it reads neither `.response` nor `.object` it is known before the first request, and a change of it is a move. Else it is asked of the answers to create, update and lookup, and to observe where that needs no id: `.response.body.id`, `.object.id`, a header. With create.poll it is asked of the last poll's answer, and of create's where that yields none. An id that update answers is taken once it has been observed. It is kept in status.externalID, and expressions see it as `.externalID`, as text.",
    },
    observe,
    lookup,
    create,
    update,
    beforeDelete,
    delete: remove,
    exists: {
      ...jq,
      description:
        "Superseded by observe.object: jq that sees the response to observe, and yields true where the object is there, and false where it is not.",
    },
    mine,
    refusedIf: { ...refusedIf, description: `${refusedIf.description} It replaces the endpoint's.` },
    replace,
    upToDate: {
      ...jq,
      description:
        "jq that sees the response to observe, and yields true where the object is as declared. Without it, it is so where it has everything that update.body.json or mergePatch says, whatever the server added.",
    },
    ignore,
    compare,
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
      enum: ["Delete", "Orphan", "DeleteOrOrphan"],
      default: "Delete",
      description:
        "When this object is deleted. Delete: the request in delete is sent, if there is one; Orphan: the remote object stays; DeleteOrOrphan: it stays where something that delete needs, a Secret or endpoint say, is not there any more.",
    },
    inputs,
    dependsOn,
    timeout,
    maxRedirects,
    tls,
    idempotencyKey: { ...idempotencyKey, description: `${idempotencyKey.description} It goes with create, update and delete.` },
    retry: resourceRetry,
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
    values,
    outputs: {
      ...outputs,
      description: `${outputs.description} Their expressions see the answer to create, update or observe, whichever came last; what only create answers is kept with whenMissing: Keep.`,
    },
    serviceAccountName,
    suspend,
  },
  "x-kubernetes-validations": [
    ...verbs.flatMap(target),
    {
      rule: `!has(self.tls) || ${verbs.map((verb) => `(has(self.${verb}) && has(self.${verb}.url))`).join(" || ")}`,
      message: tlsWithEndpoint,
      fieldPath: ".tls",
    },
    { rule: "!has(self.beforeDelete) || has(self.delete)", message: "beforeDelete goes with delete" },
    { rule: "has(self.observe) || has(self.create)", message: "at least one of observe and create must be set" },
    {
      rule: "!has(self.lookup) || has(self.externalID) || has(self.lookup.externalID)",
      message: "lookup needs externalID, to say what it has found",
    },
    { rule: "!has(self.onUnknown) || self.onUnknown != 'Lookup' || has(self.lookup)", message: "onUnknown: Lookup needs lookup" },
    { rule: "!has(self.exists) || has(self.observe)", message: "exists goes with observe" },
    {
      rule: "!has(self.mine) || has(self.observe) || has(self.lookup)",
      message: "mine needs observe or lookup, to have an object to ask of",
    },
    {
      rule: "!has(self.values) || has(self.observe) || has(self.lookup)",
      message: "values needs observe or lookup, to have an object to show",
    },
    {
      rule: "!has(self.replace) || (has(self.create) && has(self.delete))",
      message: "replace needs create and delete",
    },
    {
      rule: "!has(self.replace) || !self.replace.exists(what, what == 'Moved') || has(self.externalID)",
      message: "replace: Moved needs externalID",
    },
    { rule: "!has(self.upToDate) || has(self.observe)", message: "upToDate goes with observe" },
    {
      rule: "!has(self.update) || !has(self.observe) || has(self.upToDate) || has(self.update.body)",
      message: "update without a body needs upToDate, to say when it is sent",
    },
  ],
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
