/**
 * Bare undici and Holdfast over as many connections, in turns in one process, so that both meet the same machine. Prints of each the
 * CPU time of a request, microseconds: that of its lowest eighth of turns, since what else the machine does adds to it and never takes away.
 *
 * Usage: node bench/http/pair.ts URL CA_FILE IN_FLIGHT CONNECTIONS [TURNS]
 */
import { readFileSync } from "node:fs";
import { holdfast, sharedAgent, type Send } from "./contenders.ts";

const [url = "", caFile = "", inFlight = "50", connections = "50", turns = "17"] = process.argv.slice(2);
const connectionsPerOrigin = Number(connections);
const target = { url, ca: readFileSync(caFile, "utf8"), inFlight: Number(inFlight) };
const bare = sharedAgent({ connections: connectionsPerOrigin })(target);
const own = holdfast({ connectionsPerOrigin, maxInFlightPerOrigin: Math.max(10, connectionsPerOrigin) })(target);

async function cpuOf(send: Send, requests: number): Promise<number> {
  let left = requests;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await send();
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: target.inFlight }, worker));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / requests;
}
function low(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 8)] ?? NaN;
}

await cpuOf(bare, 6_000); // a controller runs for long: what is measured is compiled code
await cpuOf(own, 8_000);
const found: { readonly bare: number; readonly own: number }[] = [];
while (found.length < Number(turns)) found.push({ bare: await cpuOf(bare, 1_200), own: await cpuOf(own, 1_200) });
const result = { bare: low(found.map((turn) => turn.bare)), own: low(found.map((turn) => turn.own)) };
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
