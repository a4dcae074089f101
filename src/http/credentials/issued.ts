/** A credential that was issued to this process: a token, or a session. It is kept in memory and nowhere else. */
import type { LoginSources } from "../../core/auth.ts";
import type { AWSSettings } from "../resolve/auth.ts";
import { signRequest, withParts, type CredentialPart, type Refusing } from "./credential.ts";
import type { WireRequest } from "../wire-request.ts";

export interface Issued {
  readonly parts: readonly CredentialPart[];
  /** By what requests are signed. */
  readonly signing?: AWSSettings;
  /** What of it must not be shown. */
  readonly secrets: readonly string[];
  /** Origin and path of where it was asked for, of a login. */
  readonly places?: readonly string[];
}

export function bearerToken(token: string): Issued {
  return { parts: [{ in: "header", name: "authorization", value: `Bearer ${token}` }], secrets: [token] };
}

/** How much is kept of it. */
export function charactersOf({ parts, secrets }: Issued): number {
  return [...parts.map(({ value }) => value), ...secrets].reduce((sum, { length }) => sum + length, 0);
}

/** The request with what was issued, for this one try. */
export function withIssued(request: WireRequest, { parts, signing }: Issued, now: Date): WireRequest {
  return signing ? signRequest(request, signing, now) : withParts(request, parts);
}

/** Whether an answer says that what was issued is not accepted. `renewOn`: what a login's owner declares. */
export function isRefusal(
  { statusCode, target }: Refusing,
  { places = [] }: Issued,
  renewOn: LoginSources["renewOn"] = ["401"],
): boolean {
  if (renewOn.includes(String(statusCode))) return true;
  if (!renewOn.includes("LoginRedirect") || !target) return false;
  return places.includes(`${target.origin}${target.pathname}`);
}
