/** What the image's entry point takes from the process, seen on the Node that the image has. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { nodeFlags } from "../support/image.ts";

const node = join(import.meta.dirname, "../../node_modules/.bin/node");
const folder = mkdtempSync(join(tmpdir(), "holdfast-image-"));

afterAll(() => rmSync(folder, { recursive: true }));

const attempts = {
  "start a process": ["require('node:child_process').execFileSync('true')", "ERR_ACCESS_DENIED"],
  "write a file": [`require('node:fs').writeFileSync(${JSON.stringify(join(folder, "f"))}, '')`, "ERR_ACCESS_DENIED"],
  "open the inspector": ["new (require('node:inspector').Session)().connect()", "ERR_ACCESS_DENIED"],
  "compile text": ["new Function('return 1')()", "Code generation from strings disallowed"],
} as const;

test.each(Object.entries(attempts))("the process of the image cannot %s", (_, [program, refusal]) => {
  expect(spawnSync(node, ["-e", program]).status).toBe(0);
  const { status, stderr } = spawnSync(node, [...nodeFlags, "-e", program], { encoding: "utf8" });
  expect(status).not.toBe(0);
  expect(stderr).toContain(refusal);
});
