/** Whose turn it is, whatever comes, goes and moves up: held against lists that are looked through from their front. */
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { lanes, type Lane } from "../../src/core/lane.ts";
import { createLanes, type Waiting } from "../../src/core/tools/round-robin.ts";
import { runs } from "../support/fuzz.ts";

interface One {
  readonly group: string;
  readonly n: number;
}
interface ModelGroup {
  readonly group: string;
  ones: One[];
}
/** Of each lane the groups, the next one's turn first. */
type Model = ModelGroup[][];

function addTo(model: Model, lane: Lane, one: One): void {
  const groups = model[lanes.indexOf(lane)] ?? [];
  const own = groups.find(({ group }) => group === one.group);
  if (own) own.ones.push(one);
  else groups.push({ group: one.group, ones: [one] });
}
/** -1: it waits no more. */
function laneIn(model: Model, one: One): number {
  return model.findIndex((groups) => groups.some(({ ones }) => ones.includes(one)));
}
function removeFrom(model: Model, one: One): void {
  for (const groups of model) {
    for (const own of groups) own.ones = own.ones.filter((other) => other !== one);
    groups.splice(0, groups.length, ...groups.filter(({ ones }) => ones.length > 0));
  }
}
/** The lanes are looked at in the order in which `turn` has it. */
function shiftFrom(
  model: Model,
  turn: number,
  mayHave: (group: string) => boolean,
  fits: (one: One) => boolean,
): One | undefined {
  const first = turn % 4 === 3 ? 1 + (Math.floor(turn / 4) % (lanes.length - 1)) : 0;
  for (const index of lanes.keys()) {
    const groups = model[(first + index) % lanes.length] ?? [];
    const own = groups.find(({ group, ones }) => mayHave(group) && ones.some(fits));
    const one = own?.ones.find(fits);
    if (!own || !one) continue;
    groups.splice(groups.indexOf(own), 1);
    own.ones.splice(own.ones.indexOf(one), 1);
    if (own.ones.length > 0) groups.push(own);
    return one;
  }
  return undefined;
}

const lane = fc.constantFrom(...lanes);
const group = fc.constantFrom<string[]>("a", "b", "c", "d");
const step = fc.oneof(
  fc.record({ type: fc.constant("add" as const), lane, group }),
  fc.record({ type: fc.constant("hasten" as const), lane, of: fc.nat() }),
  fc.record({ type: fc.constant("remove" as const), of: fc.nat() }),
  fc.record({
    type: fc.constant("shift" as const),
    refused: fc.array(group, { maxLength: 2 }),
    unfit: fc.integer({ min: 2, max: 5 }),
  }),
);

test("what waits goes by lane, by its group's turn and in its order, whoever moves up, leaves, or may not have it", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 60, maxLength: 80 }), (steps) => {
      const waiting = createLanes<One, Lane>(lanes);
      const model: Model = lanes.map(() => []);
      const known: Waiting<One>[] = [];
      let turns = 0;
      for (const [n, at] of steps.entries()) {
        const of = "of" in at ? known[at.of % known.length] : undefined;
        switch (at.type) {
          case "add":
            known.push(waiting.add(at.lane, at.group, { group: at.group, n }));
            addTo(model, at.lane, known.at(-1)?.one as One);
            break;
          case "hasten":
            if (!of) break;
            waiting.hasten(of, at.lane);
            if (laneIn(model, of.one) <= lanes.indexOf(at.lane)) break;
            removeFrom(model, of.one);
            addTo(model, at.lane, of.one);
            break;
          case "remove":
            if (!of) break;
            waiting.remove(of);
            removeFrom(model, of.one);
            break;
          case "shift": {
            const mayHave = (name: string): boolean => !at.refused.includes(name);
            const fits = (one: One): boolean => one.n % at.unfit !== 0;
            const expected = shiftFrom(model, turns, mayHave, fits);
            if (expected) turns += 1;
            expect(waiting.shift(mayHave, fits)).toBe(expected);
          }
        }
        expect(waiting.size).toBe(model.flat().reduce((sum, { ones }) => sum + ones.length, 0));
      }
    }),
    runs(300),
  );
});
