/**
 * Corrections that do not hold: the same places differ again right after an update was accepted.
 *
 * Invariant: two are sent at the pace of the interval, and each further one after twice the time of the one before.
 */
import { sinceEndMs } from "../../core/attempt-times.ts";
import type { HTTPResourceStatus } from "../../api/http-resource.ts";
import type { Difference } from "../../core/difference.ts";
import { digest } from "../../core/tools/digest.ts";
import { verbDigest, type Context } from "./context.ts";
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
  const sinceMs = sinceEndMs(attempt, now);
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

/** For which an object is not made anew. */
type AsMade = NonNullable<HTTPResourceStatus["asMade"]>;

/** As JSON, in a status. */
const longestAsMade = 2048;
const mostAsMade = 32;

/** To be recorded of an object that is seen for the first time since it was made: what differs now is its server's doing. */
export function asMadeOf(differences: readonly Difference[]): AsMade | undefined {
  const entries = differences.flatMap(({ path, digest: wanted }) => (wanted === undefined ? [] : [[path, wanted] as const]));
  let length = 2;
  const kept = entries
    .slice(0, mostAsMade)
    .filter(([path, wanted]) => (length += path.length + wanted.length + 6) <= longestAsMade);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** Made anew, it would be the same again: it differs there by its server's doing, and what is declared there is as it was. */
export function isAsMade({ asMade = {} }: Pick<Context, "asMade">, { path, digest: wanted }: Difference): boolean {
  return wanted !== undefined && Object.hasOwn(asMade, path) && asMade[path] === wanted;
}

/**
 * By what a replacement is known, so that none is made twice for the same, one after the other: that would go on without end. What
 * differs nowhere that could be told is known by what update sends.
 */
export function replacementDigest(context: Pick<Context, "spec">, differences: readonly Difference[]): string {
  const places = differences.map(({ path, digest: wanted = "" }) => JSON.stringify([path, wanted])).toSorted();
  return digest(places.length > 0 ? places : verbDigest(context, "Update"));
}
