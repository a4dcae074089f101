/**
 * What decides how a client opens its sockets, and the key that stands for it.
 *
 * Two exchanges share sockets exactly when their keys are equal. The default key is TLS plus timeout; whatever else is set joins it.
 */
import { hash } from "node:crypto";
import { oncePerText } from "../../core/tools/once-per.ts";
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

const keys = new WeakMap<ClientSettings, string>();
/** Of settings that have nothing but TLS, a timeout and addresses, by the TLS settings and the others. */
const plainKeys = new WeakMap<ClientSettings["tls"], Map<string, string>>();
/** Anybody can declare another timeout. */
const maxPlainKeys = 1_000;

/**
 * SHA-256, hex, over a JSON array: a fixed order, in which no two settings encode alike. It fingerprints a private key, and
 * so is never shown.
 */
export function clientKey(settings: ClientSettings): string {
  const { tls, timeoutMs, proxy, http2, namespace, forTokens, egress } = settings;
  const isPlain = proxy === undefined && !http2 && namespace === undefined && !forTokens;
  const others = egress ? `${timeoutMs} ${egress.target.key} ${egress.proxy.key}` : `${timeoutMs}`;
  const known = isPlain ? plainKeys.get(tls)?.get(others) : keys.get(settings);
  if (known !== undefined) return known;
  const { ca, cert, key, servername, rejectUnauthorized, minVersion } = tls;
  const fields = [ca, cert, key, servername, rejectUnauthorized, minVersion, timeoutMs];
  const further = { proxy, http2, namespace, forTokens, target: egress?.target.key, toProxy: egress?.proxy.key };
  const text = JSON.stringify(isPlain && !egress ? fields : [...fields, further]); // what is not set is left out
  const isSecret = key !== undefined || proxy !== undefined;
  const digest = isSecret ? sha256(text) : openDigest(text);
  if (isPlain) rememberPlain(tls, others, digest);
  else keys.set(settings, digest);
  return digest;
}

const sha256 = (text: string): string => hash("sha256", text, "hex");
/** Of what holds nothing secret, and is asked for with each request. */
const openDigest = oncePerText(sha256);

function rememberPlain(tls: ClientSettings["tls"], others: string, digest: string): void {
  const known = plainKeys.get(tls) ?? new Map<string, string>();
  if (known.size >= maxPlainKeys) known.clear();
  plainKeys.set(tls, known.set(others, digest));
}
