/**
 * What the network did, as one of a closed set of reasons.
 *
 * Matched on `code` alone: no text of an error, and so nothing that a server sent, reaches a message.
 */
import type { FailureReason } from "../core/outcome.ts";

/** Codes of Node (https://nodejs.org/api/errors.html, libuv's errno names) and undici (docs/api/Errors.md). */
const reasons: Readonly<Record<string, FailureReason>> = {
  ECONNREFUSED: "ConnectionRefused",
  UND_ERR_ABORTED: "ProxyRefused", // neither deadline nor caller: a proxy refused the tunnel
  UND_ERR_INVALID_ARG: "ProxyRefused", // a proxy that forwards answers 407; what else it means was found while rendering
  ECONNRESET: "ConnectionReset",
  EPIPE: "ConnectionReset",
  ECONNABORTED: "ConnectionReset",
  UND_ERR_SOCKET: "ConnectionReset",
  UND_ERR_PRX_CONN: "ConnectionReset",
  UND_ERR_INFO: "ConnectionReset", // a stream of HTTP/2 that ended without an answer
  HOLDFAST_SENT_ANEW: "ConnectionReset",
  ENOTFOUND: "NameNotResolved",
  EAI_AGAIN: "NameNotResolved",
  EAI_FAIL: "NameNotResolved",
  ENODATA: "NameNotResolved",
  EHOSTUNREACH: "NetworkUnreachable",
  ENETUNREACH: "NetworkUnreachable",
  EHOSTDOWN: "NetworkUnreachable",
  ENETDOWN: "NetworkUnreachable",
  EACCES: "NetworkUnreachable", // a packet filter, or a broadcast address
  EPERM: "NetworkUnreachable",
  EINVAL: "NetworkUnreachable", // an address without a scope
  UND_ERR_CONNECT_TIMEOUT: "ConnectTimeout",
  ETIMEDOUT: "ConnectTimeout",
  UND_ERR_HEADERS_TIMEOUT: "Timeout",
  UND_ERR_BODY_TIMEOUT: "Timeout",
  UND_ERR_HEADERS_OVERFLOW: "HeadersTooLarge",
  HOLDFAST_HEADERS_TOO_LARGE: "HeadersTooLarge",
  UND_ERR_RES_EXCEEDED_MAX_SIZE: "ResponseTooLarge",
  HOLDFAST_CONTENT_TOO_LARGE: "ResponseTooLarge",
  HOLDFAST_COMPRESSION_RATIO: "CompressionRatio",
  HOLDFAST_CONTENT_INVALID: "InvalidResponse",
  HOLDFAST_PROTOCOL: "InvalidResponse",
  HOLDFAST_RESPONSE_TOO_SLOW: "ResponseTooSlow",
  HOLDFAST_BUDGET_EXHAUSTED: "BudgetExhausted",
  HOLDFAST_RATE_LIMITED: "RateLimited",
  HOLDFAST_NOT_STARTED: "NotLeader",
  HOLDFAST_EGRESS_DENIED: "EgressDenied",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "InvalidResponse",
  ERR_HTTP2_ERROR: "InvalidResponse", // nghttp2's parser
  ERR_ASSERTION: "InvalidResponse", // undici's parser, of a status below 100
  UND_ERR_PRX_TLS: "CertificateInvalid",
  UNSPECIFIED: "CertificateInvalid", // Node's for what of X509_V_ERR_ it has no name for, a key that is too short say
  EPROTO: "TLSError",
  EADDRNOTAVAIL: "PortsExhausted",
  EMFILE: "TooManyFiles",
  ENFILE: "TooManyFiles",
};

/** Families of codes; the last but one is OpenSSL's X509_V_ERR_ names as Node gives them. */
const families: readonly (readonly [RegExp, FailureReason])[] = [
  [/^HPE_/, "InvalidResponse"],
  [/^ERR_HTTP2_/, "ConnectionReset"],
  [
    /^(CERT_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|CRL_|ERROR_IN_|OUT_OF_MEM$|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$|ERR_TLS_CERT_)/,
    "CertificateInvalid",
  ],
  [/^ERR_(SSL|TLS|OSSL|CRYPTO)_/, "TLSError"],
];

const messages: Readonly<Record<FailureReason, string>> = {
  Timeout: "no complete answer within the timeout; raise spec.timeout if the server needs longer",
  ConnectTimeout: "the server did not accept a connection in time; check the address, and firewalls on the way",
  ConnectionRefused: "nothing accepts connections at the address, or at the proxy's if there is one; check host and port",
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
  RedirectRefused: "redirected to another origin with a body that inputs went into, which is not sent there",
  BudgetExhausted: "one reconcile may send no more requests than --max-exchanges-per-reconcile, redirects and retries among them",
  RateLimited:
    "under the endpoint's rateLimit its turn would have come later than --reconcile-timeout allows; it is sent when it is tried again",
  EgressDenied: "an egress rule does not let the request go there",
  NotLeader: "not sent, since another process may have taken over",
  Aborted: "given up before the answer was complete, since Holdfast is stopping or the resource is gone",
  Unknown: "the request failed",
};

export interface Failure {
  readonly reason: FailureReason;
  /** Constant text for the reason; `Unknown` adds the code. */
  readonly message: string;
}

export function failure(reason: FailureReason): Failure {
  return { reason, message: messages[reason] };
}

/** What went wrong, by the error's code or its causes', never by its text, which can quote what was sent. */
export function failureOf(error: unknown): Failure {
  const code = codeOf(error) ?? "";
  const reason = Object.hasOwn(reasons, code) ? reasons[code] : families.find(([pattern]) => pattern.test(code))?.[1];
  if (reason) return failure(reason);
  return { reason: "Unknown", message: /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? `${messages.Unknown} (${code})` : messages.Unknown };
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
