/** When an HTTPRequest is sent because another object's run has ended, and what its status keeps of that. */
import { objectName } from "./fields.ts";
import { matchExpressions, matchLabels } from "./label-selector.ts";
import type { Infer, Schema } from "./schema.ts";

export const trigger = {
  type: "object",
  description:
    "It is sent when a run of another object of this namespace has ended so, once for each such run, and not when it is declared or changed. Expressions see why as `.trigger`.",
  properties: {
    kind: {
      type: "string",
      enum: ["HTTPRequest", "HTTPResource"],
      default: "HTTPRequest",
      description: "The kind of what is watched.",
    },
    name: { ...objectName, description: "The one object that is watched. Either this or selector." },
    selector: {
      type: "object",
      description: "All objects with these labels are watched, but for those that have a trigger themselves; at most 256.",
      properties: {
        matchLabels: { ...matchLabels, description: "Labels that the object must have.", minProperties: 1 },
        matchExpressions: {
          ...matchExpressions,
          description: "Requirements that the object's labels must all meet.",
          minItems: 1,
        },
      },
      minProperties: 1,
    },
    when: {
      type: "array",
      description:
        "How the run ended. Succeeded, Failed; Unknown: OutcomeUnknown, it may or may not have arrived; Recovered: the first success after one of these two. Of an HTTPResource Failed is that it became Stalled, and Recovered that it is Ready again.",
      minItems: 1,
      maxItems: 4,
      "x-kubernetes-list-type": "set",
      items: { type: "string", enum: ["Succeeded", "Failed", "Unknown", "Recovered"] },
    },
  },
  required: ["when"],
  "x-kubernetes-validations": [
    { rule: "has(self.name) != has(self.selector)", message: "exactly one of name and selector must be set" },
    {
      rule: "self.kind != 'HTTPResource' || !self.when.exists(one, one == 'Succeeded')",
      message: "Succeeded goes with HTTPRequest: an HTTPResource is looked after again and again",
      fieldPath: ".when",
    },
  ],
} as const satisfies Schema;
export type Trigger = Infer<typeof trigger>;

const time = { type: "string", format: "date-time" } as const;

const event = {
  type: "object",
  description: "What it was last sent for, as expressions see it.",
  properties: {
    id: { type: "string", maxLength: 36, description: "By which it is known; attempt.event names it." },
    when: { type: "string", maxLength: 16, description: "Which of trigger.when." },
    kind: { type: "string", maxLength: 16, description: "Of the object." },
    name: { type: "string", maxLength: 253, description: "Of the object." },
    namespace: { type: "string", maxLength: 63, description: "Of the object." },
    uid: { type: "string", maxLength: 64, description: "Of the object." },
    reason: { type: "string", maxLength: 1024, description: "How the run ended, as one CamelCase word." },
    message: { type: "string", maxLength: 1024, description: "The same for people, of the latest run." },
    statusCode: { type: "integer", format: "int32", minimum: 100, maximum: 999, description: "Of the last answer." },
    attempt: {
      type: "object",
      description: "The run, where it was one of an HTTPRequest.",
      properties: {
        id: { type: "string", maxLength: 36, description: "Its attempt's id." },
        startedAt: { ...time, description: "When it began." },
        finishedAt: { ...time, description: "When it ended." },
        tries: { type: "integer", format: "int32", minimum: 0, description: "How many times it was sent." },
      },
      required: ["id", "startedAt", "tries"],
    },
  },
  required: ["id", "when", "kind", "name", "namespace", "uid", "reason", "message"],
} as const satisfies Schema;
export type TriggerEvent = Infer<typeof event>;

export const triggerStatus = {
  type: "object",
  description: "What has been done of spec.trigger.",
  properties: {
    declared: { type: "string", maxLength: 64, description: "SHA-256 over the trigger of which this speaks." },
    since: { ...time, description: "What ended before this is nothing to tell of." },
    handled: {
      type: "object",
      maxProperties: 256,
      additionalProperties: { type: "string", maxLength: 32 },
      description:
        "Of objects, by the first digits of their UIDs, up to when their runs have been told of; ! after one that was none.",
    },
    event,
  },
  required: ["declared", "since"],
} as const satisfies Schema;
export type TriggerStatus = Infer<typeof triggerStatus>;
