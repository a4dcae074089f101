/** Room for outcomes that cannot be recorded: whoever waits for it is told of it, on a clock that the test turns. */
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import * as fc from "fast-check";
import { createRoom } from "../../src/engine/room.ts";
import { runs } from "../support/fuzz.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** However much is left to be recorded. Milliseconds. */
const soonMs = 10_000;

/** Whether the promise has resolved. */
function watched(free: Promise<void> | undefined): () => boolean {
  let isTold = false;
  void free?.then(() => (isTold = true));
  return () => isTold;
}

test("whoever waits is told at once when most of it is free, and soon when only some of it is", async () => {
  const room = createRoom(800);
  room.take("a", 300);
  expect(room.untilFree("b")).toBeUndefined();
  const some = watched(room.untilFree("a"));
  room.take("a", -110); // less than a quarter, and more than an eighth
  expect(room.untilFree("a")).toBeUndefined();
  await jest.advanceTimersByTimeAsync(soonMs - 1);
  expect(some()).toBe(false);
  await jest.advanceTimersByTimeAsync(1);
  expect(some()).toBe(true);
  room.take("a", 110);
  const most = watched(room.untilFree("a"));
  room.take("a", -200);
  await jest.advanceTimersByTimeAsync(0);
  expect(most()).toBe(true);
});

test("who was told by time is told again the next time, and what was told at once leaves no timer", async () => {
  const room = createRoom(800);
  for (let n = 0; n < 3; n += 1) {
    room.take("a", 300);
    const told = watched(room.untilFree("a"));
    room.take("a", -110);
    await jest.advanceTimersByTimeAsync(soonMs);
    expect(told()).toBe(true);
    room.take("a", -190);
  }
  room.take("a", 300);
  room.take("a", -10);
  expect(jest.getTimerCount()).toBe(1);
  room.take("a", -290);
  expect(jest.getTimerCount()).toBe(0);
});

test("whatever is taken and given back, nobody waits on while there is room", async () => {
  const move = fc.record({
    namespace: fc.constantFrom("a", "b", "c"),
    what: fc.constantFrom("take", "take", "give back", "wait"),
    sizeBytes: fc.integer({ min: 1, max: 150 }),
    afterMs: fc.constantFrom(0, soonMs),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 20, maxLength: 60, size: "max" }), async (moves) => {
      const room = createRoom(800);
      const held: { readonly namespace: string; readonly sizeBytes: number }[] = [];
      const waiting: { readonly namespace: string; readonly isTold: () => boolean }[] = [];
      for (const { namespace, what, sizeBytes, afterMs } of moves) {
        if (what === "take") {
          held.push({ namespace, sizeBytes });
          room.take(namespace, sizeBytes);
        } else if (what === "wait") {
          const free = room.untilFree(namespace);
          if (free) waiting.push({ namespace, isTold: watched(free) });
        } else {
          const given = held.splice(sizeBytes % Math.max(1, held.length), 1)[0];
          if (given) room.take(given.namespace, -given.sizeBytes);
        }
        await jest.advanceTimersByTimeAsync(afterMs);
        if (afterMs < soonMs) continue;
        const forgotten = waiting.filter(({ namespace, isTold }) => !isTold() && room.untilFree(namespace) === undefined);
        expect(forgotten).toEqual([]);
      }
    }),
    runs(100),
  );
});
