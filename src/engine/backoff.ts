/** Pauses of what could not be decided: doubling from the first to the last, with jitter. Invariant: a success ends them. */
import { doublingMs, shortenedMs, type BackoffLimits } from "../core/backoff.ts";

export interface Backoff {
  /** Milliseconds until the key is tried again; counts the failure. */
  next(id: string, limits: BackoffLimits): number;
  forget(id: string): void;
}
/** However many are tried again and again, all together make so many tries a second at most: one for each pause of this length, milliseconds. */
export const spacingMs = 20;

/** Milliseconds: the pause of one of so many. */
export function spacedMs(ownMs: number, count: number): number {
  return Math.max(ownMs, count * spacingMs);
}

/** Each pause is shortened by up to a quarter. */
export function createBackoff(): Backoff {
  const failures = new Map<string, number>();
  return {
    next(id, limits) {
      const failed = failures.get(id) ?? 0;
      failures.set(id, failed + 1);
      return shortenedMs(doublingMs(limits, failed), Math.random());
    },
    forget: (id) => void failures.delete(id),
  };
}
