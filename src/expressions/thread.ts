/** One job on one worker thread, with a deadline of the thread's own processor time. */
/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origin: that is for windows */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Evaluated } from "../core/ports.ts";
import type { Finished, Job, WorkerSettings } from "./worker.ts";

export interface Thread {
  readonly worker: Worker;
  /** As `WorkerSettings` has it. */
  readonly progress: Int32Array;
}
/** What came of a job. `isSpent`: its thread is to be ended. */
interface Ran {
  readonly answer: Evaluated;
  readonly isSpent: boolean;
}
interface ThreadEvents {
  /** It takes jobs. */
  readonly onStarted: (thread: Thread) => void;
  /** It could not be started. */
  readonly onFailed: (cause: unknown) => void;
  readonly onExit: () => void;
}

/** A thread that has not had its deadline's time of a processor in so many times as long is given up. */
const patience = 30;
const shortestLookMs = 10;
/** jq has 16 MiB from the start, and most jobs need no more. A thread whose jq has grown beyond this is replaced. */
const keptMemoryBytes = 32 * 1024 * 1024;
/** A thread's own heap holds a document and its results, as text. */
const maxHeapMiB = 64;

export function startThread(settings: Omit<WorkerSettings, "progress">, { onStarted, onFailed, onExit }: ThreadEvents): Worker {
  const progress = new SharedArrayBuffer(8);
  const worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), {
    workerData: { ...settings, progress } satisfies WorkerSettings,
    env: {},
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdout: true, // emscripten prints a line when it aborts; reading it would keep the process alive
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB },
  });
  worker.on("error", () => {}); // its exit says as much
  worker.once("exit", onExit);
  worker.once("error", onFailed);
  worker.once("message", () => {
    worker.off("error", onFailed);
    onStarted({ worker, progress: new Int32Array(progress) });
  });
  return worker;
}

/** Resolves whatever happens to the thread. The deadline is as `Threads.run` has it. */
export async function runJob(thread: Thread, job: Job, deadlineMs: number): Promise<Ran> {
  const { worker, progress } = thread;
  const { promise, resolve } = Promise.withResolvers<Ran>();
  const onFinished = ({ answer, memoryBytes }: Finished): void =>
    resolve({ answer, isSpent: isThreadsEnd(answer) || memoryBytes > keptMemoryBytes });
  const giveUp = (answer: Evaluated): void => resolve({ answer, isSpent: true });
  const onGone = (): void => giveUp({ type: "outOfMemory" });
  using listening = new DisposableStack();
  progress.fill(-1);
  worker.ref();
  worker.on("message", onFinished);
  worker.on("error", onGone);
  worker.on("exit", onGone);
  listening.defer(() => {
    worker.off("message", onFinished);
    worker.off("error", onGone);
    worker.off("exit", onGone);
  });
  listening.use(watchUse(thread, deadlineMs, giveUp));
  worker.postMessage(job);
  const { answer, isSpent } = await promise;
  const index = progress[0] ?? -1;
  return { answer: isThreadsEnd(answer) && index !== -1 ? { ...answer, index } : answer, isSpent };
}

type ThreadsEnd = Extract<Evaluated, { readonly type: "timeout" | "starved" | "outOfMemory" }>;
function isThreadsEnd(answer: Evaluated): answer is ThreadsEnd {
  return answer.type === "timeout" || answer.type === "starved" || answer.type === "outOfMemory";
}

/** Looks how much of a processor the thread has had, until disposed, and gives it up when that is too much, or never comes. */
function watchUse({ worker, progress }: Thread, deadlineMs: number, giveUp: (answer: ThreadsEnd) => void): Disposable {
  const startedMs = performance.now();
  let hasEnded = false;
  async function usedMs(): Promise<number> {
    const { user, system } = await worker.cpuUsage();
    const beganMs = progress[1] ?? -1;
    return beganMs === -1 ? 0 : (user + system) / 1000 - beganMs;
  }
  async function lookAtUse(): Promise<void> {
    if (performance.now() - startedMs >= patience * deadlineMs) return giveUp({ type: "starved" });
    timer = setTimeout(look, deadlineMs); // for where the thread has not even the time to say
    const leftMs = deadlineMs - (await usedMs().catch(() => 0)); // it is gone: its exit says so
    if (hasEnded) return;
    if (leftMs <= 0) return giveUp({ type: "timeout" });
    clearTimeout(timer);
    timer = setTimeout(look, Math.max(leftMs, shortestLookMs));
  }
  const look = (): void => void lookAtUse();
  let timer = setTimeout(look, deadlineMs);
  return {
    [Symbol.dispose]() {
      hasEnded = true;
      clearTimeout(timer);
    },
  };
}
