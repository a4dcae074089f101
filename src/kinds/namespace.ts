/** Namespaces, for their labels, by which policies and endpoints choose them. */
import type { Kind } from "../core/plan.ts";
import { namespaceType } from "../core/resource.ts";
import { isEgressDenied } from "./types.ts";

export const namespaceKind: Kind = {
  type: namespaceType,
  references: () => [],
  wakesOthers: isEgressDenied,
  passive: true,
  // oxlint-disable-next-line require-yield -- never called
  *plan({ resource }) {
    return { status: resource.status ?? {}, result: "unchanged", reason: "Passive" };
  },
};
