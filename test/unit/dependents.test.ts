/** What waits for others, and is woken by them. */
import { describe, expect, test } from "@jest/globals";
import type { Dependency } from "../../src/core/plan.ts";
import { createDependents } from "../../src/engine/dependents.ts";
import { array, assert, nat, property, uniqueArray } from "fast-check";
import { cycleThrough } from "../../src/core/tools/cycle.ts";
import type { Inputs } from "../../src/api/request.ts";
import type { Resource } from "../../src/core/resource.ts";
import { hasNewStatus } from "../../src/engine/changes.ts";
import { dependenciesOf } from "../../src/kinds/request/dependencies.ts";

describe("dependents", () => {
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
});

describe("cycle", () => {
  const from = (graph: Readonly<Record<string, readonly string[]>>) => (node: string) => graph[node] ?? [];

  test("names the way round, from the start back to it", () => {
    expect(cycleThrough("a", from({ a: ["b"], b: ["c"], c: ["a"] }))).toEqual(["a", "b", "c", "a"]);
    expect(cycleThrough("a", from({ a: ["a"] }))).toEqual(["a", "a"]);
    expect(cycleThrough("a", from({ a: ["x", "b"], x: ["y"], y: ["z"], z: ["a"], b: ["a"] }))).toEqual(["a", "b", "a"]);
  });
  test("a circle further on is not one of the start's", () => {
    expect(cycleThrough("a", from({ a: ["b"], b: ["c"], c: ["b"] }))).toBeUndefined();
    expect(cycleThrough("a", from({}))).toBeUndefined();
  });
  test("every graph ends, and what is found is a way along its edges; none is found exactly where none can be reached", () => {
    const graphs = array(uniqueArray(nat(7), { maxLength: 4 }), { minLength: 8, maxLength: 8 });
    assert(
      property(graphs, (edges) => {
        const next = (node: string): string[] => (edges[Number(node)] ?? []).map(String);
        const reached = new Set<string>();
        const frontier = next("0");
        for (let node = frontier.pop(); node !== undefined; node = frontier.pop()) {
          if (!reached.has(node)) frontier.push(...next(node));
          reached.add(node);
        }
        const cycle = cycleThrough("0", next);
        expect(cycle !== undefined).toBe(reached.has("0"));
        if (!cycle) return;
        expect([cycle[0], cycle.at(-1)]).toEqual(["0", "0"]);
        for (const [index, node] of cycle.slice(1).entries()) expect(next(cycle[index] ?? "")).toContain(node);
        expect(new Set(cycle.slice(1)).size).toBe(cycle.length - 1);
      }),
    );
  });
});

// Who waits for another is woken by what it reads of it, and by whether that is Ready; by nothing else that its status says.
describe("woken by what is read", () => {
  const before = {
    observedGeneration: 1,
    externalID: "7",
    values: { host: "a", time: 1 },
    outputs: [{ name: "x" }],
    attempt: { id: "1" },
    conditions: [
      { type: "Ready", status: "True", reason: "Created", message: "m" },
      { type: "Drifted", status: "False", reason: "AsDeclared", message: "m" },
    ],
  };
  function resource(status: object | undefined): Resource {
    const metadata = { namespace: "n", name: "p", uid: "p", generation: 1, resourceVersion: "1" };
    return { metadata, spec: {}, ...(status && { status }) };
  }
  /** Whether who reads so of it is woken. */
  function isWoken(expressions: readonly string[], status: object | undefined, isWaiting = false): boolean {
    const of = { kind: "HTTPResource", name: "p" } as const;
    const inputs: Inputs = Object.fromEntries(
      expressions.map((expression, index) => [`i${index}`, { objectRef: { ...of, expression } }]),
    );
    const spec = { inputs, ...(isWaiting && { dependsOn: [of] }) };
    const [dependency] = dependenciesOf({ ...resource({}), spec });
    if (!dependency?.onStatus) throw new Error("it waits for nothing");
    return hasNewStatus({ before: resource(before), after: resource(status) }, dependency.onStatus);
  }
  const ready = (status: string, reason = "Created") => ({
    ...before,
    conditions: [{ type: "Ready", status, reason, message: "other" }, ...before.conditions.slice(1)],
  });

  describe("a change of another's status", () => {
    const host = ".status.values.host";
    test.each<[string, readonly string[], object | undefined, boolean]>([
      ["of what is read", [host], { ...before, values: { host: "b", time: 1 } }, true],
      ["beside what is read", [host], { ...before, values: { host: "a", time: 2 } }, false],
      ["of an attempt or a message", [host, ".status.externalID"], { ...ready("True", "Updated"), attempt: { id: "2" } }, false],
      ["of one of two that are read", [host, ".status.externalID"], { ...before, externalID: "8" }, true],
      ["in that it is Ready no more", [host], ready("False"), true],
      ["in which spec it speaks of", [host], { ...before, observedGeneration: 2 }, true],
      ["that is gone", [host], undefined, true],
      ["of anything, where it cannot be told what is read", [".status | tojson"], { ...before, attempt: { id: "2" } }, true],
      ["beside a part that is piped on", [".status.outputs | length"], { ...before, attempt: { id: "2" } }, false],
      ["of a part that is piped on", [".status.outputs | length"], { ...before, outputs: [] }, true],
      [
        "of a condition, where conditions are read",
        ['.status.conditions[] | select(.type == "Drifted").status'],
        ready("True"),
        true,
      ],
      ["of a value whose name has a dot", ['.status.values["a.b"]'], { ...before, values: { "a.b": 1 } }, true],
    ])("%s", (_, expressions, status, woken) => {
      expect(isWoken(expressions, status)).toBe(woken);
    });

    test("wakes who reads nothing only where it is Ready or not", () => {
      expect(isWoken([], { ...before, externalID: "8", attempt: { id: "2" } }, true)).toBe(false);
      expect(isWoken([], ready("False"), true)).toBe(true);
    });
  });
});
