/** `jq PROGRAM FILE`: jq itself, for machines that have none. */
import { readFileSync } from "node:fs";
import { loadJq } from "jq-wasm";

const [program = "", file = ""] = process.argv.slice(2);
const { stdout, stderr, exitCode } = (await loadJq()).raw(readFileSync(file, "utf8"), program);
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = exitCode;
