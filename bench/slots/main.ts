/**
 * Slots on a real API server: how long POSTs take by one, two and four replicas with a slot each, near to the API server and far
 * from it; and what each replica of four takes where there are many objects.
 *
 * Usage: node bench/slots/main.ts [N] [latencies=0,100,500] [many=N]     (default 400)
 */
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { slotOf } from "../../src/core/slots.ts";
import { startInterposer } from "../../test/support/api-interposer.ts";
import { grantController } from "../../test/support/chart-rights.ts";
import { startControlPlane } from "../../test/support/control-plane.ts";
import type { HoldfastProcess } from "../../test/support/controller-process.ts";
import { startFleet } from "../../test/support/fleet.ts";
import { installCRDs } from "../../test/support/install.ts";
import { shortLease } from "../../test/support/replicas.ts";
import { countsOf, create, isServing, startBuilt, startChild, table, untilReady, usageOf, type Fleet } from "../fleet/measure.ts";

const most = 4;
/** So many of each of the most slots, so that fewer slots have as much of it each. */
const namespacesOfEach = 4;
/** Nothing here takes longer, or it is given up. */
const limitMs = 20 * 60_000;

const [given = "400"] = process.argv.slice(2).filter((arg) => !arg.includes("="));
const option = (name: string): string | undefined =>
  process.argv.find((arg) => arg.startsWith(`${name}=`))?.slice(name.length + 1);
const latencies = (option("latencies") ?? "0,100,500").split(",").map(Number);
const many = Number(option("many") ?? 0);

await using plane = await startControlPlane();
await installCRDs(plane);
await grantController(plane);
await using api = await startInterposer(plane);
const kubeconfig = await plane.kubeconfigVia("holdfast", api.url);
using origin = await startChild("origin.ts");
const url = `http://127.0.0.1:${origin.line}`;

const rows: string[][] = [];
for (const latencyMs of Number(given) > 0 ? latencies : [])
  for (const slots of [1, 2, most]) rows.push(await posts(slots, latencyMs, Number(given)));
const header = [
  "slots and replicas",
  "latency",
  "POSTs",
  "sent",
  "until all are Ready",
  "CPU of all",
  "largest peak RSS",
  "load",
];
if (rows.length > 0) process.stdout.write(table(header, rows));
if (many > 0) {
  const each = [
    "replica",
    "objects of its slot",
    "until it was ready, lease included",
    "peak RSS",
    "until all had a status",
    "load",
  ];
  process.stdout.write(table(each, await replicasOfMany(many)));
}

async function posts(slots: number, latencyMs: number, n: number): Promise<string[]> {
  const spaces = await namespaces();
  await using replicas = await startReplicas(slots);
  api.hold = (_request, what) => (what === "request" && latencyMs > 0 ? sleep(latencyMs) : undefined);
  await replicas.ready();
  const before = await countsOf(url);
  const startedMs = performance.now();
  const fleets = spaces.map((namespace): Fleet => ({ plane, namespace, kind: "HTTPRequest", n: Math.ceil(n / spaces.length) }));
  const path = (namespace: string, index: number): string => `${url}/${namespace}/${index}`;
  await Promise.all(
    fleets.map((fleet) =>
      create(fleet, (index) => ({ url: path(fleet.namespace, index), method: "POST", body: { json: { a: 1 } } })),
    ),
  );
  for (const fleet of fleets) await untilReady(fleet);
  const secs = (performance.now() - startedMs) / 1000;
  const usages = replicas.all.map(({ pid }) => usageOf(pid));
  const sent = (await countsOf(url)).requests - before.requests;
  api.hold = () => undefined;
  api.forget();
  const cpu = usages.reduce((sum, { cpuSecs }) => sum + cpuSecs, 0);
  return tell([
    String(slots),
    `${latencyMs} ms`,
    String(fleets.length * Math.ceil(n / spaces.length)),
    String(sent),
    `${secs.toFixed(1)} s`,
    `${cpu.toFixed(1)} s`,
    `${Math.max(...usages.map(({ rssMiB }) => rssMiB)).toFixed(0)} MiB`,
    load(),
  ]);
}

/** They are at rest: all that is written of each is that it is suspended. */
async function replicasOfMany(n: number): Promise<string[][]> {
  const spaces = await namespaces();
  const each = Math.ceil(n / spaces.length);
  for (const namespace of spaces)
    await create({ plane, namespace, kind: "HTTPRequest", n: each }, () => ({ url: `${url}/never`, suspend: true }));
  process.stderr.write(`${each * spaces.length} objects are there\n`);
  await using replicas = await startReplicas(most);
  const startedMs = performance.now();
  const readySecs = await Promise.all(
    replicas.all.map(async (one) => {
      while (!(await hasSlot(one)) || !(await isReady(one))) await sleep(100);
      return (performance.now() - startedMs) / 1000;
    }),
  );
  const giveUpMs = performance.now() + limitMs;
  while (!(await Promise.all(replicas.all.map(isAtRest))).every(Boolean)) {
    if (performance.now() > giveUpMs) throw new Error(`not at rest after ${limitMs} ms`);
    await sleep(1_000);
  }
  const secs = (performance.now() - startedMs) / 1000;
  return await Promise.all(
    replicas.all.map(async (one, nth) =>
      tell([
        String(nth + 1),
        String(await resourcesOf(one)),
        `${readySecs[nth]?.toFixed(1)} s`,
        `${usageOf(one.pid).rssMiB.toFixed(0)} MiB`,
        `${secs.toFixed(0)} s`,
        load(),
      ]),
    ),
  );
}

/** None where it does not answer: a connection that was idle may have been closed meanwhile. */
async function seriesOf(one: HoldfastProcess, name: string): Promise<readonly number[]> {
  const text = await one.metrics().catch(() => "");
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}{`));
  return lines.map((line) => Number(line.split(" ").at(-1)));
}
async function isReady(one: HoldfastProcess): Promise<boolean> {
  return one.probe("/readyz").then(
    ({ status }) => status === 200,
    () => false,
  );
}
async function hasSlot(one: HoldfastProcess): Promise<boolean> {
  return (await seriesOf(one, "holdfast_slot_resources")).length > 0;
}
async function resourcesOf(one: HoldfastProcess): Promise<number> {
  return (await seriesOf(one, "holdfast_slot_resources")).reduce((sum, count) => sum + count, 0);
}
async function isAtRest(one: HoldfastProcess): Promise<boolean> {
  const depths = await seriesOf(one, "holdfast_slot_queue_depth");
  const unfinished = await seriesOf(one, "workqueue_unfinished_work_seconds");
  return depths.length > 0 && [...depths, ...unfinished].every((count) => count === 0);
}

interface Replicas extends AsyncDisposable {
  readonly all: readonly HoldfastProcess[];
  /** Each has its slot, and has listed. */
  ready(): Promise<void>;
}
async function startReplicas(slots: number): Promise<Replicas> {
  const leases = await plane.createNamespace("leases");
  const own = ["--lease-namespace", leases, "--lease-name", "fleet", ...shortLease];
  const args = ["--kubeconfig", kubeconfig, "--log-level", "info", "--slots", String(slots), ...own];
  const all = await Promise.all(Array.from({ length: slots }, () => startBuilt(args)));
  return {
    all,
    async ready() {
      if (slots > 1) await startFleet(plane, leases, []).untilShared(slots, slots, limitMs);
      else await all[0]?.logged(({ message }) => message === "leading", limitMs);
      await Promise.all(all.map(isServing));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

async function namespaces(): Promise<readonly string[]> {
  const found = new Map<string, number>();
  while (found.size < most * namespacesOfEach) {
    const namespace = await plane.createNamespace("of");
    const slot = slotOf(namespace, most);
    if ([...found.values()].filter((one) => one === slot).length < namespacesOfEach) found.set(namespace, slot);
  }
  return [...found.keys()];
}
/** For whom it takes long: each as it is known. */
function tell(row: string[]): string[] {
  process.stderr.write(`${row.join("  ")}\n`);
  return row;
}
function load(): string {
  return loadavg()[0]?.toFixed(1) ?? "";
}
