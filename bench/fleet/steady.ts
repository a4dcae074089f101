/** A minute of a fleet at rest: every object is observed each 10 s, is as declared, and so there is nothing to write. */
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControlPlaneClient } from "../../test/support/control-plane-client.ts";
import { countsOf, create, isServing, lagOf, startChild, startHoldfast, untilReady, usageOf, type Fleet } from "./measure.ts";

const intervalMs = 10_000;
const minuteMs = 60_000;

/** Of an HTTPResource: asked for by a GET, found to be absent, and created by a POST. */
export function polled(url: string, index: number, interval = "10s"): object {
  return {
    create: { url: `${url}/${index}`, body: { json: { a: 1 } } },
    observe: { url: `${url}/${index}` },
    exists: ".response.body.created",
    interval,
  };
}

export async function steady(plane: ControlPlaneClient, n: number): Promise<readonly string[]> {
  const here: Fleet = { plane, namespace: await plane.createNamespace("steady"), kind: "HTTPResource", n };
  using origin = await startChild("origin.ts");
  const url = `http://127.0.0.1:${origin.line}`;
  await using controller = await startHoldfast(plane, here.namespace);
  await isServing(controller);
  await create(here, (index) => polled(url, index));
  await untilReady(here);
  await sleep(1.5 * intervalMs); // each has been observed since
  const since = new Date().toISOString();
  const [before, cpuBefore] = [await countsOf(url), usageOf(controller.pid).cpuSecs];
  await lagOf(controller);
  await sleep(minuteMs);
  const [after, usage, lagMs] = [await countsOf(url), usageOf(controller.pid), await lagOf(controller)];
  const writes = (await plane.auditEvents()).filter(
    ({ user, verb, at, resource }) =>
      user === "holdfast" && at >= since && !["get", "list", "watch"].includes(verb) && resource !== "leases",
  );
  return [
    "HTTPResource, as declared",
    String(n),
    String(after.requests - before.requests),
    String(after.connections - before.connections),
    String(writes.length),
    `${(usage.cpuSecs - cpuBefore).toFixed(1)} s`,
    `${usage.rssMiB.toFixed(0)} MiB`,
    `${lagMs.toFixed(0)} ms`,
    (loadavg()[0] ?? 0).toFixed(1),
  ];
}
