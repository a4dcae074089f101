/** Some minutes of all kinds of load while one thing in twenty goes wrong: nothing leaks, nothing is unhandled, nothing is sent twice. */
import { readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { HoldfastProcess } from "../support/controller-process.ts";
import { faultWorld, inSoak } from "../support/fault-world.ts";
import { createMixedLoad } from "../support/mixed-load.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { makeUnlucky } from "../support/unlucky.ts";

const minutes = Number(process.env["HOLDFAST_SOAK_MINUTES"] ?? inSoak(0.7, 10));
const faultRate = 0.05;
const roundMs = 500;

/** Over less than this, what a process takes as it settles looks like a leak. */
const tellingMinutes = 60;

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
      const slope = mebibytesPerHour(half);
      if (minutes >= tellingMinutes) expect(slope).toBeLessThan(1);
      process.stderr.write(
        `${[...load.ends.values()].reduce((sum, count) => sum + count, 0)} objects, ${requests} requests; descriptors at most ${peak(samples)}; ` +
          `resident ${Math.round(first?.residentMiB ?? 0)} MiB half-way and ${Math.round(last?.residentMiB ?? 0)} at the end: ` +
          `${slope.toFixed(1)} MiB an hour\n`,
      );
    },
    minutes * 60_000 + 240_000,
  );
});

/** Least squares over the lowest of each ten samples: what is above that is garbage that has not been collected yet. */
function mebibytesPerHour(samples: readonly Sample[]): number {
  const floors = Object.values(Object.groupBy(samples, (_, index) => Math.floor(index / 10))).map((some = []) =>
    some.reduce((lowest, one) => (one.residentMiB < lowest.residentMiB ? one : lowest)),
  );
  const mean = (of: (sample: Sample) => number): number => floors.reduce((sum, one) => sum + of(one), 0) / floors.length;
  const [meanMs, meanMiB] = [mean(({ atMs }) => atMs), mean(({ residentMiB }) => residentMiB)];
  const spread = mean(({ atMs }) => (atMs - meanMs) ** 2);
  return spread === 0 ? 0 : (3_600_000 * mean(({ atMs, residentMiB }) => (atMs - meanMs) * (residentMiB - meanMiB))) / spread;
}
