/**
 * What a status write costs this process, of which the API server's part is not counted: over a TLS socket without any HTTP
 * client, by undici with nothing around it, and by the store that the controller has; against one real API server, in turns.
 *
 * Usage: node bench/status/main.ts [OBJECTS [WRITES]]     (default 30 objects, each written 40 times in each of three turns, and as often before)
 */
import { join } from "node:path";
import { startControlPlane } from "../../test/support/control-plane.ts";
import { grantController } from "../../test/support/chart-rights.ts";
import { installCRDs } from "../../test/support/install.ts";
import { create, startChild, table } from "../fleet/measure.ts";

const [n = 30, writes = 40] = process.argv.slice(2).map(Number);
await using plane = await startControlPlane();
await installCRDs(plane);
await grantController(plane);
const namespace = await plane.createNamespace("status");
await create({ plane, namespace, kind: "HTTPResource", n }, (index) => ({
  create: { url: `http://127.0.0.1:1/${index}` },
  observe: { url: `http://127.0.0.1:1/${index}` },
}));
const ways = { socket: "a TLS socket alone", bare: "undici alone", holdfast: "Holdfast" };
const found = new Map<string, number[]>();
for (let turn = 0; turn < 3; turn += 1)
  for (const way of Object.keys(ways)) {
    using child = await startChild(
      join(import.meta.dirname, "writer.ts"),
      way,
      plane.kubeconfigs.holdfast,
      namespace,
      String(writes),
    );
    found.set(way, [...(found.get(way) ?? []), Number(child.line)]);
  }
const leastOf = (way: string): number => Math.min(...(found.get(way) ?? []));
process.stdout.write(
  table(
    ["status writes by", "CPU a write", "of undici alone"],
    Object.entries(ways).map(([way, name]) => [
      name,
      `${leastOf(way).toFixed(0)} µs`,
      (leastOf(way) / leastOf("bare")).toFixed(2),
    ]),
  ),
);
