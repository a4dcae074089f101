/** What others' tools make of an object: kstatus, a Lua script as Argo CD runs it, and a health expression as Flux evaluates it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

export type Question =
  /** kstatus. */
  | { readonly object: object }
  | { readonly object: object; readonly lua: string }
  | { readonly object: object; readonly cel: string };

/** One answer each, as JSON; `{error}` where there is none. `program`: that of test/gitops. */
export async function ask(program: string, questions: readonly Question[]): Promise<readonly Record<string, unknown>[]> {
  const child = spawn(program, { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(JSON.stringify(questions));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  if (child.exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>[];
}
