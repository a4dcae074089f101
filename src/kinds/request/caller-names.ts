/**
 * Which header fields and query parameters a request may set beside its endpoint's. Pure.
 *
 * Invariant: on a ClusterHTTPEndpoint a header field goes along only if it is known to say nothing of who asks, of the host or
 * of the path, or if the admin allows it. Names are compared as servers read them.
 */
import type { RequestShape } from "../../api/request.ts";
import { reservedNames } from "../../core/auth.ts";
import type { Connection } from "../../core/connection.ts";
import { headerAsRead, parameterAsRead } from "../../core/names-as-read.ts";
import type { Refusal } from "../../core/outcome.ts";
import { idHeader, signedHeaders } from "../../core/sign.ts";
import { oncePer } from "../../core/tools/once-per.ts";
import type { Endpoint } from "../types.ts";
import { connectionOf, titleOf } from "./endpoint.ts";

/**
 * They speak of the content, of which form of it is wanted, and of the state that it is to be in (RFC 9110, sections 8, 12, 13
 * and 14; RFC 9530; RFC 6266; RFC 7240; RFC 9111, section 5.2), or make a repetition known. None names a caller, a host, a path
 * or a method. Left out for that reason: From, Origin, Referer and User-Agent (who asks), Forwarded, Via and X-… (hosts, paths
 * and identities of proxies), Destination and Content-Location (paths), Baggage and trace ids (whose they are, servers may trust).
 */
export const harmlessHeaders: readonly string[] = [
  "accept",
  "accept-charset",
  "accept-encoding",
  "accept-language",
  "cache-control",
  "content-digest",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-md5",
  "content-range",
  "content-type",
  "digest",
  "idempotency-key",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "prefer",
  "range",
  "repr-digest",
  "want-content-digest",
  "want-repr-digest",
];

interface Where {
  /** Where `headers` and `query` are written. */
  readonly field: string;
  /** Its idempotency key's. */
  readonly keyHeader?: string | undefined;
  readonly endpoint: Endpoint;
}

/** Why a request cannot be sent with what it sets beside the endpoint's. */
export function callerNamesRefusal(
  { headers = [], query = [] }: Pick<RequestShape, "headers" | "query">,
  { field, keyHeader, endpoint }: Where,
): Refusal | undefined {
  const connection = connectionOf(endpoint);
  const taken = takenBy(connection);
  const { spec, metadata } = endpoint;
  const isAdmins = metadata.namespace === "";
  const fixed = [...taken.headers, ...(isAdmins ? (spec.headers ?? []).map(({ name }) => name) : [])].map(headerAsRead);
  const allowed = [...harmlessHeaders, ...(spec.allowedHeaders ?? []).map((name) => name.toLowerCase())];
  const title = titleOf(endpoint);
  const isTheirs = `is ${title}'s to set, not a request's`;
  const isNotAllowed = `is none that requests may set with ${title}; its admin can allow it in spec.allowedHeaders`;

  function problemOf(name: string): string | undefined {
    if (fixed.includes(headerAsRead(name))) return isTheirs;
    return isAdmins && !allowed.includes(name.toLowerCase()) ? isNotAllowed : undefined;
  }
  for (const [index, { name }] of headers.entries()) {
    const problem = problemOf(name);
    if (problem !== undefined) return refusal(`${field}.headers[${index}].name: the header ${name} ${problem}`);
  }
  const hasOwnKey = keyHeader !== undefined && keyHeader !== spec.idempotencyKey?.header;
  if (hasOwnKey && !isSignedID(keyHeader, connection)) {
    const problem = problemOf(keyHeader);
    if (problem !== undefined) return refusal(`spec.idempotencyKey.header: the header ${keyHeader} ${problem}`);
  }
  const keys = taken.query.map(parameterAsRead);
  const parameter = query.findIndex(({ name }) => keys.includes(parameterAsRead(name)));
  if (parameter === -1) return undefined;
  return refusal(`${field}.query[${parameter}].name: the query parameter ${query[parameter]?.name} ${isTheirs}`);
}

function takenNames({ auth, sign, traces }: Pick<Connection, "auth" | "sign" | "traces">): ReturnType<typeof reservedNames> {
  const { headers, query } = auth ? reservedNames(auth) : { headers: [], query: [] };
  return { headers: [...headers, ...(sign ? signedHeaders(sign) : []), ...(traces ? ["traceparent"] : [])], query };
}
const takenBy = oncePer((connection: Connection) => takenNames(connection));
/** What is signed has the attempt's id in a field of its own, which may be that of the key: the value is the same. */
function isSignedID(keyHeader: string, { sign }: Pick<Connection, "sign">): boolean {
  return sign !== undefined && idHeader(sign)?.toLowerCase() === keyHeader.toLowerCase();
}

/** Why a request without an endpoint cannot be sent with what it sets beside its own signature. */
export function signedNamesRefusal(
  { headers = [] }: Pick<RequestShape, "headers">,
  { field, keyHeader, sign }: Pick<Where, "field" | "keyHeader"> & { readonly sign: Connection["sign"] },
): Refusal | undefined {
  if (!sign) return undefined;
  const names = signedHeaders(sign).map(headerAsRead);
  const index = headers.findIndex(({ name }) => names.includes(headerAsRead(name)));
  if (index !== -1) return refusal(`${field}.headers[${index}].name: the header ${headers[index]?.name} is set by spec.sign`);
  if (keyHeader === undefined || isSignedID(keyHeader, { sign }) || !names.includes(headerAsRead(keyHeader))) return undefined;
  return refusal(`spec.idempotencyKey.header: the header ${keyHeader} is set by spec.sign`);
}

function refusal(message: string): Refusal {
  return { type: "refusal", reason: "InvalidRequest", message, heals: false };
}
