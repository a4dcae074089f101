#!/usr/bin/env node
/** Where everything meets: the command line, and the exit code. */
import { main } from "./cli/program.ts";

process.exitCode = await main(process.argv.slice(2));
