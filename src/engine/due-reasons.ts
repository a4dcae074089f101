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
  | "waitIsOver"
  /** It has waited for so long that it is to say so. */
  | "waitIsLong";

export interface DueReasons {
  /** `about`: the key of the other object, or what was waited for. `delayMs`: when it will hold. */
  note(id: string, reason: DueReason, more?: { readonly about?: string | undefined; readonly delayMs?: number }): void;
  /** The reasons that hold by now, the oldest first, as words for the log. All are forgotten. */
  take(id: string): readonly string[];
  /** Whether something that the object uses has changed, but for another's status, since this was last asked. */
  takeMended(id: string): boolean;
  /** The reconcile that took the reason has not settled: the reason still holds. */
  keepMended(id: string): void;
  /** When it, or what it uses, last changed, but for Secrets and ConfigMaps: since that change none of its reconciles has settled. `now`'s; -Infinity: there was none. */
  changedMs(id: string): number;
  /** A reconcile that knew of the change at `changedMs` has settled. */
  settleChange(id: string, changedMs: number): void;
  forget(id: string): void;
}

/** These are no changes: they say that it is time, or name what has a version of its own. */
const withoutChange: ReadonlySet<DueReason> = new Set([
  "dataChanged",
  "interval",
  "retry",
  "conflict",
  "error",
  "waitIsOver",
  "waitIsLong",
]);

/** At most so many reasons are kept for one key. */
const mostKept = 5;
/** Most keys have one, for as long as they wait for their next look: it is small. */
interface Noted {
  readonly reason: DueReason;
  readonly about: string | undefined;
  readonly dueMs: number;
}

export function createDueReasons(now: () => number = () => performance.now()): DueReasons {
  const byKey = new Map<string, Noted | readonly Noted[]>();
  const mended = new Set<string>();
  const changed = new Map<string, number>();
  return {
    note(id, reason, { about, delayMs = 0 } = {}) {
      if (reason === "referenceChanged" || reason === "dataChanged") mended.add(id);
      if (!withoutChange.has(reason)) changed.set(id, now());
      const noted = { reason, about, dueMs: Math.ceil(now() + delayMs) };
      const first = byKey.get(id);
      if (!first) return void byKey.set(id, noted);
      const known = [first].flat();
      const at = known.findIndex((one) => one.reason === reason && one.about === about);
      if (at === -1 && known.length < mostKept) byKey.set(id, [...known, noted]);
      else if (noted.dueMs < (known[at]?.dueMs ?? 0)) byKey.set(id, known.with(at, noted));
    },
    take(id) {
      const known = [byKey.get(id) ?? []].flat();
      byKey.delete(id);
      const heldMs = now() + timerSlackMs;
      const held = known.filter(({ dueMs }) => dueMs <= heldMs);
      return (held.length > 0 ? held : known).map(({ reason, about }) => (about === undefined ? reason : `${reason} ${about}`));
    },
    takeMended: (id) => mended.delete(id),
    keepMended: (id) => void mended.add(id),
    changedMs: (id) => changed.get(id) ?? -Infinity,
    settleChange(id, changedMs) {
      if (changed.get(id) === changedMs) changed.delete(id);
    },
    forget(id) {
      byKey.delete(id);
      mended.delete(id);
      changed.delete(id);
    },
  };
}

/** A timer may fire a little early. */
const timerSlackMs = 5;
