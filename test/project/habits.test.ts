/** What somebody new to the repository types on the first day does what CONTRIBUTING.md says. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runProgram, type Ended } from "../support/run-program.ts";
import { clean, make, read, root, targets } from "./repository.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-habits-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every make target that a page names is there, and help lists each", async () => {
  const pages = [
    "README.md",
    "CONTRIBUTING.md",
    ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md"))
      .map((file) => join("docs", file)),
  ];
  const named = pages.flatMap((page) => [...read(page).matchAll(/(?:^|`)make ([a-z][\w-]*)/gm)].map(([, target = ""]) => target));
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((target) => !targets().includes(target))).toEqual([]);
  const { output } = await make(["help"]);
  expect(targets().filter((target) => !new RegExp(`^  ${target} +\\S`, "m").test(output))).toEqual([]);
});

test("CONTRIBUTING tells of every class of tests, which make test runs", () => {
  const classes = [...read("jest.config.js").matchAll(/"([a-z]+)"(?=[,\]])/g)]
    .map(([, name = ""]) => name)
    .filter((name) => existsSync(join(root, "test", name)));
  expect(classes).toHaveLength(10);
  const [, prerequisites = ""] = /^test: (.*) ##/m.exec(read("Makefile")) ?? [];
  for (const name of classes) {
    expect(read("CONTRIBUTING.md")).toContain(`| \`test/${name}\` |`);
    expect(prerequisites.split(" ")).toContain(`test-${name}`);
  }
});

test("each decision has a number of its own, which its title has, too", () => {
  const files = readdirSync(join(root, "docs/adr"));
  const numbers = files.map((file) => Number(file.slice(0, 4)));
  expect(numbers.filter((number, position) => numbers.indexOf(number) !== position)).toEqual([]);
  for (const file of files) expect(read(join("docs/adr", file))).toMatch(new RegExp(`^# ${Number(file.slice(0, 4))}\\. `));
});

test("the Node of .nvmrc is the one that npm ci installs", () => {
  const { devDependencies } = JSON.parse(read("package.json")) as { devDependencies: { node: string } };
  expect(read(".nvmrc").trim()).toBe(devDependencies.node);
  expect(read("Dockerfile").match(/FROM node:\S+/g)).toEqual(Array(3).fill(`FROM node:${devDependencies.node}-bookworm-slim`));
});

test("make test-one runs one file, and one test of it by its name", async () => {
  const file = await make(["test-one", "T=test/unit/json.test.ts"]);
  expect(file.output).toMatch(/Test Suites: 1 passed, 1 total/);
  const one = await make(["test-one", "T=test/unit/json.test.ts", "NAME=leaves absent fields out"]);
  expect(one.output).toMatch(/Tests: +\d+ skipped, 1 passed/);
  const none = await make(["test-one"]);
  expect(none).toMatchObject({ code: 2, output: expect.stringContaining("T is missing") });
});

test("the files that the editor's configurations start are there", () => {
  const { configurations } = JSON.parse(read(".vscode/launch.json")) as {
    configurations: { program: string; runtimeExecutable: string }[];
  };
  const missing = configurations
    .flatMap(({ program, runtimeExecutable }) => [program, runtimeExecutable])
    .map((path) => path.replace("${workspaceFolder}", root))
    .filter((path) => !existsSync(path));
  expect(missing).toEqual([]);
});

test("a rule that is written twice is found", async () => {
  const rule = read("src/core/tools/duration.ts");
  for (const name of ["one", "two"]) {
    mkdirSync(join(folder, "repeats/src", name), { recursive: true });
    writeFileSync(join(folder, "repeats/src", name, "duration.ts"), rule);
  }
  const found = await runProgram(
    join(root, "node_modules/.bin/jscpd"),
    ["--config", join(root, ".jscpd.json"), join(folder, "repeats/src")],
    { cwd: folder },
  );
  expect(found).toMatchObject({ code: 1, output: expect.stringContaining("Clone found (typescript)") });
});

describe("the pre-commit hook", () => {
  let checkout: string;
  const git = (...args: readonly string[]): Promise<Ended> =>
    runProgram("git", ["-c", "user.name=a", "-c", "user.email=a@b.example", ...args], { cwd: checkout, env: clean });
  async function commit(file: string, text: string): Promise<Ended> {
    mkdirSync(join(checkout, file, ".."), { recursive: true });
    writeFileSync(join(checkout, file), text);
    await git("add", file);
    return git("commit", "-m", file);
  }
  beforeAll(async () => {
    checkout = join(folder, "checkout");
    mkdirSync(checkout);
    for (const file of [
      ".prettierrc.json",
      ".prettierignore",
      ".oxlintrc.json",
      ".gitignore",
      "Makefile",
      "tools/hooks/pre-commit",
    ])
      cpSync(join(root, file), join(checkout, file));
    symlinkSync(join(root, "node_modules"), join(checkout, "node_modules"));
    await git("init", "-q");
    await git("add", ".");
    await git("commit", "-q", "-m", "Begin");
    await runProgram("make", ["hooks"], { cwd: checkout, env: clean });
  });

  test("lets pass what is formatted and without fault", async () => {
    expect(await commit("src/good.ts", "export const good = 1;\n")).toMatchObject({ code: 0 });
  });

  test.each([
    ["is not formatted", "src/bad.ts", "export const bad   = 1\n", "make format"],
    ["has a fault", "src/fault.ts", "debugger;\n", "no-debugger"],
  ])(
    "refuses what %s",
    async (_, file, text, says) => {
      expect(await commit(file, text)).toMatchObject({ code: 1, output: expect.stringContaining(says) });
      await git("rm", "-q", "--cached", file);
      rmSync(join(checkout, file));
    },
    180_000,
  );

  test("looks at what is staged, not at what stands beside it", async () => {
    writeFileSync(join(checkout, "src/later.ts"), "export const later   = 1\n");
    expect(await commit("src/now.ts", "export const now = 1;\n")).toMatchObject({ code: 0 });
    writeFileSync(join(checkout, "src/now.ts"), "export const now   = 2;\n");
    await git("add", "src/now.ts");
    writeFileSync(join(checkout, "src/now.ts"), "export const now = 2;\n");
    expect(await git("commit", "-m", "Now")).toMatchObject({ code: 1 });
  });

  test("leaves generated files and names with spaces alone", async () => {
    await git("reset", "-q", "--hard");
    expect(await commit("crds/made.yaml", "a:   {b:  1}\n")).toMatchObject({ code: 0 });
    expect(await commit("src/a name.ts", "export const a   = 1\n")).toMatchObject({ code: 1 });
  });
});
