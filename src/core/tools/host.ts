/** Host and port of a URL, as sockets take them. */

/** A URL writes an IPv6 address in brackets (RFC 3986, section 3.2.2); sockets and certificates have none. */
export function withoutBrackets(hostname: string): string {
  return hostname.startsWith("[") && hostname.endsWith("]") ? hostname.slice(1, -1) : hostname;
}

/** The port that is connected to: the scheme's own where the URL names none. `protocol`: with its colon, as in a `URL`. */
export function portNumber({ protocol, port }: { readonly protocol: string; readonly port: string }): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}
