/**
 * Requests a second, CPU time and connections of several HTTP clients against one server, as a Markdown table. Server and client
 * are a process each. The clients take turns, three times, and the fastest turn of each counts: what else the machine does
 * makes a turn slower, and never faster.
 *
 * Then an exchange with 50 in flight beside bare undici over as many connections, in turns in one process (pair.ts).
 *
 * Usage: make bench-http HTTP="[requests] [part of names]"     (default 10000, after twice as many to warm up; a client for each
 * request sends a fifth; and all clients). `HTTP=pairs`: the pairs alone.
 */
import { execFile, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { createAuthority } from "../../test/support/certificates.ts";
import { contenders } from "./contenders.ts";

const onlyPairs = process.argv[2] === "pairs";
const requests = Number(process.argv[2] ?? 10_000);
const rounds = 3;
const goClient = "Go net/http, one shared client";

interface Figures {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
  readonly accepted: number;
}

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
using authority = createAuthority("Bench");
const caFile = join(folder, "ca.pem");
writeFileSync(caFile, authority.ca);
const goProgram = onlyPairs ? undefined : await buildGo();
const origin = fork(new URL("origin.ts", import.meta.url), {
  env: { ...process.env, ORIGIN_TLS: JSON.stringify(authority.issue("IP:127.0.0.1")) },
});
const [{ ports }] = (await once(origin, "message")) as [{ ports: Readonly<Record<string, number>> }];

const bareName = "undici, one shared Agent";
const part = process.argv[3] ?? "";
const all = [...Object.keys(contenders), ...(goProgram === undefined ? [] : [goClient])].filter(
  (name) => name === bareName || name.includes(part),
);
if (!onlyPairs) await compareClients();
await comparePairs();
origin.disconnect();
rmSync(folder, { recursive: true });

async function compareClients(): Promise<void> {
  process.stdout.write("| client | scheme | in flight | requests/s | of bare undici | CPU a request | connections |\n");
  process.stdout.write("| --- | --- | --: | --: | --: | --: | --: |\n");
  for (const scheme of ["http", "https"]) {
    for (const inFlight of [1, 50]) {
      const names = all.filter((name) => !name.includes("50 connections") || inFlight === 50);
      const figures = new Map<string, Figures[]>(names.map((name) => [name, []]));
      for (let round = 0; round < rounds; round += 1)
        for (const [name, list] of figures) list.push(await measure(name, scheme, inFlight));
      const bare = fastest(figures.get(bareName) ?? []).perSecond;
      for (const [name, list] of figures) {
        const { perSecond, cpuMicroseconds, accepted } = fastest(list);
        const cells = [
          name,
          scheme,
          inFlight,
          Math.round(perSecond).toLocaleString("en"),
          `${Math.round((100 * perSecond) / bare)} %`,
          `${Math.round(cpuMicroseconds)} µs`,
          accepted.toLocaleString("en"),
        ];
        process.stdout.write(`| ${cells.join(" | ")} |\n`);
      }
    }
  }
}

async function comparePairs(): Promise<void> {
  process.stdout.write("\n| scheme | in flight | connections | bare undici, CPU | Holdfast, CPU | of bare undici |\n");
  process.stdout.write("| --- | --: | --: | --: | --: | --: |\n");
  for (const scheme of ["http", "https"])
    for (const [inFlight, connections] of [
      [50, 50],
      [50, 6],
      [1, 1],
    ]) {
      const target = [`${scheme}://127.0.0.1:${ports[scheme]}/`, caFile, String(inFlight), String(connections)];
      const pair = await outputOf(process.execPath, [new URL("pair.ts", import.meta.url).pathname, ...target], process.env);
      const { bare, own } = JSON.parse(pair) as { readonly bare: number; readonly own: number };
      const figures = [`${bare.toFixed(1)} µs`, `${own.toFixed(1)} µs`, `${Math.round((100 * bare) / own)} %`];
      process.stdout.write(`| ${[scheme, inFlight, connections, ...figures].join(" | ")} |\n`);
    }
}

async function measure(name: string, scheme: string, inFlight: number): Promise<Figures> {
  // A client for each request leaves a port in TIME_WAIT for each: fewer of them, or the ports run out.
  const isForEach = name.startsWith("undici, an Agent for each");
  const [count, warmUp] = isForEach ? [requests / 5, requests / 5] : [requests, 2 * requests];
  const target = [`${scheme}://127.0.0.1:${ports[scheme]}/`, caFile, String(inFlight), String(count), String(warmUp)];
  await acceptedSince();
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: caFile };
  const contender = new URL("contender.ts", import.meta.url).pathname;
  const [program, ...parameters] = name === goClient ? [goProgram, ...target] : [process.execPath, contender, name, ...target];
  const { secs, cpuSecs } = JSON.parse(await outputOf(program ?? "", parameters, env)) as { secs: number; cpuSecs: number };
  return { perSecond: count / secs, cpuMicroseconds: (cpuSecs / count) * 1e6, accepted: await acceptedSince() };
}

/** Its standard output. Its log goes to a file, as a container's does. */
async function outputOf(program: string, parameters: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const log = openSync(join(folder, "log"), "w");
  const child = spawn(program, parameters, { env, stdio: ["ignore", "pipe", log] });
  closeSync(log);
  const [output] = await Promise.all([text(child.stdout as Readable), once(child, "exit")]);
  if (child.exitCode !== 0) throw new Error(`${program} failed: ${readFileSync(join(folder, "log"), "utf8").slice(-2_000)}`);
  return output;
}

/** Connections that the origin has accepted since it was asked last. */
async function acceptedSince(): Promise<number> {
  origin.send("accepted");
  const [{ accepted }] = (await once(origin, "message")) as [{ accepted: number }];
  return accepted;
}

function fastest(list: readonly Figures[]): Figures {
  return list.reduce((best, figures) => (figures.perSecond > best.perSecond ? figures : best));
}

/** The program's path; `undefined` where there is no Go. */
async function buildGo(): Promise<string | undefined> {
  const program = join(folder, "go-client");
  try {
    await run("go", ["build", "-o", program, "."], { cwd: new URL("go/", import.meta.url) });
    return program;
  } catch {
    process.stderr.write("there is no Go here, so its client is left out\n");
    return undefined;
  }
}
