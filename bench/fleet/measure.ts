/** What the fleet's measurements share: objects, child processes, and the counts that the API server, the origin and the kernel keep. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { request } from "undici";
import { startController, type HoldfastProcess } from "../../test/support/controller-process.ts";
import type { ControlPlaneClient } from "../../test/support/control-plane-client.ts";

/** Nothing here takes longer, or it is given up. */
const limitMs = 20 * 60_000;
const group = "/apis/holdfast.dev/v1alpha1";

export interface Child extends Disposable {
  readonly pid: number;
  /** The first line that it printed. */
  readonly line: string;
}
export async function startChild(program: string, ...args: readonly string[]): Promise<Child> {
  return startChildWith([], program, ...args);
}
/** `flags`: Node's. */
export async function startChildWith(flags: readonly string[], program: string, ...args: readonly string[]): Promise<Child> {
  const child: ChildProcess = spawn(process.execPath, [...flags, resolve(import.meta.dirname, program), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.on("exit", () => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const [line] = (await Promise.race([once(lines, "line"), once(child, "close")])) as [unknown];
  if (typeof line !== "string") throw new Error(`${program} has ended, and printed nothing`);
  return { pid: child.pid ?? 0, line, [Symbol.dispose]: () => void child.kill("SIGKILL") };
}

export async function startHoldfast(plane: ControlPlaneClient, namespace: string): Promise<HoldfastProcess> {
  return startBuilt(["--kubeconfig", plane.kubeconfigs.holdfast, "--namespace", namespace, "--log-level", "info"]);
}
/** As the image has it. */
export async function startBuilt(args: readonly string[]): Promise<HoldfastProcess> {
  return startController([...args, "--watch-idle-timeout", "10m"], {}, join(import.meta.dirname, "../../dist/main.js"));
}
export async function isServing(controller: HoldfastProcess): Promise<void> {
  while ((await controller.probe("/readyz")).status !== 200) await sleep(20);
}

export interface Fleet {
  readonly plane: ControlPlaneClient;
  readonly namespace: string;
  readonly kind: "HTTPRequest" | "HTTPResource";
  readonly n: number;
}

/** Creates the objects, 20 at a time. */
export async function create({ plane, namespace, kind, n }: Fleet, spec: (index: number) => object): Promise<void> {
  const left = Array.from({ length: n }, (_, index) => index);
  const work = async (): Promise<void> => {
    for (let index = left.pop(); index !== undefined; index = left.pop()) {
      const object = { apiVersion: "holdfast.dev/v1alpha1", kind, metadata: { name: `r${index}` }, spec: spec(index) };
      const { status } = await plane.admin("POST", `${group}/namespaces/${namespace}/${kind.toLowerCase()}s`, object);
      if (status !== 201) throw new Error(`creating answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: 20 }, work));
}

/** Looks in pages, and in pauses that grow with what looking costs, so that it takes little from what is measured. */
export async function untilReady(fleet: Fleet): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const askedMs = performance.now();
    if ((await readyOf(fleet)) === fleet.n) return;
    const tookMs = performance.now() - askedMs;
    if (performance.now() - startedMs > limitMs) throw new Error(`not Ready after ${limitMs} ms`);
    await sleep(Math.max(100, 3 * tookMs));
  }
}
interface Page {
  readonly metadata: { readonly continue?: string };
  readonly items: readonly {
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  }[];
}
/** Stops at the first page that holds one that is not Ready. */
async function readyOf({ plane, namespace, kind }: Fleet): Promise<number> {
  let [ready, next] = [0, ""];
  do {
    const path = `${group}/namespaces/${namespace}/${kind.toLowerCase()}s?limit=500&continue=${next}`;
    const { body } = (await plane.admin("GET", path)) as { body: Page };
    const isReady = ({ status }: Page["items"][number]): boolean =>
      status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;
    const count = body.items.filter(isReady).length;
    ready += count;
    if (count < body.items.length) return ready;
    next = body.metadata.continue ?? "";
  } while (next !== "");
  return ready;
}

export interface OriginCounts {
  readonly requests: number;
  readonly distinct: number;
  readonly posts: number;
  readonly connections: number;
}
export async function countsOf(url: string): Promise<OriginCounts> {
  return (await (await request(`${url}/counts`)).body.json()) as OriginCounts;
}

/** Patches, and reads of one object, that the API server has been asked for. Here only a controller, or the floor, does so. */
export async function calls(plane: ControlPlaneClient): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await plane.kubectl("get", "--raw", "/metrics");
  const counts = new Map<string, number>();
  for (const line of stdout.split("\n")) {
    if (!line.startsWith("apiserver_request_total{") || !/verb="(GET|PATCH|APPLY|PUT)"/.test(line)) continue;
    const { resource = "", subresource = "" } =
      /(?:[{,]resource="(?<resource>[^"]*)").*(?:subresource="(?<subresource>[^"]*)")/.exec(line)?.groups ?? {};
    if (!resource.startsWith("http")) continue;
    const what = `${line.includes('verb="GET"') ? "get" : "patch"} ${resource}${subresource && `/${subresource}`}`;
    counts.set(what, (counts.get(what) ?? 0) + Number(line.split(" ").at(-1)));
  }
  return counts;
}
export function perObject(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>, n: number): string {
  const each = [...after].map(([what, count]) => [what, (count - (before.get(what) ?? 0)) / n] as const);
  return (
    each
      .filter(([, count]) => count > 0)
      .map(([what, count]) => `${count.toFixed(2)} ${what}`)
      .join(", ") || "0"
  );
}

export function usageOf(pid: number): { readonly cpuSecs: number; readonly rssMiB: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return { cpuSecs: (Number(stat[11]) + Number(stat[12])) / 100, rssMiB: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024 };
}
/** Seconds that the programs have taken whose settings name this folder, an API server and its etcd; others name a kubeconfig in it. */
export function cpuSecsIn(folder: string): number {
  const isOne = (pid: string): boolean => argumentsOf(pid).some((argument) => argument.includes(`=${folder}`));
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isOne(name));
  return pids.reduce((sum, pid) => sum + usageOf(Number(pid)).cpuSecs, 0);
}
function argumentsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return []; // it has ended
  }
}
/** Milliseconds, since it was asked for the last time. */
export async function lagOf(controller: HoldfastProcess): Promise<number> {
  return 1000 * (await controller.metric("nodejs_eventloop_lag_p99_seconds"));
}
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  return `\n${line(header)}${line(header.map((_, index) => (index === 0 ? "---" : "---:")))}${rows.map(line).join("")}`;
}
