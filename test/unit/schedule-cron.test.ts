/**
 * Cron as users write it, against times worked out by hand: the forms that croner documents, days that months do not have,
 * and the nights in which clocks change. 2026-01-01 is a Thursday.
 */
import { describe, expect, test } from "@jest/globals";
import { schedule } from "../../src/api/schedule.ts";
import { validator } from "../../src/api/validate.ts";
import { timing } from "../../src/core/schedule.ts";

/** The first ticks after a time. */
function ticks(cron: string, count: number, { from = "2026-01-01T00:00:00Z", timeZone = "UTC" } = {}): string[] {
  const found: string[] = [];
  let now = new Date(from);
  while (found.length < count) {
    const next = timing({ cron, timeZone, missed: "RunOnce" }, undefined, now);
    if (next.type === "invalid") throw new Error(next.message);
    if (!next.next) throw new Error("no tick");
    found.push(next.next.toISOString().replace(":00.000Z", "").replace(".000Z", ""));
    now = next.next;
  }
  return found;
}

describe("cron finds", () => {
  test.each<[string, string, readonly string[]]>([
    ["steps", "*/7 * * * *", ["2026-01-01T00:07", "2026-01-01T00:14"]],
    [
      "a range with steps",
      "5-20/5 * * * *",
      ["2026-01-01T00:05", "2026-01-01T00:10", "2026-01-01T00:15", "2026-01-01T00:20", "2026-01-01T01:05"],
    ],
    [
      "lists",
      "0,30 6,18 * * *",
      ["2026-01-01T06:00", "2026-01-01T06:30", "2026-01-01T18:00", "2026-01-01T18:30", "2026-01-02T06:00"],
    ],
    ["a list of ranges", "0 1-2,22-23 * * *", ["2026-01-01T01:00", "2026-01-01T02:00", "2026-01-01T22:00", "2026-01-01T23:00"]],
    [
      "working hours",
      "0 9-17/4 * * MON-FRI",
      [
        "2026-01-01T09:00",
        "2026-01-01T13:00",
        "2026-01-01T17:00",
        "2026-01-02T09:00",
        "2026-01-02T13:00",
        "2026-01-02T17:00",
        "2026-01-05T09:00",
      ],
    ],
    ["seconds", "*/20 * * * * *", ["2026-01-01T00:00:20", "2026-01-01T00:00:40", "2026-01-01T00:01"]],
    ["names of months", "0 0 1 JAN,JUL *", ["2026-07-01T00:00", "2027-01-01T00:00"]],
    ["names in small letters", "0 0 * feb mon", ["2026-02-02T00:00", "2026-02-09T00:00"]],
    ["Sunday as 0", "0 0 * * 0", ["2026-01-04T00:00", "2026-01-11T00:00"]],
    ["Sunday as 7", "0 0 * * 7", ["2026-01-04T00:00", "2026-01-11T00:00"]],
    ["a weekend", "0 0 * * 6,7", ["2026-01-03T00:00", "2026-01-04T00:00", "2026-01-10T00:00"]],
    ["a month's last day", "0 0 L * *", ["2026-01-31T00:00", "2026-02-28T00:00", "2026-03-31T00:00", "2026-04-30T00:00"]],
    ["February's last day", "0 0 L 2 *", ["2026-02-28T00:00", "2027-02-28T00:00", "2028-02-29T00:00"]],
    ["a month's last Friday", "0 0 * * FRI#L", ["2026-01-30T00:00", "2026-02-27T00:00"]],
    ["a month's first Monday", "0 0 * * MON#1", ["2026-01-05T00:00", "2026-02-02T00:00"]],
    ["a fifth Monday, where there is one", "0 0 * * 1#5", ["2026-03-30T00:00", "2026-06-29T00:00"]],
    ["every other Sunday of a month", "0 0 * * SUN#2,SUN#4", ["2026-01-11T00:00", "2026-01-25T00:00", "2026-02-08T00:00"]],
    ["the weekday nearest to the 15th", "0 0 15W * *", ["2026-01-15T00:00", "2026-02-16T00:00", "2026-03-16T00:00"]],
    [
      "the weekday nearest to the 1st, in the same month",
      "0 0 1W * *",
      ["2026-02-02T00:00", "2026-03-02T00:00", "2026-04-01T00:00"],
    ],
    ["the 31st, of months that have one", "0 0 31 * *", ["2026-01-31T00:00", "2026-03-31T00:00", "2026-05-31T00:00"]],
    ["a leap day", "0 0 29 2 *", ["2028-02-29T00:00", "2032-02-29T00:00"]],
    ["the last minute of a year", "59 23 31 12 *", ["2026-12-31T23:59", "2027-12-31T23:59"]],
    [
      "a day of the month or one of the week, as cron has it",
      "0 0 13 * FRI",
      ["2026-01-02T00:00", "2026-01-09T00:00", "2026-01-13T00:00"],
    ],
    ["@yearly", "@yearly", ["2027-01-01T00:00"]],
    ["@annually", "@annually", ["2027-01-01T00:00"]],
    ["@weekly", "@weekly", ["2026-01-04T00:00"]],
    ["@daily", "@daily", ["2026-01-02T00:00"]],
    ["@hourly", "@hourly", ["2026-01-01T01:00"]],
  ])("%s: %s", (_what, cron, expected) => {
    expect(ticks(cron, expected.length)).toEqual(expected);
  });
  test.each(["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"])(
    "%s, as a CronJob does",
    (cron) => {
      expect(validator(schedule)({ cron }).problems).toEqual([]);
      expect(ticks(cron, 1)).toHaveLength(1);
    },
  );
  test("no leap day in 2100", () => {
    expect(ticks("0 0 29 2 *", 1, { from: "2096-03-01T00:00:00Z" })).toEqual(["2104-02-29T00:00"]);
  });
});

test.each([
  ["a day that its month never has", "0 0 31 4 *"],
  ["the 30th of February", "0 0 30 2 *"],
  ["a 31st, of months that have none", "0 0 31 2,4,6,9,11 *"],
  ["a minute too many", "60 * * * *"],
  ["an hour too many", "0 24 * * *"],
  ["a day 0", "0 0 0 * *"],
  ["a day too many", "0 0 32 * *"],
  ["a month too many", "0 0 1 13 *"],
  ["a weekday too many", "0 0 * * 8"],
  ["a sixth Monday", "0 0 * * MON#6"],
  ["a name that is none", "0 0 * * FOO"],
  ["a step of nothing", "*/ * * * *"],
  ["a range without an end", "5- * * * *"],
])("cron refuses %s: %s", (_what, cron) => {
  expect(timing({ cron, missed: "RunOnce" }, undefined, new Date("2026-01-01T00:00:00Z"))).toMatchObject({
    type: "invalid",
    message: expect.stringContaining("spec.schedule.cron"),
  });
});

describe("wish 9: F17: where clocks change, cron comes once, when the gap ends or the first time", () => {
  test.each<[string, string, string, readonly string[]]>([
    ["America/New_York", "30 2 * * *", "2026-03-08T00:00:00Z", ["2026-03-08T07:00", "2026-03-09T06:30"]],
    ["America/New_York", "30 1 * * *", "2026-11-01T00:00:00Z", ["2026-11-01T05:30", "2026-11-02T06:30"]],
    ["Europe/London", "30 1 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00", "2026-03-30T00:30"]],
    ["Europe/London", "30 1 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30", "2026-10-26T01:30"]],
    ["Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00:00Z", ["2026-10-03T15:30", "2026-10-04T15:15"]],
    ["Australia/Lord_Howe", "45 1 * * *", "2026-04-04T00:00:00Z", ["2026-04-04T14:45", "2026-04-05T15:15"]],
    ["America/Santiago", "0 0 * * *", "2026-09-05T12:00:00Z", ["2026-09-06T04:00", "2026-09-07T03:00"]],
    ["America/Santiago", "30 23 * * *", "2026-04-04T12:00:00Z", ["2026-04-05T02:30", "2026-04-06T03:30"]],
    ["Asia/Kolkata", "30 2 * * *", "2026-03-29T00:00:00Z", ["2026-03-29T21:00", "2026-03-30T21:00"]],
  ])("%s, %s from %s", (timeZone, cron, from, expected) => {
    expect(ticks(cron, expected.length, { from, timeZone })).toEqual(expected);
  });
});

test.each([
  ["61 * * * *", 'spec.schedule.cron: the minute "61", field 1 of 5, is none'],
  ["* 24 * * *", 'spec.schedule.cron: the hour "24", field 2 of 5, is none'],
  ["* * 0 * *", 'spec.schedule.cron: the day of month "0", field 3 of 5, is none'],
  ["* * * FOO *", 'spec.schedule.cron: the month "FOO", field 4 of 5, is none'],
  ["* * * * 9", 'spec.schedule.cron: the day of week "9", field 5 of 5, is none'],
  ["60 * * * * *", 'spec.schedule.cron: the second "60", field 1 of 6, is none'],
  ["0 */0 * * * *", 'spec.schedule.cron: the minute "*/0", field 2 of 6, is none'],
])("of %s the field is named that is wrong", (cron, message) => {
  expect(timing({ cron, missed: "RunOnce" }, undefined, new Date("2026-01-01T00:00:00Z"))).toEqual({ type: "invalid", message });
});

test("a time zone that there is none of is named", () => {
  const schedule = { cron: "0 3 * * *", timeZone: "Europe/Berln", missed: "RunOnce" } as const;
  expect(timing(schedule, undefined, new Date("2026-01-01T00:00:00Z"))).toEqual({
    type: "invalid",
    message: 'spec.schedule.timeZone: "Europe/Berln" is no time zone of the IANA database',
  });
});
