/** Some minutes of load while one thing in twenty goes wrong: nothing leaks, nothing is unhandled, nothing is sent twice. */
import { readdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { HoldfastProcess } from "../support/controller-process.ts";
import { stateOf } from "../support/declared-requests.ts";
import { faultWorld, inSoak, type FaultWorld } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const minutes = Number(process.env["HOLDFAST_SOAK_MINUTES"] ?? inSoak(0.7, 10));
const faultRate = 0.05;

/** Over less than this, what a process takes as it settles looks like a leak. */
const tellingMinutes = 60;

interface Sample {
  readonly atMs: number;
  readonly descriptors: number;
  readonly residentMiB: number;
}

describeWithControlPlane("a controller under load and faults", (plane) => {
  function breakThings({ api, origin }: FaultWorld): void {
    const isUnlucky = (): boolean => Math.random() < faultRate;
    api.answer = () => {
      if (!isUnlucky()) return undefined;
      return (
        [{ status: 500 }, { status: 429, headers: { "retry-after": "1" } }, { status: 504, afterwards: true }, "reset"] as const
      )[Math.floor(Math.random() * 4)];
    };
    origin.reply = async () => {
      if (!isUnlucky()) return { type: "answer" };
      const bad = Math.floor(Math.random() * 4);
      if (bad === 0) return { type: "reset" };
      if (bad === 1) return { type: "half" };
      if (bad === 2) await sleep(3_000);
      return { type: "answer", status: 503 };
    };
  }
  async function sample(controller: HoldfastProcess): Promise<Sample> {
    const descriptors = (await readdir(`/proc/${controller.pid}/fd`)).length;
    const residentMiB = (await controller.metric("process_resident_memory_bytes")) / 2 ** 20;
    return { atMs: performance.now(), descriptors, residentMiB };
  }

  test(
    `F18: keeps its sockets, descriptors and promises for ${minutes} minutes`,
    async () => {
      await using world = await faultWorld(plane, "load");
      const { origin, api, requests } = world;
      await using controller = await world.start();
      breakThings(world);
      const samples: Sample[] = [];
      const living: string[] = [];
      let made = 0;
      const endMs = performance.now() + minutes * 60_000;
      while (performance.now() < endMs) {
        const kinds = [
          { method: "POST" },
          { method: "POST", idempotencyKey: {} },
          {},
          { method: "PUT", body: { json: "${ .now }" } },
        ];
        const names = kinds.map((_, kind) => `${["post", "keyed", "get", "put"][kind]}.${(made += 1)}`);
        await Promise.all(
          names.map((name, kind) =>
            requests.create(name, {
              url: `${origin.url}/${name}`,
              timeout: "2s",
              retry: { limit: 3, backoff: { initial: "500ms" } },
              ...kinds[kind],
            }),
          ),
        );
        living.push(...names);
        if (made % 10 === 0) await requests.annotate(living[0] ?? "", { touched: String(made) });
        if (living.length > 200) await Promise.all(living.splice(0, 4).map((name) => requests.remove(name)));
        if (made % 200 === 0) api.reset();
        if (made % 40 === 0) samples.push(await sample(controller));
        await sleep(50);
      }
      api.answer = () => undefined;
      origin.reply = () => ({ type: "answer" });
      const settled = /^(Ready|Stalled)\//;
      await requests.until("all have settled", (all) => [...all.values()].every((one) => settled.test(stateOf(one))), 60_000);
      samples.push(await sample(controller));

      const sentTwice = origin.requests.filter(({ path, nth }) => path.startsWith("/post.") && nth > 1);
      expect(sentTwice.map(({ path }) => path)).toEqual([]);
      const keyed = new Set(origin.requests.map(({ path }) => path).filter((path) => path.startsWith("/keyed.")));
      expect([...keyed].filter((path) => origin.effects(path) !== 1)).toEqual([]);
      expect(controller.log.filter(({ message }) => /unhandled|uncaught/i.test(message))).toEqual([]);
      expect((await controller.probe("/healthz")).status).toBe(200);
      const half = samples.slice(Math.floor(samples.length / 2));
      const peak = (of: readonly Sample[]): number => Math.max(...of.map(({ descriptors }) => descriptors));
      expect(peak(half)).toBeLessThanOrEqual(peak(samples.slice(0, Math.ceil(samples.length / 2))) + 10);
      const [first, last] = [half[0], half.at(-1)];
      const slope = mebibytesPerHour(half);
      if (minutes >= tellingMinutes) expect(slope).toBeLessThan(1);
      process.stderr.write(
        `${made} objects, ${origin.requests.length} requests; descriptors at most ${peak(samples)}; ` +
          `resident ${Math.round(first?.residentMiB ?? 0)} MiB half-way and ${Math.round(last?.residentMiB ?? 0)} at the end: ` +
          `${slope.toFixed(1)} MiB an hour\n`,
      );
    },
    minutes * 60_000 + 120_000,
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
