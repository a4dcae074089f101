/**
 * Two leaderships as one: a term is one in which both are held.
 *
 * Invariant: no two terms have the same number, and a later one has a greater; what began in one acts in no other, whichever of
 * the two was lost in between.
 */
import type { Leadership } from "../kubernetes/lease.ts";

export type Terms = Pick<Leadership, "term" | "ledSinceVersion" | "ledSinceMs" | "unbrokenSince">;

export function bothOf(a: Terms, b: Terms): Terms {
  /** The terms so far, the first with number 1; each is of its own term of `a`, or of `b`, or both. */
  const terms: (readonly [number, number])[] = [];
  return {
    term() {
      const [ofA, ofB] = [a.term(), b.term()];
      if (ofA === undefined || ofB === undefined) return undefined;
      const [lastA, lastB] = terms.at(-1) ?? [];
      if (lastA !== ofA || lastB !== ofB) terms.push([ofA, ofB]);
      return terms.length;
    },
    ledSinceVersion() {
      const [ofA, ofB] = [a.ledSinceVersion(), b.ledSinceVersion()];
      if (ofA === undefined || ofB === undefined) return undefined;
      return BigInt(ofA) > BigInt(ofB) ? ofA : ofB;
    },
    ledSinceMs() {
      const [ofA, ofB] = [a.ledSinceMs(), b.ledSinceMs()];
      return ofA === undefined || ofB === undefined ? undefined : Math.max(ofA, ofB);
    },
    unbrokenSince() {
      const [leastA, leastB] = [a.unbrokenSince(), b.unbrokenSince()];
      const first = terms.findIndex(([ofA, ofB]) => ofA >= leastA && ofB >= leastB);
      return (first === -1 ? terms.length : first) + 1;
    },
  };
}
