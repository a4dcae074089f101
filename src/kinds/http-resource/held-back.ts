/** Why nothing is sent for a remote object, for people: each reason with the way out. */
import { sinceEndMs } from "../../core/attempt-times.ts";
import { isStalledFor, reconciling, stalled, type ConditionState } from "../../core/conditions.ts";
import type { Verdict } from "../../core/plan.ts";
import type { Next } from "../../core/remote-object.ts";
import { externalIdAnnotation, orphanAnnotation, reconcileAtAnnotation } from "../../core/resource.ts";
import { importHint, type Context, type VerbAttempt } from "./context.ts";

export type Held = Extract<Next, { type: "hold" }>["why"];
export type Replacement = Extract<Next, { type: "replace" }>["why"];

interface HeldStates {
  readonly states: readonly ConditionState[];
  readonly result: Verdict["result"];
  /** It is asked again before the next interval. */
  readonly isSoon?: true;
}

export const replacingFor: Readonly<Record<Replacement, string>> = {
  Moved: "spec.externalID declares another id",
  Immutable: "what is declared cannot be had by spec.update",
};
export const stillThere = "spec.observe still shows the object: mend the URL, path or id in spec.delete";
export const deletionGoesOn = `spec.delete: answered 202, which says that the object will be deleted: it is looked at until it is gone. To have it sent again change the annotation ${reconcileAtAnnotation}`;
/** For so long a deletion that was accepted is expected to end by itself, milliseconds; it is looked at after that, too. */
export const deletionMs = 5 * 60_000;
export const deletionFailed = `spec.delete: answered 202 more than five minutes ago, and the object is still shown. If it is only what is left of a deleted one, have spec.observe.object yield null for it, or spec.lookup.items leave it out. If its server has given up, change the annotation ${reconcileAtAnnotation} to have it deleted again. Where its manifest is gone put that back, and take it out again to have it deleted again, or leave the object by deletionPolicy: Orphan in it`;
export const neverSeen =
  "nobody has ever observed the object, so that its absence proves nothing: mend the URLs in spec.delete and spec.observe";

/** How soon what was made is observed, and how long it is asked after more often than each interval. */
export const firstLook = { initialMs: 2_000, maxMs: 30_000 };
/** How long something outside the resource that is missing is left alone: as long as it has been missing, within these. */
export const outside = { initialMs: 2_000, maxMs: 60_000 };
/** How long what was made may stay unseen before only a person can help, milliseconds. */
const unseenMs = 30_000;

/** Milliseconds since the latest attempt ended. */
export function sinceAttemptMs({ attempt, now }: Context): number {
  return attempt ? sinceEndMs(attempt, now) : Infinity;
}

export function heldStates(context: Context, why: Held): HeldStates {
  const { externalID, declaredID, attempt, status } = context;
  switch (why) {
    case "Absent": {
      const message =
        "the remote object is not there, and spec.create says nothing of how to create it. It is looked for at each interval";
      const result = isStalledFor(why, status.conditions) ? "unchanged" : "stalled";
      return { states: stalled(why, message), result };
    }
    case "NotSeen": {
      const message = `spec.observe does not know what spec.create made${externalID === undefined ? "" : ` (id ${JSON.stringify(externalID)})`}, so nothing more is created. Mend the URL, path or id that it is observed by, or ${importHint}. If the object is gone for good, change the annotation ${reconcileAtAnnotation} to have it created once more`;
      const isNew = sinceAttemptMs(context) < unseenMs;
      return isNew
        ? { states: reconciling(why, message), result: "waiting", isSoon: true }
        : { states: stalled(why, message), result: "stalled" };
    }
    case "NotMine":
      return {
        states: stalled(why, "spec.mine yields false of what was observed: it is another's, and nothing is sent to it"),
        result: "stalled",
      };
    case "Moved": {
      const message = `spec.externalID declares the id ${JSON.stringify(declaredID)}, and the object has ${JSON.stringify(externalID)}; nothing is sent. Change it back, or set spec.replace: [Moved] to have the object deleted and created anew`;
      return { states: stalled(why, message), result: "stalled" };
    }
    case "OutcomeUnknown": {
      const about =
        attempt?.verb === "Update" ? "an update may have arrived that gives the object another id" : "it may have arrived";
      const message = `${about}, and it is not there by the one that is known. To have it created change the annotation ${reconcileAtAnnotation}, or ${importHint}`;
      return { states: stalled(why, message), result: "stalled" };
    }
  }
}

/** `why`: what is known of it. */
export function mayHaveArrived(why: string, { verb }: Pick<VerbAttempt, "verb">, isDeleting: boolean): string {
  const import_ = verb === "Create" ? `, or ${importHint}` : "";
  const again = `To send it again change the annotation ${reconcileAtAnnotation}${import_}`;
  // What is being deleted is not created any more.
  const way = verb === "Create" && isDeleting ? `To have it deleted ${importHint}` : again;
  return `${why}: it may or may not have arrived. ${way}`;
}
/** Of what has failed. `isAnew`: another attempt follows at once. */
export function whatNext({ phase, refused }: Pick<VerbAttempt, "phase" | "refused">, isAnew: boolean): string {
  const later = "is tried again at the next interval, or when the spec changes";
  if (isAnew) return "; it is created by another attempt, with another key";
  if (phase !== "Unknown") return `; it ${later}`;
  if (!refused) return `; a try of it may have arrived all the same, and it is the same attempt that ${later}`;
  return `, which says nothing of a try before it that may have arrived: it is sent again at the next interval, with the same key. If the object is there, ${importHint}. If not, change the annotation ${reconcileAtAnnotation}: where it is refused then, too, it is created with another key`;
}
/** What was known of it, of what `mayHaveArrived` told. */
export function whyUnknown(told: string): string {
  const end = told.indexOf(": it may or may not have arrived");
  return end === -1 ? told : told.slice(0, end);
}
export const noImport = `spec.observe: there is no object with the id in the annotation ${externalIdAnnotation}, and none is created. Correct the annotation, or remove it to go on without`;
/** `by`: as `Kind "name"`. */
export function inUseBy(by: string): string {
  return `${by} refers to this object and is there still: it is deleted first. To delete this one without waiting, let that one go by the annotation ${orphanAnnotation}: "true" on it`;
}
/** Of a create whose answer has no id. */
export const isNameless = `but spec.externalID yields no text and no number: the object is there, and is not created again. Correct spec.externalID for the next one, and ${importHint}. If such an answer says that nothing was created, say that in spec.refusedIf, and change the annotation ${reconcileAtAnnotation} to have it sent again: the answer is not kept`;
export const isLookedUp = `and says nothing of the id: it is looked up. If it is not found, ${importHint}`;
