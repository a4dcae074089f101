/** Commands whose reader has seen enough. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { startDemoOrigin } from "../support/demo-origin.ts";

const run = promisify(execFile);
const main = `"${join(import.meta.dirname, "../../node_modules/.bin/node")}" "${join(import.meta.dirname, "../../src/main.ts")}"`;

/** What is printed by `holdfast ARGS | head -1`, and holdfast's exit code. */
async function headOf(args: string, { all = false } = {}) {
  const both = all ? "2>&1" : "";
  const script = `${main} ${args} ${both} | head -1; echo "exit \${PIPESTATUS[0]}"`;
  return run("bash", ["-c", script], { maxBuffer: 1 << 24, timeout: 120_000 });
}
async function manifests(count: number, url: string) {
  const path = await mkdtemp(join(tmpdir(), "holdfast-pipe-"));
  const one = (index: number): string =>
    `apiVersion: holdfast.dev/v1alpha1\nkind: HTTPRequest\nmetadata: {name: r${index}}\nspec: {url: "${url}/${"x".repeat(1000)}"}\n`;
  await writeFile(join(path, "all.yaml"), Array.from({ length: count }, (_, index) => one(index)).join("---\n"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test.each([false, true])("end quietly, and as they would have (stderr too: %s)", async (all) => {
  await using folder = await manifests(200, "http://127.0.0.1:1");
  expect(await headOf(`render -f "${folder.path}"`, { all })).toEqual({ stdout: "---\nexit 0\n", stderr: "" });
  expect(await headOf("crds", { all })).toEqual({ stdout: "apiVersion: apiextensions.k8s.io/v1\nexit 0\n", stderr: "" });
});

test("run ends, too, and drains first", async () => {
  await using origin = await startDemoOrigin(0);
  await using folder = await manifests(200, `http://127.0.0.1:${origin.port}`);
  const { stdout, stderr } = await headOf(`run -f "${folder.path}" --log-level error`);
  expect(stdout).toMatch(/^default\/r\d+ .*\nexit 0\n$/);
  expect(stderr).toBe("");
});
