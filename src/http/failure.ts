/**
 * What the network did, as one of a closed set of reasons.
 *
 * Matched on `code` alone: no text of an error, and so nothing that a server sent, reaches a message, but a proxy's status code.
 */
import type { FailureReason } from "../core/outcome.ts";
import { certificateText } from "./certificate-texts.ts";
import { isOfProxy } from "./proxy-errors.ts";
import { knownCode, type Comes } from "./error-codes.ts";
import { anywhere, type Place } from "./place.ts";

type Text = string | ((place: Place) => string);

const server = ({ server = "the server" }: Place): string => server;
const address = ({ server = "the address" }: Place): string => server;

const messages: Readonly<Record<FailureReason, Text>> = {
  Timeout: (place) => `no complete answer from ${server(place)} within the timeout; raise spec.timeout if it needs longer`,
  ConnectTimeout: (place) => `${server(place)} did not accept a connection in time; check the address, and firewalls on the way`,
  ConnectionRefused: (place) => `nothing accepts connections at ${address(place)}; check host and port`,
  ProxyRefused: ({ proxy }) => `${proxy} refused to connect; check its rules, and the user and password in its URL`,
  ConnectionReset: (place) => `the connection to ${server(place)} was closed before the answer was complete${closedHint(place)}`,
  NameNotResolved: ({ server }) =>
    `the host name ${server === undefined ? "" : `of ${server} `}cannot be resolved; check its spelling and the cluster's DNS`,
  NetworkUnreachable: (place) => `there is no route to ${address(place)}; check it, and network policies`,
  TLSError: (place) =>
    `TLS could not be agreed with ${server(place)}; check that the port speaks TLS, ${place.tls}.minVersion and the client certificate`,
  CertificateInvalid: (place) =>
    `the certificate of ${server(place)} is not valid for this host or its authority is not trusted; check ${place.tls}.ca and ${place.tls}.serverName`,
  InvalidResponse: (place) =>
    `what came back from ${server(place)} is not valid HTTP, or not in an encoding that Holdfast understands`,
  ResponseTooLarge: "the response is larger than Holdfast accepts",
  ResponseTooSlow: "the content comes more slowly than --min-response-rate allows",
  CompressionRatio: "the content is compressed more strongly than honest content is",
  HeadersTooLarge: "the response's header fields are larger than Holdfast accepts",
  PortsExhausted: "no local port is free for another connection; look for a leak of connections on this node",
  TooManyFiles: "the process has no file descriptors left; raise its limit",
  TooManyRedirects: "redirected more often than spec.maxRedirects allows",
  RedirectLoop: "redirected to where it had already been",
  RedirectInvalid: "redirected without a usable http or https address in Location",
  RedirectInsecure: "redirected from https to http, which is never followed",
  RedirectRefused:
    "redirected to another origin, or out of the endpoint's baseURL, with a body that inputs went into, which is not sent there",
  BudgetExhausted: "one reconcile may send no more requests than --max-exchanges-per-reconcile, redirects and retries among them",
  RateLimited:
    "under the endpoint's rateLimit its turn would have come later than --reconcile-timeout allows; it is sent when it is tried again",
  EgressDenied: "an egress rule does not let the request go there",
  NotLeader: "not sent, since another process may have taken over",
  Aborted: "given up before the answer was complete, since Holdfast is stopping or the resource is gone",
  Unknown: "the request failed",
};

/** What a server may have closed it for without a word. */
function closedHint({ tls, scheme }: Place): string {
  if (scheme === undefined) return "";
  return scheme === "https"
    ? `; if it asks for a client certificate, check ${tls}.certificate`
    : "; check that the port speaks HTTP, and not TLS";
}

/** Where the connection that failed is one to a proxy, which is not told apart by a reason of its own. */
const atProxy: Partial<Record<FailureReason, Text>> = {
  ConnectTimeout: ({ proxy }) =>
    `${proxy}, or the server behind it, did not accept a connection in time; check the proxy's address first`,
  ConnectionRefused: ({ proxy }) => `nothing accepts connections at the address of ${proxy}; check its host and port`,
  NameNotResolved: ({ proxy }) => `the host name of ${proxy} cannot be resolved; check its spelling and the cluster's DNS`,
  NetworkUnreachable: ({ proxy }) => `there is no route to ${proxy}; check its address, and network policies`,
};

export interface Failure {
  readonly reason: FailureReason;
  /** Text of ours for the reason and the place; `Unknown` adds the code. */
  readonly message: string;
  /** When it can come; what ends a request from this side can come at any time. */
  readonly comes: Comes;
}
export interface At {
  readonly place?: Place;
  /** On the way to a proxy. */
  readonly proxied?: boolean;
}

export function failure(reason: FailureReason, { comes = "either", ...at }: At & { readonly comes?: Comes } = {}): Failure {
  return { reason, message: textFor((at.proxied ? atProxy[reason] : undefined) ?? messages[reason], at), comes };
}
function textFor(text: Text, { place = anywhere }: At): string {
  return typeof text === "string" ? text : text(place);
}

/** What went wrong, by the error's code or its causes', never by its text, which can quote what was sent. */
export function failureOf(error: unknown, at: At = {}): Failure {
  const code = codeOf(error) ?? "";
  const { reason, comes } = knownCode(code);
  const exact = exactText(reason, code, at.proxied === true && isOfProxy(error));
  if (exact) return { reason, comes, message: exact(at.place ?? anywhere) };
  const status = reason === "ProxyRefused" ? proxyStatus(error) : undefined;
  if (status !== undefined) return { reason, comes, message: proxyText(status, at) };
  const isNamed = reason === "Unknown" && /^[A-Z][A-Z0-9_]{0,63}$/.test(code);
  return isNamed ? { reason, comes, message: `${textFor(messages.Unknown, at)} (${code})` } : failure(reason, { ...at, comes });
}

/** What is told more exactly than by the reason. `ofProxy`: it has failed on the way to the proxy. */
function exactText(reason: FailureReason, code: string, ofProxy: boolean): ((place: Place) => string) | undefined {
  if (code === "UND_ERR_PRX_CONN")
    return (place) => `${place.proxy} closed the connection instead of connecting to ${server(place)}`;
  if (reason === "CertificateInvalid") return certificateText(code, ofProxy);
  if (reason === "TLSError" && ofProxy)
    return ({ proxy }) => `TLS could not be agreed with ${proxy}; check that its port speaks TLS`;
  return undefined;
}

/** What a proxy answered to CONNECT: three digits, the one thing of an error's text that is read. undici tells it nowhere else. */
function proxyStatus(error: unknown): string | undefined {
  if (!Error.isError(error)) return undefined;
  return /^Proxy response \(([1-5]\d\d)\) !== 200\b/.exec(error.message)?.[1] ?? proxyStatus(error.cause);
}
function proxyText(status: string, { place = anywhere }: At): string {
  const answered = `${place.proxy} answered ${status}`;
  switch (status) {
    case "407":
      return `${answered}: it wants another user and password, which stand in its URL`;
    case "502":
    case "503":
    case "504":
      return `${answered}: it is there, and could not reach ${server(place)} behind it`;
    default:
      return `${answered}: it is there, and does not connect to ${server(place)}; check its rules, and the user and password in its URL`;
  }
}

/** Whether the connection was lost, and not a stream of it alone (RFC 9113, section 5.4.2). */
export function isConnectionLost(error: unknown): boolean {
  return failureOf(error).reason === "ConnectionReset" && !/^(ERR_HTTP2_|UND_ERR_INFO$)/.test(codeOf(error) ?? "");
}

function codeOf(error: unknown): string | undefined {
  if (!Error.isError(error)) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  if (error.name === "HTTPParserError") return "HPE_UNKNOWN"; // undici's parser has a code for some of its errors only
  return codeOf(error.cause);
}
