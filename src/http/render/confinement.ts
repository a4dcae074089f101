/**
 * Whether a URL lies below a base, as servers of every kind read it. Pure.
 *
 * Invariant: what `leavesBase` lets through is below the base for whoever decodes it once, again or not at all, takes a
 * backslash or a fullwidth slash for a slash, drops parameters, spaces, format characters or trailing dots, or merges slashes.
 * Every request that goes out with an endpoint's trust has passed it: own path, next page, poll, redirect and token alike.
 */
import { withoutAtEnd } from "../../core/tools/text-end.ts";
import type { RequestTemplate } from "../../core/request-template.ts";
import { refuse } from "../refusal.ts";

/** Of a request with an endpoint: what it stays below. */
export type Joined = Extract<RequestTemplate["url"], { type: "joined" }>;

interface Care {
  /** An encoded slash in a segment, as an expression makes it of `group/name`. It leads nowhere else while no segment has only dots. */
  readonly encodedSlash?: boolean;
}

/**
 * Why a request to `target` would not be one below `base`, in words that quote nothing of it; undefined: it is below.
 * `target`: as it is about to be sent, which is after `URL` has resolved its plain dot segments.
 */
export function leavesBase(target: URL, base: string, care: Care = {}): string | undefined {
  const own = new URL(base);
  const prefix = withoutSlashesAtEnd(own.pathname);
  const isBelow = target.pathname === prefix || target.pathname.startsWith(`${prefix}/`);
  if (target.origin !== own.origin || !isBelow) return "leads outside the endpoint's baseURL";
  if (target.username !== "" || target.password !== "") return "holds a user name or password";
  return ambiguity(target.pathname.slice(prefix.length), care);
}

/** Throws `RefusedError` unless `target` is below the endpoint's base. `field`: who named it. */
export function confine(target: URL, { base, confined }: Joined, { field, ...care }: Care & { readonly field: string }): void {
  const why = leavesBase(target, base, { encodedSlash: !confined && care.encodedSlash === true });
  if (why !== undefined) refuse("InvalidURL", `${field}: ${why}`);
}

export function withoutSlashesAtEnd(text: string): string {
  return withoutAtEnd(text, "/");
}

/** Decoded so often, nothing may be left to decode: proxies in a row do it twice. */
const maxDecodings = 4;

/** Why servers could read the path in different ways. Linear in its length. */
function ambiguity(path: string, { encodedSlash = false }: Care): string | undefined {
  if (isPlain(path)) return undefined;
  if (/\/\//.test(path)) return "the path has an empty segment";
  if (/%(?![0-9a-f]{2})/i.test(path)) return "a % in a path is followed by two hexadecimal digits";
  let text = path;
  for (let decodings = 0; decodings <= maxDecodings; decodings += 1) {
    if (manyMarks.test(text)) return "the path has more than 30 combining marks in a row";
    if (seemsToHaveDotSegment(text))
      return "the path has a segment that some servers take for . or .., which would lead elsewhere";
    // oxlint-disable-next-line no-control-regex -- control characters are what it refuses
    if (/[\x00-\x1f\x7f-\x9f]/.test(text)) return "the path has a control character, encoded or not";
    if (decodings > 0 && !encodedSlash && slashes(text) > slashes(path))
      return "a segment of the path holds an encoded slash or backslash";
    const decoded = decodePercent(text);
    if (decoded === undefined) return "the path has percent-encoded bytes that are no UTF-8";
    if (decoded === text) return undefined;
    text = decoded;
  }
  return "the path is percent-encoded too often";
}

/** Normalizing a run of them takes time that grows with its square (UAX #15, section 13, has the number); the last two become marks. */
const manyMarks = /[\p{M}\uff9e\uff9f]{31}/u;

/** Nothing in it has a second reading. */
function isPlain(path: string): boolean {
  return /^[A-Za-z0-9_~/.-]*$/.test(path) && !/(?:^|\/)\.|\/\//.test(path);
}

function slashes(text: string): number {
  let count = 0;
  for (const character of text) if (character === "/" || character === "\\") count += 1;
  return count;
}

/** The same decoded once; undefined where its bytes are no UTF-8, an overlong dot (`%c0%ae`) among them. */
function decodePercent(text: string): string | undefined {
  try {
    return text
      .replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => decodeURIComponent(bytes))
      .replace(/%u([0-9a-f]{4})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))); // IIS's own
  } catch {
    return undefined;
  }
}

/** Not compatibility characters of a dot or slash (Unicode, NFKC), but Windows takes them for one (best fit). */
const lookalikes: readonly (readonly [RegExp, string])[] = [
  [/[\u2044\u2215\u29f8]/g, "/"],
  [/[\u2216\u29f5\u29f9\u00a5\u20a9]/g, "\\"],
  [/[\u3002\uff61]/g, "."],
];

/** Whether a path, as it is written, has a segment `.` or `..`, which `URL` and every server resolve. */
export function hasDotSegment(path: string): boolean {
  return path.split("/").some((part) => /^(?:\.|%2e){1,2}$/i.test(part));
}

/**
 * Whether a segment is nothing but dots, or begins with dots that something follows at which a server may stop reading: `;`, a
 * NUL, a space. `.git` and `..a` are names.
 */
function seemsToHaveDotSegment(text: string): boolean {
  let folded = text.normalize("NFKC");
  for (const [pattern, plain] of lookalikes) folded = folded.replace(pattern, plain);
  return folded.split(/[/\\]/).some((segment) => {
    const seen = segment.replace(/\p{Cf}/gu, "").trimStart();
    return beginsWithDots.test(seen) || beginsWithDots.test(seen.replace(/\s/g, ""));
  });
}
const beginsWithDots = /^\.+(?![.\p{L}\p{N}\p{M}_~-])/u;
