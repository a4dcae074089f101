/** What happens after a failure that may be tried again. */
import { duration } from "./fields.ts";
import type { ObjectSchema, Schema } from "./schema.ts";

/** What the network did, as far as users can say whether it is to be tried again. */
export const retryReasons = [
  "Timeout",
  "ConnectTimeout",
  "ConnectionRefused",
  "ConnectionReset",
  "ProxyRefused",
  "NameNotResolved",
  "NetworkUnreachable",
  "TLSError",
  "CertificateInvalid",
  "InvalidResponse",
  "ResponseTooLarge",
  "ResponseTooSlow",
  "CompressionRatio",
  "HeadersTooLarge",
  "TooManyRedirects",
  "RedirectLoop",
  "RedirectInvalid",
  "RedirectInsecure",
  "RedirectRefused",
] as const;

const outcomes = {
  type: "array",
  maxItems: 32,
  "x-kubernetes-list-type": "set",
  items: {
    type: "string",
    maxLength: 32,
    pattern: `^([1-5](xx|[0-9]{2}|[0-9]{2}-[1-5][0-9]{2})|${retryReasons.join("|")})$`,
  },
} as const satisfies Schema;

const limit = { type: "integer", format: "int32", minimum: 0, maximum: 100 } as const satisfies Schema;
const shared = {
  when: {
    ...outcomes,
    description:
      "What is tried again, in place of the usual: status codes (503), classes (5xx), ranges (500-503), of answers that are no success, and reasons (Timeout). " +
      "Without it: every failure, 5xx, 408, 425, 429, 460, 499, and an answer that expect.that refuses. " +
      "A POST or PATCH without an honoured key, without it: 429, 503 with Retry-After, and what never left. Such a request is not tried again after its first byte left without an answer, nor on 408, 460, 499, 502, 504, 520, 522 and 524, whatever stands here.",
  },
  never: { ...outcomes, description: "What is not tried again, whatever else says so: written as in when." },
  backoff: {
    type: "object",
    description:
      "The pause before the next try doubles each time, less up to a quarter. A Retry-After that asks for longer is obeyed, up to an hour.",
    default: {},
    properties: {
      initial: { ...duration, default: "1s", description: "The first pause." },
      max: { ...duration, default: "5m", description: "The longest pause." },
    },
  },
} as const satisfies ObjectSchema["properties"];

/** Of an HTTPRequest, which nothing else sends again. */
export const requestRetry = {
  type: "object",
  description: "What happens after a failure that may be tried again.",
  default: {},
  properties: {
    limit: {
      ...limit,
      description:
        "How many times to try again. Without it, until it succeeds: what provably never left, what the server says it did not act on, and every idempotent request or one with an honoured idempotencyKey. Anything else that may be tried again, with onUnknown: Resend say, 5 times.",
    },
    maxDuration: {
      ...duration,
      description:
        "How long after its first try an attempt ends, if it has not succeeded, whatever limit says. Without it never.",
    },
    ...shared,
  },
} as const satisfies Schema;

/** Of an HTTPResource, which each interval looks after anew. */
export const resourceRetry = {
  type: "object",
  description: "What happens after a failure that may be tried again. When it is over, the next interval is another chance.",
  default: {},
  properties: { limit: { ...limit, default: 5, description: "How many times to try again." }, ...shared },
} as const satisfies Schema;
