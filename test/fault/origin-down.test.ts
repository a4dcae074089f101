/** Many objects, one origin down: it is tried at its back-off's pace, and nobody else waits for it. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ControlPlaneClient } from "../support/control-plane-client.ts";
import { isReady } from "../support/declared-requests.ts";
import { startFaultOrigin, type FaultOrigin } from "../support/fault-origin.ts";
import { faultWorld, inSoak, never } from "../support/fault-world.ts";
import { describeWithControlPlane, sharedControlPlane } from "../support/shared-control-plane.ts";

const each = inSoak(250, 5_000);
const initialMs = 2_000;
const maxMs = 8_000;

describeWithControlPlane(`${2 * each} objects, of which half go to an origin that is down`, () => {
  let plane: ControlPlaneClient;
  beforeAll(async () => {
    plane = await sharedControlPlane();
  });
  afterAll(async () => {
    await plane[Symbol.asyncDispose]();
  });

  test(
    "an origin that resets or never answers gets no more than the back-off allows, and the others' are all sent meanwhile",
    async () => {
      await using world = await faultWorld(plane, "down");
      const { origin, requests } = world;
      await using resetting = await startFaultOrigin();
      await using silent = await startFaultOrigin();
      resetting.reply = () => ({ type: "reset" });
      silent.reply = () => never();
      await using controller = await world.start();
      const retry = { limit: 100, backoff: { initial: `${initialMs}ms`, max: `${maxMs}ms` } };
      const creations = Array.from({ length: each }, (_, n) => {
        const down = n % 2 === 0 ? resetting : silent;
        return [
          [`down.${n}`, { url: `${down.url}/${n}`, timeout: "2s", retry }] as const,
          [`up.${n}`, { url: `${origin.url}/${n}`, method: "POST" }] as const,
        ];
      }).flat();
      const fromMs = performance.now();
      for (let next = 0; next < creations.length; next += 50) {
        await Promise.all(creations.slice(next, next + 50).map(([name, spec]) => requests.create(name, spec)));
      }
      await requests.until(
        "the others are Ready",
        (all) => [...all].filter(([name, one]) => name.startsWith("up.") && isReady(one)).length === each,
        inSoak(60_000, 600_000),
      );
      const tookMs = performance.now() - fromMs;
      await sleep(maxMs);
      expect(origin.requests).toHaveLength(each);
      for (const down of [resetting, silent]) {
        expect(down.requests.length).toBeGreaterThan(0);
        expect(hastyTries(down)).toEqual([]);
      }
      expect(await controller.metric('controller_runtime_reconcile_errors_total{controller="httprequest"}')).toBe(0);
      process.stderr.write(
        `${each} others Ready after ${Math.round(tookMs)} ms; ${resetting.requests.length} tries where each is reset, ${silent.requests.length} where none is answered\n`,
      );
    },
    inSoak(120_000, 900_000),
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
