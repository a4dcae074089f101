/**
 * Objects of every kind under kills at random moments, by signals that cannot be caught, while the API server and the origin
 * fail now and then. The oracle is the origin's count, and what became of each object.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { HoldfastProcess } from "../support/controller-process.ts";
import { faultWorld, inSoak, type FaultWorld } from "../support/fault-world.ts";
import { createMixedLoad, type MixedLoad } from "../support/mixed-load.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";
import { makeUnlucky } from "../support/unlucky.ts";

const minutes = Number(process.env["HOLDFAST_SOAK_MINUTES"] ?? inSoak(0.6, 60));
/** Namespaces, each with a controller that is killed again and again: a kill is mostly waiting for the next lease. */
const lanes = Number(process.env["HOLDFAST_LANES"] ?? inSoak(1, 5));
/**
 * Between a process's taking the lease and its end, milliseconds at most. With as long as it takes to start and to wait for the lease,
 * five lanes make a thousand kills an hour, also where the machine has other work to do.
 */
const longestLifeMs = 9_000;
const faultRate = 0.02;
const roundMs = 8_000;

interface Ended {
  kills: number;
  suspensions: number;
  terminations: number;
}

describeWithControlPlane("a controller that is killed under all kinds of load", (plane) => {
  /** One process after another, each ended at a random moment, until `signal` aborts. */
  async function killAndRestart(world: FaultWorld, ended: Ended, signal: AbortSignal): Promise<void> {
    const lease = ["--lease-name", "soak", "--lease-namespace", world.namespace, "--lease-duration", "5s"];
    const args = [...lease, "--renew-deadline", "4s", "--retry-period", "500ms", "--shutdown-timeout", "2s"];
    const aborted = once(signal, "abort");
    let suspended: HoldfastProcess | undefined;
    while (!signal.aborted) {
      const controller = await world.start(args);
      await Promise.race([controller.logged(({ message }) => message === "leading", 60_000), aborted]).catch(() => undefined);
      await sleep(Math.random() * longestLifeMs, undefined, { signal }).catch(() => undefined);
      suspended?.kill("SIGCONT"); // it finds that another has led since, and is killed soon after
      await sleep(suspended ? 500 : 0);
      await suspended?.[Symbol.asyncDispose]();
      suspended = undefined;
      const chance = Math.random();
      if (signal.aborted || chance < 0.85) {
        ended.kills += 1;
        controller.kill("SIGKILL");
        await controller.exited;
      } else if (chance < 0.93) {
        ended.terminations += 1;
        controller.kill("SIGTERM");
        await controller.exited;
      } else {
        ended.suspensions += 1;
        controller.kill("SIGSTOP");
        suspended = controller;
      }
    }
    suspended?.kill("SIGKILL");
    await suspended?.exited;
  }

  async function runLane(ended: Ended): Promise<MixedLoad> {
    await using world = await faultWorld(plane, "soak");
    const { origin, api, namespace } = world;
    const load = createMixedLoad({ plane, namespace, origin });
    const endMs = performance.now() + minutes * 60_000;
    const ending = new AbortController();
    makeUnlucky(world, { rate: () => (ending.signal.aborted ? 0 : faultRate), reply: load.reply, lateMs: 5_000 });
    async function keepLoading(): Promise<void> {
      while (performance.now() < endMs && !ending.signal.aborted) {
        const nextMs = performance.now() + roundMs;
        await load.round();
        for (const { forget } of [origin, api]) forget();
        await sleep(Math.max(0, nextMs - performance.now()));
      }
    }
    const endAll = (): void => ending.abort();
    await Promise.all([killAndRestart(world, ended, ending.signal).finally(endAll), keepLoading().finally(endAll)]);
    await using _last = await world.start();
    await load.finish();
    return load;
  }

  test(
    `F7, F8: of objects of every kind none is sent twice and none gets stuck, for ${minutes} minutes`,
    async () => {
      const ended: Ended = { kills: 0, suspensions: 0, terminations: 0 };
      const loads = await Promise.all(Array.from({ length: lanes }, () => runLane(ended)));
      const ends = new Map<string, number>();
      for (const load of loads) for (const [end, count] of load.ends) ends.set(end, (ends.get(end) ?? 0) + count);
      const counts = [...ends].map(([end, count]) => `${end}: ${count}`).toSorted((a, b) => a.localeCompare(b));
      process.stderr.write(`${JSON.stringify(ended)} in ${minutes} minutes; ${counts.join(", ")}\n`);
      expect(loads.flatMap(({ wrong }) => wrong)).toEqual([]);
      expect(ended.kills).toBeGreaterThan(0);
      expect(ends.size).toBeGreaterThan(0);
    },
    minutes * 60_000 + 600_000,
  );
});
