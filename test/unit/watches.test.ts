/** What a watch brings, and how it fails. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { ApiUnreachableError } from "../../src/kubernetes/api-error.ts";
import { readiness } from "../../src/kubernetes/readiness.ts";
import { readLines } from "../../src/kubernetes/lines.ts";
import { createEmit } from "../../src/telemetry/emit.ts";
import type { Log } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createWatchFailures } from "../../src/telemetry/watch-failures.ts";
import { afterEnd, backoffMs, start, type End, type Watching } from "../../src/kubernetes/reflector-state.ts";
import { runs } from "../support/fuzz.ts";

describe("watch readiness", () => {
  const watched = { resource: "httprequests", namespace: undefined, hasListed: true, problem: undefined, silentSecs: 0 };
  const problem = { reason: "network", sessionMs: 0 } as const;

  test("a watch that is broken for longer than an API server takes to start anew is not ready, and says why", () => {
    expect(readiness({ ...watched, silentSecs: 170 }).ready).toBe(true); // quiet, and connected
    expect(readiness({ ...watched, problem, silentSecs: 20 }).ready).toBe(true);
    const cutOff = readiness({ ...watched, problem, silentSecs: 61 });
    expect(cutOff).toMatchObject({ ready: false, text: expect.stringContaining("the watch of httprequests ended (network)") });
  });

  test("an API server that is away is said to be", () => {
    const error = new ApiUnreachableError("GET /apis", "ECONNREFUSED");
    const cutOff = readiness({ ...watched, problem: { ...problem, error }, silentSecs: 61 });
    expect(cutOff).toMatchObject({
      ready: false,
      text: "waiting: the API server is away (ECONNREFUSED): nothing is sent, and httprequests is watched again once it is back",
    });
  });

  test("one that the API server refuses is not ready at once", () => {
    for (const status of [401, 403, 404]) expect(readiness({ ...watched, problem: { ...problem, status } }).ready).toBe(false);
  });
});

describe("watch lines", () => {
  async function* chunked(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
    let start = 0;
    for (const size of sizes) {
      yield bytes.subarray(start, start + size);
      start += size;
    }
    yield bytes.subarray(start);
  }

  test("gives the same lines however the bytes are cut", async () => {
    const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", ""));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat(7)), async (lines, sizes) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
        expect(await Array.fromAsync(readLines(chunked(bytes, sizes), 10_000))).toEqual(lines);
      }),
      runs(100),
    );
  });

  test("drops what follows the last line feed", async () => {
    expect(await Array.fromAsync(readLines(chunked(Buffer.from("a\nb"), [1]), 10))).toEqual(["a"]);
  });

  test("gives up on a line above the limit", async () => {
    const reading = Array.fromAsync(readLines(chunked(Buffer.from("a".repeat(11)), [4, 4]), 10));
    await expect(reading).rejects.toMatchObject({ code: "ANSWER_TOO_LARGE" });
  });
});

// The log of an outage of the API server: one thing that has happened, however many watches there are.
describe("watch failures", () => {
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
});

describe("reflector state", () => {
  const idleMs = 180_000;
  const watching: Watching = { type: "watching", resourceVersion: "10", isFresh: false, failures: 3 };
  const end = (rest: Partial<End>): End => ({ reason: "network", sessionMs: 0, resourceVersion: "10", ...rest });

  test("pauses from one second, doubling to thirty, between half and all of it", () => {
    const almostOne = 1 - Number.EPSILON;
    expect([0, 1, 2, 3, 4, 5, 6, 1000].map((failures) => backoffMs(failures, almostOne))).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ]);
    expect([0, 5].map((failures) => backoffMs(failures, 0))).toEqual([500, 15_000]);
  });

  test("resumes from the last resourceVersion, with a longer pause after each early end", () => {
    const first = afterEnd(watching, end({ resourceVersion: "12", sessionMs: idleMs - 1 }), idleMs, 0);
    expect(first).toEqual({
      type: "backingOff",
      delayMs: 4_000,
      next: { type: "watching", resourceVersion: "12", isFresh: false, failures: 4 },
    });
  });

  test("pauses one second again after a session that outlived the idle timeout", () => {
    const { delayMs, next } = afterEnd(watching, end({ reason: "silent", sessionMs: idleMs }), idleMs, 0);
    expect(delayMs).toBe(500);
    expect(next.failures).toBe(1);
  });

  test("lists again, soon, when the resourceVersion has expired while the server was away", () => {
    const { delayMs, next } = afterEnd(watching, end({ reason: "expired", status: 410 }), idleMs, 0);
    expect(delayMs).toBe(500);
    expect(next).toMatchObject({ type: "listing", reason: "expired" });
  });

  test("pauses longer and longer when what was only just listed has expired already", () => {
    const fresh = { ...watching, isFresh: true };
    expect(afterEnd(fresh, end({ reason: "expired", status: 410 }), idleMs, 0).delayMs).toBe(4_000);
  });

  test("lists again when the server no longer has the type", () => {
    const { next } = afterEnd(watching, end({ reason: "refused", status: 404 }), idleMs, 0);
    expect(next).toMatchObject({ type: "listing", reason: "expired" });
  });

  test("keeps the resourceVersion when it may not watch for a while", () => {
    const { next } = afterEnd(watching, end({ reason: "refused", status: 403 }), idleMs, 0);
    expect(next).toMatchObject({ type: "watching", resourceVersion: "10" });
  });

  test("waits as long as the server asks, but not for ever", () => {
    expect(afterEnd(watching, end({ reason: "throttled", retryAfterMs: 60_000 }), idleMs, 0).delayMs).toBe(60_000);
    expect(afterEnd(watching, end({ reason: "throttled", retryAfterMs: 1_000 }), idleMs, 0).delayMs).toBe(4_000);
    expect(afterEnd(watching, end({ reason: "throttled", retryAfterMs: 2 ** 40 }), idleMs, 0).delayMs).toBe(600_000);
  });

  test("a listing that failed is tried again for the reason that it had", () => {
    const failed: End = { reason: "listFailed", sessionMs: 0 };
    const { delayMs, next } = afterEnd(start, failed, idleMs, 0);
    expect(delayMs).toBe(500);
    expect(next).toEqual({ type: "listing", reason: "start", failures: 1 });
  });
});
