/**
 * What decides how a client opens its sockets, and the key that stands for it.
 *
 * Two exchanges share sockets exactly when their keys are equal. The default key is TLS plus timeout; whatever else is set joins it.
 */
import { hash } from "node:crypto";
import { oncePer, oncePerText } from "../../core/tools/once-per.ts";
import type { AddressRules } from "../../core/egress.ts";

export interface ClientSettings {
  /** PEM texts under the names of node:tls. */
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
    readonly rejectUnauthorized: boolean;
    readonly minVersion: "TLSv1.2" | "TLSv1.3";
  };
  /** Limit on a whole exchange, milliseconds. */
  readonly timeoutMs: number;
  /** The proxy's URL, perhaps with a password in it. Without it the environment decides. */
  readonly proxy?: string;
  /** Whether HTTP/2 may be agreed on. */
  readonly http2?: true;
  /** The namespace that has the client for itself. */
  readonly namespace?: string;
  /** For requests for tokens alone, which others then cannot keep waiting for a connection. */
  readonly forTokens?: true;
  /** Which addresses its sockets may reach, directly and to `proxy`; absent: public ones. */
  readonly egress?: { readonly target: AddressRules; readonly proxy: AddressRules };
}

/** Of one TLS material, by what else they say. */
const plainSettings = oncePer((_tls: ClientSettings["tls"]) => new Map<string, ClientSettings>());
/** Anybody can declare another timeout. */
const maxPlainSettings = 1_000;

/** The same object for the same TLS settings and values, so that what is made of it is made once. */
export function settingsOf(
  tls: ClientSettings["tls"],
  { timeoutMs, http2, namespace }: Pick<ClientSettings, "timeoutMs" | "http2" | "namespace">,
): ClientSettings {
  const known = plainSettings(tls);
  const others = namespace === undefined && !http2 ? `${timeoutMs}` : `${timeoutMs} ${http2 ?? ""} ${namespace ?? ""}`;
  let settings = known.get(others);
  if (!settings) {
    settings = { tls, timeoutMs, ...(http2 && { http2 }), ...(namespace !== undefined && { namespace }) };
    if (known.size >= maxPlainSettings) known.clear();
    known.set(others, settings);
  }
  return settings;
}

/**
 * SHA-256, hex, over a JSON array: a fixed order, in which no two settings encode alike. It fingerprints a private key, and
 * so is never shown.
 */
export const clientKey = oncePer((settings: ClientSettings): string => {
  const { tls, timeoutMs, proxy, http2, namespace, forTokens, egress } = settings;
  const { ca, cert, key, servername, rejectUnauthorized, minVersion } = tls;
  const fields = [ca, cert, key, servername, rejectUnauthorized, minVersion, timeoutMs];
  const isPlain = proxy === undefined && !http2 && namespace === undefined && !forTokens && !egress;
  const further = { proxy, http2, namespace, forTokens, target: egress?.target.key, toProxy: egress?.proxy.key };
  const text = JSON.stringify(isPlain ? fields : [...fields, further]); // what is not set is left out
  return key !== undefined || proxy !== undefined ? sha256(text) : openDigest(text);
});

const sha256 = (text: string): string => hash("sha256", text, "hex");
/** Of what holds nothing secret, and is asked for with each request. */
const openDigest = oncePerText(sha256);
