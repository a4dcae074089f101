/** When a liveness probe fails: only when nobody takes what is due. */
import { expect, test } from "@jest/globals";
import { createLiveness } from "../../src/engine/liveness.ts";

function watched() {
  const state = { nowMs: 0, depth: 0, isWorking: true };
  const queue = {
    get depth() {
      return state.depth;
    },
  };
  const liveness = createLiveness({ queue, isWorking: () => state.isWorking, limitMs: 60_000, now: () => state.nowMs });
  return { state, liveness };
}

test("fails, saying why, when keys are due and none is taken for longer than the limit", () => {
  const { state, liveness } = watched();
  expect(liveness.failing()).toEqual([]);
  state.depth = 3;
  state.nowMs = 60_000;
  expect(liveness.failing()).toEqual([]);
  state.nowMs = 61_000;
  expect(liveness.failing()).toEqual(["3 keys are due, and no worker has taken one for 61 s"]);
});

test("does not fail however long the queue is, as long as keys are taken", () => {
  const { state, liveness } = watched();
  state.depth = 10_000;
  for (; state.nowMs < 600_000; state.nowMs += 50_000) {
    liveness.took();
    expect(liveness.failing()).toEqual([]);
  }
});

test("does not fail after hours with nothing to do, nor while another process leads", () => {
  const { state, liveness } = watched();
  state.nowMs = 7_200_000;
  expect(liveness.failing()).toEqual([]);
  Object.assign(state, { nowMs: 14_400_000, depth: 5, isWorking: false });
  expect(liveness.failing()).toEqual([]);
});
