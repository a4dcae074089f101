/** What an endpoint spares its server: too many requests at a time, and requests while it is down. */
import { duration } from "./fields.ts";
import type { IntegerSchema, ObjectSchema } from "./schema.ts";

export const maxInFlight = {
  type: "integer",
  format: "int32",
  minimum: 1,
  maximum: 1000,
  description:
    "How many requests of this endpoint may be under way at a time; 1: one after the other. Who finds it full waits without a worker. A resource has one at a time, items of forEach too. Counted in the process that sends, and no more than that allows for one server.",
} as const satisfies IntegerSchema;

export const rateLimit = {
  type: "object",
  description:
    "How many requests may go to the endpoint. Each waits its turn, without a worker: a resource's first, and all that follow it, such as items, pages, redirects and polls. Namespaces take turns, and within one the oldest goes first. Waiting counts towards no timeout but --reconcile-timeout. Counted in the process that sends, so that it begins anew with another.",
  properties: {
    requests: {
      type: "integer",
      format: "int32",
      minimum: 1,
      maximum: 10000,
      description: "How many may be sent in any stretch of `per`.",
    },
    per: { ...duration, default: "1s", description: "How long that stretch is, for example 1m." },
    burst: {
      type: "integer",
      format: "int32",
      minimum: 1,
      maximum: 10000,
      description:
        "How many of them may be sent at once; the others follow at even distances. As many as `requests` where not set.",
    },
  },
  required: ["requests"],
} as const satisfies ObjectSchema;

export const circuitBreaker = {
  type: "object",
  description:
    "Present: while the server is down, nothing is sent to it but one request now and then to see whether it is back. What would be sent waits, with the reason CircuitOpen, and uses up none of its tries. Each namespace has a circuit of its own.",
  properties: {
    failures: {
      type: "integer",
      format: "int32",
      minimum: 1,
      maximum: 1000,
      default: 5,
      description:
        "How many failures in a row, of two resources at least, open it. A failure is no answer, or one of 500 to 599.",
    },
    openFor: { ...duration, default: "30s", description: "How long nothing is sent before one request may try." },
  },
} as const satisfies ObjectSchema;
