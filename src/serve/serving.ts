/** Whether an object is served: by the mode, and by what its annotations say. Pure. */
import type { Condition } from "../core/conditions.ts";
import type { Resource } from "../core/resource.ts";
import { digest } from "../core/tools/digest.ts";
import { pausedAnnotation, serveAnnotation } from "./served-object.ts";

/** `annotated`: those alone that say so. `all`: those, too, that do not say otherwise. */
export type ServeMode = "annotated" | "all";

/**
 * `away`: it is the provider's, or nobody's. `unpaused`: it asks to be served, and the provider would act on it as well. `paused`:
 * it is served, and nothing is to be done about it.
 */
export type Choice = "served" | "away" | "unpaused" | "paused";

export function choose({ metadata: { annotations = {} }, spec }: Resource, mode: ServeMode): Choice {
  const { managementPolicies: policies } = (spec ?? {}) as { readonly managementPolicies?: readonly unknown[] };
  const asked = annotations[serveAnnotation];
  const hasPause = annotations[pausedAnnotation] === "true";
  const isIdle = policies?.length === 0;
  if (asked === "false" || (asked !== "true" && mode === "annotated")) return "away";
  // Here the pause holds the provider back.
  if (asked === "true") return !hasPause && mode === "annotated" ? "unpaused" : isIdle ? "paused" : "served";
  return hasPause || isIdle ? "paused" : "served";
}

/** On an object of the peer: what Holdfast makes of it. */
export const servedCondition = "Served";
export type ServedReason = "Exactly" | "Otherwise" | "Deleting" | "Refused" | "NotPaused" | "HandedBack";

/** By which it is known whether anybody else has written the status since. */
export function statusMark(status: object): string {
  const { conditions = [], ...rest } = status as { readonly conditions?: readonly Condition[] };
  return digest({ ...rest, conditions: conditions.filter(({ type }) => type !== servedCondition) }).slice(0, 16);
}
const markText = "; status ";
export function withMark(message: string, mark: string): string {
  return `${message}${markText}${mark}`;
}
/** Undefined: there is none. */
export function markIn(condition: Condition | undefined): string | undefined {
  const at = condition?.message.lastIndexOf(markText) ?? -1;
  return at === -1 ? undefined : condition?.message.slice(at + markText.length);
}
/** The message without its mark. */
export function textOf(condition: Condition | undefined): string | undefined {
  const at = condition?.message.lastIndexOf(markText) ?? -1;
  return at === -1 ? condition?.message : condition?.message.slice(0, at);
}
