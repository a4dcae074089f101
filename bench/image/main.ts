/**
 * Memory of the controller as the image has it, with its flags and its bundle: 300 HTTPRequests and 300 HTTPResources are created on a
 * real API server, and become Ready; then the most that was resident, beside what Node and undici take by themselves.
 *
 * Usage: node bench/image/main.ts [OBJECTS_OF_EACH_KIND]     (default 300; after `npm run build`)
 */
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { grantController } from "../../test/support/chart-rights.ts";
import { startControlPlane } from "../../test/support/control-plane.ts";
import { heapFlags } from "../../test/support/image.ts";
import { installCRDs } from "../../test/support/install.ts";
import { create, isServing, startChild, startHoldfast, table, untilReady, usageOf, type Fleet } from "../fleet/measure.ts";
import { polled } from "../fleet/steady.ts";

const n = Number(process.argv[2] ?? "300");
process.env["MALLOC_ARENA_MAX"] = "1"; // as the image has it
const mib = (value: number): string => `${value.toFixed(0)} MiB`;

/** The most that was resident of a process that sends one request with undici. */
function alone(origin: string): number {
  const program = `
    import { request } from "undici";
    import { readFileSync } from "node:fs";
    await (await request(${JSON.stringify(origin)})).body.text();
    process.stdout.write(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);`;
  const { stdout } = spawnSync(process.execPath, [...heapFlags, "--input-type=module", "--eval", program], { encoding: "utf8" });
  return Number(stdout) / 1024;
}

await using plane = await startControlPlane();
await installCRDs(plane);
await grantController(plane);
const namespace = await plane.createNamespace("image");
using origin = await startChild("origin.ts");
const url = `http://127.0.0.1:${origin.line}`;
await using controller = await startHoldfast(plane, namespace);
await isServing(controller);
await sleep(2_000);
const atStart = usageOf(controller.pid).rssMiB;
const requests: Fleet = { plane, namespace, kind: "HTTPRequest", n };
const resources: Fleet = { plane, namespace, kind: "HTTPResource", n };
await create(requests, (index) => ({ url: `${url}/request/${index}`, method: "POST", body: { json: { a: 1 } } }));
await create(resources, (index) => polled(url, index));
await untilReady(requests);
await untilReady(resources);
await sleep(15_000); // each has been looked at again
process.stdout.write(
  table(
    ["", "peak RSS"],
    [
      ["Node and undici, one request", mib(alone(url))],
      ["Holdfast, serving, nothing to do", mib(atStart)],
      [`Holdfast, ${n} requests and ${n} resources`, mib(usageOf(controller.pid).rssMiB)],
    ],
  ),
);
