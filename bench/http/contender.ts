/** One client in a process of its own: sends, and prints the seconds and the CPU time that it took, without its warming up. */
import { readFileSync } from "node:fs";
import { contenders } from "./contenders.ts";

const [name = "", url = "", caFile = "", inFlight = "", count = "", warmUp = ""] = process.argv.slice(2);
const send = contenders[name]?.({ url, ca: readFileSync(caFile, "utf8"), inFlight: Number(inFlight) });
if (!send) throw new Error(`no such contender: ${name}`);

async function sendAll(requests: number): Promise<void> {
  let left = requests;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await send?.();
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, worker));
}

await sendAll(Number(warmUp)); // a controller runs for long: what is measured is compiled code
const cpu = process.cpuUsage();
const startedMs = performance.now();
await sendAll(Number(count));
const secs = (performance.now() - startedMs) / 1000;
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(`${JSON.stringify({ secs, cpuSecs: (user + system) / 1e6 })}\n`, () => process.exit(0));
