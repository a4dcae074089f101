/**
 * A thread that runs jq, which is synchronous: whoever started the thread ends it when it takes too long.
 *
 * It answers each job once. After `outOfMemory` its jq is unusable and the thread must be replaced.
 */
/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origin: that is for windows */
import { parentPort, workerData } from "node:worker_threads";
import type { Evaluated } from "../core/ports.ts";
import { loadBoundedJq } from "./jq-instance.ts";
import { answersTo, mostRuns, usesHashes, type Answers } from "./hashes.ts";
import { batchItems, batchProgram, checkProgram, chunks, compileError, tooLarge } from "./program.ts";

/** `apart`: each expression in a program of its own, so that the one at fault is known. */
export type Job =
  | { readonly type: "compile"; readonly expressions: readonly string[] }
  | { readonly type: "evaluate"; readonly document: string; readonly expressions: readonly string[]; readonly apart: boolean };
export interface WorkerSettings {
  /** Two Int32: the index of the expression that is running, or -1; the processor time of the thread as the job began, milliseconds. */
  readonly progress: SharedArrayBuffer;
  readonly maxResultBytes: number;
  readonly maxMemoryBytes: number;
}
export interface Finished {
  readonly answer: Evaluated;
  /** What jq has grown to: it never shrinks. */
  readonly memoryBytes: number;
}

const { progress, maxResultBytes, maxMemoryBytes } = workerData as WorkerSettings;
const current = new Int32Array(progress);
const jq = await loadBoundedJq(maxMemoryBytes);

function compile(expressions: readonly string[]): Evaluated {
  for (const [index, expression] of expressions.entries()) {
    current[0] = index;
    const { exitCode, stderr } = jq.raw("null", checkProgram(expression));
    if (exitCode !== 0) return { type: "invalid", index, message: compileError(stderr) };
  }
  return { type: "values", json: [] };
}

function evaluate({ document, expressions, apart }: Extract<Job, { type: "evaluate" }>): Evaluated {
  const json: string[] = [];
  let bytes = 0;
  for (const group of apart ? expressions.map((expression) => [expression]) : chunks(expressions)) {
    current[0] = group.length === 1 ? json.length : -1;
    const { stdout, stderr, problem } = run(document, group);
    if (problem !== undefined) return { type: "failed", index: json.length, message: problem };
    if (stdout === "") return { type: "failed", index: json.length, message: programError(stderr) };
    for (const item of batchItems(stdout)) {
      const index = json.length;
      if (item.type === "error") return { type: "failed", index, message: item.message };
      bytes += Buffer.byteLength(item.json);
      if (bytes > maxResultBytes) return { type: "failed", index, message: tooLarge };
      json.push(item.json);
    }
  }
  return { type: "values", json };
}

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
  readonly problem?: string;
}
/** The run that counts, of one program: the first that asks for nothing. */
function run(document: string, group: readonly string[]): Printed {
  const hashes = group.some(usesHashes);
  const program = batchProgram(group, { maxBytes: maxResultBytes, hashes });
  if (!hashes) return jq.raw(document, program, ["-c"]);
  let answers: Answers = {};
  for (let runs = 0; runs < mostRuns; runs += 1) {
    const printed = jq.raw(`[${JSON.stringify(answers)},${document}]`, program, ["-c"]);
    const more = answersTo(printed.stderr, answers);
    if (typeof more === "string") return { ...printed, problem: more };
    if (Object.keys(more).length === Object.keys(answers).length) return printed;
    answers = more;
  }
  return { stdout: "", stderr: "", problem: `hashes of hashes are asked for, more than ${mostRuns - 1} deep` };
}

/** Why a whole program printed nothing: no expression is at fault alone. */
function programError(stderr: string): string {
  return stderr.includes("Exceeds depth limit") ? "the document is nested too deeply" : "jq cannot run the expression";
}

function answerTo(job: Job): Evaluated {
  try {
    return job.type === "compile" ? compile(job.expressions) : evaluate(job);
  } catch {
    return { type: "outOfMemory" }; // Emscripten throws when memory or stack ends, and the instance is not usable afterwards
  }
}

parentPort?.on("message", (job: Job) => {
  const { user, system } = process.threadCpuUsage();
  current[1] = Math.floor((user + system) / 1000);
  parentPort?.postMessage({ answer: answerTo(job), memoryBytes: jq.memoryBytes() } satisfies Finished);
});
parentPort?.postMessage("ready");
