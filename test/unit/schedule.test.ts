import { describe, expect, test } from "@jest/globals";
import { assert, array, constantFrom, integer, oneof, property, record } from "fast-check";
import { advanceMark, timing, type Schedule, type ScheduleMark, type Timing } from "../../src/core/schedule.ts";
import { fuzzTimeoutMs, runs } from "../support/fuzz.ts";

type Scheduled = Extract<Timing, { type: "scheduled" }>;
const start = "2026-01-01T00:00:00.000Z";
const zones = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"];

function at(schedule: Partial<Schedule>, now: string, before?: ScheduleMark): Scheduled {
  const found = timing({ missed: "RunOnce", ...schedule }, before, new Date(now));
  if (found.type === "invalid") throw new Error(found.message);
  return found;
}
/** The schedule, taken up at `start` or a given time. */
function declared(schedule: Partial<Schedule>, since = start): ScheduleMark {
  return { ...at(schedule, since).mark, handledUpTo: since };
}
/** The ticks that a process that looks every ten minutes runs. */
function run(schedule: Partial<Schedule>, from: string, hours: number): string[] {
  let mark = declared(schedule, from);
  const ran: string[] = [];
  for (let minute = 0; minute <= hours * 60; minute += 10) {
    const { due } = at(schedule, new Date(Date.parse(from) + minute * 60_000).toISOString(), mark);
    if (due !== undefined) ran.push(due);
    mark = advanceMark(mark, due);
  }
  return ran;
}

describe("an interval", () => {
  const hourly = { every: "1h" };
  test("is counted from when it was declared, and nothing is due before it has passed", () => {
    expect(at(hourly, start)).toMatchObject({ atOnce: true, next: new Date("2026-01-01T01:00:00Z") });
    expect(at(hourly, "2026-01-01T00:59:59.999Z", declared(hourly)).due).toBeUndefined();
    expect(at(hourly, "2026-01-01T01:00:00Z", declared(hourly)).due).toBe("2026-01-01T01:00:00.000Z");
  });
  test("wish 4: keeps its times however late it is run, and after a restart", () => {
    const late = at(hourly, "2026-01-01T05:20:00Z", declared(hourly));
    expect(late.due).toBe("2026-01-01T05:00:00.000Z");
    expect(late.next).toEqual(new Date("2026-01-01T06:00:00Z"));
    expect(at(hourly, "2026-01-01T05:30:00Z", advanceMark(late.mark, late.due)).due).toBeUndefined();
  });
  test("of 30 days is due after 30 days", () => {
    const monthly = { every: "720h" };
    expect(at(monthly, "2026-01-30T23:59:59Z", declared(monthly)).due).toBeUndefined();
    expect(at(monthly, "2026-01-31T00:00:00Z", declared(monthly)).due).toBe("2026-01-31T00:00:00.000Z");
  });
  test("never comes round faster than once a second, whatever it says", () => {
    expect(at({ every: "0s" }, start).next).toEqual(new Date("2026-01-01T00:00:01Z"));
    expect(at({ every: "1ms" }, start).next).toEqual(new Date("2026-01-01T00:00:01Z"));
  });
  test("begins anew when the clock was set back by more than itself, and runs nothing because of that", () => {
    const back = at(hourly, "2025-12-31T12:00:00Z", declared(hourly));
    expect(back.due).toBeUndefined();
    expect(back.next).toEqual(new Date("2025-12-31T13:00:00Z"));
    expect(at(hourly, "2025-12-31T12:30:00Z", back.mark).mark).toEqual(back.mark);
    expect(at(hourly, "2025-12-31T23:30:00Z", declared(hourly)).mark.handledUpTo).toBe(start);
  });
});

describe("a tick that was missed", () => {
  const hourly = { every: "1h" };
  const after = (schedule: Partial<Schedule>, now: string): string | undefined => at(schedule, now, declared(hourly)).due;
  test("is run once with the others that were, unless they are to be skipped", () => {
    expect(after(hourly, "2026-01-01T09:30:00Z")).toBe("2026-01-01T09:00:00.000Z");
    expect(after({ ...hourly, missed: "Skip" }, "2026-01-01T09:30:00Z")).toBeUndefined();
    expect(after({ ...hourly, missed: "Skip" }, "2026-01-01T09:00:59Z")).toBe("2026-01-01T09:00:00.000Z");
  });
  test("is not begun after its starting deadline", () => {
    const strict = { ...hourly, startingDeadline: "10m" };
    expect(after(strict, "2026-01-01T09:10:00Z")).toBe("2026-01-01T09:00:00.000Z");
    expect(after(strict, "2026-01-01T09:10:01Z")).toBeUndefined();
    expect(after({ ...strict, missed: "Skip" }, "2026-01-01T09:09:00Z")).toBe("2026-01-01T09:00:00.000Z");
  });
});

test("a tick that was left out stays so, whatever is said of missed ones afterwards, and the others keep their times", () => {
  for (const strict of [{ missed: "Skip" }, { startingDeadline: "10m" }] as const)
    for (const schedule of [{ every: "1h" }, { cron: "0 * * * *" }]) {
      const { mark, due } = at({ ...schedule, ...strict }, "2026-01-01T09:30:00Z", declared(schedule));
      expect(due).toBeUndefined();
      expect(at(schedule, "2026-01-01T09:40:00Z", mark)).not.toHaveProperty("due");
      expect(at(schedule, "2026-01-01T10:10:00Z", mark).due).toBe("2026-01-01T10:00:00.000Z");
    }
});

test("another schedule begins with the ticks after it was declared: editing one never sends", () => {
  const mark = declared({ every: "1h" });
  expect(at({ every: "1m" }, "2026-01-01T00:50:30Z", mark)).toMatchObject({ next: new Date("2026-01-01T00:51:30Z") });
  expect(at({ every: "1m" }, "2026-01-01T00:50:30Z", mark).due).toBeUndefined();
  expect(at({ cron: "* * * * *" }, "2026-01-01T00:50:30Z", mark).due).toBeUndefined();
  expect(at({ every: "1h", missed: "Skip", startingDeadline: "5m" }, "2026-01-01T00:30:00Z", mark).mark).toEqual(mark);
});

describe("cron", () => {
  test("waits for its first tick", () => {
    expect(at({ cron: "0 3 * * *" }, start)).toMatchObject({ atOnce: false, next: new Date("2026-01-01T03:00:00Z") });
  });
  test.each([
    ["*/15 * * * *", "2026-01-01T00:15:00.000Z"],
    ["0 12 * * MON", "2026-01-05T12:00:00.000Z"],
    ["0 0 1 */3 *", "2026-04-01T00:00:00.000Z"],
    ["0 0 29 2 *", "2028-02-29T00:00:00.000Z"],
    ["0 0 L * *", "2026-01-31T00:00:00.000Z"],
    ["0 0 * * FRI#2", "2026-01-09T00:00:00.000Z"],
    ["30 5 0 * * *", "2026-01-01T00:05:30.000Z"],
    ["0 0 13 * 5", "2026-01-02T00:00:00.000Z"],
    ["@monthly", "2026-02-01T00:00:00.000Z"],
  ])("%s comes next at %s", (cron, next) => {
    expect(at({ cron }, start).next?.toISOString()).toBe(next);
  });
  test.each(["61 * * * *", "* * * *", "*/0 * * * *", "0 0 * * * * 2030", "0 0 30 2 *", "tomorrow"])("refuses %s", (cron) => {
    expect(timing({ cron, missed: "RunOnce" }, undefined, new Date(start))).toMatchObject({
      type: "invalid",
      message: expect.stringContaining("spec.schedule.cron"),
    });
  });
  test.each(["2027-01-01T00:00:00+99:99", "2027-01-01T00:00:00-24:01"])(
    "refuses the time %s, which an API server takes",
    (time) => {
      expect(timing({ at: time, missed: "RunOnce" }, undefined, new Date(start))).toMatchObject({
        type: "invalid",
        message: expect.stringContaining("spec.schedule.at"),
      });
    },
  );
  test("refuses a time zone that there is not", () => {
    expect(timing({ cron: "0 3 * * *", timeZone: "Mars/Olympus", missed: "RunOnce" }, undefined, new Date(start))).toMatchObject({
      type: "invalid",
      message: expect.stringContaining("spec.schedule.timeZone"),
    });
  });
  test("a clock that is set back repeats no tick", () => {
    const nightly = { cron: "0 3 * * *" };
    const mark = advanceMark(declared(nightly), "2026-01-02T03:00:00.000Z");
    expect(at(nightly, "2026-01-02T02:59:00Z", mark)).toMatchObject({ next: new Date("2026-01-03T03:00:00Z") });
    expect(at(nightly, "2026-01-02T03:00:00Z", mark).due).toBeUndefined();
  });
});

describe("wish 9: where summer time begins or ends", () => {
  const berlin = { timeZone: "Europe/Berlin" };
  const [spring, autumn] = ["2026-03-28T22:00:00.000Z", "2026-10-24T22:00:00.000Z"];
  test("F17: a time that is left out in spring is run when the gap ends", () => {
    expect(run({ cron: "30 2 * * *", ...berlin }, spring, 30)).toEqual(["2026-03-29T01:00:00.000Z", "2026-03-30T00:30:00.000Z"]);
  });
  test("F17: a time that comes twice in autumn is run the first time only", () => {
    expect(run({ cron: "30 2 * * *", ...berlin }, autumn, 30)).toEqual(["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"]);
  });
  test("what repeats within the hour goes on in the same rhythm", () => {
    const [inSpring, inAutumn] = [spring, autumn].map((from) => run({ cron: "*/30 * * * *", ...berlin }, from, 6));
    expect([inSpring?.length, inAutumn?.length]).toEqual([12, 12]);
  });
  test("an interval does not care", () => {
    expect(run({ every: "1h" }, autumn, 6)).toHaveLength(6);
  });
});

test(
  "never is a tick due twice, nor more than one a look, across restarts, clocks that jump and summer time",
  () => {
    const schedules = oneof(
      record({
        cron: constantFrom("30 2 * * *", "*/20 * * * *", "0 1,2,3 * * *", "15 2 * * SUN", "0 */5 * * * *"),
        timeZone: constantFrom(...zones),
      }),
      record({ every: constantFrom("1s", "7m", "1h", "24h", "720h") }),
    );
    const moments = constantFrom("2026-03-08T05:00:00Z", "2026-03-29T00:00:00Z", "2026-10-25T00:00:00Z", "2026-04-04T14:00:00Z");
    // What a clock, a pause or a restart does between two looks, seconds; backwards too.
    const jumps = array(integer({ min: -7_200, max: 10_800 }), { minLength: 1, maxLength: 60 });
    assert(
      property(schedules, moments, jumps, (schedule, from, steps) => {
        let now = Date.parse(from);
        let mark = at(schedule, new Date(now).toISOString()).mark;
        const ran: { due: string; mark: string }[] = [];
        for (const step of steps) {
          now += step * 1_000;
          const looked = at(schedule, new Date(now).toISOString(), mark);
          const { due, next } = looked;
          expect(next?.getTime()).toBeGreaterThan(now);
          if (due !== undefined) {
            expect(Date.parse(due)).toBeLessThanOrEqual(now);
            expect(Date.parse(due)).toBeGreaterThan(Date.parse(looked.mark.handledUpTo));
            ran.push({ due, mark: looked.mark.handledUpTo });
          }
          mark = advanceMark(looked.mark, due);
          expect(at(schedule, new Date(now).toISOString(), mark).due).toBeUndefined();
        }
        if ("cron" in schedule) expect(new Set(ran.map(({ due }) => due)).size).toBe(ran.length);
      }),
      runs(60),
    );
  },
  fuzzTimeoutMs,
);

test(
  "an interval that is looked at on time runs as often as it fits, and no more, with the clock set back meanwhile",
  () => {
    assert(
      property(constantFrom("1s", "10s", "1m"), array(integer({ min: 0, max: 7_200 }), { maxLength: 5 }), (every, setBacks) => {
        let [elapsed, offset, ran] = [0, 0, 0];
        const wall = (): string => new Date(Date.parse(start) + (elapsed - offset) * 1_000).toISOString();
        let mark = at({ every }, wall()).mark;
        for (; elapsed < 1_200; elapsed += 1) {
          if (elapsed % 200 === 100) offset += setBacks[Math.floor(elapsed / 200)] ?? 0;
          const { due, mark: seen } = at({ every }, wall(), mark);
          if (due !== undefined) ran += 1;
          mark = advanceMark(seen, due);
        }
        const everySecs = { "1s": 1, "10s": 10, "1m": 60 }[every];
        expect(ran).toBeLessThanOrEqual(1_200 / everySecs);
        expect(ran).toBeGreaterThanOrEqual(1_200 / everySecs - 1 - 3 * setBacks.length);
      }),
      runs(30),
    );
  },
  fuzzTimeoutMs,
);
