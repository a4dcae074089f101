/** The Dockerfile, as hadolint sees it: https://github.com/hadolint/hadolint#rules */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "@jest/globals";
import { describeWithHadolint } from "./helm.ts";
import { chartTools } from "./tools.ts";

const root = join(import.meta.dirname, "../..");

/** What each finding is, the least severe among them; nobody's settings and no comment in the file change that. */
async function findings(dockerfile: string): Promise<readonly string[]> {
  const args = ["--format=json", "--disable-ignore-pragma", "--trusted-registry=docker.io", "-"];
  const child = spawn(chartTools().hadolint ?? "", args, { cwd: join(root, "test"), env: {} });
  child.stdin.end(dockerfile);
  const [found, complaint] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  if (complaint !== "") throw new Error(complaint);
  return (JSON.parse(found) as { code: string; line: number; message: string }[]).map(
    ({ code, line, message }) => `${code} in line ${line}: ${message}`,
  );
}

describeWithHadolint("the Dockerfile", () => {
  test("has nothing that its linter finds fault with", async () => {
    expect(await findings(await readFile(join(root, "Dockerfile"), "utf8"))).toEqual([]);
  });

  test.each([
    ["an image of any version", /^(FROM node):\S+/m, "$1", "DL3006"],
    ["a folder that depends on the one before", "WORKDIR /app", "WORKDIR app", "DL3000"],
    ["root in the end", "USER 65532:65532", "USER root", "DL3002"],
    ["a registry that is nobody's", "FROM node:", "FROM registry.example.com/node:", "DL3026"],
    ["what is broken, and says that it may be", "WORKDIR /app", "# hadolint ignore=DL3000\nWORKDIR app", "DL3000"],
  ])(
    "would not pass with %s",
    async (_, part, instead, code) => {
      const dockerfile = (await readFile(join(root, "Dockerfile"), "utf8")).replace(part, instead);
      expect(await findings(dockerfile)).toContainEqual(expect.stringContaining(`${code} in line`));
    },
    180_000,
  );
});
