/** What the shadow of a DisposableRequest says of what it has sent. Pure. */
import type { HTTPRequestStatus } from "../api/http-request.ts";
import { findCondition } from "../core/conditions.ts";
import { isIdempotent } from "../core/http-method.ts";
import type { Resource } from "../core/resource.ts";

type ShadowStatus = { readonly attempt?: { readonly phase: string } } & Pick<HTTPRequestStatus, "conditions">;

export function phaseOf({ status }: Resource): string | undefined {
  return ((status ?? {}) as ShadowStatus).attempt?.phase;
}
/** Whether it has sent it, and that has succeeded: not where it takes it for done. */
export function hasSucceeded({ status }: Resource): boolean {
  const ended = findCondition(status, "Succeeded");
  return ended?.status === "True" && ended.reason !== "AssumedDone";
}
/** Whether it is sending what is not to be sent twice, or nobody has recorded yet what came of that. */
export function isUnderWay(shadow: Resource): boolean {
  const { method = "" } = (shadow.spec ?? {}) as { readonly method?: string };
  return phaseOf(shadow) === "InFlight" && !isIdempotent(method);
}
