/**
 * Somebody else's API, a process of its own: any GET, POST or PUT of a user answers the user. Tells at /counts how many were asked for.
 * Prints its port. Arguments: `same`, or `changing`, which has each answer differ from the one before; with a key and a certificate
 * it speaks https.
 */
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

const [how, key, cert] = process.argv.slice(2);
let requests = 0;
function userOf(id: string): object {
  return {
    id,
    created: true,
    name: `user-${id}`,
    age: 36,
    email: `user-${id}@example.com`,
    roles: ["reader", "writer"],
    address: { street: "1 Main Street", city: "Berlin", zip: "10115", country: "DE" },
    createdAt: "2026-01-01T00:00:00Z",
    updatedAt: "2026-01-01T00:00:00Z",
    version: how === "changing" ? requests : 7,
    note: "x".repeat(100),
  };
}
const answer: RequestListener = (request, response) => {
  const id = (request.url ?? "").split("/").at(-1) ?? "";
  if (id !== "counts") requests += 1;
  request.resume();
  request.on("end", () => {
    const body = JSON.stringify(id === "counts" ? { requests } : userOf(id));
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body);
  });
};
const server = key === undefined ? createServer(answer) : createTlsServer({ key, cert }, answer);
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
