/**
 * Why keys are due, kept beside the queue until a worker takes them.
 *
 * Invariant: a reason says what happened, and names the other object where it was another's; never what is in one.
 */
export type DueReason =
  | "created"
  | "specChanged"
  | "annotationChanged"
  | "deletionBegan"
  | "outcomeOfAnotherProcess"
  | "statusTakenAway"
  /** It was listed anew, and is not as it was known. */
  | "listed"
  /** Everything is looked at when this process comes to lead. */
  | "leadershipBegan"
  | "referenceChanged"
  | "dependencyStatusChanged"
  | "dataChanged"
  | "interval"
  | "retry"
  | "conflict"
  | "error"
  /** What it had to wait for is free. */
  | "waitIsOver";

export interface DueReasons {
  /** `about`: the key of the other object, or what was waited for. `delayMs`: when it will hold. */
  note(id: string, reason: DueReason, more?: { readonly about?: string | undefined; readonly delayMs?: number }): void;
  /** The reasons that hold by now, the oldest first, as words for the log. All are forgotten. */
  take(id: string): readonly string[];
  /** Whether something that the object uses has changed, but for another's status, since this was last asked. */
  takeMended(id: string): boolean;
  /** The reconcile that took the reason has not settled: the reason still holds. */
  keepMended(id: string): void;
  forget(id: string): void;
}

/** At most so many reasons are kept for one key. */
const mostKept = 5;

export function createDueReasons(now: () => number = () => performance.now()): DueReasons {
  const byKey = new Map<string, Map<string, number>>();
  const mended = new Set<string>();
  return {
    note(id, reason, { about, delayMs = 0 } = {}) {
      if (reason === "referenceChanged" || reason === "dataChanged") mended.add(id);
      const text = about === undefined ? reason : `${reason} ${about}`;
      const known = byKey.get(id) ?? new Map<string, number>();
      byKey.set(id, known);
      const dueMs = now() + delayMs;
      if (known.has(text) ? dueMs < (known.get(text) ?? 0) : known.size < mostKept) known.set(text, dueMs);
    },
    take(id) {
      const known = [...(byKey.get(id) ?? [])];
      byKey.delete(id);
      const held = known.filter(([, dueMs]) => dueMs <= now() + timerSlackMs);
      return (held.length > 0 ? held : known).map(([text]) => text);
    },
    takeMended: (id) => mended.delete(id),
    keepMended: (id) => void mended.add(id),
    forget(id) {
      byKey.delete(id);
      mended.delete(id);
    },
  };
}

/** A timer may fire a little early. */
const timerSlackMs = 5;
