/** Whose turn it is, where somebody always has more waiting than anybody works through. */
import { expect, test } from "@jest/globals";
import { array, assert, constantFrom, property, tuple } from "fast-check";
import { lanes, type Lane } from "../../src/core/lane.ts";
import { createLanes } from "../../src/core/tools/round-robin.ts";

/** Two in each lane, at all times, of a group that is no other's. */
function fill(waiting: ReturnType<typeof createLanes<string, Lane>>, full: readonly Lane[]): void {
  for (const lane of full) for (const n of [1, 2]) waiting.add(lane, "busy", `${lane} ${n}`);
}

test("three turns in four are the first lane's, and the fourth is one of the others' by turns", () => {
  const waiting = createLanes<string, Lane>(lanes);
  const served = Array.from({ length: 16 }, () => {
    fill(waiting, lanes);
    return waiting.shift()?.split(" ")[0];
  });
  const [first, others] = [
    ["change", "change", "change"],
    ["due", "listing"],
  ];
  expect(served).toEqual([0, 1, 0, 1].flatMap((other) => [...first, others[other]]));
});

test("a later lane's turn goes to whoever waits, where nobody does there", () => {
  const waiting = createLanes<string, Lane>(lanes);
  for (let n = 0; n < 8; n += 1) {
    fill(waiting, ["change"]);
    expect(waiting.shift()).toMatch("change");
  }
  fill(waiting, ["listing"]);
  expect(waiting.shift()).toMatch("change");
});

test("a turn that nobody takes is still there for who comes next", () => {
  const waiting = createLanes<string, Lane>(lanes);
  for (let n = 0; n < 3; n += 1) {
    fill(waiting, ["change"]);
    waiting.shift();
  }
  for (let n = 0; n < 5; n += 1) expect(waiting.shift((group) => group === "nobody")).toBeUndefined();
  waiting.add("due", "quiet", "one");
  expect(waiting.shift()).toBe("one");
});

test("whoever waits comes within eight turns for each group of its lane, whatever the others add", () => {
  const others = array(tuple(constantFrom(...lanes), constantFrom("a", "b", "c")), { minLength: 1, maxLength: 6 });
  assert(
    property(constantFrom(...lanes), array(others, { minLength: 64, maxLength: 64 }), (lane, turns) => {
      const waiting = createLanes<string, Lane>(lanes);
      waiting.add(lane, "quiet", "quiet");
      let n = 0;
      const served = turns.map((added) => {
        fill(waiting, lanes);
        for (const [itsLane, group] of added) waiting.add(itsLane, group, `${group} ${(n += 1)}`);
        return waiting.shift();
      });
      expect(served.slice(0, 8 * 5)).toContain("quiet"); // a, b, c, busy and quiet
    }),
  );
});
