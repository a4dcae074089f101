/**
 * The states of a reflector, and what follows what. Pure: the time and a random number are arguments.
 *
 *     listing ──► watching ──► backing off ──► watching, from the last resourceVersion
 *        │                          │
 *        └──► backing off ──► listing (again, or because the server no longer has that resourceVersion)
 *
 * Invariant: everything that ends is followed by a pause, so nothing that the server does makes a hot loop; and only a
 * resourceVersion that the server no longer has, or a type that it no longer has, leads to another listing.
 */
import { doublingMs, shortenedMs } from "../core/backoff.ts";
import type { WatchEndReason } from "../core/telemetry-event.ts";
import { maxRetryAfterMs } from "./api-error.ts";

export interface Listing {
  readonly type: "listing";
  /** `start`: nothing is known yet. `expired`: something was missed. */
  readonly reason: "start" | "expired";
  /** Sessions in a row that ended early. */
  readonly failures: number;
}
export interface Watching {
  readonly type: "watching";
  /** Everything up to here is known. */
  readonly resourceVersion: string;
  /** Listed a moment ago, no session since. */
  readonly isFresh: boolean;
  readonly failures: number;
}
interface BackingOff {
  readonly type: "backingOff";
  readonly delayMs: number;
  readonly next: Listing | Watching;
}
export type ReflectorState = Listing | Watching | BackingOff;

export const start: Listing = { type: "listing", reason: "start", failures: 0 };

/** How a listing or a watch session ended. */
export interface End {
  readonly reason: WatchEndReason;
  /** HTTP status, where the server refused. */
  readonly status?: number;
  /** How long the stream was open; 0 where there was none. */
  readonly sessionMs: number;
  /** Everything up to here is known; absent where a listing did not come to its end. */
  readonly resourceVersion?: string;
  /** What the server asked for. */
  readonly retryAfterMs?: number;
  readonly error?: unknown;
}

/** As client-go's reflector has it: the API server, or what is in front of it, may be down for a while. */
const delays = { initialMs: 1_000, maxMs: 30_000 };

/**
 * Milliseconds: 1 s doubling to 30 s, of which between half and all, so that many watches that ended at once, for example
 * because the server restarted, do not come back at once. `random` is at least 0 and below 1.
 */
export function backoffMs(failures: number, random: number): number {
  return shortenedMs(doublingMs(delays, failures), 1 - random, 0.5);
}

/**
 * A session that outlived the idle timeout was a good one: the pauses start from one second again. So does a
 * resourceVersion that the server no longer has, which is how a server that was away greets us, however long it was;
 * unless it is the one that the server has only just given.
 */
export function afterEnd(state: Listing | Watching, end: End, idleTimeoutMs: number, random: number): BackingOff {
  const isGreeting = end.reason === "expired" && state.type === "watching" && !state.isFresh;
  const earlier = end.sessionMs >= idleTimeoutMs || isGreeting ? 0 : state.failures;
  const delayMs = Math.max(backoffMs(earlier, random), Math.min(end.retryAfterMs ?? 0, maxRetryAfterMs));
  return { type: "backingOff", delayMs, next: nextStep(state, end, earlier + 1) };
}

function nextStep(state: Listing | Watching, end: End, failures: number): Listing | Watching {
  const mustList = end.reason === "expired" || end.status === 404; // 404: the CRD is gone; when it is back all is new
  if (end.resourceVersion !== undefined && !mustList) {
    return { type: "watching", resourceVersion: end.resourceVersion, isFresh: false, failures };
  }
  const stillUnknown = state.type === "listing" && end.resourceVersion === undefined;
  return { type: "listing", reason: stillUnknown ? state.reason : "expired", failures };
}
