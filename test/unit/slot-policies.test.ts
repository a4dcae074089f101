/** Whose knowledge of egress policies holds, where each slot of a replica has its own. */
import { expect, test } from "@jest/globals";
import { createSlotPolicies } from "../../src/cli/slot-policies.ts";
import type { EgressRules } from "../../src/core/egress.ts";
import type { EgressPolicies } from "../../src/kinds/egress/policies.ts";

const known = (defaultName: string): EgressPolicies => {
  const rules: EgressRules = { default: "Deny", defaultName, allow: [], deny: [] };
  return { observe: () => {}, rulesFor: () => rules };
};

test("holds what the engine of the namespace's slot knows, else another's that has listed all, and never one's that has not", () => {
  const warm = new Set<number>();
  const policies = createSlotPolicies(
    (namespace) => Number(namespace),
    (slot) => warm.has(slot),
  );
  const says = (namespace: string): string | undefined => policies.rulesFor(namespace)?.defaultName;
  policies.begin(1, known("slot 1"));
  expect(says("1")).toBeUndefined(); // it has not listed all: that there is no policy is not known
  warm.add(1);
  expect([says("1"), says("0")]).toEqual(["slot 1", "slot 1"]); // the second is another replica's
  policies.begin(0, known("slot 0"));
  expect(says("0")).toBe("slot 1"); // its own is not warm yet
  warm.add(0);
  expect([says("0"), says("1")]).toEqual(["slot 0", "slot 1"]);
  warm.clear();
  expect(says("0")).toBe("slot 1"); // what ends after them goes by what was known last
});
