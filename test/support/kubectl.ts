/** Runs kubectl as the administrator of a test's control plane. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
export interface KubectlSettings {
  readonly program: string;
  readonly kubeconfig: string;
  /** Where kubectl keeps what it discovered: each control plane has its own. */
  readonly cacheFolder: string;
}

/** `input` is kubectl's standard input. Never throws for what kubectl says: see `code`. */
export async function runKubectl(settings: KubectlSettings, args: readonly string[], input = ""): Promise<KubectlResult> {
  const { program, kubeconfig, cacheFolder } = settings;
  const child = spawn(program, ["--kubeconfig", kubeconfig, "--cache-dir", cacheFolder, ...args], { stdio: "pipe" });
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode ?? -1, stdout, stderr };
}
