/** The fleet's origin, a process of its own: answers each POST, counts by path, and tells its counts when asked at /counts. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const seen = new Map<string, number>();
let connections = 0;
const server = createServer((request, response) => {
  if (request.url === "/counts") {
    const requests = [...seen.values()].reduce((sum, count) => sum + count, 0);
    response.end(JSON.stringify({ requests, distinct: seen.size, connections: connections - 1 }));
    return;
  }
  const asked = `${request.method} ${request.url}`;
  seen.set(asked, (seen.get(asked) ?? 0) + 1);
  request.resume();
  request.on("end", () => response.writeHead(200, { "content-type": "application/json" }).end('{"ok":true}'));
});
server.keepAliveTimeout = 60_000;
server.on("connection", () => {
  connections += 1;
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
