#!/usr/bin/env node
/** Where everything meets: the command line, and the exit code. */
// oxlint-disable-next-line no-unassigned-import -- it has to come before whatever takes a thread
import "./cli/threads.ts";
import { main } from "./cli/program.ts";

process.exitCode = await main(process.argv.slice(2));
