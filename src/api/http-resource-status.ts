/** What the status of an HTTPResource tells. */
import { httpRequest } from "./http-request.ts";
import { pollStatus } from "./poll.ts";
import type { Schema } from "./schema.ts";

const { observedGeneration, conditions, completedRuns, lastHandledReconcileAt, nextRunAt, response } =
  httpRequest.status.properties;

const attempt = {
  ...httpRequest.status.properties.attempt,
  description: "The latest attempt to create, update or delete the remote object.",
  properties: {
    ...httpRequest.status.properties.attempt.properties,
    inputs: {
      type: "string",
      maxLength: 64,
      description:
        "Of a create or update whose work is polled: as delivered.inputs, when it was sent. What has changed since is sent when the work has ended.",
    },
    verb: {
      type: "string",
      enum: ["Create", "Update", "BeforeDelete", "Delete"],
      description: "Which of the spec's requests it sends.",
    },
    succeeded: {
      type: "boolean",
      description:
        "Whether it ended as declared, once it is Done. True while Unknown: it arrived, and what came of it is not known.",
    },
    refused: {
      type: "boolean",
      description:
        "Of a create: true: a try after one that may have arrived was refused. Refused once more, it is over where a person asks, or lookups do not show the object.",
    },
    absentAt: {
      type: "string",
      format: "date-time",
      description: "Of a create that may have arrived: when a look first did not show the object.",
    },
    differs: {
      type: "string",
      maxLength: 64,
      description: "Of an update: SHA-256 over the places for which it was sent.",
    },
    repeats: {
      type: "integer",
      minimum: 0,
      description: "Of an update: how often in a row it was sent for the same places before, and did not hold.",
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

export const status = {
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
      description: "The remote object's id.",
    },
    formerExternalID: {
      type: "string",
      maxLength: 1024,
      description: "The id before the one that an answer to update gave, until an observation has settled which it is.",
    },
    seen: {
      type: "boolean",
      description:
        "Whether the object has been observed since it was created, or was there already. What was not is not created again because it is not there.",
    },
    replacing: {
      type: "boolean",
      description: "True: the remote object is being deleted, to be created anew.",
    },
    pageSeenAt: {
      type: "string",
      format: "date-time",
      description:
        "Since when a page (text/html) says of an object that is being deleted, or made anew, that it is gone. A few minutes later that is believed.",
    },
    lastHandledExternalID: {
      type: "string",
      maxLength: 1024,
      description: "The value of the annotation holdfast.dev/external-id that was taken over last.",
    },
    delivered: {
      type: "object",
      description: "What of update has been delivered: by a create, an update, or as the object was found.",
      properties: {
        spec: { type: "string", maxLength: 64, description: "SHA-256 over what update sends, as it is written." },
        inputs: {
          type: "string",
          maxLength: 64,
          description:
            "A digest of the values that it reads of Secrets, ConfigMaps and other objects, keyed with what only Holdfast knows; none: they have not been delivered.",
        },
        fields: {
          type: "array",
          "x-kubernetes-list-type": "atomic",
          items: { type: "string", maxLength: 2048 },
          maxItems: 1024,
          description:
            "Of a mergePatch: the places that it has set, up to 2 KiB. One that is declared no more is sent as null, once.",
        },
      },
      required: ["spec"],
    },
    address: {
      type: "string",
      maxLength: 16,
      description: "Of an object without an id: a digest of what spec.parameters make of its URLs. Another is told in an event.",
    },
    asMade: {
      type: "object",
      additionalProperties: { type: "string", maxLength: 16 },
      maxProperties: 32,
      description:
        "Where replace is declared: places that differed as soon as the object was made, by its server's doing, each with a digest of what was declared there. For these it is not made anew.",
    },
    replacedFor: {
      type: "string",
      maxLength: 64,
      description: "SHA-256 over the places for which the object was made anew last, and what was declared there.",
    },
    inputs: {
      "x-kubernetes-preserve-unknown-fields": true,
      description:
        "Values that inputs took of other objects when they were last Ready, by the inputs' names: with these the object is looked after, and deleted, when the others are not.",
    },
    values: {
      "x-kubernetes-preserve-unknown-fields": true,
      description: "What spec.values yielded of the object when it was observed last, by name.",
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
