/**
 * Every code by which a request can end without an answer: what it means, and whether bytes may have left by then.
 *
 * Invariant: a code that nobody has looked at counts as one after which bytes may have left. docs/http-client.md has the same
 * table; a test holds this one against all codes of undici, of the system and of DNS.
 */
import type { FailureReason } from "../core/outcome.ts";

/**
 * `before`: only while a connection is opened or waited for, so nothing has left. `after`: only once the request has begun on its
 * connection. `either`: whether it had begun says it.
 */
export type Comes = "before" | "either" | "after";

export interface ErrorCodes {
  readonly codes: readonly string[];
  /** Whole families, after all that is listed. */
  readonly pattern?: RegExp;
  /** Where they come from, and when. */
  readonly about: string;
  readonly reason: FailureReason;
  readonly comes: Comes;
}

/** Of undici 8 (docs/api/Errors.md), Node (nodejs.org/api/errors.html), libuv, c-ares, OpenSSL, and our own. */
export const errorCodes: readonly ErrorCodes[] = [
  {
    codes: ["ECONNREFUSED"],
    about: "nothing listens, at the server's address or the proxy's",
    reason: "ConnectionRefused",
    comes: "before",
  },
  {
    codes: ["ENOTFOUND", "ENODATA", "EAI_AGAIN", "EAI_FAIL"],
    pattern: /^EAI_/,
    about: "the name has no address",
    reason: "NameNotResolved",
    comes: "before",
  },
  {
    codes: ["UND_ERR_CONNECT_TIMEOUT"],
    about: "no connection, or no TLS on it, in time",
    reason: "ConnectTimeout",
    comes: "before",
  },
  {
    codes: ["ETIMEDOUT"],
    about: "the system gave up: to connect, or to have what was sent acknowledged",
    reason: "ConnectTimeout",
    comes: "either",
  },
  {
    codes: ["EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN", "EACCES", "EPERM", "EINVAL"],
    about: "no route, a packet filter, or an address without a scope; a route can also go while a connection lasts",
    reason: "NetworkUnreachable",
    comes: "either",
  },
  { codes: ["EADDRNOTAVAIL"], about: "no local port is free", reason: "PortsExhausted", comes: "before" },
  { codes: ["EMFILE", "ENFILE"], about: "no file descriptor is left", reason: "TooManyFiles", comes: "before" },
  {
    codes: ["ECONNRESET", "EPIPE", "ECONNABORTED", "UND_ERR_SOCKET"],
    pattern: /^ERR_(STREAM|SOCKET)_/,
    about: "the connection was lost: during the handshake, or at any time after it",
    reason: "ConnectionReset",
    comes: "either",
  },
  {
    codes: ["UND_ERR_PRX_CONN"],
    about: "the proxy closed the connection instead of answering CONNECT",
    reason: "ConnectionReset",
    comes: "before",
  },
  {
    codes: ["UND_ERR_INFO"],
    about: "a stream of HTTP/2 ended without an answer",
    reason: "ConnectionReset",
    comes: "after",
  },
  {
    codes: ["HOLDFAST_SENT_ANEW"],
    about: "HTTP/2: undici would have sent it anew; nothing has left where the server has said that it refused it",
    reason: "ConnectionReset",
    comes: "either",
  },
  {
    codes: ["UND_ERR_ABORTED"],
    about: "a proxy answered CONNECT with another status than 200",
    reason: "ProxyRefused",
    comes: "before",
  },
  {
    codes: ["UND_ERR_PRX_TLS", "UNSPECIFIED", "OUT_OF_MEM"],
    pattern:
      /^(CERT_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|CRL_|ERROR_IN_|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$|ERR_TLS_CERT_)/,
    about: "the certificate of the server, or of the proxy, is not valid (X509_V_ERR_ names as Node has them)",
    reason: "CertificateInvalid",
    comes: "before",
  },
  {
    codes: ["EPROTO"],
    pattern: /^ERR_(SSL|TLS|OSSL|CRYPTO)_/,
    about: "TLS was not agreed; TLS 1.3 refuses a client certificate only when the request is on its way",
    reason: "TLSError",
    comes: "either",
  },
  {
    codes: ["UND_ERR_HEADERS_TIMEOUT"],
    about: "no answer to CONNECT in time; requests have a deadline of their own instead",
    reason: "Timeout",
    comes: "either",
  },
  { codes: ["UND_ERR_BODY_TIMEOUT"], about: "the content stood still", reason: "Timeout", comes: "after" },
  {
    codes: ["UND_ERR_HEADERS_OVERFLOW", "HOLDFAST_HEADERS_TOO_LARGE"],
    about: "an answer with too many header fields; a proxy's to CONNECT among them",
    reason: "HeadersTooLarge",
    comes: "either",
  },
  {
    codes: ["UND_ERR_RES_EXCEEDED_MAX_SIZE", "HOLDFAST_CONTENT_TOO_LARGE"],
    about: "too much content",
    reason: "ResponseTooLarge",
    comes: "after",
  },
  { codes: ["HOLDFAST_COMPRESSION_RATIO"], about: "too strongly compressed content", reason: "CompressionRatio", comes: "after" },
  { codes: ["HOLDFAST_RESPONSE_TOO_SLOW"], about: "content that comes too slowly", reason: "ResponseTooSlow", comes: "after" },
  {
    codes: ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "HOLDFAST_CONTENT_INVALID", "HOLDFAST_PROTOCOL"],
    about: "an answer that contradicts itself, or never ends being informational",
    reason: "InvalidResponse",
    comes: "after",
  },
  {
    codes: ["ERR_HTTP2_ERROR", "ERR_ASSERTION"],
    pattern: /^HPE_/,
    about: "what came back is no HTTP; a proxy's answer to CONNECT among it",
    reason: "InvalidResponse",
    comes: "either",
  },
  {
    codes: [],
    pattern: /^ERR_HTTP2_/,
    about: "a session or a stream of HTTP/2 broke",
    reason: "ConnectionReset",
    comes: "either",
  },
  { codes: ["UND_ERR_DESTROYED", "UND_ERR_CLOSED"], about: "Holdfast is stopping", reason: "Unknown", comes: "either" },
  {
    codes: ["HOLDFAST_BUDGET_EXHAUSTED"],
    about: "too many requests of one reconcile",
    reason: "BudgetExhausted",
    comes: "either",
  },
  { codes: ["HOLDFAST_RATE_LIMITED"], about: "its turn does not come in time", reason: "RateLimited", comes: "either" },
  { codes: ["HOLDFAST_NOT_STARTED"], about: "another process may have taken over", reason: "NotLeader", comes: "either" },
  { codes: ["HOLDFAST_EGRESS_DENIED"], about: "it may not go there", reason: "EgressDenied", comes: "either" },
  {
    codes: [
      "UND_ERR_INVALID_ARG",
      "UND_ERR_NOT_SUPPORTED",
      "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH",
      "UND_ERR_MAX_ORIGINS_REACHED",
      "ERR_WEBASSEMBLY_NOT_SUPPORTED",
    ],
    pattern: /^ERR_INVALID_/,
    about: "undici or Node would not take the request as it was given to them",
    reason: "Unknown",
    comes: "either",
  },
  {
    codes: [
      "UND_ERR",
      "UND_ERR_ABORT",
      "UND_ERR_INVALID_RETURN_VALUE",
      "UND_ERR_BPL_MISSING_UPSTREAM",
      "UND_ERR_REQ_RETRY",
      "UND_ERR_RESPONSE",
      "UND_ERR_REDIRECT_MAX",
      "UND_ERR_WS_MESSAGE_SIZE_EXCEEDED",
    ],
    pattern: /^UND_ERR_SOCKS5/,
    about: "of parts of undici that are not used",
    reason: "Unknown",
    comes: "after",
  },
  {
    codes: [],
    pattern: /^E[A-Z0-9]+$/,
    about: "any other of the system's, or of DNS",
    reason: "Unknown",
    comes: "either",
  },
  { codes: [], about: "any other", reason: "Unknown", comes: "after" },
];

const unknown: Pick<ErrorCodes, "reason" | "comes"> = { reason: "Unknown", comes: "after" };
const listed = new Map(errorCodes.flatMap((row) => row.codes.map((code) => [code, row])));

/** What is known of a code; of one that stands nowhere, that it may come at any time. */
export function knownCode(code: string): Pick<ErrorCodes, "reason" | "comes"> {
  return listed.get(code) ?? errorCodes.find(({ pattern }) => pattern?.test(code)) ?? unknown;
}

const left: Readonly<Record<Comes, string>> = {
  before: "no",
  either: "where the request had begun on its connection",
  after: "yes",
};

/** The table of docs/http-client.md. */
export function errorCodesTable(): string {
  const rows = errorCodes.map(({ codes, pattern, about, reason, comes }) => {
    const names = [...codes, ...(pattern ? [showPattern(pattern)] : [])].map((name) => `\`${name}\``).join(", ");
    return `| ${names || "any other"} | ${about} | \`${reason}\` | ${left[comes]} |`;
  });
  return ["| codes | what happened | reason | may bytes have left? |", "| --- | --- | --- | --- |", ...rows].join("\n");
}
function showPattern({ source }: RegExp): string {
  return source
    .replace(/^\^\(?/, "")
    .replace(/\)$/, "")
    .replaceAll("$", "")
    .replaceAll("|", "\\|");
}
