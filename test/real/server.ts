/** Starts a server that nobody here wrote, on loopback, in a folder of its own. What it keeps and what it logs is the oracle. */
import { readFileSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startChild } from "../support/child-process.ts";

/** The environment variable by which jest's workers learn where the packages are. */
export const programsVariable = "HOLDFAST_TEST_REAL_PROGRAMS";

/** A path below the packages' folder: `usr/sbin/nginx`. */
export function unpacked(path: string): string {
  const folder = process.env[programsVariable];
  if (folder === undefined) throw new Error("this jest project has no globalSetup that unpacks the servers");
  return join(folder, path);
}

export interface RealServer extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  /** Lines of a file in its folder: its access log. */
  lines(file: string): Promise<readonly string[]>;
}
interface Started {
  readonly program: string;
  readonly args: readonly string[];
  readonly url: string;
  /** Whatever it answers there says that it is up; 000 is no answer. `isUp`: what does. */
  readonly isUp?: (response: Response) => boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** `prepare` writes what it needs into the folder, and says how it is started. */
export async function startServer(name: string, prepare: (folder: string) => Promise<Started>): Promise<RealServer> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), `holdfast-${name}-`));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755); // some give up root's rights, and read it still
  const { program, args, url, isUp = () => true, headers = {}, env = {} } = await prepare(folder);
  const variables = { LD_LIBRARY_PATH: readFileSync(unpacked("libraries"), "utf8").trim(), ...env };
  const assignments = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
  const log = join(folder, "output");
  const child = started.use(await startChild("/usr/bin/env", [...assignments, program, ...args], log));
  for (const giveUpMs = performance.now() + 90_000; ; await sleep(100)) {
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer && isUp(answer)) break;
    if (child.ended || performance.now() > giveUpMs)
      throw new Error(`${name} does not answer: ${(await readFile(log, "utf8")).slice(-2_000)}`);
  }
  const resources = started.move();
  return {
    url,
    folder,
    lines: async (file) => (await readFile(join(folder, file), "utf8")).split("\n").filter((line) => line !== ""),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
