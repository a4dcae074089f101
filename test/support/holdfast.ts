/** Runs a command of holdfast to its end, as a user would, and gives what it printed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const root = join(import.meta.dirname, "../..");

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
export interface Running {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** What it has printed to stderr. */
  saidSoFar(): string;
  readonly ended: Promise<Ended>;
}

export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(join(root, "node_modules/.bin/node"), [join(root, "src/main.ts"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]).then(([stdout, stderr]) => ({
    code: child.exitCode ?? -1,
    stdout,
    stderr,
  }));
  return { pid: child.pid ?? 0, kill: (signal) => void child.kill(signal), saidSoFar: () => said, ended };
}

/** Ends with the test, however that ends. */
export function ending(running: Running): Running & AsyncDisposable {
  return {
    ...running,
    async [Symbol.asyncDispose]() {
      running.kill("SIGKILL");
      await running.ended;
    },
  };
}

export function holdfast(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> {
  return start(args, env).ended;
}
