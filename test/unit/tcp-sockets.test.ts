import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, test } from "@jest/globals";
import { createMetrics } from "../../src/telemetry/metrics.ts";

/** The value of `holdfast_tcp_sockets` for a state, as it would be scraped. */
async function scraped(state: string): Promise<number> {
  const text = await createMetrics({ kinds: [], concurrency: 1 }).registry.getSingleMetricAsString("holdfast_tcp_sockets");
  return Number(new RegExp(`^holdfast_tcp_sockets\\{state="${state}"\\} (\\d+)$`, "m").exec(text)?.[1]);
}

test("the kernel's sockets are counted by state, those of this process and of others", async () => {
  const count = 200; // far more than come and go on this machine meanwhile
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket.on("error", () => {})));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  expect(await scraped("listen")).toBeGreaterThanOrEqual(1);
  const before = { established: await scraped("established"), waiting: await scraped("close_wait") };
  const sockets = Array.from({ length: count }, () => connect({ port, host: "127.0.0.1", allowHalfOpen: true }));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  expect((await scraped("established")) - before.established).toBeGreaterThanOrEqual(2 * count - 50);

  // The far side closes, and this one does not: what a leak looks like.
  const ended = sockets.map((socket) => once(socket.resume(), "end"));
  for (const socket of accepted) socket.end();
  await Promise.all(ended);
  expect((await scraped("close_wait")) - before.waiting).toBeGreaterThanOrEqual(count - 50);
  for (const socket of sockets) socket.destroy();
  server.close();
});
