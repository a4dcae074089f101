/**
 * When a schedule's ticks are, and which of them is to be run now. Pure: the time is an argument.
 *
 * Invariant: a tick that is due is later than everything that the mark says has been dealt with. So none is due twice,
 * whatever was restarted, however a clock was set, and however summer time begins and ends.
 */
import { Cron } from "croner";
import { digest } from "./tools/digest.ts";
import { durationMs } from "./tools/duration.ts";

export interface Schedule {
  readonly every?: string;
  readonly cron?: string;
  /** RFC 3339. */
  readonly at?: string;
  readonly window?: string;
  readonly stopAfter?: { readonly failures: number };
  readonly timeZone?: string;
  readonly startingDeadline?: string;
  readonly missed: "Skip" | "RunOnce";
}

/** What a status keeps of a schedule. */
export interface ScheduleMark {
  /** The schedule, as text: another one begins anew, with the ticks after that. */
  readonly declared: string;
  /** RFC 3339. Ticks up to this time have been run, or came before the schedule did. */
  readonly handledUpTo: string;
  /** Runs that failed in a row, where that ends it. */
  readonly failures?: number;
}

export type Timing =
  | {
      readonly type: "scheduled";
      /** Whether what is declared is sent without waiting for a tick. */
      readonly atOnce: boolean;
      /** RFC 3339: the tick that is to be run now. */
      readonly due?: string;
      /** The next tick, later than now; absent: there is none any more. */
      readonly next?: Date;
      /** It has failed as often as it may. */
      readonly isStopped?: true;
      readonly mark: ScheduleMark;
    }
  | { readonly type: "invalid"; readonly message: string };

/** With `missed: Skip` a tick is begun within this, or not at all. */
const skippedAfterMs = 60_000;
/** However short an interval reads. */
const shortestIntervalMs = 1_000;

/**
 * `before`: what the status has of it. Of several ticks that have passed only the latest is due. `uid`: by which it has its place in
 * a window; `declaredAt`: when it was declared, where that is known.
 */
export function timing(
  schedule: Schedule,
  before: ScheduleMark | undefined,
  now: Date,
  { uid = "", declaredAt = now.toISOString() }: { readonly uid?: string; readonly declaredAt?: string | undefined } = {},
): Timing {
  const { every, at, missed, stopAfter } = schedule;
  const declared = declaredText(schedule);
  const handledUpTo = at === undefined ? now.toISOString() : declaredAt;
  const mark = before?.declared === declared ? before : { declared, handledUpTo };
  const ticks = ticksOf(schedule, mark, now, offsetMs(schedule.window, uid));
  if ("message" in ticks) return { type: "invalid", message: ticks.message };
  const isStopped = stopAfter !== undefined && (mark.failures ?? 0) >= stopAfter.failures;
  if (isStopped) return { type: "scheduled", atOnce: every !== undefined, mark, isStopped };
  const latest = ticks.latest(now);
  const next = ticks.next(now);
  if (!next && at === undefined) return { type: "invalid", message: "spec.schedule.cron: names a time that never comes" };
  const lateMs = schedule.startingDeadline === undefined ? undefined : durationMs(schedule.startingDeadline);
  const longestLateMs = lateMs ?? (missed === "Skip" ? skippedAfterMs : Infinity);
  const isDue = latest !== undefined && now.getTime() - latest.getTime() <= longestLateMs;
  return {
    type: "scheduled",
    atOnce: every !== undefined,
    ...(isDue && { due: latest.toISOString() }),
    ...(next && { next }),
    // A tick that is too late is over, whatever is declared of missed ones later on.
    mark: isDue ? ticks.mark : advanceMark(ticks.mark, latest?.toISOString()),
  };
}

/** By which it is known that another one is declared. */
function declaredText({ every, cron = "", at, timeZone = "UTC", window, stopAfter }: Schedule): string {
  const times = every !== undefined ? `every ${every}` : at !== undefined ? `at ${at}` : `${cron} ${timeZone}`;
  const spread = window === undefined ? "" : ` window ${window}`;
  return `${times}${spread}${stopAfter ? ` stopAfter ${stopAfter.failures}` : ""}`;
}
/** Its place in the window: of many UIDs about as many in each part of it. */
function offsetMs(window: string | undefined, uid: string): number {
  if (window === undefined) return 0;
  return Math.floor((parseInt(digest(["window", uid]).slice(0, 12), 16) / 16 ** 12) * durationMs(window));
}
function ticksOf(
  { every, cron = "", at, timeZone = "UTC" }: Schedule,
  mark: ScheduleMark,
  now: Date,
  offsetMs: number,
): Ticks | { readonly message: string } {
  if (every !== undefined) return intervalTicks(durationMs(every), mark, now);
  if (at === undefined) return cronTicks(cron, timeZone, mark, offsetMs);
  const timeMs = Date.parse(at) + offsetMs;
  // An API server takes +99:99 for an offset.
  if (Number.isNaN(timeMs)) return { message: "spec.schedule.at: is no time (RFC 3339)" };
  const isOver = timeMs <= Date.parse(mark.handledUpTo);
  return {
    mark,
    latest: (now) => (!isOver && timeMs <= now.getTime() ? new Date(timeMs) : undefined),
    next: (now) => (!isOver && timeMs > now.getTime() ? new Date(timeMs) : undefined),
  };
}

/** The mark once a run has ended. One that ends well by hand, after too many that did not, begins the schedule anew. */
export function countFailures(
  mark: ScheduleMark,
  { schedule: { stopAfter }, succeeded, now }: { readonly schedule: Schedule; readonly succeeded: boolean; readonly now: Date },
): ScheduleMark {
  const { failures = 0, ...rest } = mark;
  if (!stopAfter) return rest;
  if (!succeeded) return { ...rest, failures: failures + 1 };
  return failures >= stopAfter.failures ? { ...rest, handledUpTo: now.toISOString() } : rest;
}

/** The mark once `tick` is being run. */
export function advanceMark(mark: ScheduleMark, tick: string | undefined): ScheduleMark {
  return tick !== undefined && Date.parse(tick) > Date.parse(mark.handledUpTo) ? { ...mark, handledUpTo: tick } : mark;
}

interface Ticks {
  readonly mark: ScheduleMark;
  /** The latest tick after the mark that is not after `now`. */
  latest(now: Date): Date | undefined;
  /** The first tick after both. */
  next(now: Date): Date | undefined;
}

/**
 * Counted from the mark. Where that is more than an interval ahead, the wall clock has been set back: the interval begins
 * anew, since waiting until the clock has caught up could take for ever.
 */
function intervalTicks(declaredMs: number, before: ScheduleMark, now: Date): Ticks {
  const everyMs = Math.max(shortestIntervalMs, declaredMs);
  const isSetBack = Date.parse(before.handledUpTo) - now.getTime() > everyMs;
  const mark = isSetBack ? { ...before, handledUpTo: now.toISOString() } : before;
  const startMs = Date.parse(mark.handledUpTo);
  const passed = (now: Date): number => Math.max(0, Math.floor((now.getTime() - startMs) / everyMs));
  return {
    mark,
    latest: (now) => (passed(now) > 0 ? new Date(startMs + passed(now) * everyMs) : undefined),
    next: (now) => new Date(startMs + (passed(now) + 1) * everyMs),
  };
}

/** Those that croner finds. A clock that is set back repeats none of them. */
function cronTicks(cron: string, timeZone: string, mark: ScheduleMark, offsetMs: number): Ticks | { readonly message: string } {
  const parsed = parsedCron(cron, timeZone);
  if ("message" in parsed) return parsed;
  const after = (timeMs: number): Date | undefined => {
    const tick = parsed.after(timeMs - offsetMs);
    return tick && new Date(tick.getTime() + offsetMs);
  };
  const startMs = Date.parse(mark.handledUpTo);
  const comesBy = (afterMs: number, now: Date): boolean => (after(afterMs)?.getTime() ?? Infinity) <= now.getTime();
  return {
    mark,
    latest(now) {
      if (!comesBy(startMs, now)) return undefined;
      // A tick comes after `low` and none after `high`: closed in to a second, in which there is one at most.
      let [low, high] = [startMs, now.getTime()];
      while (high - low > 1_000) {
        const middle = Math.floor((low + high) / 2);
        if (comesBy(middle, now)) low = middle;
        else high = middle;
      }
      return after(low);
    },
    next: (now) => after(Math.max(startMs, now.getTime())),
  };
}

/** `after`: the first tick after a time, milliseconds; undefined: there is none. */
function parsedCron(
  cron: string,
  timeZone: string,
): { readonly after: (timeMs: number) => Date | undefined } | { readonly message: string } {
  if (!isTimeZone(timeZone)) {
    return { message: `spec.schedule.timeZone: ${JSON.stringify(timeZone)} is no time zone of the IANA database` };
  }
  try {
    const job = new Cron(cron, { timezone: timeZone, mode: "5-or-6-parts", paused: true });
    return { after: (timeMs) => job.nextRun(new Date(timeMs)) ?? undefined };
  } catch {
    return { message: `spec.schedule.cron: ${cronProblem(cron)}` };
  }
}

const cronFields = ["second", "minute", "hour", "day of month", "month", "day of week"];
/** Which of the fields cannot be read: each is tried alone. */
function cronProblem(cron: string): string {
  const fields = cron.split(" ");
  const names = cronFields.slice(cronFields.length - fields.length);
  const wrong = names.findIndex(
    (_, place) => !isCron(names.map((__, at) => (at === place ? (fields[at] ?? "") : "*")).join(" ")),
  );
  const all = "is no cron expression of five fields, or six with seconds first";
  const name = names[wrong];
  if (fields.length < 5 || name === undefined) return all;
  return `the ${name} ${JSON.stringify(fields[wrong])}, field ${wrong + 1} of ${fields.length}, is none`;
}
function isCron(cron: string): boolean {
  try {
    return new Cron(cron, { mode: "5-or-6-parts", paused: true }).getPattern() === cron;
  } catch {
    return false;
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false; // which is how Intl says so
  }
}
