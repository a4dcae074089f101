/** Many objects, one origin down: it is tried at its back-off's pace, and nobody else waits for it. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { isReady } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { faultWorld, inSoak, never, until } from "../support/fault-world.ts";
import { describeWithControlPlane } from "../support/shared-control-plane.ts";

const isSoak = inSoak(false, true);
const each = Number(process.env["HOLDFAST_EACH"] ?? inSoak(250, 5_000));
const initialMs = 2_000;
const maxMs = 8_000;
/** Connections to one origin, by default. */
const pooled = 6;

describeWithControlPlane(`${2 * each} objects, of which half go to an origin that is down`, (plane) => {
  test(
    "F14: an origin that resets or never answers gets no more than the back-off allows, and the others' are all sent meanwhile",
    async () => {
      await using world = await faultWorld(plane, "down");
      const { origin, requests } = world;
      await using resetting = await startFaultOrigin();
      await using silent = await startFaultOrigin();
      await using controller = await world.start();
      const retry = { limit: 100, backoff: { initial: `${initialMs}ms`, max: `${maxMs}ms` } };
      /** Milliseconds from an object's creation to its request at the origin that is up, 99 of 100. */
      async function run(round: string): Promise<number> {
        const sentBefore = origin.requests.length;
        const creations = Array.from({ length: each }, (_, n) => {
          const down = n % 2 === 0 ? resetting : silent;
          return [
            [`down-${round}.${n}`, { url: `${down.url}/${round}.${n}`, timeout: "2s", retry }] as const,
            [`up-${round}.${n}`, { url: `${origin.url}/up-${round}.${n}`, method: "POST" }] as const,
          ];
        }).flat();
        const createdMs = new Map<string, number>();
        for (let next = 0; next < creations.length; next += 50) {
          await Promise.all(
            creations.slice(next, next + 50).map(([name, spec]) => {
              createdMs.set(`/${name}`, performance.now());
              return requests.create(name, spec);
            }),
          );
        }
        // The origins are in this process: it lists thousands of objects only when they have been reached.
        await until("the others are sent", () => origin.requests.length >= sentBefore + each, inSoak(150_000, 1_200_000));
        await requests.until(
          "the others are Ready",
          (all) => [...all].filter(([name, one]) => name.startsWith(`up-${round}`) && isReady(one)).length === each,
          inSoak(180_000, 1_200_000),
        );
        const sent = origin.requests.filter(({ path }) => path.startsWith(`/up-${round}`));
        expect(sent).toHaveLength(each);
        const latencies = sent.map(({ path, atMs }) => atMs - (createdMs.get(path) ?? NaN)).toSorted((a, b) => a - b);
        return latencies[Math.floor(latencies.length * 0.99)] ?? NaN;
      }
      async function removeAll(): Promise<void> {
        const areGone = async (): Promise<boolean> => {
          await plane.admin("DELETE", requests.collection); // of thousands it deletes as many as there is time for
          return (await requests.all()).size === 0;
        };
        await until("all are gone", areGone, 600_000);
      }
      const whenAllAreUpMs = isSoak ? await run("all-up") : undefined;
      if (whenAllAreUpMs !== undefined) process.stderr.write(`all up: 99 of 100 sent within ${Math.round(whenAllAreUpMs)} ms\n`);
      if (isSoak) await removeAll(); // what is there already is the same for both
      resetting.reply = () => ({ type: "reset" });
      silent.reply = () => never();
      const fromMs = performance.now();
      const p99Ms = await run("half-down");
      const tookMs = performance.now() - fromMs;
      await sleep(maxMs);
      if (whenAllAreUpMs !== undefined) expect(p99Ms).toBeLessThan(1.2 * whenAllAreUpMs);
      for (const down of [resetting, silent]) {
        expect(down.requests.length).toBeGreaterThan(0);
        // A request on a connection that was pooled when its origin went down is sent once more at once, on a new one.
        expect(hastyTries(down).slice(isSoak ? pooled : 0)).toEqual([]);
      }
      expect(await controller.metric('controller_runtime_reconcile_errors_total{controller="httprequest"}')).toBe(0);
      process.stderr.write(
        `${each} others Ready after ${Math.round(tookMs)} ms, 99 of 100 sent within ${Math.round(p99Ms)} ms (${Math.round(whenAllAreUpMs ?? NaN)} ms when all are up); ${resetting.requests.length} tries where each is reset, ${silent.requests.length} where none is answered\n`,
      );
    },
    inSoak(300_000, 2_700_000),
  );
});

/** Those that came sooner than their back-off allows, of which up to a quarter is taken off. */
function hastyTries({ requests }: FaultOrigin): readonly string[] {
  return [...Map.groupBy(requests, ({ path }) => path)].flatMap(([path, tries]) =>
    tries.slice(1).flatMap(({ atMs }, index) => {
      const gapMs = atMs - (tries[index]?.atMs ?? 0);
      const leastMs = 0.75 * Math.min(maxMs, initialMs * 2 ** index) - 50;
      return gapMs < leastMs ? [`${path}: try ${index + 2} after ${Math.round(gapMs)} ms`] : [];
    }),
  );
}
