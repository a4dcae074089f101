/** Where a request goes, for whoever has to find out why it does not get there. Invariant: nothing in it is a secret. */
import type { Exchange } from "../core/exchange.ts";
import { portNumber } from "../core/tools/host.ts";
import { oncePerText } from "../core/tools/once-per.ts";
import { expressionsOfText } from "../core/templating.ts";

export interface Place {
  /** `api.example.com:443`, or whose server it is; absent: it may be a secret, or a redirect named it. */
  readonly server?: string;
  /** Of its URL; absent: a redirect may have led to another. */
  readonly scheme?: "http" | "https";
  /** Which proxy it is, where there is one. */
  readonly proxy: string;
  /** Where its TLS is declared: `spec.tls`. */
  readonly tls: string;
}

/** Of a request that nobody has told more of. */
export const anywhere: Place = { proxy: "the proxy", tls: "spec.tls" };

/** `origin`: of the URL as it was rendered. `mayBeSecret`: whether what an expression yields may have been made of a secret. */
export function placeOf(
  exchange: Pick<Exchange, "request" | "endpoint" | "proxy">,
  origin: string,
  mayBeSecret: (expression: string) => boolean,
): Place {
  const { endpoint } = exchange;
  const { url } = exchange.request;
  const isAdmins = endpoint?.key.namespace === "";
  const isShown = url.type === "joined" || !expressionsOfText(url.text).some(mayBeSecret);
  const own = endpoint ? `${endpoint.title}: ` : "";
  return {
    ...(isAdmins ? { server: `the server of ${endpoint.title}` } : isShown && { server: hostAndPort(origin) }),
    scheme: origin.startsWith("https:") ? "https" : "http",
    proxy: proxyText(exchange),
    tls: `${own}spec.tls`,
  };
}

export const hostAndPort = oncePerText((origin) => {
  const url = new URL(origin);
  return `${url.hostname}:${portNumber(url)}`;
});

function proxyText({ endpoint, proxy }: Pick<Exchange, "endpoint" | "proxy">): string {
  if (!proxy) return "the proxy of Holdfast's environment (HTTPS_PROXY, HTTP_PROXY)";
  if (endpoint?.key.namespace === "") return `the proxy of ${endpoint.title}`;
  const literal = proxy.type === "literal" && typeof proxy.value === "string" ? ` ${hostAndPort(proxy.value)}` : "";
  return `the proxy${literal} (${proxy.field})`;
}
