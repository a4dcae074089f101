/** Whether an answer says that it has a part of a list only. Pure. */
import type { Response } from "../../core/outcome.ts";

/** RFC 9110, section 14.4; PostgREST leaves out the unit. */
const someOf = /(?:^| )(\d{1,15})-(\d{1,15})\/(\d{1,15}) *$/;
const noneOf = /(?:^| )\*\/(\d{1,15}) *$/;

/** Of the last page that there is a way to. `isFollowed`: something says of each page whether another comes. */
export function isPartOnly({ statusCode, headers }: Response, isFollowed: boolean): boolean {
  const range = String(headers["content-range"] ?? "").slice(-100);
  const [, , last, total] = someOf.exec(range) ?? [];
  if (last !== undefined) return Number(last) + 1 < Number(total);
  if (isFollowed) return false;
  const [, left] = noneOf.exec(range) ?? [];
  return left === undefined ? statusCode === 206 : Number(left) > 0;
}
