/** When an HTTPRequest is sent again by itself, and what its status keeps of that. */
import { duration } from "./fields.ts";
import type { Infer, Schema } from "./schema.ts";

export const schedule = {
  type: "object",
  description:
    "When it is sent again by itself. Exactly one of every and cron. Changing this sends nothing: the first tick is one after the change.",
  properties: {
    every: {
      ...duration,
      description:
        "The interval, at least 1s, for example 10m. What is declared is sent at once, and again each time that the interval has passed, counted from when the schedule was taken up.",
      "x-kubernetes-validations": [{ rule: "duration(self) >= duration('1s')", message: "must be at least 1s" }],
    },
    cron: {
      type: "string",
      minLength: 1,
      maxLength: 128,
      pattern: "^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[0-9A-Za-z*/,?#-]+( [0-9A-Za-z*/,?#-]+){4,5})$",
      description:
        "Minute, hour, day of month, month, day of week, as in a CronJob; or six fields, with seconds first. It is sent at these times and not before. " +
        "A time that summer time leaves out is run when the gap ends; one that comes twice is run the first time.",
    },
    timeZone: {
      type: "string",
      minLength: 1,
      maxLength: 64,
      pattern: "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$",
      description: "The time zone of cron, a name of the IANA database such as Europe/Berlin. UTC where not set.",
    },
    startingDeadline: {
      ...duration,
      description: "How long after its time a tick may still be begun. Without it any time, or 1m where missed is Skip.",
    },
    missed: {
      type: "string",
      enum: ["RunOnce", "Skip"],
      default: "RunOnce",
      description:
        "What becomes of ticks that could not be begun in time, because Holdfast was not running, the request was suspended, or the run before had not ended. RunOnce: one run, for the latest of them, if its startingDeadline has not passed; Skip: none.",
    },
  },
  "x-kubernetes-validations": [
    { rule: "has(self.every) != has(self.cron)", message: "exactly one of every and cron must be set" },
    { rule: "!has(self.timeZone) || has(self.cron)", message: "timeZone goes with cron" },
  ],
} as const satisfies Schema;

export const scheduleStatus = {
  type: "object",
  description: "What has been done of spec.schedule.",
  properties: {
    declared: { type: "string", maxLength: 256, description: "The schedule that handledUpTo speaks of." },
    handledUpTo: {
      type: "string",
      format: "date-time",
      description: "Ticks up to this time have been run, or came before the schedule did.",
    },
  },
  required: ["declared", "handledUpTo"],
} as const satisfies Schema;

const run = {
  type: "object",
  properties: {
    attemptId: { type: "string", maxLength: 36, description: "The id of its attempt." },
    tick: { type: "string", format: "date-time", description: "The time of the schedule that it was for; absent: none." },
    startedAt: { type: "string", format: "date-time", description: "When it began." },
    finishedAt: { type: "string", format: "date-time", description: "When it ended." },
    tries: { type: "integer", format: "int32", minimum: 0, description: "How many times it was sent." },
    succeeded: { type: "boolean", description: "Whether it ended as declared." },
    reason: { type: "string", maxLength: 1024, description: "How it ended, as one CamelCase word." },
    statusCode: {
      type: "integer",
      format: "int32",
      minimum: 100,
      maximum: 999,
      description: "The last answer's status code, as far as spec.record keeps it.",
    },
  },
  required: ["attemptId", "startedAt", "tries", "succeeded", "reason"],
} as const satisfies Schema;

export const history = {
  type: "array",
  description: "The last runs that ended, the latest first: as many as spec.historyLimit says.",
  maxItems: 10,
  "x-kubernetes-list-type": "atomic",
  items: run,
} as const satisfies Schema;

export const historyLimit = {
  type: "integer",
  format: "int32",
  minimum: 0,
  maximum: 10,
  default: 3,
  description: "How many runs that ended are kept in status.history.",
} as const satisfies Schema;

export type RunStatus = Infer<typeof run>;
