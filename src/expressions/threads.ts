/**
 * A few worker threads, and a spare that is ready when one of them has to be ended.
 *
 * A thread runs one job at a time; a job that is ended takes its thread with it and no other job. Groups take turns, whatever
 * each has waiting. Nothing is started before the first job.
 */
import type { Worker } from "node:worker_threads";
import type { Evaluated } from "../core/ports.ts";
import { unlessAborted } from "../core/tools/deadline.ts";
import { createRoundRobin, type RoundRobin } from "../core/tools/round-robin.ts";
import { runJob, startThread, type Thread } from "./thread.ts";
import type { Job } from "./worker.ts";

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

/** One that stands by keeps no process alive: a command that waits for its end alone would end before it, as one that hangs. */
function endThread(worker: Worker): Promise<number> {
  worker.ref();
  return worker.terminate();
}

/** Those with a longer document run one at a time, so that they leave a thread, and memory, to the others. */
const bigDocumentCharacters = 256 * 1024;

export function createThreads(options: ThreadsOptions): Threads {
  const { threads, deadlineMs, ...settings } = options;
  const all = new Set<Worker>();
  const ready: Thread[] = [];
  const lines = createLines(threads);
  let running = 0;
  let disposed = false;

  function handOut(): void {
    while (running < threads && ready.length > 0) {
      const task = lines.next();
      const thread = task && ready.pop();
      if (!thread) break;
      void perform(thread, task);
    }
    const wanted = Math.min(threads, running + lines.waiting) + 1; // and the spare
    if (!disposed) while (all.size < wanted) start();
  }
  function standBy(thread: Thread): void {
    if (disposed) return; // it is being ended, and keeps the process alive until then
    thread.worker.unref();
    ready.push(thread);
  }
  function start(): void {
    const worker = startThread(settings, {
      onStarted(thread) {
        standBy(thread);
        handOut();
      },
      onFailed(cause) {
        all.delete(worker);
        lines.drop()?.fail(new Error("cannot start a thread for expressions", { cause }));
        if (lines.waiting > 0) handOut();
      },
      onExit() {
        all.delete(worker);
        const idle = ready.findIndex((thread) => thread.worker === worker);
        if (idle !== -1) ready.splice(idle, 1);
      },
    });
    all.add(worker);
  }
  async function perform(thread: Thread, { job, finish }: Task): Promise<void> {
    const { worker } = thread;
    const line = lines.of(job);
    running += 1;
    line.running += 1;
    const { answer, isSpent } = await runJob(thread, job, deadlineMs);
    running -= 1;
    line.running -= 1;
    if (isSpent) {
      all.delete(worker);
      void worker.terminate();
    } else standBy(thread);
    finish(answer);
    handOut();
  }

  return {
    async run(job, { signal, group }) {
      signal.throwIfAborted();
      if (disposed) throw new Error("expressions are no longer evaluated");
      const { promise, resolve, reject } = Promise.withResolvers<Evaluated>();
      const task: Task = { job, finish: resolve, fail: reject };
      const { turns } = lines.of(job);
      const waiting = turns.add(group, task);
      handOut();
      try {
        return await unlessAborted(signal, promise);
      } catch (error) {
        turns.remove(waiting); // where it runs already, it does until its deadline at most, and nobody looks at what comes of it
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      disposed = true;
      for (let task = lines.drop(); task; task = lines.drop()) task.fail(new Error("expressions are no longer evaluated"));
      await Promise.all([...all].map(endThread));
    },
  };
}

interface Lines {
  readonly of: (job: Job) => Line;
  /** The task whose turn it is. The lines take turns, too. */
  next(): Task | undefined;
  /** Any task that waits, which is then to be failed. */
  drop(): Task | undefined;
  readonly waiting: number;
}

/** Long documents wait in a line of their own, and leave a thread to the others. */
function createLines(threads: number): Lines {
  const big: Line = { turns: createRoundRobin(), most: Math.max(1, threads - 1), running: 0 };
  const small: Line = { turns: createRoundRobin(), most: threads, running: 0 };
  let last = big;
  return {
    of: (job) => (job.type === "evaluate" && job.document.length > bigDocumentCharacters ? big : small),
    next() {
      const inOrder = last === small ? [big, small] : [small, big];
      const line = inOrder.find(({ turns, most, running }) => turns.size > 0 && running < most);
      if (line) last = line;
      return line?.turns.shift();
    },
    drop: () => small.turns.shift() ?? big.turns.shift(),
    get waiting() {
      return big.turns.size + small.turns.size;
    },
  };
}
