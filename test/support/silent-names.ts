/**
 * A program for a network namespace: a tenant asks for names whose server never answers, again and again, giving up on each
 * soon; prints how another tenant fares meanwhile.
 */
// oxlint-disable-next-line no-unassigned-import -- it has to come before whatever takes a thread
import "../../src/cli/threads.ts";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Outcome } from "../../src/core/outcome.ts";
import { dnsServer } from "./dns-server.ts";
import { exchange, testRequester } from "./loopback-requester.ts";

process.env["RES_OPTIONS"] = "timeout:2 attempts:1"; // a process that exits waits for its threads
await using _dns = await dnsServer((name) => (name.endsWith("silent.test") ? "silence" : { addresses: ["127.0.0.1"] }));
const server = createServer((_request, response) => response.end("ok"));
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;
await using http = testRequester({ maxInFlightPerReconcile: 1_000 });

function get(namespace: string, name: string, timeoutMs: number): Promise<Outcome> {
  const one = exchange({ url: `http://${name}:${port}/`, timeoutMs });
  return http.send({ ...one, scope: { ...one.scope, metadata: { ...one.scope.metadata, namespace } } });
}
const given = Array.from({ length: 90 }, (_, index) => get("slow", `n${index}.silent.test`, 500));
const outcomes = await Promise.all(given);
const other = await get("quick", "other.test", 15_000); // all of theirs take longer, as many at once as there may be
process.stdout.write(
  JSON.stringify({
    slow: [...new Set(outcomes.map((outcome) => (outcome.type === "failure" ? outcome.reason : outcome.type)))],
    quick: other.type === "response" ? other.response.statusCode : other,
  }),
  () => process.exit(0),
);
