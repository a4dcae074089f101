/**
 * Preloaded into a process under test (`--import`): tells on stderr, twice a second, how long its event loop stood still.
 *
 * Only the main thread's own processor time counts: where the machine gave it none, nobody in the process is to blame.
 */
import { isMainThread } from "node:worker_threads";

const tickMs = 10;
const reportMs = 500;

if (isMainThread) {
  let last = performance.now();
  let used = process.threadCpuUsage();
  let longestMs = 0;
  let starvedMs = 0;
  setInterval(() => {
    const now = performance.now();
    const { user, system } = process.threadCpuUsage(used);
    const usedMs = (user + system) / 1000;
    longestMs = Math.max(longestMs, Math.min(now - last, usedMs));
    starvedMs = Math.max(starvedMs, now - last - tickMs - usedMs);
    last = now;
    used = process.threadCpuUsage();
  }, tickMs).unref();
  setInterval(() => {
    process.stderr.write(
      `${JSON.stringify({ message: "stall-probe", longestMs: Math.round(longestMs), starvedMs: Math.round(starvedMs) })}\n`,
    );
    longestMs = 0;
    starvedMs = 0;
  }, reportMs).unref();
}
