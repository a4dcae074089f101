/** The command line, as a user meets it. */
import { execFile } from "node:child_process";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { parseAllDocuments } from "yaml";
import { definitions } from "../../src/api/definitions.ts";
import { holdfast } from "../support/holdfast.ts";
import { loopbackServer } from "../support/loopback.ts";
import { temporaryFolder } from "../support/standalone-store.ts";

const examples = join(import.meta.dirname, "../../examples");

describe("a mistake on the command line is one line on stderr and exit code 2", () => {
  test.each<[string, string[], Record<string, string>, string]>([
    ["no command that exists", ["controler"], {}, "unknown command 'controler'"],
    ["no flag that exists", ["controller", "--kubeconfg", "x"], {}, "--kubeconfg"],
    ["a wrong number", ["controller", "--concurrency", "0"], {}, "whole number from 1 to 1000"],
    ["a wrong duration", ["controller", "--shutdown-timeout", "3 days"], {}, "30s, 1m30s or 500ms"],
    ["a duration that no timer can count", ["controller", "--shutdown-timeout", "600h"], {}, "of 24 days at most"],
    ["a wrong address", ["controller", "--metrics-address", "8080"], {}, "HOST:PORT or :PORT"],
    ["a wrong choice", ["controller", "--log-level", "loud"], {}, "error, warn, info, debug"],
    ["a wrong value in the environment", ["controller"], { HOLDFAST_CONCURRENCY: "many" }, "HOLDFAST_CONCURRENCY"],
    ["a variable that neither sets a switch nor does not", ["run", "-f", "x"], { HOLDFAST_ONCE: "no" }, "HOLDFAST_ONCE"],
    ["a switch that its variable does not set", ["orphan"], { HOLDFAST_ALL: "false" }, "give --all or --namespace NAME"],
    ["a switch whose variable is empty", ["orphan"], { HOLDFAST_ALL: "" }, "give --all or --namespace NAME"],
    ["a flag without its value", ["run", "--once", "-f"], {}, "--file"],
    ["a missing flag", ["run"], {}, "--file"],
    ["a misspelt flag beside one that is missing", ["run", "--oncee"], {}, "unknown option '--oncee' (Did you mean --once?)"],
    ["a file without its flag", ["render", "a.yaml"], {}, "a.yaml needs a flag before it: -f a.yaml"],
    ["too many arguments", ["version", "2"], {}, "too many arguments"],
    ["a flag that lacks another", ["controller", "--serve-provider-http", "all"], {}, "needs --provider-http-lease"],
  ])("%s", async (_name, args, env, message) => {
    const { code, stdout, stderr } = await holdfast(args, env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).toContain(message);
  });
});

describe("what cannot be used is one line on stderr and exit code 1", () => {
  test.each<[string, string[], string]>([
    [
      "a kubeconfig that is not there",
      ["controller", "--kubeconfig", "/nowhere/config"],
      "/nowhere/config cannot be read: ENOENT",
    ],
    [
      "a kubeconfig whose server is no URL",
      ["controller", "--kubeconfig", join(import.meta.dirname, "../support/no-server.kubeconfig")],
      "no-server.kubeconfig names a server that is no URL",
    ],
    ["a folder without manifests", ["run", "--once", "-f", "/nowhere"], "/nowhere: no such file or folder"],
    [
      "a state file in a folder that is not there",
      ["run", "--once", "-f", examples, "--data", "/nowhere/state.db"],
      "/nowhere/state.db",
    ],
    ["an address that is in use", ["run", "--once", "-f", examples, "--metrics-address", "256.0.0.1:0"], "256.0.0.1"],
  ])("%s", async (_name, args, message) => {
    const { code, stderr } = await holdfast(args);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });
});

test("--help lists every flag with its variable, and exits 0", async () => {
  const { code, stdout } = await holdfast(["controller", "--help"]);
  expect(code).toBe(0);
  for (const flag of ["kubeconfig", "namespace", "concurrency", "metrics-address", "health-address", "log-level", "log-format"]) {
    expect(stdout).toContain(`--${flag}`);
    expect(stdout).toContain(`HOLDFAST_${flag.replaceAll("-", "_").toUpperCase()}`);
  }
});

test("crds prints a CustomResourceDefinition for each kind", async () => {
  const { code, stdout } = await holdfast(["crds"]);
  const documents = parseAllDocuments(stdout).map(
    (document) => document.toJS() as { kind: string; spec: { names: { kind: string } } },
  );
  expect(code).toBe(0);
  expect(documents.map(({ kind, spec }) => [kind, spec.names.kind])).toEqual(
    definitions.map(({ kind }) => ["CustomResourceDefinition", kind]),
  );
});

test.each(["version", "--version", "-v"])("%s prints the version", async (argument) => {
  const { code, stdout } = await holdfast([argument]);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
});

test("an address that is in use names the flag that has it", async () => {
  await using taken = await loopbackServer((_request, response) => response.end());
  const address = new URL(taken.url).host;
  await using folder = await temporaryFolder();
  const file = await folder.write("a.yaml", "");
  const { code, stderr } = await holdfast(["run", "--once", "-f", file, "--metrics-address", address]);
  expect(code).toBe(1);
  expect(stderr).toContain(`--metrics-address ${address}: another process listens there already`);
});

test("a checkout without its Node and packages says what to run", async () => {
  await using folder = await temporaryFolder();
  const { path } = folder;
  await mkdir(join(path, "bin"));
  await copyFile(join(import.meta.dirname, "../../bin/holdfast"), join(path, "bin/holdfast"));
  const run = promisify(execFile)(join(path, "bin/holdfast"), ["version"], { env: { PATH: process.env["PATH"] } });
  await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/needs Node 24[^]*make -C \S+ install\n$/) });
});
