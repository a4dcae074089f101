/**
 * How often a namespace may have a shared token renewed because a server refused it.
 *
 * Invariant: a path of a tenant's choice that always answers 401 costs the token server a request less and less often, and one
 * namespace's turns are none of another's.
 */
import { doublingMs } from "../../core/backoff.ts";

export interface RenewalTurns {
  /** Whether the namespace may have it renewed now, which is then counted. */
  take(namespace: string): boolean;
  /** With the token that came of it a request was accepted. */
  helped(namespace: string): void;
}

interface Turn {
  taken: number;
  notBeforeMs: number;
}

const pauseMs = { initialMs: 10_000, maxMs: 600_000 };

export function createRenewalTurns(nowMs: () => number): RenewalTurns {
  const turns = new Map<string, Turn>();

  /** Whoever has not come for so long is as if it had never been there. */
  function forgetOld(now: number): void {
    for (const [namespace, { notBeforeMs }] of turns) if (now - notBeforeMs > pauseMs.maxMs) turns.delete(namespace);
  }
  return {
    take(namespace) {
      const now = nowMs();
      forgetOld(now);
      const turn = turns.get(namespace) ?? { taken: 0, notBeforeMs: -Infinity };
      if (now < turn.notBeforeMs) return false;
      turns.set(namespace, { taken: turn.taken + 1, notBeforeMs: now + doublingMs(pauseMs, turn.taken) });
      return true;
    },
    helped(namespace) {
      const turn = turns.get(namespace);
      if (turn) turn.taken = 0;
    },
  };
}
