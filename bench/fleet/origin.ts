/**
 * The fleet's origin, a process of its own: a POST makes what a GET of the same path then shows. Counts by method and path,
 * and tells its counts when asked at /counts.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const seen = new Map<string, number>();
/** Connections; each that asks for the counts is closed after that, and not counted. */
let opened = 0;
let openedForCounts = 0;
const server = createServer((request, response) => {
  if (request.url === "/counts") {
    openedForCounts += 1;
    const requests = [...seen.values()].reduce((sum, count) => sum + count, 0);
    const posts = [...seen.keys()].filter((asked) => asked.startsWith("POST")).length;
    const counts = { requests, distinct: seen.size, posts, connections: opened - openedForCounts };
    response.setHeader("connection", "close");
    response.end(JSON.stringify(counts));
    return;
  }
  const { method, url } = request;
  const asked = `${method} ${url}`;
  seen.set(asked, (seen.get(asked) ?? 0) + 1);
  request.resume();
  request.on("end", () => {
    const isThere = method === "POST" || seen.has(`POST ${url}`);
    response.writeHead(isThere ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify({ created: isThere }));
  });
});
server.keepAliveTimeout = 60_000;
server.on("connection", () => {
  opened += 1;
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
