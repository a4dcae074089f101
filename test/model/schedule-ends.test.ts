/** Schedules that come once, are spread over a fleet, or end by themselves; and endpoints that are suspended. */
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { HTTPRequestSpec, HTTPRequestStatus } from "../../src/api/http-request.ts";
import { timing } from "../../src/core/schedule.ts";
import type { Resource } from "../../src/core/resource.ts";
import { runs } from "../support/fuzz.ts";
import { answer, condition, driveIn, httpRequest, type Answer, type Driven } from "../support/request-plan.ts";

const created = "2026-01-01T00:00:00Z";
const missed = "RunOnce" as const;
interface Looking {
  readonly spec: Partial<HTTPRequestSpec>;
  readonly status?: HTTPRequestStatus | undefined;
  readonly answers?: readonly Answer[];
  readonly generation?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}
function look(time: string, { spec, status, answers = [answer(200)], ...metadata }: Looking): Driven {
  const about = { creationTimestamp: created, ...metadata, ...(status && { status }) };
  return driveIn({ resource: httpRequest(spec, about), now: new Date(time) }, answers);
}
const readyOf = ({ status }: Driven): string | undefined => condition(status, "Ready")?.reason;

describe("wish 30: schedule.at", () => {
  const schedule = { at: "2026-06-01T12:00:00+02:00", missed };
  test("sends nothing before its time, once then, and nothing after", () => {
    const before = look("2026-05-31T00:00:00Z", { spec: { schedule } });
    expect([before.steps.length, readyOf(before), before.status.nextRunAt]).toEqual([0, "Scheduled", "2026-06-01T10:00:00.000Z"]);
    const due = look("2026-06-01T10:00:00.000Z", { spec: { schedule }, status: before.status });
    expect(due.steps).toHaveLength(1);
    expect(due.status.attempt?.tick).toBe("2026-06-01T10:00:00.000Z");
    expect(due.status).not.toHaveProperty("nextRunAt");
    const after = look("2026-06-02T00:00:00Z", { spec: { schedule }, status: due.status });
    expect([after.steps.length, readyOf(after), after.verdict.requeueAfterMs]).toEqual([0, "Succeeded", undefined]);
    expect(after.status).toEqual(due.status);
  });
  test("that comes while nobody looks is run afterwards, however new the object was", () => {
    expect(look("2026-06-03T00:00:00Z", { spec: { schedule } }).steps).toHaveLength(1);
    const strict = { ...schedule, startingDeadline: "1h" };
    const late = look("2026-06-03T00:00:00Z", { spec: { schedule: strict } });
    expect([late.steps.length, readyOf(late)]).toEqual([0, "ScheduledTimePassed"]);
  });
  test("that was over when it was declared sends nothing, and says so", () => {
    const past = { at: "2025-06-01T00:00:00Z", missed };
    const passed = look("2026-01-01T00:00:01Z", { spec: { schedule: past } });
    expect([passed.steps.length, readyOf(passed), passed.verdict.requeueAfterMs]).toEqual([0, "ScheduledTimePassed", undefined]);
    expect(passed.verdict.result).toBe("stalled"); // once, for the log
    const again = look("2026-01-01T00:00:02Z", { spec: { schedule: past }, status: passed.status });
    expect([again.verdict.result, again.status]).toEqual(["unchanged", passed.status]);
    const message = condition(passed.status, "Stalled")?.message;
    expect(message).toContain("change the annotation holdfast.dev/reconcile-at");
    const annotations = { "holdfast.dev/reconcile-at": "1" };
    expect(look("2026-01-01T00:00:03Z", { spec: { schedule: past }, status: passed.status, annotations }).steps).toHaveLength(1);
    const edited = look("2026-01-02T00:00:00Z", { spec: { schedule: { at: created, missed } }, generation: 2 });
    expect([edited.steps.length, readyOf(edited)]).toEqual([0, "ScheduledTimePassed"]);
  });
  test("whose run fails is Stalled", () => {
    const failed = look("2026-06-01T10:00:01Z", { spec: { schedule }, answers: [answer(400)] });
    expect(condition(failed.status, "Stalled")?.reason).toBe("UnexpectedStatus");
  });
});

describe("schedule.window", () => {
  const schedule = { cron: "0 3 * * *", window: "30m", missed };
  const nextOf = (uid: string, now = created): number => {
    const found = timing(schedule, undefined, new Date(now), { uid });
    if (found.type === "invalid" || !found.next) throw new Error("no tick");
    return found.next.getTime() - Date.parse("2026-01-01T03:00:00Z");
  };
  test("spreads a fleet evenly, each always at the same place", () => {
    const places = Array.from({ length: 1_000 }, (_, index) => nextOf(`uid-${index}`));
    expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...places)).toBeLessThan(1_800_000);
    for (let part = 0; part < 10; part += 1) {
      const inside = places.filter((place) => place >= part * 180_000 && place < (part + 1) * 180_000);
      expect(inside.length).toBeGreaterThan(60);
      expect(inside.length).toBeLessThan(140);
    }
    expect(places).toEqual(Array.from({ length: 1_000 }, (_, index) => nextOf(`uid-${index}`, "2026-01-01T01:00:00Z")));
  });
  test("runs each tick once, whoever looks when", () => {
    const walk = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(walk, fc.uuid(), (steps, uid) => {
        let [now, mark] = [Date.parse(created), undefined as { declared: string; handledUpTo: string } | undefined];
        const ran: string[] = [];
        for (const minutes of [0, ...steps]) {
          now += minutes * 60_000;
          const found = timing(schedule, mark, new Date(now), { uid });
          if (found.type === "invalid") throw new Error(found.message);
          ({ mark } = found);
          if (found.due === undefined) continue;
          ran.push(found.due);
          mark = { ...mark, handledUpTo: found.due };
        }
        expect(new Set(ran).size).toBe(ran.length);
        const last = ran.at(-1);
        const place = nextOf(uid);
        for (const due of ran) expect((Date.parse(due) - place - Date.parse("2026-01-01T03:00:00Z")) % 86_400_000).toBe(0);
        if (now - Date.parse(created) > 86_400_000 + 4 * 3_600_000) expect(now - Date.parse(last ?? "")).toBeLessThan(86_400_000);
      }),
      runs(200),
    );
  });
  test("holds for a single time, too", () => {
    const found = timing({ at: "2026-01-01T03:00:00Z", window: "30m", missed }, undefined, new Date(created), { uid: "uid-1" });
    expect(found).toMatchObject({ next: new Date(Date.parse("2026-01-01T03:00:00Z") + nextOf("uid-1")) });
  });
});

describe("schedule.stopAfter", () => {
  const spec = {
    schedule: { every: "1m", stopAfter: { failures: 3 }, missed },
    retry: { limit: 0, backoff: { initial: "1s", max: "5m" } },
  };
  const minute = (number: number): string => new Date(Date.parse(created) + number * 60_000).toISOString();
  function walk(codes: readonly number[]): Driven {
    let driven: Driven | undefined;
    codes.forEach((code, index) => {
      driven = look(minute(index), { spec, status: driven?.status, answers: [answer(code)] });
    });
    return driven as Driven;
  }
  test("ends it after so many failures in a row, and not before", () => {
    for (const codes of [
      [500, 500],
      [500, 500, 200, 500, 500],
    ]) {
      const going = walk(codes);
      expect(condition(going.status, "Stalled")).toBeUndefined();
      expect(going.verdict.requeueAfterMs).toBe(60_000);
    }
    const ended = walk([500, 200, 500, 500, 500]);
    expect(condition(ended.status, "Stalled")).toMatchObject({
      reason: "TooManyFailures",
      message: expect.stringContaining("answered 500"),
    });
    expect(condition(ended.status, "Succeeded")?.reason).toBe("UnexpectedStatus");
    expect([ended.verdict.requeueAfterMs, ended.status.nextRunAt]).toEqual([undefined, undefined]);
    const later = look(minute(60), { spec, status: ended.status });
    expect(later.steps).toEqual([]);
    expect(later.status).toEqual(ended.status);
  });
  test("begins anew when a run by hand ends well, at the next tick from there, or when the schedule is edited", () => {
    const { status } = walk([500, 500, 500]);
    const annotations = { "holdfast.dev/reconcile-at": "1" };
    const failed = look(minute(60), { spec, status, annotations, answers: [answer(500)] });
    expect(condition(failed.status, "Stalled")?.reason).toBe("TooManyFailures");
    const mended = look(minute(60), { spec, status, annotations });
    expect([readyOf(mended), mended.verdict.requeueAfterMs]).toEqual(["Succeeded", 0]);
    const again = look(minute(60), { spec, status: mended.status, annotations });
    expect([again.steps.length, again.status.nextRunAt]).toEqual([0, minute(61)]);
    const edited = { ...spec, schedule: { ...spec.schedule, stopAfter: { failures: 4 } } };
    const anew = look(minute(60), { spec: edited, status, generation: 2 });
    expect([anew.steps.length, anew.status.nextRunAt, anew.status.schedule?.failures]).toEqual([0, minute(61), undefined]);
  });
});

describe("wish 31: a suspended endpoint", () => {
  const endpoint = (suspend: boolean): Resource => ({
    metadata: { name: "users", namespace: "team-a", uid: "e", generation: 1, resourceVersion: "1" },
    spec: { baseURL: "https://users.example", http2: false, suspend },
  });
  const spec = { endpointRef: { kind: "HTTPEndpoint", name: "users" } } as const;
  const drive = (suspend: boolean, status?: HTTPRequestStatus): Driven =>
    driveIn({ resource: httpRequest(spec, status && { status }), references: [endpoint(suspend)] }, [answer(200)]);
  test("sends nothing, says so without being Stalled, and lets all go when it is no longer", () => {
    const held = drive(true);
    expect(held.steps).toEqual([]);
    expect(condition(held.status, "Reconciling")).toMatchObject({
      reason: "EndpointSuspended",
      message: 'spec.endpointRef: HTTPEndpoint "users" is suspended; it is sent when spec.suspend there is no longer true',
    });
    expect(condition(held.status, "Stalled")).toBeUndefined();
    const let_ = drive(false, held.status);
    expect([let_.steps.length, readyOf(let_)]).toEqual([1, "Succeeded"]);
    expect(readyOf(drive(true, let_.status))).toBe("Succeeded"); // what was delivered is not undone
  });
});
