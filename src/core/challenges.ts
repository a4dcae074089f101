/** Which credentials a server asks for. Invariant: no text that a server sent goes on, only names that are registered. */

/** https://www.iana.org/assignments/http-authschemes, and three that many servers ask for. */
const schemes: ReadonlyMap<string, string> = new Map(
  (
    "Basic Bearer Concealed Digest DPoP GNAP HOBA Mutual Negotiate OAuth PrivateToken SCRAM-SHA-1 SCRAM-SHA-256 vapid " +
    "AWS4-HMAC-SHA256 Hawk NTLM"
  )
    .split(" ")
    .map((name) => [name.toLowerCase(), name]),
);

/**
 * The schemes in a field WWW-Authenticate, each once and in its order (RFC 9110, section 11.6.1). What stands in quotation marks
 * may be taken for one: this is for people.
 */
export function challengedSchemes(field: string): readonly string[] {
  const names = field.split(",").map((part) => schemes.get(part.trim().split(" ", 1)[0]?.toLowerCase() ?? ""));
  return [...new Set(names.filter((name) => name !== undefined))];
}
