/** HTTPRequest: a request that is sent once for each change of what is sent, or on a schedule. */
import { dependsOn } from "./dependencies.ts";
import { forEach, itemStatuses } from "./for-each.ts";
import { conditions, duration, idempotencyKey, observedGeneration, tls } from "./fields.ts";
import { outputs } from "./outputs.ts";
import { readyColumns, type KindDefinition } from "./kind-definition.ts";
import { poll, pollStatus } from "./poll.ts";
import { endpointRef, expect, idempotent, inputs, requestProperties, serviceAccountName } from "./request.ts";
import { requestRetry } from "./retry.ts";
import { trigger, triggerStatus } from "./trigger.ts";
import { history, historyLimit, schedule, scheduleStatus } from "./schedule.ts";
import type { Infer, Schema } from "./schema.ts";
import { sign } from "./sign.ts";

export const tlsWithEndpoint = "tls goes with url; with endpointRef it is the endpoint's to say: set spec.tls there";

const spec = {
  type: "object",
  description: "What is sent, and what counts as success.",
  properties: {
    ...requestProperties,
    endpointRef,
    inputs,
    dependsOn,
    forEach,
    rerunOn: {
      type: "object",
      description:
        "What else makes a new run: another value of one of these inputs, a rotated Secret say. Without it only a change of what is sent, as it is written here, does. Changing this list sends nothing.",
      properties: {
        inputs: {
          type: "array",
          description: 'Names of inputs; "*" stands for all.',
          minItems: 1,
          maxItems: 64,
          "x-kubernetes-list-type": "set",
          items: { type: "string", minLength: 1, maxLength: 63 },
        },
      },
      required: ["inputs"],
    },
    timeout: { ...duration, description: "Limit on the whole exchange, for example 30s. Without it the endpoint's, else 30s." },
    maxRedirects: {
      type: "integer",
      format: "int32",
      minimum: 0,
      maximum: 20,
      description:
        "How many redirects are followed; 0: a redirect is the answer. Without it 5 for GET and HEAD, else 0. To another origin no credential goes along, and none from https to http.",
    },
    sign: { ...sign, description: `${sign.description} Goes with url; with endpointRef the endpoint's signs.` },
    tls: { ...tls, description: `${tls.description} Goes with url; with endpointRef it is the endpoint's.` },
    expect,
    idempotent,
    idempotencyKey,
    retry: requestRetry,
    poll,
    schedule,
    trigger,
    historyLimit,
    onUnknown: {
      type: "string",
      enum: ["Stall", "Resend"],
      default: "Stall",
      description:
        "When a request that must not be sent twice may or may not have arrived. Stall: stop, and say so; Resend: send it again, with the same attempt id.",
    },
    record: {
      type: "string",
      enum: ["None", "Summary", "Body"],
      default: "Summary",
      description: "What of the response is kept in the status: nothing, its summary, or its body too (cut at 16 KiB).",
    },
    recordDigest: {
      type: "boolean",
      description:
        "False: the status keeps no SHA-256 of the response, by which guesses at its content can be tried. Where a secret went out with the request it keeps none in any case. True where not set.",
    },
    outputs,
    serviceAccountName,
    suspend: { type: "boolean", default: false, description: "True: nothing is sent until it is false again." },
    ttlSecondsAfterFinished: {
      type: "integer",
      format: "int32",
      minimum: 0,
      maximum: 2_147_483_647,
      description:
        "So many seconds after its run has ended, well or badly for good, the object is deleted, and its outputs with it. Without it the object stays. What was never sent, and what waits for somebody to say what came of it (OutcomeUnknown), stays in any case. What applies manifests again and again, a GitOps tool say, makes the object anew, and so sends it again, each time. Leave time for those that depend on the object or tell of its end. Without a cluster it has no effect.",
    },
  },
  "x-kubernetes-validations": [
    {
      rule: "!has(self.forEach) || (has(self.idempotent) ? self.idempotent : self.method in ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']) || has(self.idempotencyKey) || has(self.endpointRef)",
      message:
        "forEach with a method that is not idempotent, POST say, needs an idempotencyKey, here or on the endpoint, or idempotent: true: an item may be sent again",
    },
    { rule: "has(self.url) != has(self.endpointRef)", message: "exactly one of url and endpointRef must be set" },
    {
      rule: "!has(self.poll) || !has(self.forEach)",
      message:
        "poll does not go with forEach: the places to ask of all items would not fit into a status; declare a request for each",
    },
    {
      rule: "!has(self.rerunOn) || self.rerunOn.inputs.all(name, name == '*' || (has(self.inputs) && name in self.inputs))",
      message: "rerunOn.inputs must name inputs of this spec, or * for all of them",
      fieldPath: ".rerunOn",
    },
    {
      rule: "!has(self.trigger) || !(has(self.schedule) || has(self.forEach) || has(self.rerunOn))",
      message:
        "trigger does not go with schedule, forEach or rerunOn: it is sent for what happens to others, and for nothing else",
      fieldPath: ".trigger",
    },
    {
      rule: "!has(self.ttlSecondsAfterFinished) || !(has(self.schedule) || has(self.trigger) || has(self.rerunOn))",
      message: "ttlSecondsAfterFinished does not go with schedule, trigger or rerunOn: what runs again has never finished",
      fieldPath: ".ttlSecondsAfterFinished",
    },
    {
      rule: "!has(self.sign) || has(self.url)",
      message: "sign goes with url; with endpointRef, the endpoint's sign says how requests are signed",
      fieldPath: ".sign",
    },
    { rule: "!has(self.tls) || !has(self.endpointRef)", message: tlsWithEndpoint, fieldPath: ".tls" },
    {
      rule: "!has(self.auth) || has(self.endpointRef)",
      message: "auth goes with endpointRef: a request with a url has no credential but what it sets",
      fieldPath: ".auth",
    },
    { rule: "!has(self.path) || has(self.endpointRef)", message: "path goes with endpointRef; with url, write the path into it" },
  ],
} as const satisfies Schema;

const attempt = {
  type: "object",
  description: "The latest attempt to deliver what the spec declares.",
  properties: {
    id: {
      type: "string",
      maxLength: 36,
      description: "UUIDv5 of what is attempted; the idempotency key, where one is declared.",
    },
    digest: { type: "string", maxLength: 64, description: "SHA-256 over what is sent, unexpanded." },
    inputs: {
      type: "string",
      maxLength: 80,
      description:
        "With rerunOn: which inputs it names, and a keyed digest (HMAC-SHA-256) of their values, by which a change of them is known.",
    },
    phase: {
      type: "string",
      enum: ["InFlight", "Retrying", "Polling", "Done", "Unknown"],
      description:
        "InFlight: may be on its way; Retrying: failed, and is tried again; Polling: answered, and the work goes on; Done: over; Unknown: may or may not have arrived.",
    },
    sentAs: {
      type: "string",
      maxLength: 320,
      description:
        "Of a request that may not be repeated, a POST say, and is not over: the method, and the header of its idempotency key. Sent otherwise, its server would not know it again.",
    },
    inDoubt: { type: "boolean", description: "True: a try of it may have arrived, so it is tried again only as it was sent." },
    refused: {
      type: "boolean",
      description: "True: a try after one that may have arrived was refused, so it is not tried again by itself.",
    },
    sender: {
      type: "string",
      maxLength: 36,
      description: "The process that sends it, or sent it: while the outcome is not known.",
    },
    tick: { type: "string", format: "date-time", description: "The time of the schedule that it is for; absent: none." },
    startedAt: { type: "string", format: "date-time", description: "When the attempt began; expressions see it as `.now`." },
    event: { type: "string", maxLength: 36, description: "The event of the trigger that it is for; absent: none." },
    finishedAt: { type: "string", format: "date-time", description: "When its latest try ended." },
    tries: { type: "integer", format: "int32", minimum: 0, description: "How many times it has been tried." },
    unsent: {
      type: "integer",
      format: "int32",
      minimum: 0,
      description: "How many of these tries its server did not act on: nothing of them left, or it asked for a later one.",
    },
  },
  required: ["id", "digest", "phase", "startedAt", "tries"],
} as const satisfies Schema;

const response = {
  type: "object",
  description: "The latest response, as far as spec.record keeps it.",
  properties: {
    statusCode: { type: "integer", format: "int32", minimum: 100, maximum: 999, description: "The status code." },
    headers: {
      type: "object",
      maxProperties: 16,
      additionalProperties: { type: "string", maxLength: 1024 },
      description: "Some of its header fields.",
    },
    sizeBytes: { type: "integer", format: "int64", minimum: 0, description: "The size of the content." },
    sha256: {
      type: "string",
      maxLength: 64,
      description:
        "SHA-256 of the content, hex; not where a secret went out with the request, or goes out with another of the object, or a Secret is made of the content.",
    },
    durationMs: {
      type: "integer",
      format: "int64",
      minimum: 0,
      description: "Milliseconds from the first byte sent to the last one read.",
    },
    body: { type: "string", maxLength: 16384, description: "The content as text, with record: Body." },
    bodyOmitted: { type: "string", maxLength: 256, description: "Why body is not kept, with record: Body." },
    bodyTruncated: { type: "boolean", description: "True: body is only the beginning." },
  },
  required: ["statusCode", "sizeBytes", "durationMs"],
} as const satisfies Schema;

const status = {
  type: "object",
  description: "What came of it.",
  properties: {
    observedGeneration,
    conditions,
    attempt,
    completedRuns: { type: "integer", format: "int64", minimum: 0, description: "How many attempts have ended, well or not." },
    lastHandledReconcileAt: {
      type: "string",
      maxLength: 1024,
      description: "The value of the annotation holdfast.dev/reconcile-at that was acted on last.",
    },
    nextRunAt: {
      type: "string",
      maxLength: 32,
      description:
        "When the next try is due, or the schedule's next tick; of what waits for something outside it, when it is looked at next at the latest, to the second.",
    },
    schedule: scheduleStatus,
    trigger: triggerStatus,
    poll: pollStatus,
    history,
    response,
    items: itemStatuses,
  },
} as const satisfies Schema;

export const httpRequest = {
  kind: "HTTPRequest",
  plural: "httprequests",
  shortName: "hreq",
  scope: "Namespaced",
  description: "A request that is sent once for each change of what is sent, or on a schedule.",
  spec,
  status,
  columns: [
    ...readyColumns,
    { name: "Code", type: "integer", jsonPath: ".status.response.statusCode" },
    { name: "Method", type: "string", jsonPath: ".spec.method" },
    { name: "Last", type: "date", jsonPath: ".status.attempt.finishedAt" },
    { name: "Next", type: "string", jsonPath: ".status.nextRunAt" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
} as const satisfies KindDefinition;

export type HTTPRequestSpec = Infer<typeof spec>;
export type HTTPRequestStatus = Infer<typeof status>;
export type ResponseStatus = Infer<typeof response>;
