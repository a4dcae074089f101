#!/usr/bin/env node
/** Where everything meets: the command line, and the exit code. */
// oxlint-disable-next-line no-unassigned-import -- it has to come before whatever takes a thread
import "./cli/threads.ts";

const { tolerateClosedPipes } = await import("./cli/closed-pipes.ts");
tolerateClosedPipes();
const { main } = await import("./cli/program.ts"); // in the bundle too, a static import would come before what is above
const whileItRuns = setInterval(() => {}, 2 ** 30); // much that is waited for keeps no process alive by itself
process.exitCode = await main(process.argv.slice(2)).finally(() => clearInterval(whileItRuns));
