/** A program that logs three lines in one turn of the event loop, and ends in the way it is told. */
import { onCrash } from "../../src/cli/crash.ts";
import { createLog } from "../../src/telemetry/log.ts";

const log = createLog({ level: "info", format: "json", scrub: (text) => text });
onCrash(log);
for (const count of [0, 1, 2]) log.write("info", `info ${count}`, {});
const way = process.argv[2];
if (way === "exit") process.exit(0);
if (way === "throw") throw new Error("a mistake");
if (way === "warn") {
  log.write("warn", "warn 3", {});
  process.kill(process.pid, "SIGKILL");
}
