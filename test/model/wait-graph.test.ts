/** Who waits for itself, found without looking at everything each time. */
import { expect, test } from "@jest/globals";
import { array, assert, nat, property, tuple, uniqueArray } from "fast-check";
import { cycleThrough } from "../../src/core/tools/cycle.ts";
import { createWaitGraph } from "../../src/engine/wait-graph.ts";

const id = (name: string | number): string => `Thing/n/${name}`;

test("names the way round, as Kind/name", () => {
  const graph = createWaitGraph();
  graph.set(id("a"), [id("x"), id("b")]);
  graph.set(id("b"), [id("a")]);
  graph.set(id("x"), [id("b")]);
  expect(graph.cycleOf(id("a"))).toEqual(["Thing/a", "Thing/b", "Thing/a"]);
  graph.set(id("b"), []);
  expect(graph.cycleOf(id("a"))).toBeUndefined();
  graph.set(id("b"), [id("b")]);
  expect([graph.cycleOf(id("a")), graph.cycleOf(id("b"))]).toEqual([undefined, ["Thing/b", "Thing/b"]]);
});

test("after any edits it says of each what a search through everything says", () => {
  const edit = tuple(nat(7), uniqueArray(nat(7), { maxLength: 3 }));
  assert(
    property(array(edit, { maxLength: 30 }), (edits) => {
      const graph = createWaitGraph();
      const all = new Map<string, readonly string[]>();
      for (const [node, targets] of edits) {
        all.set(id(node), targets.map(id));
        graph.set(id(node), targets.map(id));
        for (let each = 0; each < 8; each += 1) {
          const way = cycleThrough(id(each), (from) => all.get(from) ?? []);
          expect(graph.cycleOf(id(each))).toEqual(way && expect.any(Array));
          expect(graph.cycleOf(id(each))?.length).toBe(way?.length);
        }
      }
    }),
  );
});

test("3,000 objects that wait for 32 each are looked through once, however often each is asked for", () => {
  const graph = createWaitGraph();
  const set = (n: number): void =>
    graph.set(
      id(n),
      Array.from({ length: 32 }, (_, index) => id(n + 1 + index)),
    );
  for (let n = 0; n < 3_000; n += 1) set(n);
  for (let round = 0; round < 3; round += 1) {
    for (let n = 0; n < 3_000; n += 1) {
      set(n); // a status, a label: what it waits for is the same
      expect(graph.cycleOf(id(n))).toBeUndefined();
    }
  }
  expect(graph.looks).toBeLessThanOrEqual(3_000 * 32);
});

test("another namespace's changes cost nothing, nor do those that can close no circle", () => {
  const graph = createWaitGraph();
  graph.set(id(0), [id(1)]);
  graph.set(id(1), [id(2), id(3)]);
  expect(graph.cycleOf(id(0))).toBeUndefined();
  const before = graph.looks;
  graph.set("Thing/other/a", ["Thing/other/b"]);
  graph.set(id(1), [id(2)]);
  graph.set(id(9), [id(0), id(1)]); // nobody waits for it
  expect(graph.cycleOf(id(0))).toBeUndefined();
  expect(graph.looks).toBe(before);
});

test("a circle of thousands costs each of its members little, and is shown by its ends", () => {
  const graph = createWaitGraph();
  const size = 3_000;
  for (let n = 0; n < size; n += 1) graph.set(id(n), [id((n + 1) % size), id((n + 7) % size)]);
  for (let n = 0; n < size; n += 1) expect(graph.cycleOf(id(n))).toEqual([`Thing/${n}`, "…", `Thing/${n}`]);
  expect(graph.looks).toBeLessThanOrEqual(2 * size);
  const few = createWaitGraph();
  for (let n = 0; n < 100; n += 1) few.set(id(n), [id((n + 1) % 100)]);
  expect(few.cycleOf(id(0))?.length).toBe(12);
});
