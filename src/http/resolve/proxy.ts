/** Proxies by their URL. It can hold a password, so no message quotes it. */
import type { Source } from "../../core/source.ts";
import type { Read } from "../../core/ports.ts";
import { isKeptElsewhere, resolveText } from "./inputs.ts";
import { refuse, refuseForNow } from "../refusal.ts";

/** What a proxy's URL must be, for messages. */
export const proxyShape = "http:// or https://, perhaps user:password@, a host and a port, and nothing after it";

/** The URL, written out; `undefined` for one that no proxy can be reached by. Without a scheme it is http, as curl has it. */
export function proxyURL(text: string): string | undefined {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
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

/** Throws `RefusedError`. */
export async function resolveProxy(source: Source, read: Read): Promise<string> {
  const text = await resolveText(source, read);
  const refused = isKeptElsewhere(source) ? refuseForNow : refuse;
  return proxyURL(text ?? "") ?? refused("InvalidProxy", `${source.field}: a proxy's URL is ${proxyShape}`);
}

/** The password in a proxy's URL, which must not be shown. */
export function proxySecrets(proxy: string | undefined): readonly string[] {
  const { password = "" } = (proxy === undefined ? null : URL.parse(proxy)) ?? {};
  return password === "" ? [] : [decodeURIComponent(password)];
}
