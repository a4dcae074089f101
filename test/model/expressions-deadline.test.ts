/** Expressions that take more than they may have: of time, of memory, or beside a machine that has none to spare. */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { afterAll, expect, test } from "@jest/globals";
import { createEvaluator } from "../../src/expressions/evaluator.ts";

const { signal } = new AbortController();
const evaluator = createEvaluator({ engine: "jq", deadlineMs: 5_000 });
afterAll(async () => {
  await evaluator[Symbol.asyncDispose]();
});
const evaluate = (document: unknown, ...expressions: string[]) =>
  evaluator.evaluate(JSON.stringify(document), expressions, signal);

test("an expression that exhausts memory harms nobody else", async () => {
  const [greedy, modest] = await Promise.all([evaluate({}, "1", "def f: 1 + f; f"), evaluate({ a: 1 }, ".a")]);
  expect(greedy).toEqual({ type: "outOfMemory", index: 1 });
  expect(modest).toEqual({ type: "values", json: ["1"] });
  expect(await evaluate({}, '"x" * 1000000000 | . + . + . + . + .')).toMatchObject({ type: "outOfMemory" });
  expect(await evaluate({ a: 2 }, ".a")).toEqual({ type: "values", json: ["2"] });
});

test("mistake 5: an endless expression ends at its deadline, is named, and harms nobody else", async () => {
  await using hurried = createEvaluator({ engine: "jq", deadlineMs: 500 });
  const endless = Array.from({ length: 3 }, async () => hurried.evaluate("{}", ["1", "until(false; .)"], signal));
  const others = Array.from({ length: 5 }, async (_, index) => hurried.evaluate("{}", [`${index}`], signal));
  expect(await Promise.all(others)).toEqual([0, 1, 2, 3, 4].map((n) => ({ type: "values", json: [`${n}`] })));
  expect(await Promise.all(endless)).toEqual([1, 2, 3].map(() => ({ type: "timeout", index: 1 })));
});

test("on a machine without time to spare no expression fails for it: what counts is its own processor time", async () => {
  const work = "[range(5000)] | map(. * 2) | add";
  const tookMs = async (action: () => unknown): Promise<number> => {
    const startedMs = performance.now();
    await action();
    return performance.now() - startedMs;
  };
  await evaluate({}, work);
  const deadlineMs = 20 + 2 * Math.min(await tookMs(() => evaluate({}, work)), await tookMs(() => evaluate({}, work)));
  await using strict = createEvaluator({ engine: "jq", deadlineMs });
  await strict.evaluate("{}", ["1"], signal);
  using _ = starvation();
  let longestMs = 0;
  for (let round = 0; round < 50 && longestMs < 2 * deadlineMs; round += 1) {
    const busyMs = await tookMs(async () => {
      expect(await strict.evaluate("{}", [work], signal)).toEqual({ type: "values", json: ["24995000"] });
    });
    longestMs = Math.max(longestMs, busyMs);
  }
  expect(longestMs).toBeGreaterThan(deadlineMs); // else this shows nothing
});

/** Processes that want every processor, six each; they end by themselves if nobody ends them. */
function starvation(): Disposable {
  const program = "const end = Date.now() + 30000; while (Date.now() < end);";
  const busy = Array.from({ length: availableParallelism() * 6 }, () => spawn(process.execPath, ["-e", program]));
  return { [Symbol.dispose]: () => busy.forEach((one) => one.kill("SIGKILL")) };
}

test("a namespace with many endless expressions holds another's up by a turn, not by all of them", async () => {
  await using single = createEvaluator({ engine: "jq", deadlineMs: 400, threads: 1 });
  await single.evaluate("{}", ["1"], signal);
  let ended = 0;
  const stop = new AbortController();
  const endless = Array.from({ length: 10 }, (_, index) =>
    Promise.resolve(single.evaluate("{}", [`${index} | until(false; .)`], stop.signal, "greedy")).finally(() => (ended += 1)),
  );
  expect(await single.evaluate("{}", ["2 + 2"], signal, "modest")).toEqual({ type: "values", json: ["4"] });
  expect(ended).toBeLessThan(3);
  stop.abort(new Error("seen enough"));
  await Promise.allSettled(endless);
});
