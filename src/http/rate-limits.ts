/**
 * Rate limits: who has to wait does so outside of a worker, and is told when it is its turn.
 *
 * Invariant: in any stretch of `perMs` no more than `requests` turns are given. Groups (namespaces) take turns, and within one
 * the oldest goes first; the same owner keeps its place, however often it asks.
 */
import type { RateLimit } from "../core/exchange.ts";
import type { Busy } from "../core/ports.ts";

export interface RateLimits extends Disposable {
  enter(name: string, owner: string, limit: RateLimit): { readonly type: "admitted" } | Busy;
  /** Counts one that does not wait. */
  count(name: string, limit: RateLimit): void;
  /** Gives back a turn that is kept for `owner`, which has come and does not need it. */
  yield(owner: string): void;
  readonly size: number;
}

interface Line {
  limit: RateLimit;
  /** When turns were given, within the last `perMs`. */
  given: number[];
  /** When the next would be due at even distances. */
  evenMs: number;
  readonly groups: Map<string, Map<string, PromiseWithResolvers<void>>>;
  timer: NodeJS.Timeout | undefined;
}

/** Where its owner has gone for good, its turn is the next one's after this. */
const keptMs = 5_000;
const longestTimerMs = 2 ** 31 - 1;

/** `groupOf`: the namespace of an owner. `nowMs`: a monotonic clock. */
export function createRateLimits(groupOf: (owner: string) => string, nowMs = () => performance.now()): RateLimits {
  const lines = new Map<string, Line>();
  const kept = new Map<string, { readonly name: string; readonly timer: NodeJS.Timeout }>();

  function lineOf(name: string, limit: RateLimit): Line {
    const line = lines.get(name) ?? { limit, given: [], evenMs: 0, groups: new Map(), timer: undefined };
    line.limit = limit;
    lines.set(name, line);
    return line;
  }
  /** When the next turn may be given. */
  function nextMs({ limit: { requests, perMs, burst }, given, evenMs }: Line): number {
    const oldest = given[given.length - requests];
    const spacedMs = burst < requests ? Math.floor(evenMs - (burst - 1) * (perMs / requests)) : 0; // sums of fractions
    return Math.max(oldest === undefined ? 0 : oldest + perMs, spacedMs);
  }
  function give(line: Line): void {
    const { requests, perMs } = line.limit;
    const now = nowMs();
    line.given = [...line.given.filter((atMs) => atMs > now - perMs), now];
    line.evenMs = Math.max(line.evenMs, now) + perMs / requests;
  }
  function keepFor(name: string, owner: string, { resolve }: PromiseWithResolvers<void>): void {
    kept.set(owner, { name, timer: setTimeout(() => handOn(owner), keptMs).unref() });
    resolve();
  }
  /** A turn that nobody took is the next one's; it has been counted. */
  function handOn(owner: string): void {
    const turn = kept.get(owner);
    if (!turn) return;
    clearTimeout(turn.timer);
    kept.delete(owner);
    const line = lines.get(turn.name);
    const next = line && shift(line);
    if (next) keepFor(turn.name, ...next);
  }
  function shift({ groups }: Line): readonly [string, PromiseWithResolvers<void>] | undefined {
    const [first] = groups;
    if (!first) return undefined;
    const [group, owners] = first;
    const [next] = owners;
    groups.delete(group);
    if (!next) return undefined;
    owners.delete(next[0]);
    if (owners.size > 0) groups.set(group, owners); // to the end: the other groups' turn
    return next;
  }
  function run(name: string, line: Line): void {
    line.timer = undefined;
    while (line.groups.size > 0) {
      const waitMs = nextMs(line) - nowMs();
      if (waitMs > 0) {
        line.timer = setTimeout(() => run(name, line), Math.min(Math.ceil(waitMs), longestTimerMs)).unref();
        return;
      }
      give(line);
      const next = shift(line);
      if (next) keepFor(name, ...next);
    }
    // Nobody waits: it is forgotten when what was given is old.
    line.timer = setTimeout(() => lines.delete(name), Math.min(line.limit.perMs, longestTimerMs)).unref();
  }

  return {
    enter(name, owner, limit) {
      const line = lineOf(name, limit);
      const turn = kept.get(owner);
      if (turn?.name === name) {
        clearTimeout(turn.timer);
        kept.delete(owner);
        return { type: "admitted" };
      }
      if (line.groups.size === 0 && nextMs(line) <= nowMs()) {
        give(line);
        clearTimeout(line.timer);
        run(name, line);
        return { type: "admitted" };
      }
      const group = groupOf(owner);
      const owners = line.groups.get(group) ?? new Map<string, PromiseWithResolvers<void>>();
      line.groups.set(group, owners);
      const place = owners.get(owner) ?? Promise.withResolvers<void>();
      owners.set(owner, place);
      clearTimeout(line.timer);
      run(name, line);
      return { type: "busy", reason: "RateLimited", free: place.promise };
    },
    count(name, limit) {
      const line = lineOf(name, limit);
      give(line);
      clearTimeout(line.timer);
      run(name, line);
    },
    yield: handOn,
    get size() {
      return lines.size;
    },
    [Symbol.dispose]() {
      for (const { timer } of lines.values()) clearTimeout(timer);
      for (const { timer } of kept.values()) clearTimeout(timer);
      lines.clear();
      kept.clear();
    },
  };
}
