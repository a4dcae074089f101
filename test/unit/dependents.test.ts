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
  dependents.set("a", [to("x", { onStatus: "everything" }), to("x")]);
  expect([...dependents.of(to("x"))]).toEqual([["a", to("x", { onStatus: "everything" })]]);
});
test("finds who borrows what an endpoint refers to, and not who only waits for somebody that refers to it", () => {
  const dependents = createDependents();
  const secret = { type: { ...type, kind: "Secret" }, key: { namespace: "admins", name: "token" } };
  expect(dependents.set("Thing/n/endpoint", [secret])).toEqual(new Set(["admins"]));
  dependents.set("Thing/n/borrows", [to("endpoint", { isTransitive: true })]);
  dependents.set("Thing/n/waits", [to("endpoint", { onStatus: "everything" })]);
  dependents.set("Thing/n/far", [to("borrows", { onStatus: "everything" })]);
  const users = (): string[] => [...dependents.usersOf(secret)].map(([id]) => id);
  expect(users()).toEqual(["Thing/n/endpoint", "Thing/n/borrows"]);
  expect(dependents.set("Thing/n/endpoint", [])).toEqual(new Set(["admins"]));
  expect(users()).toEqual([]);
});
