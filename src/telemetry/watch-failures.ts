/**
 * Which failures to open a watch are told in the log. While an API server is away each of several watches is tried every half
 * minute: that is one thing that has happened, told at its begin and then after pauses that double.
 *
 * Invariant: each watch's failure is told of by the line of another only where both fail alike, and began to together.
 */
import { isRecord } from "../core/tools/json.ts";

export interface WatchFailures {
  /** What to tell with this one; undefined: it is not to be told. */
  failed(resource: string, reason: string, error: unknown): ToldTogether | undefined;
  /** It is open. */
  connected(resource: string): void;
}
interface ToldTogether {
  /** Watches that fail alike. */
  readonly watches?: number;
  /** How often they have failed since the line before. */
  readonly failures?: number;
  readonly failingForSecs?: number;
}

interface Alike {
  readonly sinceMs: number;
  lastMs: number;
  readonly resources: Set<string>;
  nextMs: number;
  untold: number;
}

/** What begins to fail within this time began together; and the first pause. Milliseconds. */
const firstPauseMs = 60_000;
const longestPauseMs = 3_600_000;
/** After a silence of this length it is over: each is tried every half minute, and a watch that has been stopped never connects. */
const silenceMs = 5 * firstPauseMs;

/** `nowMs`: a monotonic clock. */
export function createWatchFailures(nowMs = () => performance.now()): WatchFailures {
  const all = new Map<string, Alike>();
  return {
    failed(resource, reason, error) {
      const key = `${reason} ${codeOf(error)}`;
      const now = nowMs();
      const last = all.get(key);
      const known = last && now - last.lastMs <= silenceMs ? last : undefined;
      const alike = known ?? { sinceMs: now, lastMs: now, resources: new Set<string>(), nextMs: now + firstPauseMs, untold: 0 };
      alike.lastMs = now;
      all.set(key, alike);
      const isNew = !alike.resources.has(resource);
      alike.resources.add(resource);
      if (!known || (isNew && now - alike.sinceMs > firstPauseMs)) return {};
      alike.untold += 1;
      if (now < alike.nextMs) return undefined;
      const { sinceMs, resources, untold: failures } = alike;
      alike.nextMs = now + Math.min(now - sinceMs, longestPauseMs);
      alike.untold = 0;
      return { watches: resources.size, failures, failingForSecs: Math.round((now - sinceMs) / 1000) };
    },
    connected(resource) {
      for (const [key, { resources }] of all) {
        resources.delete(resource);
        if (resources.size === 0) all.delete(key);
      }
    },
  };
}

function codeOf(error: unknown): string {
  if (!isRecord(error)) return "";
  const { status, code, cause } = error;
  if (status !== undefined || code !== undefined) return String(status ?? code);
  return cause === undefined ? "" : codeOf(cause);
}
