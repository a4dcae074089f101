/** Child processes of tests. Invariant: a child never outlives the process that started it, however that one ends. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import type { Socket } from "node:net";

export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Whether it has ended by itself or by `stop`. */
  readonly ended: boolean;
  /** Sends the signal and waits for the end; after `graceMs` milliseconds it is killed. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<void>;
}

/** Starts a program whose output goes to the file `log`. Throws when it cannot be started. */
export async function startChild(program: string, args: readonly string[], log: string): Promise<Child> {
  const output = openSync(log, "a");
  const child = spawn(program, args, { stdio: ["ignore", output, output] });
  closeSync(output);
  const exited = once(child, "exit").catch(() => undefined);
  await once(child, "spawn");
  const watchdog = afterOwnEnd('kill -9 "$1"', String(child.pid));
  const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
  async function stop(signal: NodeJS.Signals = "SIGTERM", graceMs = 5_000): Promise<void> {
    if (!ended()) {
      child.kill(signal);
      const killing = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await exited;
      clearTimeout(killing);
    }
    watchdog.kill("SIGKILL");
  }
  return {
    pid: child.pid ?? 0,
    get ended() {
      return ended();
    },
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
}

/** Runs a shell script, with its arguments as $1 and so on, once this process has ended in whatever way; undone by a kill. */
export function afterOwnEnd(script: string, ...args: readonly string[]): ChildProcess {
  const watchdog = spawn("sh", ["-c", `read _; ${script}`, "watchdog", ...args], {
    stdio: ["pipe", "ignore", "ignore"], // its standard input closes even when this process is killed
    detached: true,
  });
  watchdog.unref();
  (watchdog.stdin as Socket | null)?.unref();
  return watchdog;
}
