/**
 * The proxies that the environment names: HTTP_PROXY for http, HTTPS_PROXY for https, except for what NO_PROXY lists.
 * In lower case they win, as with curl.
 *
 * Read once, so that every exchange of a process agrees on them. Nobody is asked for a host's address to match it.
 */
import { portNumber, withoutBrackets } from "../../core/tools/host.ts";
import { BlockList, isIP } from "node:net";
import { proxyShape, proxyURL } from "../connect/proxy-url.ts";

/** The URL of the proxy for an origin; `undefined`: none. */
export type ProxyFor = (origin: string) => string | undefined;
export type Environment = Readonly<Record<string, string | undefined>>;

/** Names the variable; only NO_PROXY, which holds no password, is quoted. */
export class InvalidProxyError extends Error {
  override readonly name = "InvalidProxyError";
  readonly code = "HOLDFAST_INVALID_PROXY";
}

/** Throws `InvalidProxyError`. */
export function environmentProxies(environment: Environment): ProxyFor {
  const proxies: Readonly<Record<string, string | undefined>> = {
    "http:": proxyIn(environment, "HTTP_PROXY"),
    "https:": proxyIn(environment, "HTTPS_PROXY"),
  };
  const exceptions = (variable(environment, "NO_PROXY") ?? "")
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(exception);
  if (proxies["http:"] === undefined && proxies["https:"] === undefined) return () => undefined;
  return (origin) => {
    const url = new URL(origin);
    const host = withoutBrackets(url.hostname).replace(/(?<=.)\.$/, "");
    const number = portNumber(url);
    const isExcepted = exceptions.some((exception) => [undefined, number].includes(exception.port) && exception.covers(host));
    return isExcepted ? undefined : proxies[url.protocol];
  };
}

function variable(environment: Environment, name: string): string | undefined {
  return environment[name.toLowerCase()] || environment[name] || undefined;
}

function proxyIn(environment: Environment, name: string): string | undefined {
  const text = variable(environment, name);
  if (text === undefined) return undefined;
  const url = proxyURL(text);
  if (url === undefined) throw new InvalidProxyError(`${name}: a proxy's URL is ${proxyShape}`);
  return url;
}

interface Exception {
  /** Absent: any port. */
  readonly port?: number;
  /** `host` is in lower case, an address without brackets. */
  covers(host: string): boolean;
}

/** `*`, a name (and what is below it), `*.name` (only what is below it), an address or a network; each but the last perhaps with a port. */
function exception(entry: string): Exception {
  if (entry.includes("/")) return { covers: inNetwork(entry) };
  const [, name = "", digits] = isIP(entry) ? [entry, entry] : (/^(.*?)(?::(\d{1,5}))?$/.exec(entry) ?? []);
  const port = digits === undefined ? {} : { port: Number(digits) };
  const host = withoutBrackets(name).toLowerCase();
  if (host === "*") return { ...port, covers: () => true };
  if (isIP(host)) return { ...port, covers: inNetwork(`${host}/${isIP(host) === 4 ? 32 : 128}`) };
  const suffix = `.${host.replace(/^\*?\./, "").replace(/\.$/, "")}`;
  const isBelow = (host: string): boolean => host.endsWith(suffix);
  return { ...port, covers: host.startsWith("*") ? isBelow : (host) => isBelow(`.${host}`) };
}

function inNetwork(entry: string): (host: string) => boolean {
  const [address = "", prefix = ""] = entry.split("/");
  const network = new BlockList();
  const longest = { 4: 32, 6: 128 }[isIP(address)] ?? -1;
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > longest)
    throw new InvalidProxyError(`NO_PROXY: ${JSON.stringify(entry)} is no network; write one as 10.0.0.0/8 or fd00::/8`);
  network.addSubnet(address, Number(prefix), isIP(address) === 4 ? "ipv4" : "ipv6");
  return (host) => isIP(host) !== 0 && network.check(host, isIP(host) === 4 ? "ipv4" : "ipv6");
}
