/**
 * What it takes to hold N HTTPResources that are as they should be: heap for each, how long until all have been looked at for the first
 * time, and how long the event loop stood still at most; beside a program that lists them and keeps what it is given. Both with the
 * flags for the heap that the image has.
 *
 * Usage: node bench/memory/main.ts [OBJECTS ...]     (default 10000 100000)
 */
import { join } from "node:path";
import { heapFlags } from "../../test/support/image.ts";
import { startChild, startChildWith, table } from "../fleet/measure.ts";

const given = process.argv.slice(2);
const rows: string[][] = [];
for (const objects of given.length > 0 ? given : ["10000", "100000"]) {
  using server = await startChild(join(import.meta.dirname, "server.ts"), objects);
  for (const how of ["bare", "engine"]) {
    using holder = await startChildWith(heapFlags, join(import.meta.dirname, "holder.ts"), how, server.line, objects);
    const found = JSON.parse(holder.line) as Readonly<Record<"bytes" | "tookMs" | "cpuMs" | "longestMs" | "rssMiB", number>>;
    rows.push([
      how === "bare" ? "kept as they come" : "Holdfast",
      objects,
      `${found.bytes.toFixed(0)} B`,
      `${(found.tookMs / 1000).toFixed(1)} s`,
      `${((found.cpuMs * 1000) / Number(objects)).toFixed(0)} µs`,
      `${found.longestMs.toFixed(0)} ms`,
      `${found.rssMiB.toFixed(0)} MiB`,
    ]);
  }
}
process.stdout.write(table(["held", "objects", "heap an object", "until held", "CPU an object", "longest stall", "RSS"], rows));
