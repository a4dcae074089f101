/** The end of the threads, as a command sees it that has nothing else to wait for. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

/** Busy for so long that whatever a thread has to say is said after it was told to end. */
const busyMs = 300;
const program = `
  import { createEvaluator } from "${new URL("../../src/expressions/evaluator.ts", import.meta.url).href}";
  const evaluator = createEvaluator({ engine: "jq" });
  evaluator.compile([".a"], new AbortController().signal).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, Number(process.argv[1])));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${busyMs});
  await evaluator[Symbol.asyncDispose]();
`;

test("a process outlives its threads, however far those are when they are told to end", async () => {
  const codes: (number | undefined)[] = [];
  for (const delayMs of [0, 50, 100, 150, 200, 250]) {
    const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program, `${delayMs}`];
    const ended = await promisify(execFile)(process.execPath, args).then(
      () => 0,
      (error: { readonly code?: number }) => error.code,
    );
    codes.push(ended);
  }
  expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
});
