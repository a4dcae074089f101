/** When a failed attempt is tried again. */
import { doublingMs, fractionOf, shortenedMs, type BackoffLimits } from "./backoff.ts";
import type { Outcome, Response } from "./outcome.ts";
import { isExpectedStatus } from "./expectation.ts";

export interface RetryPolicy extends BackoffLimits {
  /** Tries after the first. Absent: until it succeeds, where that is safe. */
  readonly limit?: number;
  /** How long after it began an attempt ends. */
  readonly maxDurationMs?: number;
  /** Status patterns and failure reasons that are tried again, in place of the usual ones. */
  readonly when?: readonly string[];
  /** Those that are not, whatever else says so. */
  readonly never?: readonly string[];
}

/** Whether the list has this answer's status, or this failure's reason. */
export function isListed(list: readonly string[] | undefined, outcome: Exclude<Outcome, { type: "refusal" }>): boolean {
  if (!list) return false;
  if (outcome.type === "failure") return list.includes(outcome.reason);
  return isExpectedStatus(
    list.filter((item) => /^\d/.test(item)),
    outcome.response.statusCode,
  );
}

/**
 * Milliseconds between the end of the latest try and the next: doubling from `initialMs` up to `maxMs`, less up to a
 * quarter. What is taken off derives from the attempt, so that a restart finds the same time, and a fleet does not come in step.
 */
export function retryAfterMs(limits: BackoffLimits, attempt: { readonly id: string; readonly tries: number }): number {
  return shortenedMs(doublingMs(limits, attempt.tries - 1), fractionOf(`${attempt.id}/${attempt.tries}`));
}

/** A server that asks for longer is asked again after an hour. */
const longestRetryAfterMs = 3_600_000;

/** Milliseconds that an answer's Retry-After asks for (RFC 9110, section 10.2.3: seconds or a date); 0 where it asks for nothing. */
export function retryAfterFieldMs(response: Pick<Response, "headers"> | undefined, now: Date): number {
  const value = response?.headers["retry-after"];
  if (typeof value !== "string") return 0;
  const askedMs = /^\d{1,10}$/.test(value) ? Number(value) * 1000 : isHTTPDate(value) ? Date.parse(value) - now.getTime() : 0;
  return Math.min(Math.max(askedMs, 0), longestRetryAfterMs);
}
/** IMF-fixdate, the one form that senders may generate (RFC 9110, section 5.6.7). */
function isHTTPDate(value: string): boolean {
  return (
    /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(value) &&
    !Number.isNaN(Date.parse(value))
  );
}
