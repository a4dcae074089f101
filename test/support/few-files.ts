/**
 * A program that sends while it has no file descriptors left, and again when it has: `node few-files.ts URL`, under a low
 * `ulimit -n`. Prints the two outcomes as JSON.
 */
import { closeSync, openSync } from "node:fs";
import { exchange, testRequester } from "./loopback-requester.ts";

const [url = "", warmUp = ""] = process.argv.slice(2);
await using http = testRequester();
await http.send(exchange({ url: warmUp })); // starts what needs descriptors of its own

const taken: number[] = [];
try {
  for (;;) taken.push(openSync("/dev/null", "r"));
} catch {
  // none is left
}
const without = await http.send(exchange({ url }));
for (const descriptor of taken) closeSync(descriptor);
const again = await http.send(exchange({ url }));
process.stdout.write(JSON.stringify([without, again]));
