/** When an attempt is tried again, and when no more. Invariant: a wall clock that was set back prolongs none of it for long. */
import type { RetryPolicy } from "./retry.ts";

/** Of an attempt, RFC 3339. */
interface Times {
  readonly startedAt: string;
  readonly finishedAt?: string;
}

/** When it ended, as far as is known, milliseconds since the epoch. */
export function endedMs({ finishedAt, startedAt }: Times): number {
  return Date.parse(finishedAt ?? startedAt);
}
/** Milliseconds since then, or until then where the wall clock was set back. */
export function sinceEndMs(times: Times, now: Date): number {
  return apartMs(endedMs(times), now);
}
/** The same of a time in RFC 3339. */
export function sinceMs(time: string, now: Date): number {
  return apartMs(Date.parse(time), now);
}
function apartMs(thenMs: number, now: Date): number {
  return Math.abs(now.getTime() - thenMs);
}
/** The attempt, ended so many milliseconds after `now`. */
export function endAfter<T extends Times>(attempt: T, now: Date, tookMs: number): T & { readonly finishedAt: string } {
  return { ...attempt, finishedAt: new Date(now.getTime() + tookMs).toISOString() };
}

/** An attempt's end is reckoned from its start and a rounded duration. */
const roundingMs = 1_000;

/**
 * Where more is left than the pause was meant to be, the wall clock has been set back: it cannot say how much of it is
 * over, and waiting the pause again each time it is looked at would last until the clock has caught up. So it is due.
 */
export function untilDueMs(nextRunAt: string | undefined, times: Times, now: Date): number {
  if (nextRunAt === undefined) return 0;
  const dueMs = Date.parse(nextRunAt);
  const leftMs = dueMs - now.getTime();
  const pauseMs = dueMs - endedMs(times);
  return leftMs > pauseMs + roundingMs ? 0 : leftMs;
}

/** What changes again and again has nothing tried more often than this. */
const mendedPauseMs = 1_000;
export function untilMendedMs(
  times: Times,
  { mayBeMended, retry }: { readonly mayBeMended?: boolean; readonly retry: RetryPolicy },
  now: Date,
): number {
  if (!mayBeMended) return Infinity;
  return Math.min(retry.initialMs, mendedPauseMs) - sinceEndMs(times, now);
}

/** Whether its tries come to an end by themselves. */
export const hasEnd = ({ limit, maxDurationMs }: RetryPolicy): boolean => limit !== undefined || maxDurationMs !== undefined;

/** Whether `retry.maxDuration` is over; also where the wall clock was set back by more than that, so that none prolongs it for long. */
export function isOverdue({ startedAt }: Times, { maxDurationMs = Infinity }: RetryPolicy, now: Date): boolean {
  return Math.abs(now.getTime() - Date.parse(startedAt)) >= maxDurationMs;
}
