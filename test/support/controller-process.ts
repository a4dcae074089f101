/** The controller as its own process, as users run it, for tests: started from the sources, watched through its log, metrics and probes. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, mkdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { request } from "undici";
import { controllerLogs } from "./canaries.ts";
import { afterOwnEnd } from "./child-process.ts";
import { ownAddress } from "./control-plane-address.ts";
import { nodeFlags } from "./image.ts";

const node = join(import.meta.dirname, "../../node_modules/.bin/node");

/** On a machine that is busy with other things. */
const longestStartMs = 120_000;

export type LogLine = Readonly<Record<string, unknown>> & { readonly message: string };

export interface HoldfastProcess extends AsyncDisposable {
  readonly pid: number;
  /** What it has logged so far. */
  readonly log: readonly LogLine[];
  /** Waits for a log line; throws when the process ends first, or after `timeoutMs`. */
  logged(matches: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>;
  /** The body of `/metrics`. */
  metrics(): Promise<string>;
  /** The value of one series, as Prometheus would print it; 0 where there is none. */
  metric(series: string): Promise<number>;
  /** The status and text of a probe. */
  probe(path: "/healthz" | "/readyz"): Promise<{ status: number; text: string }>;
  kill(signal: NodeJS.Signals): void;
  /** The exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
}

/** Starts `holdfast controller` with `args` and waits until it serves its metrics. `main`: from the sources where not given. */
export async function startController(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  main: string = join(import.meta.dirname, "../../src/main.ts"),
): Promise<HoldfastProcess> {
  const own = [
    "--metrics-address",
    "127.0.0.1:0",
    "--health-address",
    "127.0.0.1:0",
    "--admin-address",
    "off",
    "--log-level",
    "debug",
  ];
  // The origins of tests are on loopback, which is closed.
  if (!args.includes("--egress-default")) own.push("--egress-unsafe-allow", "127.0.0.0/8,::1/128");
  // Tests share a control plane, and no leader, unless they say where.
  if (!args.includes("--lease-namespace")) own.push("--lease-name", `holdfast-${randomUUID()}`);
  const child = spawn(node, [...nodeFlags, main, "controller", ...own, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  const watchdog = afterOwnEnd('kill -9 "$1"', String(child.pid));
  const log: LogLine[] = [];
  const waiting = new Set<() => void>();
  let hasEnded = false;
  const wake = (): void => {
    for (const check of waiting) check();
  };
  keepLog(child.stderr);
  createInterface({ input: child.stderr }).on("line", (line) => {
    log.push(line.startsWith("{") ? (JSON.parse(line) as LogLine) : { message: line });
    wake();
  });
  const exited = once(child, "exit").then(([code, signal]) => {
    hasEnded = true;
    watchdog.kill("SIGKILL");
    wake();
    return (code ?? signal) as number | string;
  });

  const lastLines = (): string =>
    log
      .slice(-5)
      .map((line) => JSON.stringify(line))
      .join("\n");
  function logged(matches: (line: LogLine) => boolean, timeoutMs = 60_000): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const finish = (end: () => void): void => {
        clearTimeout(timer);
        waiting.delete(check);
        end();
      };
      const check = (): void => {
        const found = log.find(matches);
        if (found) finish(() => resolve(found));
        else if (hasEnded) finish(() => reject(new Error(`the controller ended; its last lines:\n${lastLines()}`)));
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`not logged within ${timeoutMs} ms; the last lines:\n${lastLines()}`))),
        timeoutMs,
      );
      waiting.add(check);
      check();
    });
  }
  const serving = await logged(({ message }) => message === "serving", longestStartMs).catch((error: unknown) => {
    child.kill("SIGKILL"); // nobody else would
    throw error;
  });
  const { metricsPort, healthPort } = serving as unknown as Record<string, number>;
  const metrics = async (signal?: AbortSignal): Promise<string> =>
    (await request(`http://127.0.0.1:${metricsPort}/metrics`, { signal: signal ?? null })).body.text();
  return {
    pid: child.pid ?? 0,
    log,
    logged,
    metrics: () => metrics(),
    async metric(series) {
      const line = (await metrics()).split("\n").find((one) => one.startsWith(`${series} `));
      return Number(line?.slice(series.length + 1) ?? 0);
    },
    async probe(path) {
      const { statusCode, body } = await request(`http://127.0.0.1:${healthPort}${path}`);
      return { status: statusCode, text: await body.text() };
    },
    kill: (signal) => void child.kill(signal),
    exited,
    async [Symbol.asyncDispose]() {
      if (!hasEnded) await keepMetrics(() => metrics(AbortSignal.timeout(1_000)));
      if (!hasEnded) child.kill("SIGKILL");
      await exited;
    },
  };
}

/** For the end of the run, where no line of any log and no metric may hold a secret. */
function keepLog(output: Readable): void {
  const folder = keepingFolder();
  if (folder !== undefined) output.pipe(createWriteStream(join(folder, `${randomUUID()}.log`)));
}
async function keepMetrics(read: () => Promise<string>): Promise<void> {
  const folder = keepingFolder();
  if (folder === undefined) return;
  const text = await read().catch(() => ""); // one that was stopped, or shows them to few
  await writeFile(join(folder, `${randomUUID()}.metrics`), text);
}
function keepingFolder(): string | undefined {
  const address = ownAddress() ?? "none";
  if (address === "none") return undefined;
  const folder = join(address.folder, controllerLogs);
  mkdirSync(folder, { recursive: true });
  return folder;
}
