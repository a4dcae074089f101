/** How the image starts Holdfast, so that tests start it under the same restrictions. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The Dockerfile's entry point: `node`, its flags, and the program's path in the image. */
export function entryPoint(): readonly string[] {
  const dockerfile = readFileSync(join(import.meta.dirname, "../../Dockerfile"), "utf8");
  return JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? "[]") as string[];
}

/** Node's flags in it. */
export const nodeFlags: readonly string[] = entryPoint().filter((argument) => argument.startsWith("--"));

/** Those that say how large its heap gets. */
export const heapFlags: readonly string[] = nodeFlags.filter((flag) => /^--(max|initial|heap)-/.test(flag));
