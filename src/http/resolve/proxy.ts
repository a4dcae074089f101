/** Proxies by their URL. It can hold a password, so no message quotes it. */
import type { Source } from "../../core/source.ts";
import type { Read } from "../../core/ports.ts";
import { isKeptElsewhere, resolveText } from "./inputs.ts";
import { proxyShape, proxyURL } from "../connect/proxy-url.ts";
import { refuse, refuseForNow } from "../refusal.ts";

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
