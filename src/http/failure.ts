/**
 * What the network did, as one of a closed set of reasons.
 *
 * Matched on `code` alone: no text of an error, and so nothing that a server sent, reaches a message.
 */
import type { FailureReason } from "../core/outcome.ts";
import { knownCode, type Comes } from "./error-codes.ts";

const messages: Readonly<Record<FailureReason, string>> = {
  Timeout: "no complete answer within the timeout; raise spec.timeout if the server needs longer",
  ConnectTimeout: "the server did not accept a connection in time; check the address, and firewalls on the way",
  ConnectionRefused: "nothing accepts connections at the address; check host and port",
  ProxyRefused: "the proxy refused to connect; check its rules, and the user and password in its URL",
  ConnectionReset: "the connection was closed before the answer was complete",
  NameNotResolved: "the host name cannot be resolved; check its spelling and the cluster's DNS",
  NetworkUnreachable: "there is no route to the address; check it, and network policies",
  TLSError: "TLS could not be agreed; check that the port speaks TLS, spec.tls.minVersion and the client certificate",
  CertificateInvalid:
    "the server's certificate is not valid for this host or its authority is not trusted; check spec.tls.ca and spec.tls.serverName",
  InvalidResponse: "what came back is not valid HTTP, or not in an encoding that Holdfast understands",
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

/** Where the connection that failed is one to a proxy, which is not told apart by a reason of its own. */
const atProxy: Partial<Record<FailureReason, string>> = {
  ConnectTimeout: "the proxy, or the server behind it, did not accept a connection in time; check the proxy's address first",
  ConnectionRefused: "nothing accepts connections at the proxy's address; check its host and port",
  NameNotResolved: "the proxy's host name cannot be resolved; check its spelling and the cluster's DNS",
  NetworkUnreachable: "there is no route to the proxy; check its address, and network policies",
};

export interface Failure {
  readonly reason: FailureReason;
  /** Constant text for the reason; `Unknown` adds the code. */
  readonly message: string;
  /** When it can come; what ends a request from this side can come at any time. */
  readonly comes: Comes;
}

/** `proxied`: on the way to a proxy. */
export function failure(reason: FailureReason, comes: Comes = "either", proxied = false): Failure {
  return { reason, message: (proxied ? atProxy[reason] : undefined) ?? messages[reason], comes };
}

/** What went wrong, by the error's code or its causes', never by its text, which can quote what was sent. */
export function failureOf(error: unknown, proxied = false): Failure {
  const code = codeOf(error) ?? "";
  const { reason, comes } = knownCode(code);
  const isNamed = reason === "Unknown" && /^[A-Z][A-Z0-9_]{0,63}$/.test(code);
  return isNamed ? { reason, comes, message: `${messages.Unknown} (${code})` } : failure(reason, comes, proxied);
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
