/** `holdfast run` while its files change: Secrets that are rotated, and Namespaces that get labels. The origin counts. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { stringify } from "yaml";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { until } from "../support/fault-world.ts";
import { ending, holdfast, start } from "../support/holdfast.ts";
import { temporaryFolder } from "../support/standalone-store.ts";

const apiVersion = "holdfast.dev/v1alpha1";
const manifests = (...objects: readonly object[]): string => objects.map((one) => stringify(one)).join("---\n");
const secret = (name: string, token: string): string =>
  manifests({ apiVersion: "v1", kind: "Secret", metadata: { name }, stringData: { token } });

const withToken = (name: string): object => ({
  headers: [{ name: "Authorization", value: "Bearer ${ .inputs.token }" }],
  inputs: { token: { secretKeyRef: { name, key: "token" } } },
});
const tokensAt = ({ requests }: FaultOrigin, path: string): unknown =>
  requests.filter((request) => request.path === path).map(({ headers }) => headers.authorization);

test("wish 12: a Secret whose manifest is rewritten wakes what uses it, at once, and sends no request again", async () => {
  await using folder = await temporaryFolder();
  await using origin = await startFaultOrigin();
  const { headers, inputs } = withToken("rotating") as { headers: object; inputs: object };
  const url = (path: string): string => `${origin.url}/${path}`;
  await folder.write(
    "all.yaml",
    manifests(
      {
        apiVersion,
        kind: "HTTPRequest",
        metadata: { name: "once" },
        spec: { url: url("once"), method: "POST", headers, inputs },
      },
      {
        apiVersion,
        kind: "HTTPRequest",
        metadata: { name: "counts" },
        spec: { url: url("counts"), method: "POST", headers, inputs, rerunOn: { inputs: ["*"] } },
      },
      {
        apiVersion,
        kind: "HTTPResource",
        metadata: { name: "observed" },
        spec: { observe: { url: url("observed"), headers }, interval: "1h", inputs },
      },
      { apiVersion, kind: "HTTPRequest", metadata: { name: "late" }, spec: { url: url("late"), ...withToken("late") } },
    ),
  );
  await folder.write("secret.yaml", secret("rotating", "first"));
  await using running = ending(start(["run", "-f", folder.path]));
  await until("all that can be is sent", () => ["/once", "/counts", "/observed"].every((path) => origin.count(path) === 1));
  await folder.write("secret.yaml", secret("rotating", "second"));
  await until("it is used", () => origin.count("/counts") === 2 && origin.count("/observed") === 2);
  await folder.write("late.yaml", secret("late", "here"));
  await until("what waited is sent", () => origin.count("/late") === 1);
  await sleep(500);
  expect(tokensAt(origin, "/once")).toEqual(["Bearer first"]);
  for (const path of ["/counts", "/observed"]) expect(tokensAt(origin, path)).toEqual(["Bearer first", "Bearer second"]);
  expect(tokensAt(origin, "/late")).toEqual(["Bearer here"]);
  running.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
});

test("wish 13: an admin's endpoint serves the namespaces whose manifests have its label", async () => {
  await using folder = await temporaryFolder();
  await using origin = await startFaultOrigin();
  const endpoint = {
    apiVersion,
    kind: "ClusterHTTPEndpoint",
    metadata: { name: "crm" },
    spec: { baseURL: `${origin.url}/crm`, allowedNamespaces: { from: "Selector", selector: { matchLabels: { crm: "open" } } } },
  };
  const endpointRef = { kind: "ClusterHTTPEndpoint", name: "crm" };
  const request = {
    apiVersion,
    kind: "HTTPRequest",
    metadata: { name: "ask", namespace: "sales" },
    spec: { endpointRef, path: "/a" },
  };
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "sales", labels: { crm: "open" } } };
  const without = await folder.write("without.yaml", manifests(endpoint, request));
  const { code, stderr } = await holdfast(["render", "-f", without]);
  expect([code, stderr]).toEqual([1, expect.stringContaining('ClusterHTTPEndpoint "crm" is not for requests of this namespace')]);
  const all = await folder.write("with.yaml", manifests(endpoint, request, namespace));
  expect((await holdfast(["run", "--once", "-f", all])).code).toBe(0);
  expect((await holdfast(["render", "-f", all])).code).toBe(0);
  expect(origin.count("/crm/a")).toBe(1);
});

test("what is declared anew while the state cannot be written is sent once it can", async () => {
  await using folder = await temporaryFolder();
  await using origin = await startFaultOrigin();
  const named = (name: string): string =>
    manifests({ apiVersion, kind: "HTTPRequest", metadata: { name }, spec: { url: `${origin.url}/${name}` } });
  await folder.write("first.yaml", named("first"));
  await using others = await temporaryFolder();
  const data = join(others.path, "state");
  await using running = ending(start(["run", "-f", folder.path, "--data", data]));
  await until("it is sent", () => origin.count("/first") === 1);
  const another = new DatabaseSync(data, { timeout: 10_000 });
  try {
    another.exec("BEGIN IMMEDIATE");
    await folder.write("second.yaml", named("second"));
    await until("it says so", () => running.saidSoFar().includes("once the state can be written"));
    expect(origin.count("/second")).toBe(0);
  } finally {
    another.close();
  }
  await until("it is sent", () => origin.count("/second") === 1);
  running.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
});

test("what was declared, or was not, only while the state could not be written is neither sent nor deleted once it can", async () => {
  await using folder = await temporaryFolder();
  await using origin = await startFaultOrigin();
  const url = (name: string): string => `${origin.url}/${name}`;
  const named = (name: string): string =>
    manifests({ apiVersion, kind: "HTTPRequest", metadata: { name }, spec: { url: url(name) } });
  const spec = { create: { url: url("made"), method: "PUT" }, delete: { url: url("made") } };
  const made = manifests({ apiVersion, kind: "HTTPResource", metadata: { name: "made" }, spec });
  const file = await folder.write("made.yaml", made);
  await folder.write("first.yaml", named("first"));
  await using others = await temporaryFolder();
  const data = join(others.path, "state");
  await using running = ending(start(["run", "-f", folder.path, "--data", data]));
  await until("they are sent", () => origin.count("/first") === 1 && origin.count("/made") === 1);
  const another = new DatabaseSync(data, { timeout: 10_000 });
  try {
    another.exec("BEGIN IMMEDIATE");
    await rm(file);
    const second = await folder.write("second.yaml", named("second"));
    await until("it says so", () => running.saidSoFar().includes("once the state can be written"));
    await folder.write("made.yaml", made);
    await rm(second);
    await folder.write("third.yaml", "a: b: c");
    await until("it has looked again", () => running.saidSoFar().includes("a manifest is wrong"));
  } finally {
    another.close();
  }
  await folder.write("third.yaml", named("third"));
  await until("it is sent", () => origin.count("/third") === 1);
  expect(["/second", "/made"].map((path) => origin.count(path))).toEqual([0, 1]);
  running.kill("SIGTERM");
  expect((await running.ended).code).toBe(0);
});

test("what comes through a pipe is read once, and stands until the end", async () => {
  await using folder = await temporaryFolder();
  await using origin = await startFaultOrigin();
  const spec = { url: `${origin.url}/tick`, schedule: { every: "1s" } };
  const file = await folder.write("all.yaml", manifests({ apiVersion, kind: "HTTPRequest", metadata: { name: "tick" }, spec }));
  const root = join(import.meta.dirname, "../..");
  const command = 'cat "$1" | "$2/node_modules/.bin/node" "$2/src/main.ts" run -f /dev/stdin 2>&1';
  const shell = spawn("sh", ["-c", command, "sh", file, root], { detached: true, stdio: ["ignore", "pipe", "ignore"] });
  const output: string[] = [];
  shell.stdout.setEncoding("utf8").on("data", (text: string) => output.push(text));
  const ended = once(shell, "close");
  const kill = (signal: NodeJS.Signals): boolean => process.kill(-(shell.pid ?? 0), signal); // the shell's own group
  try {
    await until("it goes on", () => origin.count("/tick") > 3);
    kill("SIGTERM");
    await ended;
    expect(output.join("")).toContain("what is no file is read once");
  } finally {
    if (shell.exitCode === null && shell.signalCode === null) kill("SIGKILL");
  }
});
