/** The workflows, as actionlint sees them; and each step that runs something runs a target of the Makefile. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { parse } from "yaml";
import { runProgram } from "../support/run-program.ts";
import { describeWith } from "./describe-with.ts";
import { clean, read, root, targets } from "./repository.ts";
import { projectTools } from "./tools.ts";

interface Workflow {
  readonly jobs: Readonly<
    Record<string, { readonly uses?: string; readonly steps?: readonly Readonly<Record<string, string>>[] }>
  >;
}
const folder = ".github/workflows";
const files = readdirSync(join(root, folder));
const steps = files.flatMap((file) =>
  Object.values((parse(read(join(folder, file))) as Workflow).jobs).flatMap((job) => job.steps ?? []),
);

test("every step that runs something runs make with one target that there is", () => {
  const run = steps.flatMap((step) => step["run"] ?? []);
  expect(run.length).toBeGreaterThan(5);
  expect(run.filter((command) => !targets().includes(/^make ([a-z-]+)$/.exec(command)?.[1] ?? ""))).toEqual([]);
});

test("every action is pinned to a commit, and says of which version", () => {
  const used = files.flatMap((file) =>
    [...read(join(folder, file)).matchAll(/uses: (?!\.\/)(.*)/g)].map(([, action = ""]) => action),
  );
  expect(used.length).toBeGreaterThan(5);
  expect(used.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action))).toEqual([]);
  const commits = new Map(used.map((action) => [action.split("@")[0], action]));
  expect(used.filter((action) => commits.get(action.split("@")[0]) !== action)).toEqual([]);
});

test("CI runs in the Node that the tests use", () => {
  expect(read(`${folder}/ci.yml`)).toContain(`image: node:${read(".nvmrc").trim()}-bookworm\n`);
});

test("a registry is named once, where it can be set", () => {
  const named = files.flatMap((file) => read(join(folder, file)).match(/.*(?:ghcr\.io|docker\.io|registry\.example).*/g) ?? []);
  expect(named).toEqual(["  REGISTRY: ${{ vars.REGISTRY || format('ghcr.io/{0}', github.repository_owner) }}"]);
});

describeWith("actionlint")("actionlint", () => {
  /** What it finds in a workflow, one line each. shellcheck and pyflakes are left out: each step is a word or two. */
  async function findings(file: string, text: string): Promise<readonly string[]> {
    const at = mkdtempSync(join(tmpdir(), "holdfast-workflows-"));
    try {
      mkdirSync(join(at, folder), { recursive: true });
      for (const other of files) writeFileSync(join(at, folder, other), other === file ? text : read(join(folder, other)));
      const args = ["-shellcheck=", "-pyflakes=", "-oneline", join(folder, file)];
      const { code, output } = await runProgram(projectTools().actionlint ?? "", args, { cwd: at, env: clean });
      if (code !== 0 && code !== 1) throw new Error(output);
      return output.split("\n").filter((line) => line !== "");
    } finally {
      rmSync(at, { recursive: true });
    }
  }

  test.each(files)("has nothing to say of %s", async (file) => {
    expect(await findings(file, read(join(folder, file)))).toEqual([]);
  });

  test.each([
    ["an event that there is not", "tags:", "tag:", "unexpected key"],
    [
      "an output of a step that there is not",
      "steps.image.outputs",
      "steps.picture.outputs",
      'property "picture" is not defined',
    ],
    ["a job that there is not", "needs: test", "needs: tests", 'job "publish" needs job "tests"'],
    ["a right that there is not", "packages: write", "packages: push", '"push" is invalid as permission'],
    ["a broken expression", "${{ github.ref_name }}", "${{ github.ref_name", "unexpected"],
  ])("would not let %s pass", async (_, part, instead, says) => {
    const text = read(`${folder}/release.yml`);
    expect(text).toContain(part);
    expect(
      (
        await findings(
          "release.yml",
          text.replace(part, () => instead),
        )
      ).join("\n"),
    ).toContain(says);
  });
});
