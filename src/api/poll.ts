/** What follows an answer that says that the work goes on: a status URL that is asked until it has ended. */
import { duration, headers } from "./fields.ts";
import { jq } from "./request.ts";
import type { Infer, Schema } from "./schema.ts";

export const poll = {
  type: "object",
  description:
    "For work that goes on after the answer: a URL is asked with GET until the work has ended, and only then has the request. The request itself is not sent again meanwhile, through restarts too. " +
    "Without url, a 202 is followed, at the URL in its Azure-AsyncOperation, Operation-Location or Location field.",
  properties: {
    url: {
      type: "string",
      minLength: 1,
      maxLength: 2048,
      description:
        "The URL to ask, in place of one in the answer's header; may be relative to the request's URL. `${ jq }` expressions are expanded. One that sees `.response`, which is the answer, stands for the whole URL, one path segment or one query value; what it yields is kept in the status while it is polled, so it sees no inputs.",
    },
    until: {
      ...jq,
      description:
        "jq that sees the poll's `.response` and yields true when the work has ended. Without it: the status is another than 202; or, of an operation's URL, the body's `.status` is succeeded, failed or canceled.",
    },
    failedIf: { ...jq, description: "jq that sees the poll's `.response` and yields true when the work has failed." },
    interval: {
      ...duration,
      default: "5s",
      description: "The pause before each poll, at least 100ms. A Retry-After that asks for longer is obeyed, up to an hour.",
      "x-kubernetes-validations": [{ rule: "duration(self) >= duration('100ms')", message: "must be at least 100ms" }],
    },
    timeout: { ...duration, default: "10m", description: "How long the work may take." },
    headers: {
      ...headers,
      description:
        "Header fields of a poll, in place of the request's own of the same name. Of those, conditions (If-Match) and what is made of an answer do not go along, and at another origin no credential does, as with a redirect.",
    },
  },
} as const satisfies Schema;

export const pollStatus = {
  type: "object",
  description: "The poll that is under way.",
  properties: {
    url: { type: "string", maxLength: 4096, description: "What is asked, as a template: no input's value is in it." },
    from: {
      type: "string",
      enum: ["spec", "Azure-AsyncOperation", "Operation-Location", "Location"],
      description: "Where the URL was found.",
    },
    startedAt: { type: "string", format: "date-time", description: "When the work was answered to go on." },
  },
  required: ["url", "from", "startedAt"],
} as const satisfies Schema;

export type Poll = Infer<typeof poll>;
export type PollStatus = Infer<typeof pollStatus>;
