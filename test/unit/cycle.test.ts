import { expect, test } from "@jest/globals";
import { array, assert, nat, property, uniqueArray } from "fast-check";
import { cycleThrough } from "../../src/core/tools/cycle.ts";

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
