/**
 * What is known of a remote object, and what follows from it: a state machine over what is recorded and what was observed.
 *
 * Invariants: an absence is believed only of what was seen; nothing is written to what is not this object; of two ids one
 * observation leaves one. Everything here is pure; docs/remote-objects.md draws it, and its model explores it.
 */

/** What is recorded. */
export interface RemoteObject {
  /**
   * `never`: nothing of it is there, as far as anybody knows. `doubt`: a create may have arrived. `made`: it was created, or was
   * there already. `renaming`: an update may have arrived that gives it another id.
   */
  readonly made: "never" | "doubt" | "made" | "renaming";
  /** By what its server knows it; absent: it needs none, or it is not known. */
  readonly id?: string;
  /** Whether it has been observed under this id since it was made. */
  readonly seen: boolean;
  /** The id from before an update whose answer gave `id`, until an observation has settled which of them it is. */
  readonly former?: string;
  /** It is being deleted, to be created anew. */
  readonly replacing: boolean;
}

/** What an observation says of one id, or of the item that a list shows. */
export interface Sight {
  /** What the answer says of the id, where it may. */
  readonly id?: string;
  /** Whether `mine` holds; absent: nobody says. */
  readonly mine?: boolean;
  /** Whether it has all that is declared. */
  readonly asDeclared: boolean;
}

/** What is declared, as far as it matters here. */
export interface Declaration {
  readonly creates: boolean;
  readonly updates: boolean;
  /** It can be deleted and created anew. */
  readonly replaces: boolean;
  /** An id that reads no answer, and so is known before the first request. */
  readonly id?: string;
  /** Whether a move to another declared id is a replacement. */
  readonly movesByReplacing: boolean;
  /** What differs cannot be changed by update. */
  readonly isImmutable: boolean;
  /** Whether its create may be sent twice. */
  readonly createIsRepeatable: boolean;
  /** A person asks for it now. */
  readonly asked: boolean;
}

export type Next =
  /** It is as declared, or nothing can be done about that. */
  | { readonly type: "rest" }
  | { readonly type: "create" }
  | { readonly type: "update" }
  /** To be recorded before anything is deleted. */
  | { readonly type: "replace"; readonly why: "Moved" | "Immutable" }
  /** Nothing is sent. */
  | { readonly type: "hold"; readonly why: "NotSeen" | "NotMine" | "Moved" | "Absent" | "OutcomeUnknown" };

/**
 * Which id stands after update's answer gave another: `candidate` and `former` are what looking at each of them showed, null
 * where it is absent. What has the new id may be anything, a job say: it is the object where it says so itself, where it is
 * as declared, or where there is no other.
 */
export function settledID(candidate: Sight | null, former: Sight | null): "candidate" | "former" {
  if (candidate === null) return "former";
  if (candidate.mine !== undefined) return candidate.mine ? "candidate" : "former";
  return candidate.asDeclared || former === null ? "candidate" : "former";
}
/** Whether the one look at the candidate settles it. */
export function isSettledBy(candidate: Sight | null): boolean {
  return candidate !== null && (candidate.mine === true || (candidate.mine === undefined && candidate.asDeclared));
}

/** What an observation makes of what is recorded; null: whoever can be asked says that it is not there. */
export function recordObservation(known: RemoteObject, sight: Sight | null): RemoteObject {
  if (sight === null || sight.mine === false) return known;
  const { former: _, ...rest } = known;
  return { ...rest, ...(sight.id !== undefined && { id: sight.id }), seen: true, made: "made" };
}

/** What is to be done, after an observation. */
export function next(known: RemoteObject, sight: Sight | null, declared: Declaration): Next {
  const isMoved = declared.id !== undefined && known.id !== undefined && declared.id !== known.id && known.made !== "never";
  if (isMoved)
    return declared.movesByReplacing && declared.replaces ? { type: "replace", why: "Moved" } : { type: "hold", why: "Moved" };
  if (sight?.mine === false) return { type: "hold", why: "NotMine" };
  if (sight) {
    if (sight.asDeclared) return { type: "rest" };
    if (declared.isImmutable && declared.replaces) return { type: "replace", why: "Immutable" };
    return declared.updates ? { type: "update" } : { type: "rest" };
  }
  if (known.made === "renaming" && !declared.asked) return { type: "hold", why: "OutcomeUnknown" };
  if (!declared.creates) return { type: "hold", why: "Absent" };
  const isBelieved = known.made !== "made" || known.seen || declared.createIsRepeatable || declared.asked;
  return isBelieved ? { type: "create" } : { type: "hold", why: "NotSeen" };
}

/** A create has succeeded. `isWatched`: somebody can look. */
export function recordCreate({ id, isWatched }: { readonly id?: string; readonly isWatched: boolean }): RemoteObject {
  return { made: "made", ...(id !== undefined && { id }), seen: !isWatched, replacing: false };
}

/** An update has succeeded, and its answer gives this id, where it gives one. */
export function recordUpdate(known: RemoteObject, id: string | undefined): RemoteObject {
  if (id === undefined || known.id === undefined || id === known.id) return { ...known, made: "made" };
  return { ...known, made: "made", id, former: known.former ?? known.id, seen: false };
}

/**
 * What a DELETE that was answered 404 or 410 leaves open; `look` is what observing then showed, undefined where nobody can be
 * asked. Of what was never seen an absence proves nothing.
 */
export function isGone({ seen }: Pick<RemoteObject, "seen">, look: Sight | null | undefined): boolean {
  if (look === undefined) return true;
  return look === null && seen;
}

/** It has been deleted, to be created anew. */
export const unmade: RemoteObject = { made: "never", seen: true, replacing: false };
