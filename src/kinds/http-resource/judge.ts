/** What the answer to one of an HTTPResource's requests means. Nothing that a server sent is in its words but the status code. */
import type { Exchange } from "../../core/exchange.ts";
import type { Outcome, Response } from "../../core/outcome.ts";
import { isOfTheMoment, isRejected } from "../../core/answered-status.ts";
import { isExpectedStatus } from "../../core/expectation.ts";
import { evaluate, type Steps } from "../../core/plan.ts";
import type { Judgement } from "../request/recorded.ts";
import type { Context } from "./context.ts";
import { refusedIfOf, type Asked } from "./exchange.ts";
import { expectedThat } from "../request/request.ts";
import { answeredText } from "../request/judge.ts";

type Answered = Exclude<Outcome, { type: "refusal" }>;

/** Whether the server says that there is no such object (RFC 9110, sections 15.5.5 and 15.5.11). */
export function saysGone(response: Response | undefined): boolean {
  return response?.statusCode === 404 || response?.statusCode === 410;
}

/** A page for people, such as that for signing in or a gateway's own, says nothing of what was asked for. */
export function isPage({ headers }: Response): boolean {
  return /^text\/html\b/i.test(String(headers["content-type"] ?? ""));
}

/** Whether a look was answered that there is nothing to be had by its id: not that it lacks a credential, or comes at a bad time. */
export function rejectsID({ reason, response }: Judgement): boolean {
  return response !== undefined && !isOfTheMoment(response) && (isRejected(response) || reason === "Refused");
}

/** Whether the answer is as `expect` says. */
export function* judgeAnswer(
  context: Pick<Context, "spec" | "endpoints">,
  { field, shape }: Pick<Asked, "field" | "shape">,
  { scope }: Exchange,
  outcome: Answered,
): Steps<Judgement> {
  if (outcome.type === "failure") return { succeeded: false, reason: outcome.reason, message: `${field}: ${outcome.message}` };
  const { response } = outcome;
  const { expect } = shape;
  const refused = yield* saysRefused(context, { field, shape, scope, response });
  if (refused) return refused;
  const answered = `${field}: ${answeredText(response)}`;
  if (!isExpectedStatus(expect.status, response.statusCode)) {
    const message = `${answered}, where ${field}.expect.status has ${expect.status.join(", ")}`;
    return { succeeded: false, reason: reasonOf(response), message, response };
  }
  if (expect.that === undefined) return { succeeded: true, reason: "Succeeded", message: answered, response };
  const result = yield* evaluate({ scope, response, expressions: expectedThat(expect, `${field}.expect`) });
  if (result.type === "refusal")
    return { succeeded: false, reason: result.reason, message: `${answered}; ${result.message}`, response };
  return result.values[0] === true
    ? { succeeded: true, reason: "Succeeded", message: answered, response }
    : {
        succeeded: false,
        reason: "UnexpectedResponse",
        message: `${answered}, but ${field}.expect.that does not yield true`,
        response,
      };
}

function reasonOf({ statusCode }: Response): string {
  if (statusCode === 401 || statusCode === 403) return "NotAuthorized";
  return statusCode === 429 ? "TooManyRequests" : "UnexpectedStatus";
}

/** Undefined: it says that something was done, or nothing tells. What asks for an object is told by its status first. */
function* saysRefused(
  context: Pick<Context, "spec" | "endpoints">,
  { field, shape, scope, response }: Pick<Asked, "field" | "shape"> & Pick<Exchange, "scope"> & { readonly response: Response },
): Steps<Judgement | undefined> {
  const expressions = refusedIfOf(context, shape);
  const [asked] = expressions;
  if (!asked || (isAsking(field) && saysGone(response))) return undefined;
  const result = yield* evaluate({ scope, response, expressions });
  if (result.type === "refusal")
    return isAsking(field) ? { succeeded: false, reason: result.reason, message: result.message, response } : undefined;
  if (result.values[0] !== true) return undefined;
  const message = `${field}: answered ${response.statusCode}, and ${asked.field} yields true: nothing was done`;
  return { succeeded: false, reason: "Refused", message, response };
}
function isAsking(field: string): boolean {
  return field === "spec.observe" || field === "spec.lookup";
}
