/**
 * What it takes to load a controller, as a checkout runs it and as the image has it: until it finds that its kubeconfig is empty.
 *
 * Usage: node bench/start.ts     (after `npm run build`)
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { heapFlags } from "../test/support/image.ts";

const tellPeak = `
import { readFileSync, writeSync } from "node:fs";
process.on("exit", () => writeSync(1, /VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]));
`;
const preload = `data:text/javascript,${encodeURIComponent(tellPeak)}`;

for (const main of ["src/main.ts", "dist/main.js"]) {
  const args = [...heapFlags, "--import", preload, join(import.meta.dirname, "..", main)];
  const runs = Array.from({ length: 5 }, () => {
    const startedMs = performance.now();
    const { stdout } = spawnSync(process.execPath, [...args, "controller", "--kubeconfig", "/dev/null"], { encoding: "utf8" });
    return { ms: performance.now() - startedMs, peakMiB: Number(stdout) / 1024 };
  });
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[2] ?? NaN;
  const ms = median(runs.map((run) => run.ms));
  const peakMiB = median(runs.map((run) => run.peakMiB));
  process.stdout.write(`${main}: ${(ms / 1000).toFixed(2)} s, ${peakMiB.toFixed(0)} MiB (the median of five)\n`);
}
