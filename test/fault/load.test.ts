/** Some minutes of all kinds of load while one thing in twenty goes wrong: nothing leaks, nothing is unhandled, nothing is sent twice. */
import { readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { HoldfastProcess } from "../support/controller-process.ts";
import { faultWorld, inSoak } from "../support/fault-world.ts";
import { createMixedLoad } from "../support/mixed-load.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { slopeOf } from "../support/slope.ts";
import { makeUnlucky } from "../support/unlucky.ts";

const minutes = Number(process.env["HOLDFAST_SOAK_MINUTES"] ?? inSoak(0.7, 10));
const faultRate = 0.05;
const roundMs = 500;

/** Over less than this, what a process takes as it settles looks like a leak. */
const tellingMinutes = 60;
/** In each there is a time at which most garbage has been collected. */
const stretchMs = 120_000;

interface Sample {
  readonly atMs: number;
  readonly descriptors: number;
  readonly residentMiB: number;
}

describeWithControlPlane("a controller under load and faults", (plane) => {
  async function sample(controller: HoldfastProcess): Promise<Sample> {
    const descriptors = (await readdir(`/proc/${controller.pid}/fd`)).length;
    const residentMiB = (await controller.metric("process_resident_memory_bytes")) / 2 ** 20;
    return { atMs: performance.now(), descriptors, residentMiB };
  }

  test(
    `F18: keeps its sockets, descriptors and promises for ${minutes} minutes`,
    async () => {
      await using world = await faultWorld(plane, "load");
      const { origin, api, namespace } = world;
      await using controller = await world.start();
      const load = createMixedLoad({ plane, namespace, origin });
      const endMs = performance.now() + minutes * 60_000;
      const isOver = (): boolean => performance.now() > endMs;
      makeUnlucky(world, { rate: () => (isOver() ? 0 : faultRate), reply: load.reply, lateMs: 5_000 });
      const samples: Sample[] = [];
      let requests = 0;
      while (!isOver()) {
        await load.round();
        samples.push(await sample(controller));
        if (samples.length % 50 === 0) api.reset();
        requests += origin.requests.length;
        for (const { forget } of [origin, api]) forget();
        await sleep(roundMs);
      }
      await load.finish();
      samples.push(await sample(controller));

      expect(load.wrong).toEqual([]);
      expect(controller.log.filter(({ message }) => /unhandled|uncaught/i.test(message))).toEqual([]);
      expect((await controller.probe("/healthz")).status).toBe(200);
      const half = samples.slice(Math.floor(samples.length / 2));
      const peak = (of: readonly Sample[]): number => Math.max(...of.map(({ descriptors }) => descriptors));
      expect(peak(half)).toBeLessThanOrEqual(peak(samples.slice(0, Math.ceil(samples.length / 2))) + 10);
      const [first, last] = [half[0], half.at(-1)];
      const slope = slopeOf(
        half.map(({ atMs, residentMiB }) => ({ atMs, value: residentMiB })),
        stretchMs,
      );
      // By half an hour of a process's resident memory no slope of 1 MiB an hour is told from none: two of its errors are let pass.
      if (minutes >= tellingMinutes) expect(slope.perHour - 2 * slope.errorPerHour).toBeLessThan(1);
      process.stderr.write(
        `${[...load.ends.values()].reduce((sum, count) => sum + count, 0)} objects, ${requests} requests; descriptors at most ${peak(samples)}; ` +
          `resident ${Math.round(first?.residentMiB ?? 0)} MiB half-way and ${Math.round(last?.residentMiB ?? 0)} at the end: ` +
          `${slope.perHour.toFixed(1)} ± ${slope.errorPerHour.toFixed(1)} MiB an hour\n`,
      );
    },
    minutes * 60_000 + 240_000,
  );
});
