/** However a program ends, what it has logged in that turn of the event loop is there. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

const program = join(import.meta.dirname, "../support/logging.ts");

test.each([
  ["ends", "return", ["info 0", "info 1", "info 2"]],
  ["exits in that turn", "exit", ["info 0", "info 1", "info 2"]],
  ["is killed in it, after a warning", "warn", ["info 0", "info 1", "info 2", "warn 3"]],
  ["crashes in it", "throw", ["info 0", "info 1", "info 2", "crashed"]],
])("a program that logs and %s has written all of it, in order", (_, way, said) => {
  const { stderr } = spawnSync(process.execPath, [program, way], { encoding: "utf8", timeout: 120_000 });
  const messages = stderr
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { readonly message: string }).message);
  expect(messages).toEqual(said);
});
