/** Cookies that an answer sets (RFC 6265, section 5.2). */
import { parseCookie } from "undici";
import type { Response } from "../../core/outcome.ts";
import { fieldText } from "../field-text.ts";

export interface SetCookie {
  readonly name: string;
  readonly value: string;
  /** Seconds that it lives; absent: as long as the session. Not above 0: it is taken back. */
  readonly lifeSecs?: number;
}

/** In their order; what is no cookie is passed over. */
export function cookiesOf({ headers }: Pick<Response, "headers">, now: Date): readonly SetCookie[] {
  return [headers["set-cookie"] ?? []].flat().flatMap((field): SetCookie[] => {
    const parsed = parseCookie(fieldText(field));
    if (!parsed || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(parsed.name)) return [];
    const { name, value, maxAge, expires } = parsed;
    const until = expires === undefined ? NaN : new Date(expires).getTime();
    const lifeSecs = maxAge ?? (Number.isNaN(until) ? undefined : (until - now.getTime()) / 1000);
    return [{ name, value, ...(lifeSecs !== undefined && { lifeSecs }) }];
  });
}

/** Those that stand after others have been set. */
export function withSet(before: ReadonlyMap<string, SetCookie>, set: readonly SetCookie[]): ReadonlyMap<string, SetCookie> {
  const after = new Map(before);
  for (const cookie of set) {
    if (cookie.lifeSecs !== undefined && cookie.lifeSecs <= 0) after.delete(cookie.name);
    else after.set(cookie.name, cookie);
  }
  return after;
}
