/** What the shadow of a DisposableRequest says of what it has sent. Pure. */
import type { HTTPRequestStatus } from "../api/http-request.ts";
import { findCondition } from "../core/conditions.ts";
import { isIdempotent } from "../core/http-method.ts";
import type { Resource } from "../core/resource.ts";

type ShadowStatus = Pick<HTTPRequestStatus, "conditions"> & {
  readonly attempt?: { readonly phase: string; readonly id: string; readonly tries: number };
};

/** On a shadow: an attempt of its, and how often it had been sent in vain once that was over: `ID COUNT`. */
export const triedAnnotation = "holdfast.dev/tried";
function triedBefore({ metadata }: Resource): { readonly id?: string; readonly count: number } {
  const [id, count = "0"] = metadata.annotations?.[triedAnnotation]?.split(" ") ?? [];
  return { ...(id !== undefined && { id }), count: Number(count) };
}
/** How often it had been sent in vain before the attempt that is going on, or is the next. */
export function triesBefore(shadow: Resource): number {
  return triedBefore(shadow).count;
}
/** How often it has been sent in vain in all; what was sent before it was taken over is known by its object's status alone. */
export function triesInAll(shadow: Resource): number {
  const { attempt } = (shadow.status ?? {}) as ShadowStatus;
  const { id, count } = triedBefore(shadow);
  return count + (id !== undefined && attempt?.id === id ? 0 : (attempt?.tries ?? 0));
}
/** What is written on it where it goes on after `count` tries in vain. */
export function triedMark({ status }: Resource, count: number): Readonly<Record<string, string>> {
  return { [triedAnnotation]: `${((status ?? {}) as ShadowStatus).attempt?.id} ${count}` };
}

export function phaseOf({ status }: Resource): string | undefined {
  return ((status ?? {}) as ShadowStatus).attempt?.phase;
}
/** Whether it has sent it, and that has succeeded. */
export function hasSucceeded(shadow: Resource): boolean {
  return findCondition(shadow.status, "Succeeded")?.status === "True" && !isAssumed(shadow);
}
export function hasFailedForGood(shadow: Resource): boolean {
  return phaseOf(shadow) === "Done" && findCondition(shadow.status, "Succeeded")?.status === "False";
}
/** Whether the run that ended last is one of the peer's, which it has taken for done. */
export function isAssumed({ status }: Resource): boolean {
  return findCondition(status, "Succeeded")?.reason === "AssumedDone";
}
/** Whether it was over when it was taken over, and nothing has been sent since: what the object's status says of it stands. */
export function isTakenForDone(shadow: Resource): boolean {
  return phaseOf(shadow) === "Done" && isAssumed(shadow);
}
/** Whether it is sent again at each tick. */
export function isScheduled({ spec }: Resource): boolean {
  return ((spec ?? {}) as { readonly schedule?: object }).schedule !== undefined;
}
/** Whether it is sending what is not to be sent twice, or nobody has recorded yet what came of that. */
export function isUnderWay(shadow: Resource): boolean {
  const { method = "" } = (shadow.spec ?? {}) as { readonly method?: string };
  return phaseOf(shadow) === "InFlight" && !isIdempotent(method);
}
