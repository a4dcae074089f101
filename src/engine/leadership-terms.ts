/**
 * What this process has done about each key in a term of leadership.
 *
 * Invariant: what began in one term may act in no other, since others may have led in between; and what was known in one
 * term is not taken for known in another.
 */
import type { Resource } from "../core/resource.ts";
import type { MayRecord } from "./unrecorded.ts";

interface TermsOptions {
  /** The number of the term in which this process leads at this instant; undefined: it does not. */
  readonly term: () => number | undefined;
  /** Every earlier leader had stopped before this resourceVersion; undefined: it is not known who led before. */
  readonly ledSinceVersion: () => string | undefined;
  /** The first term since which nobody else has led; absent: others may have led before the present one. */
  readonly unbrokenSince?: (() => number) | undefined;
  readonly isNewer: (a: string, b: string) => boolean;
}
/** Work on one key, in the term in which it began. */
export interface KeyRun {
  /** Whether this process has not worked on the key in this term before. */
  readonly isFirst: boolean;
  /** Whether an earlier leader, or this process, may have made a version of the object that is not in the cache. */
  readonly mayLag: boolean;
  /** Whether this process still leads, in the same term. */
  readonly mayAct: () => boolean;
  /** Whether what was sent may be recorded: nobody else has led since, though this process may have lost the lease in between. */
  readonly mayRecord: () => MayRecord;
  /** What is cached now has come from the store itself, and not from a watch that may lag. */
  readonly markFresh: () => void;
  /** The work broke off: a write of it may have landed, which the cache has not heard of. */
  readonly markUncertain: () => void;
}
export interface LeadershipTerms {
  /** Whether this process works, or has worked, on the key in the term that it leads in. */
  hasBegun(id: string): boolean;
  begin(id: string, resource: Resource): KeyRun;
  forget(id: string): void;
}

export function createLeadershipTerms(options: TermsOptions): LeadershipTerms {
  const { term, ledSinceVersion, isNewer, unbrokenSince = () => term() ?? Infinity } = options;
  const seenIn = new Map<string, number>();
  const currentIn = new Map<string, number>();
  const doubted = new Set<string>();

  function mayLag(id: string, { metadata }: Resource, began: number | undefined): boolean {
    if (doubted.has(id)) return true;
    const stopped = ledSinceVersion();
    return currentIn.get(id) !== began && (stopped === undefined || !isNewer(metadata.resourceVersion, stopped));
  }
  return {
    hasBegun(id) {
      const began = seenIn.get(id);
      return began !== undefined && began === term();
    },
    begin(id, resource) {
      const began = term();
      const isFirst = seenIn.get(id) !== began;
      if (began !== undefined) seenIn.set(id, began);
      return {
        isFirst,
        mayLag: mayLag(id, resource, began),
        mayAct: () => began !== undefined && term() === began,
        mayRecord() {
          if (began === undefined || began < unbrokenSince()) return "no";
          return term() === undefined ? "wait" : "yes";
        },
        markFresh() {
          if (began !== undefined) currentIn.set(id, began);
          doubted.delete(id);
        },
        markUncertain: () => void doubted.add(id),
      };
    },
    forget(id) {
      seenIn.delete(id);
      currentIn.delete(id);
      doubted.delete(id);
    },
  };
}
