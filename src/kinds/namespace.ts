/** Namespaces, for their labels, by which policies and endpoints choose them. */
import type { WatchedKind } from "../core/plan.ts";
import { namespaceType } from "../core/resource.ts";
import { isEgressDenied } from "./types.ts";

export const namespaceKind: WatchedKind = {
  type: namespaceType,
  references: () => [],
  wakesOthers: isEgressDenied,
};
