/** Who refers to something that is being deleted, and needs it until then. Pure. */
import type { Situation } from "../../core/plan.ts";
import { httpResourceType } from "../types.ts";

/** Keeps an HTTPResource that is being deleted until its remote object is. */
export const releaseFinalizer = "holdfast.dev/release";

/** The first HTTPResource that refers to it and has something to delete, for people; undefined: there is none. */
export function holderOf({ referrers, resource }: Pick<Situation, "referrers" | "resource">): string | undefined {
  for (const { kind, resource: one } of referrers?.() ?? []) {
    const { uid, namespace, name, finalizers } = one.metadata;
    if (kind !== httpResourceType.kind || uid === resource.metadata.uid || !finalizers?.includes(releaseFinalizer)) continue;
    // Names of other namespaces are not shown to those who may read a cluster-wide object.
    return resource.metadata.namespace === "" ? `an ${kind} of the namespace "${namespace}"` : `${kind} "${name}"`;
  }
  return undefined;
}
