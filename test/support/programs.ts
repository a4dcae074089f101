/** Programs that tests need and this repository does not bring along: found, or fetched once, by the `ensure.sh` of each. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** What the script below `test/` prints. Throws where it cannot be had. */
export async function pathFrom(script: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(join(import.meta.dirname, "..", script), args);
  return stdout.trim();
}

/** Undefined where it cannot be had, but for CI, where that is an error. */
export async function optional(program: string, script: string, ...args: readonly string[]): Promise<string | undefined> {
  try {
    return await pathFrom(script, ...args);
  } catch (error) {
    if (process.env["CI"] === "true") throw error;
    console.warn(`SKIPPED: every test that needs ${program}. ${Error.isError(error) ? error.message : ""}`);
    return undefined;
  }
}

/** As `optional`, for a program of a Debian package. */
export const debianProgram = (name: string, program: string): Promise<string | undefined> =>
  optional(program, "debian/ensure.sh", name, program);
export const chromium = (): Promise<string | undefined> => debianProgram("chromium-headless-shell", "chromium-headless-shell");
