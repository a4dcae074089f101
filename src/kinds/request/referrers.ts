/** Who refers to something that is being deleted, and needs it until then. Pure. */
import type { Holding, Situation } from "../../core/plan.ts";
import type { Resource } from "../../core/resource.ts";
import { httpResourceType, type HTTPResource } from "../types.ts";

/** Keeps an HTTPResource that is being deleted until its remote object is. */
export const releaseFinalizer = "holdfast.dev/release";

type Referred = Pick<Situation, "referrers" | "resource">;

/** The first HTTPResource that refers to it and has something to delete, for people; undefined: there is none. */
export function holderOf(situation: Referred): string | undefined {
  const holder = resourcesReferringTo(situation).find((one) => holding(one) === "now");
  if (!holder) return undefined;
  return titleFor(situation.resource, holder);
}
/** Whoever may look at the cluster's own need not know what others call theirs. */
export function titleFor(referred: Resource, { metadata: { namespace, name } }: Resource): string {
  const { kind } = httpResourceType;
  return referred.metadata.namespace === "" ? `an ${kind} of the namespace "${namespace}"` : `${kind} "${name}"`;
}

/** Whether there is one that has something to delete, or will have. */
export function isToBeHeld(situation: Referred): boolean {
  return resourcesReferringTo(situation).some((one) => holding(one) !== undefined);
}
/** Whether it needs what it refers to, to delete what it has made; `soon`: what it is about to make. */
export function holding({ metadata, spec }: HTTPResource): Holding | undefined {
  if (metadata.finalizers?.includes(releaseFinalizer)) return "now";
  const mayMake = spec.delete !== undefined && spec.deletionPolicy !== "Orphan" && metadata.deletionTimestamp === undefined;
  return mayMake ? "soon" : undefined;
}

function* resourcesReferringTo({ referrers, resource }: Referred): Generator<HTTPResource, void, undefined> {
  for (const { kind, resource: one } of referrers?.() ?? [])
    if (kind === httpResourceType.kind && one.metadata.uid !== resource.metadata.uid) yield one as HTTPResource;
}
