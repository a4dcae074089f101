/**
 * What it costs to look at objects that are as they should be: CPU of a whole `holdfast run`, all its threads, for each poll, beside
 * bare GETs of the same answers at the same pace.
 *
 * Usage: node bench/poll/main.ts [SHAPE:OBJECTS:INTERVAL_SECONDS[:https][:info][:cold][:changing] ...]     (default: 1, 100 and 1,000 polls a second)
 * `steady`: a literal URL and `exists`. `full`: an expression in the URL, `exists`, and a body that is compared, with two expressions.
 * `info`: with a log line for each request. `cold`: before most of it is compiled. `changing`: no answer is as the one before.
 * HOLDFAST_NATIVE_EXPRESSIONS=false: without the evaluator for simple expressions. HOLDFAST_MAIN: the bundle of another version (its
 * dist/main.js).
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import { createAuthority } from "../../test/support/certificates.ts";
import { heapFlags } from "../../test/support/image.ts";
import { startChild, table, usageOf } from "../fleet/measure.ts";

const shapes: Readonly<Record<string, (base: string, index: number) => object>> = {
  steady: (base, index) => ({
    create: { url: `${base}/${index}`, body: { json: { a: 1 } } },
    observe: { url: `${base}/${index}` },
    exists: ".response.body.created",
  }),
  full: (base, index) => ({
    parameters: { name: `user-${index}`, age: 36 },
    externalID: ".response.body.id",
    exists: ".response.body.created",
    observe: { url: `${base}/\${ .externalID }` },
    create: { url: `${base}/${index}`, body: { json: "${ .parameters }" } },
    update: {
      url: `${base}/\${ .externalID }`,
      body: { json: { name: "${ .parameters.name }", age: "${ .parameters.age }", roles: ["reader", "writer"] } },
    },
    delete: { url: `${base}/\${ .externalID }` },
  }),
};

/** Until nearly all of it is compiled, as the bare GETs are: what compiles is most of the CPU of other threads. */
const warmUpMs = 60_000;

const given = process.argv.slice(2);
const cases =
  given.length > 0 ? given : ["full:2:2", "full:200:2", "full:2000:2", "steady:200:2", "full:200:2:https", "full:200:2:info"];
using authority = createAuthority("Bench");
const certificate = authority.issue("IP:127.0.0.1");
const shared = mkdtempSync(join(tmpdir(), "holdfast-poll-ca-"));
writeFileSync(join(shared, "ca.pem"), authority.ca);
process.env["NODE_EXTRA_CA_CERTS"] = join(shared, "ca.pem"); // of the children
const counting = new Agent({ connect: { ca: authority.ca } });
const rows: string[][] = [];
for (const one of cases) {
  const [shape = "", objects = "", interval = "", ...how] = one.split(":");
  rows.push(await measure(shape, { objects: Number(objects), intervalSecs: Number(interval), how }));
}
rmSync(shared, { recursive: true });
process.stdout.write(table(["shape", "objects", "polls/s", "CPU a poll", "bare GET", "times", "peak RSS"], rows));

interface Case {
  readonly objects: number;
  readonly intervalSecs: number;
  readonly how: readonly string[];
}
async function measure(shape: string, { objects, intervalSecs, how }: Case): Promise<string[]> {
  const isSecure = how.includes("https");
  const seconds = objects / intervalSecs < 10 ? 60 : 15;
  const tls = isSecure ? [certificate.key, certificate.cert] : [];
  using origin = await startChild(join(import.meta.dirname, "origin.ts"), how.includes("changing") ? "changing" : "same", ...tls);
  const base = `${isSecure ? "https" : "http"}://127.0.0.1:${origin.line}/users`;
  const folder = mkdtempSync(join(tmpdir(), "holdfast-poll-"));
  const spec = shapes[shape] ?? (() => ({}));
  const manifests = Array.from({ length: objects }, (_, index) => ({
    apiVersion: "holdfast.dev/v1alpha1",
    kind: "HTTPResource",
    metadata: { name: `r${index}` },
    spec: { interval: `${intervalSecs}s`, ...spec(base, index) },
  }));
  const perFile = 10_000; // a file is 32 MiB at most
  for (let from = 0; from < objects; from += perFile) {
    const texts = manifests.slice(from, from + perFile).map((manifest) => JSON.stringify(manifest));
    writeFileSync(join(folder, `from-${from}.yaml`), texts.join("\n---\n"));
  }
  const main = process.env["HOLDFAST_MAIN"] ?? join(import.meta.dirname, "../../dist/main.js");
  const holdfast = spawn(
    process.execPath,
    [...heapFlags, main, "run", "-f", folder, "--log-level", how.includes("info") ? "info" : "warn"],
    {
      stdio: ["ignore", "ignore", "ignore"],
    },
  );
  try {
    // Each has been created, and observed twice.
    for (; (await requestsOf(base)) < 3 * objects; await sleep(100))
      if (holdfast.exitCode !== null) throw new Error(`Holdfast has ended, with ${holdfast.exitCode}`);
    await sleep(how.includes("cold") ? 2_000 : warmUpMs);
    const [before, cpuBefore, startedMs] = [await requestsOf(base), usageOf(holdfast.pid ?? 0).cpuSecs, performance.now()];
    await sleep(1000 * seconds);
    const { cpuSecs, rssMiB } = usageOf(holdfast.pid ?? 0);
    const polls = (await requestsOf(base)) - before;
    const perSecond = polls / ((performance.now() - startedMs) / 1000);
    const µs = ((cpuSecs - cpuBefore) * 1e6) / polls;
    const bare = await startChild(join(import.meta.dirname, "bare.ts"), base, String(objects), String(perSecond), "10");
    const bareµs = Number(bare.line);
    const figures = [`${µs.toFixed(0)} µs`, `${bareµs.toFixed(0)} µs`, (µs / bareµs).toFixed(1), `${rssMiB.toFixed(0)} MiB`];
    return [[shape, ...how].join(", "), String(objects), perSecond.toFixed(0), ...figures];
  } finally {
    holdfast.kill("SIGKILL");
    rmSync(folder, { recursive: true });
  }
}
async function requestsOf(base: string): Promise<number> {
  const { body } = await request(`${base}/counts`, { dispatcher: counting });
  return ((await body.json()) as { requests: number }).requests;
}
