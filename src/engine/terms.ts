/**
 * What this process has done about each key in a term of leadership.
 *
 * Invariant: what began in one term may act in no other, since others may have led in between; and what was known in one
 * term is not taken for known in another.
 */
import type { Resource } from "../core/resource.ts";

export interface TermsOptions {
  /** The number of the term in which this process leads at this instant; undefined: it does not. */
  readonly term: () => number | undefined;
  /** A resourceVersion by which all that led before had stopped to; undefined: nobody has. */
  readonly since: () => string | undefined;
  readonly isNewer: (a: string, b: string) => boolean;
}
/** Work on one key, in the term in which it began. */
export interface Turn {
  /** Whether this process has not worked on the key in this term before. */
  readonly isFirst: boolean;
  /** Whether an earlier leader may have acted on a version of the object that is not in the cache. */
  readonly mayLag: boolean;
  /** Whether this process still leads, in the same term. */
  readonly mayAct: () => boolean;
  /** What is cached now has come from the store itself, and not from a watch that may lag. */
  readonly isCurrent: () => void;
}
export interface Terms {
  begin(id: string, resource: Resource): Turn;
  forget(id: string): void;
}

export function createTerms({ term, since, isNewer }: TermsOptions): Terms {
  const seenIn = new Map<string, number>();
  const currentIn = new Map<string, number>();
  return {
    begin(id, { metadata }) {
      const began = term();
      const stopped = since();
      const isFirst = seenIn.get(id) !== began;
      const mayLag = stopped !== undefined && !isNewer(metadata.resourceVersion, stopped) && currentIn.get(id) !== began;
      if (began !== undefined) seenIn.set(id, began);
      return {
        isFirst,
        mayLag,
        mayAct: () => began !== undefined && term() === began,
        isCurrent: () => void (began !== undefined && currentIn.set(id, began)),
      };
    },
    forget(id) {
      seenIn.delete(id);
      currentIn.delete(id);
    },
  };
}
