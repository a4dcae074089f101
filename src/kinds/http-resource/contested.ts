/**
 * Corrections that do not hold: the same places differ again right after an update was accepted.
 *
 * Invariant: two are sent at the pace of the interval, and each further one after twice the time of the one before.
 */
import { digest } from "../../core/tools/digest.ts";
import { verbDigest, type Context } from "./context.ts";
import { haveInputsChanged } from "./delivery-record.ts";
import type { Found } from "./observation.ts";

const longestMs = 86_400_000;

export interface Correction {
  /** SHA-256 over the places; absent: nothing differs, and something has to be delivered. */
  readonly differs?: string;
  /** How often in a row the same correction did not hold. */
  readonly repeats: number;
  /** Milliseconds until the next one. */
  readonly pauseMs: number;
}

export function correctionFor(context: Context, { differences, upToDate }: Found): Correction {
  if (upToDate !== false) return { repeats: 0, pauseMs: 0 };
  const { attempt, now, intervalMs, asked } = context;
  const differs = digestOf(differences.map(({ path }) => path));
  const isLast =
    !context.isAnother &&
    attempt?.verb === "Update" &&
    attempt.phase === "Done" &&
    attempt.succeeded === true &&
    attempt.differs === differs &&
    attempt.digest === verbDigest(context, "Update");
  if (!isLast) return { differs, repeats: 0, pauseMs: 0 };
  const sinceMs = Math.abs(now.getTime() - Date.parse(attempt.finishedAt ?? attempt.startedAt));
  const before = attempt.repeats ?? 0;
  // Nothing is written of a look that finds it in step: one that comes later than the next look may have found that.
  if (before === 0 && sinceMs > intervalMs * 1.5 + 2_000) return { differs, repeats: 0, pauseMs: 0 };
  const repeats = before + 1;
  const pacedMs = repeats < contestedFrom ? 0 : Math.min(longestMs, intervalMs * 2 ** Math.min(repeats, 24));
  return { differs, repeats, pauseMs: asked === undefined ? Math.max(0, pacedMs - sinceMs) : 0 };
}

/** From the second correction that did not hold. */
const contestedFrom = 2;
export function isContested({ repeats }: Pick<Correction, "repeats">): boolean {
  return repeats >= contestedFrom;
}

function digestOf(places: readonly string[]): string {
  return digest(places.length > 0 ? places.toSorted() : ["spec.upToDate"]);
}

/**
 * It was created as it is declared now, and differs all the same: made anew it would be the same again. An edit of what is not sent
 * changes nothing about that.
 */
export function isAsMade(context: Context, places: readonly string[]): boolean {
  const { attempt, asked, imported } = context;
  if (attempt?.phase !== "Done" || asked !== undefined || imported !== undefined) return false;
  if (attempt.verb === "Create")
    return attempt.succeeded === true && attempt.digest === verbDigest(context, "Create") && !haveInputsChanged(context);
  // What an update has not helped differs for the server's reasons, whatever of its inputs changes, such as a Secret.
  const isMarked = attempt.verb === "Update" && (attempt.repeats ?? 0) > 0;
  return isMarked && attempt.digest === verbDigest(context, "Update") && attempt.differs === digestOf(places);
}
