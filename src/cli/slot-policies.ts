/**
 * What egress policies say, as the engines of this replica's slots know it: each watches all policies and namespaces.
 *
 * Invariant: nothing is taken from an engine that has not listed them all yet: no policies is what such a one knows.
 */
import type { EgressRules } from "../core/egress.ts";
import type { EgressPolicies } from "../kinds/egress/policies.ts";

export interface SlotPolicies {
  /** For the engine that a slot is about to have, in place of those of an earlier one. */
  begin(slot: number, policies: EgressPolicies): void;
  /**
   * What holds in a namespace: as the engine of its slot knows it, else any other. It may be another slot's, of which an
   * endpoint of the cluster has its credential. Undefined: nobody knows.
   */
  readonly rulesFor: (namespace: string) => EgressRules | undefined;
}

/** `isWarm`: whether the slot has an engine here that has listed all. */
export function createSlotPolicies(slotOf: (namespace: string) => number, isWarm: (slot: number) => boolean): SlotPolicies {
  const bySlot = new Map<number, EgressPolicies>();
  /** For what ends after the engines have, such as sessions. */
  let last: EgressPolicies | undefined;
  return {
    begin: (slot, policies) => void bySlot.set(slot, policies),
    rulesFor(namespace) {
      const slot = [slotOf(namespace), ...bySlot.keys()].find(isWarm);
      if (slot !== undefined) last = bySlot.get(slot);
      return last?.rulesFor(namespace);
    },
  };
}
