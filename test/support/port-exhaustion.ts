/**
 * Sends requests one after another to a server in this process, in one of three ways, and prints what came of them. `leaked`: a
 * client for each, which nobody closes; `closed`: a client for each, closed after it; `shared`: through the requester.
 */
import { Agent } from "undici";
import { exchange, testRequester } from "./loopback-requester.ts";
import { loopbackServer } from "./loopback.ts";
import { socketsTo } from "./tcp-table.ts";

const [way = "", count = "0"] = process.argv.slice(2);
await using server = await loopbackServer((_request, response) => response.end("ok"));
await using http = testRequester();

async function withOwnClient(): Promise<string> {
  const client = new Agent();
  try {
    const { statusCode, body } = await client.request({ origin: server.url, path: "/", method: "GET" });
    await body.text();
    if (way === "closed") await client.close();
    return String(statusCode);
  } catch (error) {
    return Error.isError(error) && "code" in error ? String(error.code) : "Unknown";
  }
}
async function withSharedClient(): Promise<string> {
  const outcome = await http.send(exchange({ url: server.url }));
  return outcome.type === "response" ? String(outcome.response.statusCode) : outcome.reason;
}

const results: Record<string, number> = {};
for (let sent = 0; sent < Number(count); sent += 1) {
  const result = await (way === "shared" ? withSharedClient() : withOwnClient());
  results[result] = (results[result] ?? 0) + 1;
}
process.stdout.write(JSON.stringify({ results, accepted: server.accepted, sockets: await socketsTo(server.port) }), () =>
  process.exit(0),
);
