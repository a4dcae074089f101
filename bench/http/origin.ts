/** The benchmark's origin, a process of its own: answers over http and https, and tells how many connections it has accepted. */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

let accepted = 0;
const content = JSON.stringify({ message: "x".repeat(100) });
const answer: RequestListener = (request, response) => {
  request.resume();
  response.writeHead(200, { "content-type": "application/json", "content-length": content.length }).end(content);
};
const servers = {
  http: createServer(answer),
  https: createTlsServer(JSON.parse(process.env["ORIGIN_TLS"] ?? "{}") as object, answer),
};
const ports: Record<string, number> = {};
for (const [scheme, server] of Object.entries(servers)) {
  server.keepAliveTimeout = 60_000;
  server.on("connection", () => {
    accepted += 1;
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  ports[scheme] = (server.address() as AddressInfo).port;
}
process.on("message", () => {
  process.send?.({ accepted });
  accepted = 0;
});
process.on("disconnect", () => process.exit(0));
process.send?.({ ports });
