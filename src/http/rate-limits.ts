/**
 * Rate limits: who has to wait does so outside of a worker, and is told when it is its turn.
 *
 * Invariant: in any stretch of `perMs` no more than `requests` turns are given.
 */
import type { RateLimit } from "../core/connection.ts";
import type { Busy } from "../core/ports.ts";
import { createRows } from "./rows.ts";

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
  timer: NodeJS.Timeout | undefined;
}

const longestTimerMs = 2 ** 31 - 1;

/** `groupOf`: the namespace of an owner. `nowMs`: a monotonic clock. */
export function createRateLimits(groupOf: (owner: string) => string, nowMs = () => performance.now()): RateLimits {
  const lines = new Map<string, Line>();
  const rows = createRows(groupOf, () => {}); // a turn that nobody took has been counted

  function lineOf(name: string, limit: RateLimit): Line {
    const line = lines.get(name) ?? { limit, given: [], evenMs: 0, timer: undefined };
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
  /** Gives the turns that are due, and waits for the next. */
  function run(name: string, line: Line): void {
    clearTimeout(line.timer);
    while (rows.has(name)) {
      const waitMs = nextMs(line) - nowMs();
      if (waitMs > 0) {
        line.timer = setTimeout(() => run(name, line), Math.min(Math.ceil(waitMs), longestTimerMs)).unref();
        return;
      }
      give(line);
      rows.keepForNext(name);
    }
    // Nobody waits: it is forgotten when what was given is old.
    line.timer = setTimeout(() => lines.delete(name), Math.min(line.limit.perMs, longestTimerMs)).unref();
  }
  function count(name: string, line: Line): void {
    give(line);
    run(name, line);
  }

  return {
    enter(name, owner, limit) {
      const line = lineOf(name, limit);
      if (rows.take(name, owner)) return { type: "admitted" };
      if (!rows.has(name) && nextMs(line) <= nowMs()) {
        count(name, line);
        return { type: "admitted" };
      }
      const free = rows.wait(name, owner);
      run(name, line);
      return { type: "busy", reason: "RateLimited", free };
    },
    count: (name, limit) => count(name, lineOf(name, limit)),
    yield: (owner) => rows.giveBack(owner),
    get size() {
      return lines.size;
    },
    [Symbol.dispose]() {
      for (const { timer } of lines.values()) clearTimeout(timer);
      lines.clear();
      rows[Symbol.dispose]();
    },
  };
}
