import { expect, test } from "@jest/globals";
import { createSecondLeaderAlarm } from "../../src/cli/second-leader.ts";
import type { TelemetryEvent } from "../../src/core/telemetry-event.ts";

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
