/**
 * Fleets, created at once on a real API server: how long until all are Ready, what the origin saw, what the API server was
 * asked for, and what it cost; beside the floor, in the same run. Then a start with all of them there, and a minute of
 * polling.
 *
 * Usage: node bench/fleet/main.ts [N ...] [steady=N]     (default 500 2000 steady=1000)
 */
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { startControlPlane } from "../../test/support/control-plane.ts";
import { grantController } from "../../test/support/chart-rights.ts";
import { installCRDs } from "../../test/support/install.ts";
import {
  calls,
  countsOf,
  cpuSecsIn,
  create,
  isServing,
  lagOf,
  perObject,
  startChild,
  startHoldfast,
  table,
  untilReady,
  usageOf,
  type Fleet,
} from "./measure.ts";
import { polled, steady } from "./steady.ts";

type Row = readonly string[];

const given = process.argv.slice(2);
const args = given.length > 0 ? given : ["500", "2000", "steady=1000"];
await using plane = await startControlPlane();
await installCRDs(plane);
await grantController(plane);
const fleets: Row[] = [];
const starts: Row[] = [];
const minutes: Row[] = [];
for (const arg of args) {
  const [, atRest] = arg.split("steady=");
  if (atRest !== undefined) minutes.push(await steady(plane, Number(atRest)));
  else await sizeOf(Number(arg));
}
const header = [
  "fleet",
  "N",
  "until all are Ready",
  "requests",
  "sockets",
  "API calls an object",
  "CPU",
  "of API server and etcd",
  "peak RSS",
];
if (fleets.length > 0) process.stdout.write(table([...header, "event-loop delay p99", "load"], fleets));
if (starts.length > 0)
  process.stdout.write(table(["start", "N", "until listed and cached", "peak RSS", "event-loop delay p99", "load"], starts));
const minute = ["polled each 10 s for a minute", "N", "requests", "new sockets", "API writes", "CPU", "peak RSS"];
if (minutes.length > 0) process.stdout.write(table([...minute, "event-loop delay p99", "load"], minutes));

async function sizeOf(n: number): Promise<void> {
  for (const writes of [1, 2]) add(fleets, await floor(n, writes));
  const post = { method: "POST", body: { json: { a: 1 } } };
  const ofPosts = (url: string, index: number): object => ({ ...post, url: `${url}/${index}` });
  add(fleets, await fleet("HTTPRequest, POST", n, ofPosts));
  add(fleets, await fleet("HTTPRequest, POST with a key", n, (url, index) => ({ ...ofPosts(url, index), idempotencyKey: {} })));
  add(fleets, await fleet("HTTPResource, GET and then POST", n, resource));
  const kept = (url: string, index: number): object => ({
    ...resource(url, index),
    delete: { url: `${url}/${index}` },
    values: { made: ".object.created" },
  });
  add(fleets, await fleet("HTTPResource, with delete and values, until seen", n, kept));
}
/** For whom it takes long: each as it is known. */
function add(rows: Row[], row: Row): void {
  process.stderr.write(`${row.join("  ")}\n`);
  rows.push(row);
}

function resource(url: string, index: number): object {
  return polled(url, index, "1h");
}

async function fleet(what: string, n: number, spec: (url: string, index: number) => object): Promise<Row> {
  const kind = what.startsWith("HTTPResource") ? "HTTPResource" : "HTTPRequest";
  const here: Fleet = { plane, namespace: await plane.createNamespace("fleet"), kind, n };
  using origin = await startChild("origin.ts");
  const url = `http://127.0.0.1:${origin.line}`;
  let row: Row;
  {
    await using controller = await startHoldfast(plane, here.namespace);
    await isServing(controller);
    const before = await calls(plane);
    const serverSecs = cpuSecsIn(plane.address.folder);
    await lagOf(controller);
    const startedMs = performance.now();
    await create(here, (index) => spec(url, index));
    while ((await countsOf(url)).posts < n) await sleep(100);
    await untilReady(here);
    if (what.endsWith("seen")) await untilSeen(url, n);
    const secs = (performance.now() - startedMs) / 1000;
    const usage = { ...usageOf(controller.pid), serverSecs: cpuSecsIn(plane.address.folder) - serverSecs };
    const lagMs = await lagOf(controller);
    const counts = await countsOf(url);
    const requests = counts.requests === counts.distinct ? String(counts.requests) : `${counts.requests} for ${counts.distinct}`;
    const writes = perObject(before, await calls(plane), n);
    row = [
      what,
      String(n),
      `${secs.toFixed(1)} s`,
      requests,
      String(counts.connections),
      writes,
      ...shown(usage),
      ms(lagMs),
      load(),
    ];
  }
  if (kind === "HTTPRequest" && what.endsWith("key")) add(starts, await start(here));
  return row;
}

/** Each is looked at once more after it was created, and what that look has shown is recorded. */
async function untilSeen(url: string, n: number): Promise<void> {
  while ((await countsOf(url)).requests < 3 * n) await sleep(100);
  await sleep(1_000);
}

/** A process that starts, or stands by, when all of them are there. */
async function start({ namespace, n }: Fleet): Promise<Row> {
  await using controller = await startHoldfast(plane, namespace);
  const startedMs = performance.now();
  await isServing(controller);
  const secs = (performance.now() - startedMs) / 1000;
  await sleep(2_000);
  const { rssMiB } = usageOf(controller.pid);
  return [
    "HTTPRequest, all Ready",
    String(n),
    `${secs.toFixed(1)} s`,
    `${rssMiB.toFixed(0)} MiB`,
    ms(await lagOf(controller)),
    load(),
  ];
}

async function floor(n: number, writes: number): Promise<Row> {
  const here: Fleet = { plane, namespace: await plane.createNamespace("floor"), kind: "HTTPRequest", n };
  using program = await startChild("floor.ts", plane.kubeconfigs.holdfast, here.namespace, String(writes));
  await sleep(500);
  const before = await calls(plane);
  const serverSecs = cpuSecsIn(plane.address.folder);
  const startedMs = performance.now();
  await create(here, (index) => ({ url: `http://127.0.0.1:1/${index}`, method: "POST" }));
  await untilReady(here);
  const secs = (performance.now() - startedMs) / 1000;
  const usage = { ...usageOf(program.pid), serverSecs: cpuSecsIn(plane.address.folder) - serverSecs };
  const what = `floor, ${writes} status write${writes > 1 ? "s" : ""}`;
  return [
    what,
    String(n),
    `${secs.toFixed(1)} s`,
    "–",
    "–",
    perObject(before, await calls(plane), n),
    ...shown(usage),
    "–",
    load(),
  ];
}

function shown({ cpuSecs, serverSecs, rssMiB }: ReturnType<typeof usageOf> & { readonly serverSecs: number }): Row {
  return [`${cpuSecs.toFixed(1)} s`, `${serverSecs.toFixed(1)} s`, `${rssMiB.toFixed(0)} MiB`];
}
function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}
/** Of the machine, in the last minute: what else went on tells how much the times mean. */
function load(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}
