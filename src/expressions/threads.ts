/**
 * A few worker threads, and a spare that is ready when one of them has to be ended.
 *
 * A thread runs one job at a time; a job that is ended takes its thread with it and no other job. Groups take turns, whatever
 * each has waiting. Nothing is started before the first job.
 */
/* oxlint-disable unicorn/require-post-message-target-origin -- threads have no origin: that is for windows */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Evaluated } from "../core/ports.ts";
import { createRoundRobin, type RoundRobin } from "../core/tools/round-robin.ts";
import type { Finished, Job, WorkerSettings } from "./worker.ts";

interface Threads extends AsyncDisposable {
  /**
   * The deadline is one of the thread's own processor time, from when it begins with the job: how busy the machine is makes
   * no difference, until it is `starved`. Rejects with the signal's reason, or when no thread can be started.
   */
  run(job: Job, options: { readonly signal: AbortSignal; readonly group: string }): Promise<Evaluated>;
}
interface ThreadsOptions {
  readonly threads: number;
  readonly deadlineMs: number;
  readonly maxResultBytes: number;
  /** Of jq in each thread. */
  readonly maxMemoryBytes: number;
}

interface Thread {
  readonly worker: Worker;
  /** As `WorkerSettings` has it. */
  readonly progress: Int32Array;
}
interface Line {
  readonly turns: RoundRobin<Task>;
  /** How many of them run at a time. */
  readonly most: number;
  running: number;
}
interface Task {
  readonly job: Job;
  readonly finish: (answer: Evaluated) => void;
  readonly fail: (error: unknown) => void;
}

/** A thread that has not had its deadline's time of a processor in so many times as long is given up. */
const patience = 30;
const shortestLookMs = 10;
/** jq has 16 MiB from the start, and most jobs need no more. A thread whose jq has grown beyond this is replaced. */
const keptMemoryBytes = 32 * 1024 * 1024;
/** A thread's own heap holds a document and its results, as text. */
const maxHeapMiB = 64;
/** Those with a longer document run one at a time, so that they leave a thread, and memory, to the others. */
const bigDocumentCharacters = 256 * 1024;

export function createThreads(options: ThreadsOptions): Threads {
  const { threads, deadlineMs, maxResultBytes, maxMemoryBytes } = options;
  const all = new Set<Worker>();
  const ready: Thread[] = [];
  const big: Line = { turns: createRoundRobin(), most: Math.max(1, threads - 1), running: 0 };
  const small: Line = { turns: createRoundRobin(), most: threads, running: 0 };
  const lineOf = (job: Job): Line => (job.type === "evaluate" && job.document.length > bigDocumentCharacters ? big : small);
  let last = big;
  let disposed = false;

  const running = (): number => big.running + small.running;
  const waiting = (): number => big.turns.size + small.turns.size;
  /** The lines take turns, too. */
  function next(): Task | undefined {
    const lines = last === small ? [big, small] : [small, big];
    const line = lines.find(({ turns, most, running }) => turns.size > 0 && running < most);
    if (line) last = line;
    return line?.turns.shift();
  }
  function handOut(): void {
    while (running() < threads && ready.length > 0) {
      const task = next();
      const thread = task && ready.pop();
      if (!thread) break;
      perform(thread, task);
    }
    const wanted = Math.min(threads, running() + waiting()) + 1; // and the spare
    if (!disposed) while (all.size < wanted) start();
  }

  function start(): void {
    const progress = new SharedArrayBuffer(8);
    const worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), {
      workerData: { progress, maxResultBytes, maxMemoryBytes } satisfies WorkerSettings,
      env: {},
      execArgv: ["--disable-warning=ExperimentalWarning"],
      stdout: true, // emscripten prints a line when it aborts; reading it would keep the process alive
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB },
    });
    all.add(worker);
    worker.on("error", () => {}); // its exit says as much
    worker.once("exit", () => {
      all.delete(worker);
      const idle = ready.findIndex((thread) => thread.worker === worker);
      if (idle !== -1) ready.splice(idle, 1);
    });
    const onStartError = (cause: unknown): void => {
      all.delete(worker);
      (small.turns.shift() ?? big.turns.shift())?.fail(new Error("cannot start a thread for expressions", { cause }));
      if (waiting() > 0) handOut();
    };
    worker.once("error", onStartError);
    worker.once("message", () => {
      worker.off("error", onStartError);
      worker.unref();
      ready.push({ worker, progress: new Int32Array(progress) });
      handOut();
    });
  }

  function perform({ worker, progress }: Thread, { job, finish }: Task): void {
    const line = lineOf(job);
    line.running += 1;
    progress.fill(-1);
    worker.ref();
    const startedMs = performance.now();
    let hasEnded = false;
    function onFinished({ answer, memoryBytes }: Finished): void {
      end(answer, memoryBytes > keptMemoryBytes);
    }
    function end(answer: Evaluated, hasGrown = false): void {
      hasEnded = true;
      clearTimeout(timer);
      worker.off("message", onFinished);
      worker.off("error", onGone);
      worker.off("exit", onGone);
      line.running -= 1;
      if (answer.type === "timeout" || answer.type === "starved" || answer.type === "outOfMemory") {
        all.delete(worker);
        void worker.terminate();
        const index = progress[0] ?? -1;
        finish(index === -1 ? answer : { ...answer, index });
      } else if (hasGrown) {
        all.delete(worker);
        void worker.terminate();
        finish(answer);
      } else {
        worker.unref();
        ready.push({ worker, progress });
        finish(answer);
      }
      handOut();
    }
    const onGone = (): void => end({ type: "outOfMemory" });
    async function usedMs(): Promise<number> {
      const { user, system } = await worker.cpuUsage();
      const beganMs = progress[1] ?? -1;
      return beganMs === -1 ? 0 : (user + system) / 1000 - beganMs;
    }
    async function lookAtUse(): Promise<void> {
      if (performance.now() - startedMs >= patience * deadlineMs) return end({ type: "starved" });
      timer = setTimeout(look, deadlineMs); // for where the thread has not even the time to say
      const leftMs = deadlineMs - (await usedMs().catch(() => 0)); // it is gone: its exit says so
      if (hasEnded) return;
      if (leftMs <= 0) return end({ type: "timeout" });
      clearTimeout(timer);
      timer = setTimeout(look, Math.max(leftMs, shortestLookMs));
    }
    const look = (): void => void lookAtUse();
    let timer = setTimeout(look, deadlineMs);
    worker.on("message", onFinished);
    worker.on("error", onGone);
    worker.on("exit", onGone);
    worker.postMessage(job);
  }

  return {
    async run(job, { signal, group }) {
      signal.throwIfAborted();
      if (disposed) throw new Error("expressions are no longer evaluated");
      const { promise, resolve, reject } = Promise.withResolvers<Evaluated>();
      const task: Task = { job, finish: resolve, fail: reject };
      const { turns } = lineOf(job);
      const onAbort = (): void => {
        turns.remove(group, task); // where it runs already, it does until its deadline at most, and nobody looks at what comes of it
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      turns.add(group, task);
      handOut();
      try {
        return await promise;
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
      for (const { turns } of [small, big])
        for (let task = turns.shift(); task; task = turns.shift()) task.fail(new Error("expressions are no longer evaluated"));
      await Promise.all([...all].map((worker) => worker.terminate()));
    },
  };
}
