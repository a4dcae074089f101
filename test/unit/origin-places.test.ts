import { afterEach, expect, jest, test } from "@jest/globals";
import * as fc from "fast-check";
import type { Lane } from "../../src/core/lane.ts";
import { createOriginPlaces } from "../../src/http/limits/origin-places.ts";
import { runs } from "../support/fuzz.ts";

afterEach(() => void jest.useRealTimers());

const resolved = async (promise: Promise<void>): Promise<boolean> =>
  Promise.race([
    promise.then(() => true),
    Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => false),
  ]);

test("an origin takes as many as it may; the rest come in the order in which they asked", async () => {
  using admissions = createOriginPlaces(3); // one of them is for others
  const [a, b] = ["a", "b"].map((owner) => admissions.enter("x", owner));
  const [c, d] = ["c", "d"].map((owner) => admissions.enter("x", owner));
  if (a?.type !== "admitted" || b?.type !== "admitted" || c?.type !== "busy" || d?.type !== "busy") throw new Error("limit");
  expect(admissions.enter("y", "e").type).toBe("admitted"); // another origin has its own

  expect(admissions.enter("x", "c")).toEqual(c); // who asks again keeps its place, and has no second one
  a[Symbol.dispose]();
  expect([await resolved(c.free), await resolved(d.free)]).toEqual([true, false]);
  expect(admissions.enter("x", "late").type).toBe("busy"); // the place is kept for c
  const admitted = admissions.enter("x", "c");
  if (admitted.type !== "admitted") throw new Error("c was promised a place");
  b[Symbol.dispose]();
  expect(await resolved(d.free)).toBe(true);
});

test("namespaces take turns, so that one with many waiting holds another's up by a turn", async () => {
  using admissions = createOriginPlaces(1, (owner) => owner.split("/")[0] ?? "");
  let at = admissions.enter("x", "many/0");
  const order: string[] = [];
  const owners = [...Array.from({ length: 20 }, (_, index) => `many/${index + 1}`), "one/1", "other/1"];
  for (const owner of owners) {
    const entered = admissions.enter("x", owner);
    if (entered.type === "busy") void entered.free.then(() => order.push(owner));
  }
  while (at.type === "admitted" && order.length < owners.length) {
    at[Symbol.dispose]();
    await new Promise(setImmediate);
    at = admissions.enter("x", order.at(-1) ?? "");
  }
  expect(order.slice(0, 4)).toEqual(["many/1", "one/1", "other/1", "many/2"]);
  expect(order).toHaveLength(owners.length);
});

test("no namespace takes the last place, so that each finds one beside any number of others' that hang", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 24 }), fc.integer({ min: 1, max: 60 }), (limit, asking) => {
      using admissions = createOriginPlaces(limit, (owner) => owner.split("/")[0] ?? "");
      const entered = (group: string, count: number): number =>
        Array.from({ length: count }, (_, index) => admissions.enter("x", `${group}/${index}`)).filter(
          ({ type }) => type === "admitted",
        ).length;
      const hanging = entered("hanging", asking);
      expect(hanging).toBeLessThan(limit);
      expect(hanging).toBeGreaterThanOrEqual(Math.min(asking, Math.ceil(limit / 2)));
      expect(entered("victim", 1)).toBe(1);
      expect(hanging + 1).toBeLessThanOrEqual(limit);
    }),
    runs(100),
  );
});

test("what somebody has changed has the next place, before what is due and what a listing brought, and moves up where it waits", async () => {
  using admissions = createOriginPlaces(1);
  const first = admissions.enter("x", "first");
  const order: string[] = [];
  const ask = (owner: string, lane: Lane): void => {
    const entered = admissions.enter("x", owner, lane);
    if (entered.type === "busy") void entered.free.then(() => order.push(owner));
  };
  for (let index = 0; index < 20_000; index += 1) ask(`listed-${index}`, "listing");
  ask("due", "due");
  ask("changed", "change");
  admissions.enter("x", "listed-19999", "change"); // somebody has changed it while it waited
  expect(admissions.waiting).toBe(20_002);
  let at = first;
  for (let index = 0; index < 4 && at.type === "admitted"; index += 1) {
    at[Symbol.dispose]();
    await new Promise(setImmediate);
    at = admissions.enter("x", order.at(-1) ?? "");
  }
  expect(order).toEqual(["changed", "listed-19999", "due", "listed-0"]);
  expect(admissions.waiting).toBe(19_998);
});

test("a place that is kept for somebody who does not need it, or does not come, is the next one's", async () => {
  jest.useFakeTimers();
  using admissions = createOriginPlaces(1);
  const a = admissions.enter("x", "a");
  const [b, c] = ["b", "c"].map((owner) => admissions.enter("x", owner));
  if (a.type !== "admitted" || b?.type !== "busy" || c?.type !== "busy") throw new Error("limit");
  a[Symbol.dispose]();
  admissions.yield("b");
  expect(await resolved(c.free)).toBe(true);
  expect(admissions.size).toBe(1);
  jest.advanceTimersByTime(5_000);
  expect(admissions.size).toBe(0); // nothing is left of an origin at which nobody is
  expect(admissions.enter("x", "c").type).toBe("admitted");
});
