/** Ports for programs that cannot say which one they took. */
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";

/**
 * Ports that were free a moment ago: held all at once, so that no two are the same, and below those that the kernel gives to
 * whoever connects, so that nobody gets one by chance before it is listened at, or while its server is away.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenSomewhere));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

const [least, most] = [20_000, 32_000];
async function listenSomewhere(): Promise<Server> {
  for (let tries = 1; ; tries += 1) {
    const server = createServer().listen(randomInt(least, most), "127.0.0.1");
    try {
      await once(server, "listening");
      return server;
    } catch (error) {
      if (tries === 100) throw error; // somebody listens there
    }
  }
}
