/** The kernel's own table of TCP sockets: what is really open, whoever opened it. */
import { readFile } from "node:fs/promises";

/** include/net/tcp_states.h */
const states: Readonly<Record<string, string>> = {
  "01": "established",
  "02": "syn_sent",
  "03": "syn_recv",
  "04": "fin_wait1",
  "05": "fin_wait2",
  "06": "time_wait",
  "07": "close",
  "08": "close_wait",
  "09": "last_ack",
  "0A": "listen",
  "0B": "closing",
};

/** How many sockets of this network namespace have `port` as their far end, by state. */
export async function socketsTo(port: number): Promise<Readonly<Record<string, number>>> {
  const tables = await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map((file) => readFile(file, "utf8").catch(() => "")));
  const counts: Record<string, number> = {};
  for (const line of tables.flatMap((table) => table.split("\n").slice(1))) {
    const [, , remote = "", state = ""] = line.trim().split(/\s+/);
    if (Number.parseInt(remote.split(":")[1] ?? "", 16) !== port) continue;
    const name = states[state] ?? state;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Looks again until `isSo` holds of what `look` gives, for at most `ms`; returns the last look. */
export async function eventually<T>(look: () => T | Promise<T>, isSo: (seen: T) => boolean, ms = 60_000): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const seen = await look();
    if (isSo(seen) || performance.now() > end) return seen;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
