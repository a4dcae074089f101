/** When an HTTPRequest is sent again by itself, and what its status keeps of that. */
import { duration } from "./fields.ts";
import type { Infer, Schema } from "./schema.ts";

export const schedule = {
  type: "object",
  description:
    "When it is sent again by itself. Exactly one of every, cron and at. Changing this sends nothing: the first tick is one after the change.",
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
      pattern: "^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[0-9A-Za-z*/,?#-]+( [0-9A-Za-z*/,?#-]+){4,6})$",
      "x-kubernetes-validations": [
        {
          rule: "self.startsWith('@') || !(self.matches('[0-9]{4}') || self.matches('^([^ ]+ ){6}'))",
          message:
            "must name no year, since it comes again each year: five fields, or six with seconds first; for a single time use at",
        },
      ],
      description:
        "Minute, hour, day of month, month, day of week, as in a CronJob; or six fields, with seconds first. It is sent at these times and not before. " +
        "A time that summer time leaves out is run when the gap ends; one that comes twice is run the first time.",
    },
    at: {
      type: "string",
      format: "date-time",
      maxLength: 64,
      description:
        "One time, RFC 3339, for example 2027-01-01T00:00:00Z. It is sent then, once, and not before. One that was over when it was declared is ScheduledTimePassed, and sends nothing.",
    },
    window: {
      ...duration,
      description:
        "How far a fleet is spread: each object is sent so long after its ticks as follows from its UID, always the same and less than this. Goes with cron and at.",
    },
    stopAfter: {
      type: "object",
      description: "Present: the schedule ends by itself. Changing the schedule begins it anew.",
      properties: {
        failures: {
          type: "integer",
          format: "int32",
          minimum: 1,
          maximum: 1000,
          description: "After so many failed runs in a row it is Stalled, with the reason TooManyFailures.",
        },
      },
      required: ["failures"],
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
    {
      rule: "[has(self.every), has(self.cron), has(self.at)].filter(given, given).size() == 1",
      message: "exactly one of every, cron and at must be set",
    },
    {
      rule: "!has(self.window) || !has(self.every)",
      message: "window goes with cron and at: what has an interval begins when it is declared",
      fieldPath: ".window",
    },
    {
      rule: "!has(self.stopAfter) || !has(self.at)",
      message: "stopAfter goes with every and cron: at comes once",
      fieldPath: ".stopAfter",
    },
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
    failures: {
      type: "integer",
      format: "int32",
      minimum: 0,
      description: "With stopAfter: how many runs have failed in a row.",
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
