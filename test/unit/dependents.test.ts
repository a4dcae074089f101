import { expect, test } from "@jest/globals";
import type { Dependency } from "../../src/core/plan.ts";
import { createDependents } from "../../src/engine/dependents.ts";

const type = { group: "g", version: "v1", kind: "Thing", plural: "things" };
const to = (name: string, rest: Partial<Dependency> = {}): Dependency => ({ type, key: { namespace: "n", name }, ...rest });

test("finds who refers to an object now, and nobody who has stopped to", () => {
  const dependents = createDependents();
  dependents.set("a", [to("x"), to("y")]);
  dependents.set("b", [to("x")]);
  const ids = (name: string): string[] => [...dependents.of(to(name))].map(([id]) => id);
  expect([ids("x"), ids("y"), ids("z")]).toEqual([["a", "b"], ["a"], []]);
  dependents.set("a", [to("z")]);
  expect([ids("x"), ids("y"), ids("z")]).toEqual([["b"], [], ["a"]]);
  dependents.set("b", []);
  expect(ids("x")).toEqual([]);
});
test("of two references to one object the one that sees its status counts", () => {
  const dependents = createDependents();
  dependents.set("a", [to("x", { onStatus: true }), to("x")]);
  expect([...dependents.of(to("x"))]).toEqual([["a", to("x", { onStatus: true })]]);
});
