/** TCP sockets by state, from the kernel's own table: the whole network namespace, whoever opened them. */
import { readFile } from "node:fs/promises";

/** The kernel's names (include/net/tcp_states.h), in the order of their numbers, which start at 1. */
export const tcpStates = [
  "established",
  "syn_sent",
  "syn_recv",
  "fin_wait1",
  "fin_wait2",
  "time_wait",
  "close",
  "close_wait",
  "last_ack",
  "listen",
  "closing",
] as const;
type TcpState = (typeof tcpStates)[number];

/** Empty where there is no such table, as on systems other than Linux. */
export async function readTcpStates(): Promise<ReadonlyMap<TcpState, number>> {
  const counts = new Map<TcpState, number>();
  for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const table = await readFile(file, "latin1").catch(() => "");
    for (const [, number = ""] of table.matchAll(/^ *\d+: [0-9A-F]+:[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /gm)) {
      const state = tcpStates[Number.parseInt(number, 16) - 1];
      if (state) counts.set(state, (counts.get(state) ?? 0) + 1);
    }
  }
  return counts;
}
