/**
 * When what waits is looked at next, as its status tells people.
 *
 * Invariant: the time of a look is written to the second and that of a try, or of a schedule's tick, to the millisecond. By that
 * they are told apart: a try is not made before its time, a look can come sooner.
 */

/** RFC 3339, at `ms` since the epoch or up to a second later. */
export function lookTime(ms: number): string {
  return new Date(Math.ceil(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");
}

/** Whether `nextRunAt` is the time of a look. */
export function isLook(nextRunAt: string): boolean {
  return !nextRunAt.includes(".");
}

/** When the next try is due; undefined: none is, or what held it back is looked at before. */
export function nextTryOf({ nextRunAt }: { readonly nextRunAt?: string | undefined }): string | undefined {
  return nextRunAt === undefined || isLook(nextRunAt) ? undefined : nextRunAt;
}
