/** What jq may take of memory, which V8's limits on a thread's heap do not speak of. */
import { afterAll, expect, test } from "@jest/globals";
import { createEvaluator } from "../../src/expressions/evaluator.ts";
import { heldBytes } from "../support/held-memory.ts";

const MiB = 1024 * 1024;
const { signal } = new AbortController();
const started = new AsyncDisposableStack();
afterAll(() => started.disposeAsync());
const evaluators = new Map(
  [32, 64, 128].map((n) => [n, started.use(createEvaluator({ engine: "jq", deadlineMs: 10_000, maxMemoryBytes: n * MiB }))]),
);
/** With so much for jq, MiB. */
const evaluator = (maxMiB: 32 | 64 | 128) => evaluators.get(maxMiB) as ReturnType<typeof createEvaluator>;
const residentMiB = (): number => process.memoryUsage.rss() / MiB;

/** Each makes jq hold more than 32 MiB, and less than 128, by itself. */
const greedy = {
  "many numbers": "[range(1000000)] | length",
  "many texts": '[range(450000) | "\\(.) is a text"] | length',
  "many objects": "[range(150000) | {a: .}] | length",
  "long texts": '[range(50) | "\\(.)" * 800000] | length',
};
const endless = {
  "an endless list": "[range(1000000000) | [.]] | length",
  "an endless text": '"x" | until(false; . + .)',
  "a generator that keeps all": "[range(1000; 1000000000) | tostring * 50] | length",
};

test.each(Object.entries(greedy))("%s is too much for 32 MiB and not for 128", async (_, text) => {
  expect(await evaluator(32).evaluate("{}", [text], signal)).toMatchObject({ type: "outOfMemory" });
  expect(await evaluator(128).evaluate("{}", [text], signal)).toMatchObject({ type: "values" });
});

test("a jq that has grown is not kept", async () => {
  const all = evaluator(128);
  await all.evaluate("{}", ["1"], signal);
  const before = residentMiB();
  for (const text of Object.values(greedy)) expect(await all.evaluate("{}", [text], signal)).toMatchObject({ type: "values" });
  // Until the test's own limit. What a thread had is given back with what of it this one still knows.
  for (; residentMiB() > before + 30; heldBytes()) await new Promise((resolve) => setTimeout(resolve, 50));
});

test.each(Object.entries(endless))("%s ends within the bound, whatever runs beside it", async (_, text) => {
  const all = evaluator(64);
  await all.evaluate("{}", ["1"], signal);
  const before = residentMiB();
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, residentMiB())), 5);
  const answers = await Promise.all([1, 2, 3].map(async (n) => all.evaluate("{}", [`${n} | ${text}`], signal)));
  clearInterval(watch);
  for (const answer of answers) expect(answer).toEqual({ type: "outOfMemory", index: 0 });
  // Two threads, what starting them costs, and what of the whole process is not collected meanwhile; without a bound it is gigabytes.
  expect(most - before).toBeLessThan(2 * 64 + 250);
});

test("results that are small each and large together are refused before they are printed", async () => {
  const many = Array.from({ length: 10 }, () => '"\\u0001" * 200000');
  expect(await evaluator(64).evaluate("{}", many, signal)).toMatchObject({
    type: "failed",
    message: "the result is too large",
  });
});

test("long documents leave a thread to the others", async () => {
  const all = evaluator(64);
  await all.evaluate("{}", ["1"], signal);
  const long = JSON.stringify("x".repeat(300 * 1024));
  let ended = 0;
  const stop = new AbortController();
  const slow = Array.from({ length: 6 }, (_, index) =>
    Promise.resolve(all.evaluate(long, [`${index} | until(false; .)`], stop.signal, `${index}`)).finally(() => (ended += 1)),
  );
  expect(await all.evaluate("{}", ["2 + 2"], signal, "small")).toEqual({ type: "values", json: ["4"] });
  expect(ended).toBe(0);
  stop.abort(new Error("seen enough"));
  await Promise.allSettled(slow);
});
