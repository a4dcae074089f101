/** Who may have something to end, beside a plain list of all. */
import { expect, test } from "@jest/globals";
import { array, assert, constantFrom, option, property, record, subarray } from "fast-check";
import type { Kind } from "../../src/core/plan.ts";
import type { Reference, Resource } from "../../src/core/resource.ts";
import { createHolders } from "../../src/engine/holders.ts";

const names = ["a", "b", "c"];
const finalizers = ["release", "begins", "other"];
const type = { group: "g", version: "v1", kind: "Thing", plural: "things" };
const other = { ...type, kind: "Other" };
const to = (name: string, of = type): Reference => ({ type: of, key: { namespace: "n", name } });
const kind: Kind = {
  type,
  references: ({ spec }) => (spec as readonly string[]).flatMap((name) => [to(name), to(name, other), to(name)]),
  waitsForReferrers: "whenDeleted",
  holding: ({ metadata: { finalizers: held = [] } }) =>
    held.includes("release") ? "now" : held.includes("begins") ? "soon" : undefined,
  plan: () => {
    throw new Error("nothing is planned here");
  },
};
const thing = (name: string, spec: readonly string[], held: readonly string[]): Resource => ({
  metadata: { namespace: "n", name, uid: name, generation: 1, resourceVersion: "1", finalizers: held },
  spec,
});

test("whatever comes, changes and goes, it holds what was given last", () => {
  const state = option(record({ spec: subarray(names), held: subarray(finalizers) }), { nil: undefined });
  const changes = array(record({ name: constantFrom(...names), state }), { maxLength: 20 });
  assert(
    property(changes, (given) => {
      const holders = createHolders([kind]);
      const plain = new Map<string, Resource>();
      for (const { name, state } of given) {
        const resource = state && thing(name, state.spec, state.held);
        holders.set(kind, name, resource);
        if (resource) plain.set(name, resource);
        else plain.delete(name);
      }
      for (const target of names) {
        const referring = [...plain.values()].filter(
          (one) => kind.holding?.(one) !== undefined && (one.spec as readonly string[]).includes(target),
        );
        const found = [...holders.of(to(target))];
        expect(found.toSorted()).toEqual(referring.map(({ metadata }) => metadata.name).toSorted());
        const isHeld = found.map((id) => plain.get(id)?.metadata.finalizers?.includes("release"));
        expect(isHeld).toEqual(isHeld.toSorted((a, b) => Number(b) - Number(a)));
        expect(holders.isHeld(to(target))).toBe(referring.length > 0);
        expect([...holders.of(to(target, other))]).toEqual([]);
      }
    }),
  );
});
