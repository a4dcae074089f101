/** What the process sees of itself. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, test } from "@jest/globals";
import { assert, integer, property } from "fast-check";
import { heldForEachByte, memoryLimitBytes, partsOfMemory } from "../../src/cli/memory.ts";
import { createLiveness } from "../../src/engine/liveness.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createSecondLeaderAlarm } from "../../src/cli/second-leader.ts";
import type { TelemetryEvent } from "../../src/core/telemetry-event.ts";

// The arithmetic of memory, as docs/operations.md tells it.
describe("memory", () => {
  const MiB = 1024 * 1024;

  test("with the chart's limit it is what the page says", () => {
    expect(partsOfMemory(512 * MiB, MiB)).toEqual({
      jqBytes: 64 * MiB,
      shares: 6,
      maxResponseBytes: 3 * MiB,
      materialBytes: 4 * MiB,
    });
  });

  test("from 256 MiB on, what tenants and servers can fill is never more than five eighths of the limit", () => {
    assert(
      property(integer({ min: 256, max: 65_536 }), integer({ min: 1, max: 64 * MiB }), (limitMiB, longest) => {
        const limit = limitMiB * MiB;
        const { jqBytes, shares, maxResponseBytes, materialBytes } = partsOfMemory(limit, Math.min(longest, 1e9));
        if (longest > maxResponseBytes) return; // of which the log warns
        const filled = 2 * jqBytes + 16 * MiB + shares * heldForEachByte * longest + 5 * materialBytes;
        expect(filled).toBeLessThanOrEqual((limit * 5) / 8);
      }),
    );
  });

  test("the limit of this process is known, and is no more than there is", () => {
    expect(memoryLimitBytes()).toBeGreaterThan(64 * MiB);
    expect(Number.isFinite(memoryLimitBytes())).toBe(true);
  });
});

// When a liveness probe fails: only when nobody takes what is due.
describe("liveness", () => {
  function watched() {
    const state = { nowMs: 0, depth: 0, isWorking: true };
    const queue = {
      get depth() {
        return state.depth;
      },
    };
    const liveness = createLiveness({ queue, isWorking: () => state.isWorking, limitMs: 60_000, now: () => state.nowMs });
    return { state, liveness };
  }

  test("fails, saying why, when keys are due and none is taken for longer than the limit", () => {
    const { state, liveness } = watched();
    expect(liveness.failing()).toEqual([]);
    state.depth = 3;
    state.nowMs = 60_000;
    expect(liveness.failing()).toEqual([]);
    state.nowMs = 61_000;
    expect(liveness.failing()).toEqual(["3 keys are due, and no worker has taken one for 61 s"]);
  });

  test("does not fail however long the queue is, as long as keys are taken", () => {
    const { state, liveness } = watched();
    state.depth = 10_000;
    for (; state.nowMs < 600_000; state.nowMs += 50_000) {
      liveness.took();
      expect(liveness.failing()).toEqual([]);
    }
  });

  test("does not fail after hours with nothing to do, nor while another process leads", () => {
    const { state, liveness } = watched();
    state.nowMs = 7_200_000;
    expect(liveness.failing()).toEqual([]);
    Object.assign(state, { nowMs: 14_400_000, depth: 5, isWorking: false });
    expect(liveness.failing()).toEqual([]);
  });
});

describe("tcp sockets", () => {
  /** The value of `holdfast_tcp_sockets` for a state, as it would be scraped. */
  async function scraped(state: string): Promise<number> {
    const text = await createMetrics({ kinds: [], concurrency: 1 }).registry.getSingleMetricAsString("holdfast_tcp_sockets");
    return Number(new RegExp(`^holdfast_tcp_sockets\\{state="${state}"\\} (\\d+)$`, "m").exec(text)?.[1]);
  }

  /** Whether so many more are counted as are opened, and then as are left open when the far side closes: what a leak looks like. */
  async function areCounted(count: number): Promise<boolean> {
    await using opened = new AsyncDisposableStack();
    const accepted: Socket[] = [];
    const server = createServer((socket) => accepted.push(socket.on("error", () => {})));
    opened.defer(() => void server.close());
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    expect(await scraped("listen")).toBeGreaterThanOrEqual(1);
    const before = { established: await scraped("established"), waiting: await scraped("close_wait") };
    const sockets = Array.from({ length: count }, () => connect({ port, host: "127.0.0.1", allowHalfOpen: true }));
    for (const socket of sockets) opened.defer(() => void socket.destroy());
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    const established = (await scraped("established")) - before.established;
    const ended = sockets.map((socket) => once(socket.resume(), "end"));
    for (const socket of accepted) socket.end();
    await Promise.all(ended);
    const waiting = (await scraped("close_wait")) - before.waiting;
    return established >= 2 * count - 50 && waiting >= count - 50;
  }

  test("the kernel's sockets are counted by state, those of this process and of others", async () => {
    let isSo = false;
    // Of others fewer than fifty close meanwhile, sooner or later.
    for (let tries = 0; tries < 50 && !isSo; tries += 1) isSo = await areCounted(200);
    expect(isSo).toBe(true);
  });
});

describe("second leader", () => {
  const key = { namespace: "team-a", name: "announce" };
  function begun(sender: string | undefined, startedAt: string) {
    const metadata = { ...key, uid: "u", generation: 1, resourceVersion: "1" };
    return { metadata, spec: {}, status: { attempt: { id: "1", startedAt, ...(sender !== undefined && { sender }) } } };
  }

  test("another that begins requests while this process leads is told of, once", () => {
    const told: TelemetryEvent[] = [];
    let sinceMs: number | undefined = Date.parse("2026-01-01T12:00:00Z");
    const note = createSecondLeaderAlarm({ instanceId: "me", ledSinceMs: () => sinceMs, emit: (event) => void told.push(event) });
    note("HTTPRequest", key, undefined);
    note("HTTPRequest", key, begun(undefined, "2026-01-01T13:00:00Z"));
    note("HTTPRequest", key, begun("me", "2026-01-01T13:00:00Z"));
    note("HTTPRequest", key, begun("before me", "2026-01-01T11:59:59Z"));
    sinceMs = undefined;
    note("HTTPRequest", key, begun("whoever leads", "2026-01-01T13:00:00Z"));
    expect(told).toEqual([]);
    sinceMs = Date.parse("2026-01-01T12:00:00Z");
    for (const _ of [1, 2]) note("HTTPRequest", key, begun("other", "2026-01-01T12:30:00Z"));
    expect(told).toEqual([
      expect.objectContaining({
        level: "error",
        message: expect.stringContaining("another Holdfast leads over the same objects"),
        fields: { otherSender: "other", kind: "HTTPRequest", ...key },
      }),
    ]);
  });
});
