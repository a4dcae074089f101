/** URLs of any origin: tenants' and servers' texts, parsed only where they are of a length that URLs have. */

/** Characters. A URL that expressions make may be longer than one that is written, which the schema bounds. */
export const longestURL = 65_536;
/** Characters of a name in DNS (RFC 1035, section 2.3.4). */
const longestHost = 253;
/** With a port and percent-encoded characters: how long one takes to become ASCII grows with the square of this. */
const longestAuthority = 1024;

/** Why it is not parsed; undefined: it may be. */
export function whyTooLong(text: string): string | undefined {
  if (text.length > longestURL) return `the URL is longer than ${longestURL} characters`;
  if (text.length <= longestAuthority) return undefined;
  const bare = text.trim().replaceAll(/[\t\r\n]/g, ""); // as a URL's parser sees it
  const [, scheme, slashes = "", authority = ""] = /^([a-z][a-z0-9+.-]*:)?([\\/]*)([^\\/?#]*)/i.exec(bare) ?? [];
  const isHost = scheme !== undefined || slashes.length >= 2;
  return isHost && authority.length > longestAuthority ? tooLongHost : undefined;
}
const tooLongHost = `the URL's host is longer than ${longestHost} characters`;

/** Whether a parsed URL's host is one that DNS could have. */
export function hasHost({ hostname }: Pick<URL, "hostname">): boolean {
  return hostname.length <= longestHost;
}

/** Undefined for what is no URL, or is too long. `base`: what it is relative to, if it is. */
export function parseURL(text: string, base?: string): URL | undefined {
  const url = whyTooLong(text) === undefined ? URL.parse(text, base) : null;
  return url && hasHost(url) ? url : undefined;
}
