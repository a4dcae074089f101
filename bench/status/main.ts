/**
 * What a status write costs this process, of which the API server's part is not counted: over a TLS socket without any HTTP
 * client, by undici with nothing around it, and by the store that the controller has; against one real API server, in turns. Beside
 * it that of other checkouts, each with its node_modules.
 *
 * Usage: node bench/status/main.ts [OBJECTS [WRITES]] [CHECKOUT ...]     (default 30 objects, each written 40 times in each of three turns, and as often before)
 */
import { join, resolve } from "node:path";
import { startControlPlane } from "../../test/support/control-plane.ts";
import { grantController } from "../../test/support/chart-rights.ts";
import { installCRDs } from "../../test/support/install.ts";
import { create, startChild, table } from "../fleet/measure.ts";

const given = process.argv.slice(2);
const [n = 30, writes = 40] = given.filter((arg) => /^\d+$/.test(arg)).map(Number);
const others = given.filter((arg) => !/^\d+$/.test(arg));
await using plane = await startControlPlane();
await installCRDs(plane);
await grantController(plane);
const namespace = await plane.createNamespace("status");
await create({ plane, namespace, kind: "HTTPResource", n }, (index) => ({
  create: { url: `http://127.0.0.1:1/${index}` },
  observe: { url: `http://127.0.0.1:1/${index}` },
}));
const ways = {
  socket: "a TLS socket alone",
  bare: "undici alone",
  [join(import.meta.dirname, "../..")]: "Holdfast",
  ...Object.fromEntries(others.map((path) => [resolve(path), `Holdfast of ${path}`])),
};
const found = new Map<string, number[]>();
for (let turn = 0; turn < 3; turn += 1)
  for (const way of Object.keys(ways)) {
    const about = [way, plane.kubeconfigs.holdfast, namespace, String(writes)];
    using child = await startChild(join(import.meta.dirname, "writer.ts"), ...about);
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
