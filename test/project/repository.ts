/** The repository's own files and targets. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { runProgram, type Ended } from "../support/run-program.ts";

export const root = resolve(import.meta.dirname, "../..");
export const read = (file: string): string => readFileSync(join(root, file), "utf8");
/** The environment without what this run of jest, or the make around it, says to its children. */
export const clean: Readonly<Record<string, string | undefined>> = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(JEST_|npm_|MAKE|MFLAGS|GIT_|NODE_OPTIONS)/.test(name)),
);
export const targets = (): readonly string[] => [...read("Makefile").matchAll(/^([a-z][\w-]*):/gm)].map(([, name = ""]) => name);
export const make = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  runProgram("make", args, { cwd: root, env: { ...clean, ...env } });
