/** What a proxy's URL may be. It can hold a password, so no message quotes it. */
import { parseURL } from "../../core/tools/url.ts";

/** What a proxy's URL must be, for messages. */
export const proxyShape = "http:// or https://, perhaps user:password@, a host and a port, and nothing after it";

/** The URL, written out; `undefined` for one that no proxy can be reached by. Without a scheme it is http, as curl has it. */
export function proxyURL(text: string): string | undefined {
  const url = parseURL(text.includes("://") ? text : `http://${text}`);
  const isProxy = url && /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "" && url.hash === "";
  return isProxy && isDecodable(url.username) && isDecodable(url.password) ? url.href : undefined;
}

/** Whether it is text that was percent-encoded, as UTF-8. */
function isDecodable(encoded: string): boolean {
  try {
    decodeURIComponent(encoded);
    return true;
  } catch {
    return false; // the error would quote it
  }
}
