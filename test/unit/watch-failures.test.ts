/** The log of an outage of the API server: one thing that has happened, however many watches there are. */
import { expect, test } from "@jest/globals";
import { createEmit } from "../../src/telemetry/emit.ts";
import type { Log } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createWatchFailures } from "../../src/telemetry/watch-failures.ts";

const kinds = [
  "httprequests",
  "httpresources",
  "httpendpoints",
  "clusterhttpendpoints",
  "egresspolicies",
  "namespaces",
  "secrets",
];
const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });

function outage() {
  let nowMs = 0;
  const failures = createWatchFailures(() => nowMs);
  const lines: { atSecs: number; resource: string; told: object }[] = [];
  return {
    lines,
    failures,
    wait: (secs: number): void => void (nowMs += secs * 1000),
    fail(resource: string, error: unknown = refused, reason = "network"): void {
      const told = failures.failed(resource, reason, error);
      if (told) lines.push({ atSecs: nowMs / 1000, resource, told });
    },
    /** All of these are tried each 20 s. */
    pass(secs: number, resources = kinds): void {
      for (const until = nowMs + secs * 1000; nowMs < until; nowMs += 20_000) for (const one of resources) this.fail(one);
    },
  };
}

test("seven watches that fail for an hour are told of at the begin, and then after pauses that double", () => {
  const { lines, pass } = withPass();
  pass(3_600);
  expect(lines.map(({ atSecs }) => atSecs)).toEqual([0, 60, 120, 240, 480, 960, 1_920]);
  expect(lines[0]?.told).toEqual({});
  expect(lines[1]?.told).toEqual({ watches: 7, failures: 21, failingForSecs: 60 });
});

test("what fails otherwise, or begins to fail later, has a line of its own", () => {
  const { lines, pass, world } = withPass();
  pass(600, ["secrets"]);
  const before = lines.length;
  world.fail("httprequests");
  world.fail("httpresources", { status: 403 }, "refused");
  world.fail("httpendpoints", { cause: { code: "ENOTFOUND" } });
  expect(lines.slice(before).map(({ resource }) => resource)).toEqual(["httprequests", "httpresources", "httpendpoints"]);
});

test("the next outage is told of anew", () => {
  const { lines, pass, world } = withPass();
  pass(300);
  for (const one of kinds) world.failures.connected(one);
  const before = lines.length;
  world.fail("secrets");
  expect(lines.length).toBe(before + 1);
});

test("a watch that was stopped while it failed takes nothing from the next outage", () => {
  const { lines, pass, world } = withPass();
  pass(120);
  for (const one of kinds.filter((kind) => kind !== "secrets")) world.failures.connected(one);
  world.wait(3_600);
  const before = lines.length;
  pass(120, ["httprequests", "httpresources"]);
  expect(lines.slice(before).map(({ told }) => told)).toEqual([{}, { watches: 2, failures: 6, failingForSecs: 60 }]);
});

test("a stream that was open has its own line, and metrics count each", async () => {
  const lines: (readonly [string, string])[] = [];
  const log: Log = {
    wants: () => true,
    write: (_level, message, fields) => void lines.push([message, String(fields?.["resource"])]),
  };
  const metrics = createMetrics({ kinds: [], concurrency: 1 });
  const emit = createEmit(log, metrics);
  for (const sessionDurationSecs of [30, 0, 0]) {
    for (const resource of kinds)
      emit({ type: "watchEnded", resource, reason: "network", sessionDurationSecs, delayMs: 1, error: refused });
  }
  expect(lines).toEqual([...kinds, "httprequests"].map((resource) => ["watch ended", resource]));
  expect(await metrics.registry.metrics()).toContain('reason="network"} 3');
});

function withPass() {
  const world = outage();
  return {
    world,
    lines: world.lines,
    pass: (secs: number, resources?: readonly string[]) => world.pass(secs, [...(resources ?? kinds)]),
  };
}
