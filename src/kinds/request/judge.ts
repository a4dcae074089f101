/** What an answer, or none, makes of what `expect` says. */
import type { Expectation } from "../../api/request.ts";
import type { Exchange } from "../../core/exchange.ts";
import { challengedSchemes } from "../../core/challenges.ts";
import type { Outcome, Response } from "../../core/outcome.ts";
import { isExpectedStatus } from "../../core/expectation.ts";
import { evaluate, type Steps } from "../../core/plan.ts";
import type { Judgement } from "./recorded.ts";
import { expectedThat } from "./request.ts";

/** `tookMs`: from the start of the plan to the end of the request. */
export function* judgeResponse(
  expect: Expectation,
  { scope }: Exchange,
  outcome: Exclude<Outcome, { type: "refusal" }>,
): Steps<Judgement & { tookMs: number }> {
  if (outcome.type === "failure")
    return { succeeded: false, reason: outcome.reason, message: outcome.message, tookMs: tookMs(outcome) };
  const { response } = outcome;
  const seen = { response, tookMs: tookMs(outcome) };
  const answered = answeredText(response);
  if (!isExpectedStatus(expect.status, response.statusCode)) {
    return {
      ...seen,
      succeeded: false,
      reason: "UnexpectedStatus",
      message: `${answered}, where spec.expect.status has ${expect.status.join(", ")}`,
    };
  }
  if (expect.that === undefined) return { ...seen, succeeded: true, reason: "Succeeded", message: answered };
  const result = yield* evaluate({ scope, response, expressions: expectedThat(expect, "spec.expect") });
  if (result.type === "refusal")
    return { ...seen, succeeded: false, reason: result.reason, message: `${answered}; ${result.message}` };
  return result.values[0] === true
    ? { ...seen, succeeded: true, reason: "Succeeded", message: `${answered}, as spec.expect.that says` }
    : {
        ...seen,
        succeeded: false,
        reason: "UnexpectedResponse",
        message: `${answered}, but spec.expect.that does not yield true`,
      };
}

/** Schemes for which an endpoint's `auth` has a way. */
const possible: readonly string[] = ["Basic", "Bearer", "Digest", "AWS4-HMAC-SHA256"];

/** The answer's status, and of a 401 the credentials that it asks for. */
export function answeredText({ statusCode, headers }: Response): string {
  const asked = headers["www-authenticate"];
  const schemes = statusCode === 401 && typeof asked === "string" ? challengedSchemes(asked) : [];
  if (schemes.length === 0) return `answered ${statusCode}`;
  const isPossible = schemes.some((scheme) => possible.includes(scheme));
  return `answered ${statusCode}, which asks for ${schemes.join(" or ")}${isPossible ? "" : "; Holdfast has no such credential"}`;
}

/** From the start of the plan to the end of the request, milliseconds. */
export function tookMs(outcome: Exclude<Outcome, { type: "refusal" }>): number {
  return outcome.tookMs ?? (outcome.type === "response" ? outcome.response.durationMs : 0);
}
