/** What an answer, or none, makes of an attempt. Pure; docs/delivery.md tells it. */
import { retryReasons } from "../api/retry.ts";
import { isInUse, isRejected } from "./answered-status.ts";
import { isOverdue } from "./attempt-times.ts";
import { isKnownAgain, type Attempt, type Desired } from "./delivery.ts";
import { isAmbiguous, isTransient, wasNotActedOn, type FailureReason, type Outcome } from "./outcome.ts";
import { isListed } from "./retry.ts";

/** What an outcome makes of the attempt that was sent. */
type Conclusion =
  | { readonly type: "succeeded" }
  /** Over, and not as declared. */
  | { readonly type: "failed" }
  /**
   * To be tried again, with the same id. `inDoubt`: as `Attempt.inDoubt`. `unsent`: the server did not act on this try. `sentAs`:
   * how it was sent, where it may have arrived.
   */
  | { readonly type: "retry"; readonly inDoubt: boolean; readonly unsent: boolean; readonly sentAs?: string }
  | { readonly type: "unknown" };

/**
 * `asExpected`: the answer is what the spec expects.
 * A try that was refused says nothing of one before that may have arrived, whatever key they share: its server may just be
 * carrying that one out (409), or refuse the second for being a second.
 */
export function conclude(
  outcome: Exclude<Outcome, { type: "refusal" }>,
  asExpected: boolean,
  attempt: Attempt,
  desired: Pick<Desired, "repeatable" | "sentAs" | "onUnknown" | "retry">,
): Conclusion {
  if (outcome.type === "response" && asExpected) return { type: "succeeded" };
  const ambiguous = !desired.repeatable && isAmbiguous(outcome);
  if (ambiguous && desired.onUnknown === "Stall") return { type: "unknown" };
  // Without a key, or under another, its server cannot mean the try before it.
  const mayBeBefore = attempt.inDoubt === true && isKnownAgain(attempt, desired);
  const refused = mayBeBefore && outcome.type === "response" && isRejected(outcome.response);
  const isOpen = ambiguous || (refused && isInUse(outcome.response));
  const worthIt = isOpen ? !isListed(desired.retry.never, outcome) : isWorthRetrying(outcome, desired);
  const unsent = wasNotActedOn(outcome);
  if (!worthIt || isUsedUp(attempt, desired, unsent))
    return { type: refused && desired.onUnknown === "Stall" ? "unknown" : "failed" };
  const mayHaveArrived = desired.repeatable ? !unsent : ambiguous;
  const { sentAs } = desired;
  const inDoubt = sentAs !== undefined && (mayHaveArrived || attempt.inDoubt === true);
  return { type: "retry", inDoubt, unsent, ...(mayHaveArrived && sentAs !== undefined && { sentAs }) };
}

/** Tries after the first of what may come of each, where `retry.limit` does not say. */
const unsafeLimit = 5;
/** Whether the try that has ended was the last. What is safe however often it is sent is tried until it succeeds. */
function isUsedUp(attempt: Attempt, { repeatable, retry }: Pick<Desired, "repeatable" | "retry">, unsent: boolean): boolean {
  const { tries, finishedAt, unsent: earlier = 0 } = attempt;
  if (finishedAt !== undefined && isOverdue(attempt, retry, new Date(finishedAt))) return true;
  if (retry.limit !== undefined) return tries > retry.limit;
  return !repeatable && !unsent && tries - earlier > unsafeLimit;
}

/** What the user listed decides, within what is safe: not for a failure after the first byte of what must not be sent twice. */
function isWorthRetrying(
  outcome: Exclude<Outcome, { type: "refusal" }>,
  { repeatable, retry }: Pick<Desired, "repeatable" | "retry">,
): boolean {
  if (isListed(retry.never, outcome)) return false;
  if (!retry.when || isOurs(outcome)) return repeatable ? isTransient(outcome) : wasNotActedOn(outcome);
  return isListed(retry.when, outcome);
}
/**
 * Why an outcome that may be another the next time is the end all the same, where it is not for the number of tries. `Unsafe`: the
 * request may have been carried out. `Unlisted`: `retry.when` stands in place of the usual list, and does not have it.
 */
export function whyNotAgain(
  outcome: Exclude<Outcome, { type: "refusal" }>,
  { repeatable, retry }: Pick<Desired, "repeatable" | "retry">,
): "Unsafe" | "Unlisted" | undefined {
  if (isListed(retry.never, outcome) || isOurs(outcome) || !isTransient(outcome)) return undefined;
  if (!repeatable && isAmbiguous(outcome)) return undefined;
  if (retry.when) return isListed(retry.when, outcome) ? undefined : "Unlisted";
  return repeatable || wasNotActedOn(outcome) ? undefined : "Unsafe";
}
const listable: readonly FailureReason[] = retryReasons;
/** This process's own state, which says nothing of the request. */
function isOurs(outcome: Exclude<Outcome, { type: "refusal" }>): boolean {
  return outcome.type === "failure" && !listable.includes(outcome.reason);
}

/**
 * Whether a try before this one may have arrived, of which the answer to this one says nothing. Without a key it was sent again by
 * someone who takes what may come of that.
 */
export function followsDoubt(attempt: Attempt, desired: Pick<Desired, "repeatable" | "sentAs">): boolean {
  const { inDoubt, tries, unsent = 0 } = attempt;
  const isByKey = inDoubt === true && isKnownAgain(attempt, desired);
  return isByKey || (desired.repeatable && desired.sentAs === undefined && tries - 1 > unsent);
}
/** The attempt, to be tried again. */
export function markRetrying<A extends Attempt>(
  attempt: A,
  { inDoubt, unsent, sentAs }: Extract<Conclusion, { type: "retry" }>,
): A {
  const { unsent: earlier = 0 } = attempt;
  const doubt = { ...(inDoubt && { inDoubt }), ...(sentAs !== undefined && { sentAs }) };
  return { ...attempt, phase: "Retrying", ...doubt, ...(unsent && { unsent: earlier + 1 }) };
}
/**
 * The attempt, of which nobody knows whether it has arrived. What was refused after a try in doubt is not sent again by itself,
 * though its server would know it again.
 */
export function leaveOpen<A extends Attempt>(attempt: A): A {
  return { ...attempt, phase: "Unknown", ...(attempt.inDoubt && { refused: true }) };
}
