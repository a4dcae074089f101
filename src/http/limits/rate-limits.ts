/**
 * Rate limits: whose turn it is not is told when it is, and waits elsewhere.
 *
 * Invariant: in any stretch of `perMs` no more than `requests` turns are used. A turn is used when its request starts; one
 * that has been given and may be used at any time keeps its place until then.
 */
import { longestTimerMs } from "../../core/tools/deadline.ts";
import type { RateLimit } from "../../core/connection.ts";
import type { Lane } from "../../core/lane.ts";
import type { Busy } from "../../core/ports.ts";
import { createWaitingLine } from "./waiting-line.ts";

/** One request. Disposing a turn that was not used gives it to the next. */
export interface RateTurn extends Disposable {
  readonly type: "admitted";
  /** The request starts. */
  use(): void;
}

export interface RateLimits extends Disposable {
  enter(name: string, owner: string, limit: RateLimit, lane?: Lane): RateTurn | Busy;
  /** `owner`, who has a turn, waits for something else first: the turn is kept for it, for a moment. */
  keep(name: string, owner: string): void;
  /** `owner` waits for a turn no longer. */
  leave(name: string, owner: string): void;
  /** Gives back a turn that is kept for `owner`, which has come and does not need it. */
  yield(owner: string): void;
  readonly size: number;
  /** How many wait, for all endpoints. */
  readonly waiting: number;
}

interface Line {
  limit: RateLimit;
  /** How many turns are out that have not been used. */
  unused: number;
  /** When turns were used, within the last `perMs`. */
  usedMs: number[];
  /** When the next would be due at even distances. */
  evenMs: number;
  timer: NodeJS.Timeout | undefined;
}

/** `groupOf`: the namespace of an owner. `nowMs`: a monotonic clock. */
export function createRateLimits(groupOf: (owner: string) => string, nowMs = () => performance.now()): RateLimits {
  const lines = new Map<string, Line>();
  const waitingLine = createWaitingLine((name) => {
    const line = lines.get(name);
    if (line) takeBack(name, line);
  });

  function lineOf(name: string, limit: RateLimit): Line {
    const line = lines.get(name) ?? { limit, unused: 0, usedMs: [], evenMs: 0, timer: undefined };
    line.limit = limit;
    lines.set(name, line);
    return line;
  }
  function use(name: string, line: Line): void {
    const { requests, perMs } = line.limit;
    const now = nowMs();
    line.unused -= 1;
    line.usedMs = [...line.usedMs.filter((atMs) => atMs > now - perMs), now];
    line.evenMs = Math.max(line.evenMs, now) + perMs / requests;
    run(name, line);
  }
  function takeBack(name: string, line: Line): void {
    line.unused -= 1;
    run(name, line);
  }
  function turn(name: string, line: Line): RateTurn {
    return createTurn(
      () => use(name, line),
      () => takeBack(name, line),
    );
  }
  /** Gives the turns that are due, and waits for the next. */
  function run(name: string, line: Line): void {
    clearTimeout(line.timer);
    while (waitingLine.has(name)) {
      const waitMs = nextMs(line) - nowMs();
      if (waitMs === Infinity) return;
      if (waitMs > 0) {
        line.timer = setTimeout(() => run(name, line), Math.min(Math.ceil(waitMs), longestTimerMs)).unref();
        return;
      }
      line.unused += 1;
      waitingLine.keepForNext(name);
    }
    // Nobody waits: it is forgotten when what was used is old.
    line.timer = setTimeout(
      () => {
        if (line.unused === 0) lines.delete(name);
      },
      Math.min(line.limit.perMs, longestTimerMs),
    ).unref();
  }

  return {
    enter(name, owner, limit, lane = "change") {
      const line = lineOf(name, limit);
      if (waitingLine.take(name, owner)) return turn(name, line);
      if (!waitingLine.has(name) && nextMs(line) <= nowMs()) {
        line.unused += 1;
        return turn(name, line);
      }
      const free = waitingLine.wait(name, owner, { group: groupOf(owner), lane });
      run(name, line);
      // Of one row nobody is told the place: namespaces take turns, and whoever comes may go first.
      const turnInMs = (waitingLine.lengthOf(name) * limit.perMs) / limit.requests;
      return { type: "busy", reason: "RateLimited", kept: true, free, turnInMs };
    },
    keep: (name, owner) => waitingLine.keep(name, owner),
    leave: (name, owner) => waitingLine.leave(name, owner),
    yield: (owner) => waitingLine.giveBack(owner),
    get size() {
      return lines.size;
    },
    get waiting() {
      return waitingLine.waiting;
    },
    [Symbol.dispose]() {
      for (const { timer } of lines.values()) clearTimeout(timer);
      lines.clear();
      waitingLine[Symbol.dispose]();
    },
  };
}

/** When the next turn may be given; for ever later: not before one that is out has been used or given back. */
function nextMs({ limit: { requests, perMs, burst }, unused, usedMs, evenMs }: Line): number {
  if (unused >= Math.min(requests, burst)) return Infinity;
  const oldestMs = usedMs[usedMs.length - (requests - unused)];
  const spacedMs = burst < requests ? Math.floor(evenMs - (burst - 1 - unused) * (perMs / requests)) : 0; // sums of fractions
  return Math.max(oldestMs === undefined ? 0 : oldestMs + perMs, spacedMs);
}

/** Used once or given back once, whichever comes first. */
function createTurn(use: () => void, giveBack: () => void): RateTurn {
  let isOut = true;
  function end(how: () => void): void {
    if (isOut) how();
    isOut = false;
  }
  return { type: "admitted", use: () => end(use), [Symbol.dispose]: () => end(giveBack) };
}
