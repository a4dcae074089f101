/**
 * A fleet of HTTPRequests, created at once on a real API server: how long until all are Ready, what the origin saw, what
 * the API server was asked to write, and what it cost; beside the floor, in the same run.
 *
 * Usage: node bench/fleet/main.ts [N ...]     (default 500 2000)
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { request } from "undici";
import { startController } from "../../test/support/controller-process.ts";
import { startControlPlane } from "../../test/support/control-plane.ts";
import { grantController } from "../../test/support/chart-rights.ts";
import { installCRDs } from "../../test/support/install.ts";

interface Row {
  readonly what: string;
  readonly n: number;
  readonly secs: number;
  readonly requests: string;
  readonly sockets: string;
  readonly writes: string;
  readonly cpuSecs: number;
  readonly rssMiB: number;
  readonly lagMs: string;
}

const sizes = process.argv.slice(2).map(Number);
await using plane = await startControlPlane();
await installCRDs(plane);
await grantController(plane);
const rows: Row[] = [];
for (const n of sizes.length > 0 ? sizes : [500, 2_000]) {
  rows.push(await floor(n, 1), await floor(n, 2));
  rows.push(await fleet(n, "POST", {}), await fleet(n, "POST with a key", { idempotencyKey: {} }));
}
print(rows);

async function fleet(n: number, what: string, spec: object): Promise<Row> {
  const namespace = await plane.createNamespace("fleet");
  const origin = await startChild("origin.ts");
  const url = `http://127.0.0.1:${origin.line}`;
  await using controller = await startController([
    "--kubeconfig",
    plane.kubeconfigs.holdfast,
    "--namespace",
    namespace,
    "--log-level",
    "info",
    "--concurrency",
    "20",
  ]);
  while ((await controller.probe("/readyz")).status !== 200) await sleep(50);
  const since = new Date().toISOString();
  const secs = await untilReady(namespace, n, (index) => ({
    url: `${url}/${index}`,
    method: "POST",
    body: { json: { index } },
    ...spec,
  }));
  const counts = (await (await request(`${url}/counts`)).body.json()) as {
    requests: number;
    distinct: number;
    connections: number;
  };
  const usage = usageOf(controller.pid);
  await sleep(5_000);
  const row: Row = {
    what,
    n,
    secs,
    requests: counts.requests === counts.distinct ? String(counts.requests) : `${counts.requests} for ${counts.distinct}`,
    sockets: String(counts.connections),
    writes: await writesPerObject(since, namespace, n),
    ...usage,
    lagMs: (1000 * (await controller.metric("nodejs_eventloop_lag_p99_seconds"))).toFixed(0),
  };
  origin.child.kill();
  return row;
}

async function floor(n: number, writes: number): Promise<Row> {
  const namespace = await plane.createNamespace("floor");
  const program = await startChild("floor.ts", plane.kubeconfigs.holdfast, namespace, String(writes));
  await sleep(500);
  const since = new Date().toISOString();
  const secs = await untilReady(namespace, n, (index) => ({ url: `http://127.0.0.1:1/${index}`, method: "POST" }));
  const usage = usageOf(program.child.pid ?? 0);
  program.child.kill();
  return {
    what: `floor, ${writes} status write${writes > 1 ? "s" : ""}`,
    n,
    secs,
    requests: "–",
    sockets: "–",
    writes: await writesPerObject(since, namespace, n),
    ...usage,
    lagMs: "–",
  };
}

/** Creates the objects, 20 at a time, and returns seconds from the first create until each is Ready. */
async function untilReady(namespace: string, n: number, spec: (index: number) => object): Promise<number> {
  const collection = `/apis/holdfast.dev/v1alpha1/namespaces/${namespace}/httprequests`;
  const startedMs = performance.now();
  const left = Array.from({ length: n }, (_, index) => index);
  const create = async (): Promise<void> => {
    for (let index = left.pop(); index !== undefined; index = left.pop()) {
      const object = {
        apiVersion: "holdfast.dev/v1alpha1",
        kind: "HTTPRequest",
        metadata: { name: `r${index}`, namespace },
        spec: spec(index),
      };
      const { status } = await plane.admin("POST", collection, object);
      if (status !== 201) throw new Error(`creating answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: 20 }, create));
  const kubectl = [
    "-n",
    namespace,
    "get",
    "hreq",
    "-o",
    'jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}',
  ];
  for (;;) {
    const { stdout } = await plane.kubectl(...kubectl);
    const seconds = (performance.now() - startedMs) / 1000;
    if (stdout.split("\n").filter((line) => line === "True").length === n) return seconds;
    if (seconds > 600) throw new Error("not Ready after ten minutes");
    await sleep(100);
  }
}

async function writesPerObject(since: string, namespace: string, n: number): Promise<string> {
  const verbs = new Map<string, number>();
  for (const event of await plane.auditEvents()) {
    const isWrite = ["create", "update", "patch", "delete"].includes(event.verb);
    if (event.user !== "holdfast" || event.at < since || event.namespace !== namespace || !isWrite || event.resource === "events")
      continue;
    verbs.set(
      `${event.verb} ${event.resource}/${event.subresource}`,
      (verbs.get(`${event.verb} ${event.resource}/${event.subresource}`) ?? 0) + 1,
    );
  }
  return [...verbs].map(([what, count]) => `${(count / n).toFixed(2)} ${what}`).join(", ") || "0";
}

function usageOf(pid: number): { cpuSecs: number; rssMiB: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return { cpuSecs: (Number(stat[11]) + Number(stat[12])) / 100, rssMiB: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024 };
}

async function startChild(program: string, ...args: readonly string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, program), ...args], { stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => child.kill("SIGKILL"));
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return { child, line };
}

function print(all: readonly Row[]): void {
  process.stdout.write(
    "| fleet | N | until all are Ready | requests | sockets | API writes an object | CPU | peak RSS | event-loop delay p99 |\n",
  );
  process.stdout.write("| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |\n");
  for (const { what, n, secs, requests, sockets, writes, cpuSecs, rssMiB, lagMs } of all) {
    const lag = lagMs === "–" ? lagMs : `${lagMs} ms`;
    process.stdout.write(
      `| ${what} | ${n} | ${secs.toFixed(1)} s | ${requests} | ${sockets} | ${writes} | ${cpuSecs.toFixed(1)} s | ${rssMiB.toFixed(0)} MiB | ${lag} |\n`,
    );
  }
}
