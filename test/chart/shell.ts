/**
 * The commands of a document, run as they are printed: in a checkout, by an administrator who has kubectl, Helm, holdfast
 * and jq on the PATH.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterOwnEnd } from "../support/child-process.ts";
import type { ControlPlane } from "../support/control-plane.ts";
import { chartTools } from "./tools.ts";

const root = join(import.meta.dirname, "../..");

/** The blocks of a Markdown file below a heading, to the next one, that have no language: commands. */
export function commandsUnder(file: string, heading: string): readonly string[] {
  const sections = readFileSync(join(root, file), "utf8").split(/^#+ /m);
  const section = sections.find((one) => one.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`${file} has no heading ${heading}`);
  const blocks = [...section.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)];
  return blocks.filter(([, language]) => language === "").map(([, , block = ""]) => block);
}

export interface Shell extends AsyncDisposable {
  /** Where they run, and what they write goes. */
  readonly folder: string;
  /** Returns what they print. What they leave in the background runs on. Throws what they complain of, after 150 s at the latest. */
  run(commands: string): Promise<string>;
}

/** `env`: besides what a user's has. */
export async function createShell(plane: ControlPlane, env: Readonly<Record<string, string>> = {}): Promise<Shell> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-shell-"));
  const [programs, checkout] = [join(home, "bin"), join(home, "checkout")];
  for (const folder of [programs, checkout, join(home, ".kube")]) await mkdir(folder);
  for (const file of await readdir(root)) await symlink(join(root, file), join(checkout, file));
  const scripts = {
    kubectl: `exec ${join(plane.address.binaries, "kubectl")} "$@"`,
    helm: `exec ${chartTools().helm} "$@"`,
    holdfast: `exec ${join(root, "bin/holdfast")} "$@"`,
    jq: `exec ${join(root, "node_modules/.bin/node")} ${join(import.meta.dirname, "jq.ts")} "$@"`,
  };
  for (const [name, script] of Object.entries(scripts))
    await writeFile(join(programs, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  await symlink(plane.kubeconfigs.admin, join(home, ".kube/config"));
  const running = new AsyncDisposableStack();
  running.defer(() => rm(home, { recursive: true, force: true }));

  async function run(commands: string): Promise<string> {
    const { KUBECONFIG: _, ...own } = process.env;
    const child = spawn("bash", ["-euo", "pipefail", "-c", commands], {
      cwd: checkout,
      detached: true, // a process group, so that what is left in the background can be ended
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...own, HOME: home, PATH: `${programs}:${own["PATH"]}`, ...env },
    });
    const end = (signal: NodeJS.Signals): void => {
      try {
        process.kill(-(child.pid ?? 0), signal);
      } catch {
        // it has ended
      }
    };
    const watchdog = afterOwnEnd('kill -9 -- "-$1"', String(child.pid));
    running.defer(() => {
      end("SIGKILL");
      watchdog.kill("SIGKILL");
    });
    let [printed, complaints] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (printed += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
    const timer = setTimeout(() => end("SIGKILL"), 150_000);
    const [code] = (await once(child, "exit")) as [number | null];
    clearTimeout(timer);
    if (code !== 0) throw new Error(`${commands}\nended with ${code}:\n${printed}${complaints}`);
    return printed;
  }
  return { folder: checkout, run, [Symbol.asyncDispose]: () => running.disposeAsync() };
}
